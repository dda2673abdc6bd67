import { schedule } from 'node-cron';
import type { Clock } from '../ports/clock.ts';
import type { Housekeeping } from '../ports/store.ts';

/** Quiet minutes of every hour, away from the full hour at which people's own jobs run. */
const EVERY_HOUR = '17 * * * *';
/** Ended runs whose worktree is looked for; older ones went in earlier sweeps. */
const RUNS_PER_SWEEP = 200;

export interface HousekeepingOptions {
  readonly store: Housekeeping;
  readonly clock: Clock;
  readonly closeWorkspace: (runId: string) => Promise<void>;
  readonly onError: (error: unknown) => void;
}

/** One sweep: old rows, and worktrees whose run has ended. Safe at any time, and at the same time as work. */
export async function sweep({ store, clock, closeWorkspace, onError }: HousekeepingOptions): Promise<number> {
  const rows = await store.sweep(clock.now());
  for (const runId of await store.endedRuns(RUNS_PER_SWEEP)) {
    // One worktree that cannot be removed must not keep all the others.
    await closeWorkspace(runId).catch(onError);
  }
  return rows;
}

/** Sweeps every hour until the returned function is called. */
export function keepHouse(options: HousekeepingOptions): () => void {
  const task = schedule(EVERY_HOUR, () => void sweep(options).catch(options.onError), {
    noOverlap: true,
    name: 'housekeeping',
  });
  return () => void task.stop();
}
