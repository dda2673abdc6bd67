import type { Part, Point } from './parallel-plan.ts';

/** What waits for what: tasks and points by id, with all that comes before them. */
export type Waits = ReadonlyMap<string, readonly string[]>;

/** Everything that tasks and points wait for, with what tasks said while they ran. */
export function waitsOf(
  parts: readonly Part[],
  points: readonly Point[],
  late: ReadonlyMap<string, readonly string[]>,
): Waits {
  return new Map(
    [...parts, ...points].map(({ id, needs }): [string, readonly string[]] => [
      id,
      [...needs, ...(late.get(id) ?? [])],
    ]),
  );
}

/** The way by which `from` already waits for `to`, both included; null where it does not. */
export function wayTo(from: string, to: string, waits: Waits): string[] | null {
  const before = new Map<string, string | null>([[from, null]]);
  for (const id of before.keys()) {
    if (id === to) return back(id, before);
    for (const need of waits.get(id) ?? []) if (!before.has(need)) before.set(need, id);
  }
  return null;
}

function back(to: string, before: ReadonlyMap<string, string | null>): string[] {
  const way: string[] = [];
  for (let at: string | null = to; at !== null; at = before.get(at) ?? null) way.unshift(at);
  return way;
}

/** What is left, each after all that it waits for; there is no circle. */
export function orderOf(left: readonly string[], waits: Waits): string[] {
  const order: string[] = [];
  const open = new Set(left);
  for (let before = -1; before !== order.length; ) {
    before = order.length;
    for (const id of open)
      if (!(waits.get(id) ?? []).some((need) => open.has(need))) {
        order.push(id);
        open.delete(id);
        break;
      }
  }
  return order;
}
