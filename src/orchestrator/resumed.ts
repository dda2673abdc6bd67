import { rootRun } from '../domain/run.ts';
import type { DecisionStore } from '../ports/decisions.ts';

/** Whether somebody had a run go on since a moment; what is said of a run counts for its parts. */
export async function resumedSince(decisions: DecisionStore, runId: string, since: number): Promise<boolean> {
  const runs = [...new Set([runId, rootRun(runId)])];
  const made = await Promise.all(runs.map((id) => decisions.ofRun(id)));
  return made
    .flat()
    .some(
      ({ kind, choice, at }) =>
        (kind === 'retry' || choice === 'resume' || choice === 'retry') && at >= since,
    );
}
