import type { Range } from '../domain/events.ts';

/** How far the rest of a plan may lie from what its first part took: half as much to twice as much. */
const SPREAD = { low: 0.5, high: 2 } as const;

/**
 * What the rest of the work may take, by both things that are known: what the plan expected, for the tasks that are left,
 * and what each finished task has taken so far. Low and high are the further of the two, so it errs wide. Pure; any unit.
 * @param planned for all tasks, before the start; null where nobody could tell
 * @param used so far, tasks under way included: what is left therefore errs high
 * @returns null when neither says anything
 */
export function estimateRest(of: {
  readonly planned: Range | null;
  readonly used: number;
  readonly tasks: number;
  readonly done: number;
}): Range | null {
  const { planned, used, tasks, done } = of;
  const left = Math.max(0, tasks - done);
  if (tasks <= 0 || left === 0) return null;
  const expected = planned === null ? null : scaled(planned, left / tasks);
  const each = done > 0 && used > 0 ? used / done : null;
  const measured =
    each === null
      ? null
      : { low: each * left * SPREAD.low, mid: each * left, high: each * left * SPREAD.high };
  if (expected === null || measured === null) return expected ?? measured;
  return {
    low: Math.min(expected.low, measured.low),
    mid: (expected.mid + measured.mid) / 2,
    high: Math.max(expected.high, measured.high),
  };
}

function scaled({ low, mid, high }: Range, by: number): Range {
  return { low: low * by, mid: mid * by, high: high * by };
}
