import type { Used } from '../../domain/budget.ts';
import type { RunReader } from '../../ports/store.ts';
import type { Meter } from '../../ports/usage.ts';

/** Times one piece of work can have been taken back; more is no work of people. */
const MAX_BACK = 1_000;

/**
 * A run with those it goes on from after a rollback, the first one first. They are one piece of work to whoever asked for
 * it: what was spent and then taken back is spent all the same, and a raise that people allowed holds for what goes on.
 * A run that is begun again by a new plan is not among them: people start it knowing what it may cost.
 */
export async function lineOf(runs: RunReader, root: string): Promise<readonly string[]> {
  const line = [root];
  for (let id = root; line.length <= MAX_BACK; ) {
    const from = (await runs.status(id))?.spec.forkedFrom?.runId;
    if (from === undefined) break;
    line.unshift(from);
    id = from;
  }
  return line;
}

/** What all of a line used. */
export function usedBy(meter: Meter, line: readonly string[]): Used {
  return line
    .map((id) => meter.used(id))
    .reduce((sum, each) => ({
      usd: sum.usd + each.usd,
      tokens: sum.tokens + each.tokens,
      turns: sum.turns + each.turns,
      minutes: sum.minutes + each.minutes,
      assumedUsd: sum.assumedUsd + each.assumedUsd,
      assumed: sum.assumed + each.assumed,
    }));
}
