import { BatonError } from '../src/domain/failure.ts';
import { isTerminal } from '../src/domain/run.ts';
import { eq } from './drizzle.ts';
import { runs } from './tables/runs.ts';
import type { Tx } from './transaction.ts';

/**
 * Keeps a run that has ended from asking anything more: an effect that was given up may come to it late, after what the run
 * still asked was withdrawn, and nobody would withdraw that.
 * @throws BatonError `cancelled`
 */
export function refuseEnded(tx: Tx, runId: string): void {
  const run = tx.select({ status: runs.status }).from(runs).where(eq(runs.id, runId)).get();
  if (run === undefined || !isTerminal(run.status)) return;
  const message = 'The run has ended, so nobody is asked any more.';
  throw new BatonError({ class: 'cancelled', code: 'cancelled', message });
}
