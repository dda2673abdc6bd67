import { z } from 'zod';
import { type Delegation, holds } from './delegation.ts';
import { awakeFrom, type Clocks, quietHoursSchema } from './local-time.ts';

/** How much a question presses. The order is from the least to the most. */
export const urgencies = ['low', 'normal', 'high', 'critical'] as const;
export type Urgency = (typeof urgencies)[number];

/** How long each waits, measured by the times that are set: `low` is given twice as long, `critical` a quarter. */
const PACE: Readonly<Record<Urgency, number>> = { low: 2, normal: 1, high: 0.5, critical: 0.25 };

export function moreUrgent(a: Urgency, b: Urgency): Urgency {
  return urgencies.indexOf(a) >= urgencies.indexOf(b) ? a : b;
}

/** Who is asked after the reminder, beside those who decide anyway and their deputies. */
export const escalationSchema = z.object({
  urgency: z.enum(urgencies),
  /** Where it is said that a question waits; null: nowhere but in its thread. */
  channel: z.string().nullable(),
  /** A Slack user group that is called last; null: none. */
  onCall: z.string().nullable(),
  /** When nobody is disturbed, unless it is critical. Null: anybody at any time. */
  quiet: quietHoursSchema.nullable(),
});
export type Escalation = z.infer<typeof escalationSchema>;

/** One thing that is done so that a question reaches somebody. */
export type Deed =
  | { readonly kind: 'remind' }
  | { readonly kind: 'channel'; readonly channel: string }
  /** `inPlaceOf`: whoever is away, and named this person to decide for them. */
  | {
      readonly kind: 'direct';
      readonly to: string;
      readonly as: 'approver' | 'deputy';
      readonly inPlaceOf: string | null;
      /** Where a question that was put to somebody already changes hands: how many were asked before, and whose it was. */
      readonly moved?: { readonly turn: number; readonly from: string };
    }
  | { readonly kind: 'on_call'; readonly group: string };

export interface Done {
  readonly deed: Deed;
  readonly at: number;
}

/** A question that waits, with all that its next deed depends on. Times are milliseconds since the epoch. */
export interface Waiting {
  readonly requestedAt: number;
  readonly expiresAt: number;
  /** After the request, at normal urgency. */
  readonly remindAfterMs: number;
  readonly escalateAfterMs: number;
  readonly escalation: Escalation;
  /** People who decide, as far as they are named. */
  readonly approvers: readonly string[];
  /** Asked one after the other. */
  readonly deputies: readonly string[];
  /** Who may not decide on it, or has voted: not asked, nor in the place of somebody else. */
  readonly barred: ReadonlySet<string>;
  readonly delegations: readonly Delegation[];
  /** By person; who is not in it is taken to be where clocks show UTC. */
  readonly zones: ReadonlyMap<string, string>;
  readonly done: readonly Done[];
}

export interface Next {
  readonly deed: Deed;
  /** When it is due; never before the moment asked about. */
  readonly at: number;
}

/** More direct messages than this about one question reach nobody any better. */
const MOST_APPROVERS = 10;

/**
 * What is done next so that a question reaches somebody, and when: a reminder in its thread, the escalation channel,
 * direct messages to those who decide, their deputies one by one, the group on call. Null: nothing more before it
 * expires. Each deed happens once. Somebody's quiet hours put off only what disturbs that person; what comes after
 * keeps its own time, and its distance from what was really done: after a long stop not all of it comes at once.
 * Beside that, what somebody was asked goes on to whoever stands in for them later, and comes back when that is over.
 * @param now from when on it may be done
 */
export function nextDeed(waiting: Waiting, now: number, clocks: Clocks): Next | null {
  let next: Next | null = null;
  for (const [stage, deeds] of stagesOf(waiting).entries()) {
    const from = Math.max(stageTime(waiting, stage), now);
    for (const wanted of deeds) {
      const found = placed(waiting, wanted, from, clocks);
      if (found === null || found.at >= waiting.expiresAt) continue;
      if (next === null || found.at < next.at) next = found;
    }
  }
  for (const found of handedOver(waiting, now, clocks))
    if (found.at < waiting.expiresAt && (next === null || found.at < next.at)) next = found;
  return next;
}

/** Of each who was asked: when the question goes on to whoever stands in for them, or comes back. */
function handedOver(waiting: Waiting, now: number, clocks: Clocks): Next[] {
  const { approvers, deputies, barred, delegations, done } = waiting;
  const turn = done.filter(({ deed }) => deed.kind === 'direct').length;
  const seats = new Set([...approvers, ...deputies].filter((id) => !barred.has(id)));
  return [...seats].flatMap((owner) => {
    const asked = done.flatMap(({ deed }) =>
      deed.kind === 'direct' && (deed.inPlaceOf ?? deed.to) === owner ? [deed] : [],
    );
    const last = asked.at(-1);
    if (last === undefined) return [];
    const wanted: Direct = { kind: 'direct', to: owner, as: last.as, inPlaceOf: null };
    const moments = delegations
      .filter(({ from }) => from === owner)
      .flatMap(({ since, until }) => [since, until]);
    for (const moment of [now, ...moments.filter((each) => each > now).sort((a, b) => a - b)]) {
      const { deed, at } = atDay(waiting, wanted, moment, clocks);
      if (deed.to !== last.to) return [{ deed: { ...deed, moved: { turn, from: last.to } }, at }];
    }
    return [];
  });
}

/** Who would be asked in which stage were nobody away; stages with nobody in them are left out. */
function stagesOf({ approvers, deputies, barred, escalation }: Waiting): readonly (readonly Deed[])[] {
  const { channel, onCall, urgency } = escalation;
  const direct = (to: string, as: 'approver' | 'deputy'): Deed => ({
    kind: 'direct',
    to,
    as,
    inPlaceOf: null,
  });
  const asked = [...new Set(approvers)].filter((id) => !barred.has(id)).slice(0, MOST_APPROVERS);
  const after = [...new Set(deputies)].filter((id) => !barred.has(id) && !asked.includes(id));
  const stages: Deed[][] = [
    channel === null ? [] : [{ kind: 'channel', channel }],
    asked.map((id) => direct(id, 'approver')),
    ...after.map((id) => [direct(id, 'deputy')]),
    // Nobody is called for what can wait.
    onCall === null || urgency === 'low' ? [] : [{ kind: 'on_call', group: onCall }],
  ];
  return [[{ kind: 'remind' }], ...stages.filter((stage) => stage.length > 0)];
}

/** The earliest that a stage may begin: by the plan, and apart from what was done before it. */
function stageTime(waiting: Waiting, stage: number): number {
  const { requestedAt, remindAfterMs, escalateAfterMs, escalation, done } = waiting;
  const pace = PACE[escalation.urgency];
  if (stage === 0) return requestedAt + remindAfterMs * pace;
  const between = escalateAfterMs - remindAfterMs;
  const apart = (between > 0 ? between : Math.max(1, escalateAfterMs)) * pace;
  const planned = requestedAt + escalateAfterMs * pace + (stage - 1) * apart;
  const before = stagesOf(waiting).slice(0, stage).flat();
  // What only changes hands puts nothing off.
  const first = done.filter(({ deed }) => deed.kind !== 'direct' || deed.moved === undefined);
  const last = first.filter(({ deed }) => before.some((each) => same(each, deed))).map(({ at }) => at);
  return Math.max(planned, ...last.map((at) => at + apart));
}

/** The deed with whoever stands in, at a moment at which they may be disturbed. Null: it is done already. */
function placed(waiting: Waiting, wanted: Deed, from: number, clocks: Clocks): Next | null {
  const { done } = waiting;
  if (done.some(({ deed }) => same(wanted, deed))) return null;
  if (wanted.kind !== 'direct') return { deed: wanted, at: from };
  const found = atDay(waiting, wanted, from, clocks);
  return done.some((each) => same(found.deed, each.deed)) ? null : found;
}

/** The same when it is day for whoever is asked then. */
function atDay(
  waiting: Waiting,
  wanted: Direct,
  from: number,
  clocks: Clocks,
): { readonly deed: Direct; readonly at: number } {
  const { escalation, zones } = waiting;
  const quiet = escalation.urgency === 'critical' ? null : escalation.quiet;
  let at = from;
  let deed = standIn(waiting, wanted, at);
  // Whoever stands in may have another night, and by the end of it somebody else may stand in.
  for (let look = 0; look < 4; look += 1) {
    at = awakeFrom(at, zones.get(deed.to) ?? 'UTC', quiet, clocks);
    const then = standIn(waiting, wanted, at);
    if (then.to === deed.to) break;
    deed = then;
  }
  return { deed, at };
}

type Direct = Extract<Deed, { kind: 'direct' }>;

/** Whoever decides in this person's place at a moment; the person, if nobody who may. */
function standIn({ delegations, barred }: Waiting, wanted: Direct, at: number): Direct {
  const found = delegations.find(
    (each) => each.from === wanted.to && !barred.has(each.to) && holds(each, at),
  );
  return found === undefined ? wanted : { ...wanted, to: found.to, inPlaceOf: wanted.to };
}

/** Whether two deeds tell the same people the same: somebody who was asked in another's place was asked. */
export function same(a: Deed, b: Deed): boolean {
  if (a.kind !== 'direct' || b.kind !== 'direct') return keyOf(a) === keyOf(b);
  const asked = [b.to, b.inPlaceOf];
  return asked.includes(a.to);
}

/** The one name of a deed of a question. */
export function keyOf(deed: Deed): string {
  switch (deed.kind) {
    case 'remind':
      return 'remind';
    case 'channel':
      return `channel:${deed.channel}`;
    case 'direct':
      return deed.moved === undefined ? `direct:${deed.to}` : `direct:${deed.to}:${deed.moved.turn}`;
    case 'on_call':
      return `on_call:${deed.group}`;
    default:
      return deed satisfies never;
  }
}
