import { rootRun } from '../../domain/run.ts';
import type { Store } from '../../ports/store.ts';
import { payloadKind } from '../payloads.ts';

/**
 * Whether a run stands only because its budget is used up, and people are asked about that already: then going on would
 * lead back here at once, and what is wanted is an answer. Once nobody answered in time, going on asks anew.
 */
export async function waitsForMoney(
  { runs, approvals }: Pick<Store, 'runs' | 'approvals'>,
  runId: string,
): Promise<boolean> {
  const all = [rootRun(runId), ...(await runs.parts(rootRun(runId)))];
  const paused = (await Promise.all(all.map((id) => runs.status(id)))).filter(
    (run) => run?.status === 'paused',
  );
  const isMoney = paused.every((run) => run?.outcome?.ok === false && run.outcome.failure.class === 'budget');
  if (paused.length === 0 || !isMoney) return false;
  const asked = (await Promise.all(all.map((id) => approvals.ofRun(id)))).flat();
  return asked.some(
    ({ status, subject }) => status === 'pending' && payloadKind(subject.payload) === 'budget',
  );
}
