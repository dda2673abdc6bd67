import type { Decider } from './approval.ts';
import type { Json } from './json.ts';
import type { PeopleSettings, PersonTask, TaskRefusal, TaskResult } from './person-task.ts';

/** The transitions of a task for a person: pure, with the time passed in. */

/** Somebody as far as a task goes: who they are, and whether they are in one of its groups at this moment. */
export interface Hand extends Decider {
  readonly inGroup: boolean;
}

/** Whether somebody may do it; null when they may. */
export function mayNot(task: PersonTask, by: Hand): TaskRefusal | null {
  if (by.team !== task.team) return 'other_team';
  if (task.status !== 'open') return task.status;
  if (by.isBot) return 'not_a_person';
  if (by.isStranger) return 'stranger';
  if (by.isGuest) return 'guest';
  return task.people.includes(by.id) || by.inGroup ? null : 'not_eligible';
}

/** Done, by whoever of those who may was there: it need not be the one it was given to. */
export function finish(
  task: PersonTask,
  by: Hand,
  what: { readonly output: Json; readonly words: string },
  now: number,
): TaskResult {
  const refusal = mayNot(task, by);
  if (refusal !== null) return { ok: false, refusal, task };
  return { ok: true, task: { ...task, status: 'done', endedBy: by.id, endedAt: now, ...what } };
}

/** Given to somebody else who may do it: by whoever may do it, or whoever asked for the work. */
export function handOver(task: PersonTask, by: Hand, to: string, candidates: readonly string[]): TaskResult {
  const refusal = mayNot(task, by);
  const asked = refusal === 'not_eligible' && by.id === task.requester;
  if (refusal !== null && !asked) return { ok: false, refusal, task };
  if (to === task.assignee) return { ok: false, refusal: 'already_theirs', task };
  if (!candidates.includes(to)) return { ok: false, refusal: 'nobody_else', task };
  const because = to === by.id ? 'took it over' : 'was given it by hand';
  return { ok: true, task: { ...task, assignee: to, because } };
}

/**
 * Whose it is says that they cannot. It goes to the next who may; when there is nobody left, it has ended.
 * @param next whom to ask now; null: nobody is left
 */
export function decline(
  task: PersonTask,
  by: Hand,
  { reason, next }: { readonly reason: string; readonly next: string | null },
  now: number,
): TaskResult {
  const refusal = mayNot(task, by);
  if (refusal !== null) return { ok: false, refusal, task };
  if (by.id !== task.assignee) return { ok: false, refusal: 'not_theirs', task };
  const declined = [...task.declined.filter((each) => each.by !== by.id), { by: by.id, reason }];
  if (next !== null)
    return { ok: true, task: { ...task, declined, assignee: next, because: 'whoever had it cannot do it' } };
  return { ok: true, task: { ...task, declined, status: 'declined', endedBy: by.id, endedAt: now } };
}

/** Left out by whoever asked for the work. */
export function skip(task: PersonTask, by: Hand, words: string, now: number): TaskResult {
  if (by.team !== task.team) return { ok: false, refusal: 'other_team', task };
  if (task.status !== 'open') return { ok: false, refusal: task.status, task };
  if (by.id !== task.requester) return { ok: false, refusal: 'not_theirs', task };
  return { ok: true, task: { ...task, status: 'skipped', endedBy: by.id, endedAt: now, words } };
}

/** Ends by the clock. Null when a person was faster. */
export function expire(task: PersonTask, now: number): PersonTask | null {
  return task.status === 'open' ? { ...task, status: 'expired', endedAt: now } : null;
}

/** The run goes on, or ended, without it. Null when it has ended already. */
export function withdraw(task: PersonTask, why: string, now: number): PersonTask | null {
  return task.status === 'open' ? { ...task, status: 'voided', endedAt: now, why } : null;
}

/** Whoever can do it and has least to do; of those at their limit nobody while somebody is below theirs. */
export function leastBusy(
  candidates: readonly string[],
  load: ReadonlyMap<string, number>,
  people: PeopleSettings,
): string | null {
  const open = (id: string): number => load.get(id) ?? 0;
  const free = candidates.filter((id) => open(id) < (people[id]?.limit ?? Number.POSITIVE_INFINITY));
  const from = free.length > 0 ? free : candidates;
  return from.reduce<string | null>((best, id) => (best === null || open(id) < open(best) ? id : best), null);
}

/** Those who have a skill, by the settings. */
export function skilled(people: PeopleSettings, skill: string): string[] {
  return Object.entries(people).flatMap(([id, { skills }]) => (skills.includes(skill) ? [id] : []));
}
