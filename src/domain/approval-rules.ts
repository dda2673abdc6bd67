import type {
  Approval,
  ApprovalPolicy,
  Refusal,
  Requirement,
  Verdict,
  VoidReason,
  Vote,
  Voter,
} from './approval.ts';
import { isOffered } from './raise.ts';

/** The transitions of an approval. Pure: who, what and when are given. */

export type DecideResult =
  | { readonly ok: true; readonly approval: Approval }
  | { readonly ok: false; readonly refusal: Refusal; readonly approval: Approval };

export interface Decision {
  readonly by: Voter;
  readonly verdict: Verdict;
  readonly comment: string | null;
  /** Of the content as it is now. */
  readonly digest: string;
  readonly now: number;
  /** To how much a budget is to be raised; what the question offers unless given. */
  readonly amount?: number | undefined;
  /** SHA-256 of what they wrote instead of choosing; absent: nothing. */
  readonly edited?: string;
}

/**
 * All that must be met. The node's own wish for "anybody" adds nothing to a trigger that names people, and would
 * let everybody else reject.
 */
export function requirementsOf({
  people,
  groups,
  count,
  requirements,
  deputies,
}: ApprovalPolicy): readonly Requirement[] {
  const anyone = people.length === 0 && groups.length === 0;
  if (anyone && count === 1 && requirements.length > 0) return requirements;
  const own = deputies === undefined || anyone ? {} : { deputies };
  return [{ trigger: 'workflow', why: '', anyone, people, groups, count, ...own }, ...requirements];
}

/** The groups whose members matter to this policy. */
export function groupsOf(policy: ApprovalPolicy): readonly string[] {
  return [...new Set(requirementsOf(policy).flatMap(({ groups }) => groups))];
}

/** Positions of the requirements that this person counts for. */
function countsFor(policy: ApprovalPolicy, by: Voter): number[] {
  return requirementsOf(policy).flatMap(({ anyone, people, groups, deputies = [] }, i) =>
    anyone ||
    people.includes(by.id) ||
    deputies.includes(by.id) ||
    groups.some((group) => by.groups.includes(group))
      ? [i]
      : [],
  );
}

/** What somebody's word counts for, and in whose place it is said. */
interface Seat {
  readonly counts: number[];
  readonly inPlaceOf?: string;
}

/**
 * Everybody has a seat of their own, or one of those who are away and named them; never both, so that two people who
 * say yes on one seat are one yes. Whoever is away has to be allowed themselves: nobody lends what they do not have.
 * Names are not passed on: who stands in for somebody does not stand in for those whom that one stands in for.
 */
function seatsOf(approval: Approval, by: Voter): Seat[] {
  const own = countsFor(approval.policy, by);
  if (own.length > 0) return [{ counts: own }];
  return (by.standsFor ?? []).flatMap((away) =>
    notAllowed(approval, { ...away, standsFor: [] }) === null
      ? [{ counts: countsFor(approval.policy, away), inPlaceOf: away.id }]
      : [],
  );
}

/** The first seat on which nobody has said yes already. One's own is free even when somebody spoke from it. */
function freeSeat(approval: Approval, by: Voter): Seat | undefined {
  const taken = approval.votes.filter(({ verdict }) => verdict === 'approve').map(seatName);
  return seatsOf(approval, by).find(({ inPlaceOf }) => inPlaceOf === undefined || !taken.includes(inPlaceOf));
}

function seatName({ by, inPlaceOf }: Vote): string {
  return inPlaceOf ?? by;
}

/** What is still missing: each open requirement with how many people it lacks. Empty: all is met (A4). */
export function missing(
  policy: ApprovalPolicy,
  votes: readonly Vote[],
): readonly { readonly requirement: Requirement; readonly lacks: number }[] {
  return requirementsOf(policy).flatMap((requirement, i) => {
    const yes = new Set(votes.filter((v) => v.verdict === 'approve' && v.counts.includes(i)).map(seatName));
    return yes.size >= requirement.count ? [] : [{ requirement, lacks: requirement.count - yes.size }];
  });
}

/** Why this person may not decide on this, whatever they say. Null: they may. */
export function notAllowed(approval: Approval, by: Voter): Refusal | null {
  if (by.isBot) return 'not_a_person';
  if (by.isStranger && !by.allowedOutsider) return 'stranger';
  if (by.isGuest && !by.allowedOutsider) return 'guest';
  if (!by.mayApprove) return 'no_role';
  if (approval.policy.fourEyes && by.id === approval.requester) return 'requester';
  if (by.id === approval.subject.lastEditor) return 'last_editor';
  return seatsOf(approval, by).length === 0 ? 'not_eligible' : null;
}

/** What comes before the question of who: whether there is still anything to decide. */
export function notOpen(approval: Approval, by: Voter, now: number): Refusal | null {
  if (by.team !== approval.team) return 'other_team';
  if (approval.status === 'expired') return 'expired';
  if (approval.status !== 'pending') return 'already_decided';
  if (now >= approval.expiresAt) return 'expired';
  return approval.policy.problem === null ? null : 'policy_error';
}

/** Why nothing this person says about what they were shown counts now; null: it does. */
export function notNow(
  approval: Approval,
  { by, digest, now }: Pick<Decision, 'by' | 'digest' | 'now'>,
): Refusal | null {
  const refusal = notOpen(approval, by, now) ?? notAllowed(approval, by);
  if (refusal !== null) return refusal;
  return digest === approval.subject.digest ? null : 'content_changed';
}

/**
 * A person's word. Nothing but a pending approval, shown with the same digest, in time, by somebody who may,
 * changes; everything else is a refusal that names its reason. One rejection ends it; an approval counts as a
 * vote, and ends it once every requirement is met.
 */
export function decide(approval: Approval, word: Decision): DecideResult {
  const refusal = notNow(approval, word);
  if (refusal !== null) return { ok: false, refusal, approval };
  const { by, verdict, comment, digest, now, amount, edited } = word;
  if (amount !== undefined && !mayName(approval, verdict, amount))
    return { ok: false, refusal: 'amount', approval };
  // What is written takes the place of the sides, and one person's word settles it, as that for the second side does.
  if (edited !== undefined && (verdict !== 'request_changes' || !mayEdit(approval)))
    return { ok: false, refusal: 'not_editable', approval };
  const seat = verdict === 'approve' ? freeSeat(approval, by) : seatsOf(approval, by)[0];
  if (seat === undefined || (verdict === 'approve' && approval.votes.some((v) => v.by === by.id)))
    return { ok: false, refusal: 'already_voted', approval };
  const own = { ...(amount === undefined ? {} : { amount }), ...(edited === undefined ? {} : { edited }) };
  const vote: Vote = { by: by.id, verdict, comment, at: now, shown: digest, ...seat, ...own };
  const votes = [...approval.votes.filter((v) => v.by !== by.id && v.inPlaceOf !== by.id), vote];
  if (verdict === 'approve' && missing(approval.policy, votes).length > 0)
    return { ok: true, approval: { ...approval, votes } };
  const decided = { ...approval, votes, decidedBy: by.id, decidedAt: now, comment };
  if (verdict === 'approve') return { ok: true, approval: allowed(decided, now) };
  return {
    ok: true,
    approval: { ...decided, status: verdict === 'reject' ? 'rejected' : 'changes_requested' },
  };
}

/** An amount is named with a yes, to a question about one, between the bounds it was asked with. */
function mayName({ subject }: Approval, verdict: Verdict, amount: number): boolean {
  return verdict === 'approve' && subject.raise !== undefined && isOffered(subject.raise, amount);
}

/**
 * To how much people allow a budget to be raised: the smallest amount of all who said yes, since no more than that is
 * what each of them allowed. Whoever named none meant what the question offers. Null: it is about no budget.
 */
export function raisedTo({ subject, votes, breakGlass: glass }: Approval): number | null {
  if (subject.raise === undefined) return null;
  const { to } = subject.raise;
  const yes = glass === null ? votes.filter(({ verdict }) => verdict === 'approve') : [];
  return yes.length === 0 ? to : Math.min(...yes.map(({ amount }) => amount ?? to));
}

/** Whether people may write the outcome themselves. */
export function mayEdit({ subject: { edit } }: Approval): boolean {
  return edit !== undefined && 'text' in edit;
}

/**
 * A yes waits for its action until a moment. Where there is none, what is allowed is that the run goes on: it does
 * so by the signal in the very transaction of the decision, and the yes is used up with it.
 */
function allowed(approval: Approval, now: number): Approval {
  const { executeWithinMs } = approval.policy;
  return executeWithinMs === 0
    ? { ...approval, status: 'taken', takenBy: `decision:${approval.id}`, takenAt: now }
    : { ...approval, status: 'approved', executeBy: now + executeWithinMs };
}

/**
 * The way past who may decide and how many, for an admin with a reason. Content, time and a readable policy are
 * held as ever, and it stays visible as what it was (A14).
 */
export function breakGlass(
  approval: Approval,
  { by, reason, digest, now }: Pick<Decision, 'by' | 'digest' | 'now'> & { readonly reason: string },
): DecideResult {
  const refuse = (refusal: Refusal): DecideResult => ({ ok: false, refusal, approval });
  const closed = notOpen(approval, by, now);
  if (closed !== null) return refuse(closed);
  if (by.isBot) return refuse('not_a_person');
  if (by.isGuest || by.isStranger || !by.isAdmin) return refuse('not_admin');
  if (reason.trim() === '') return refuse('no_reason');
  if (digest !== approval.subject.digest) return refuse('content_changed');
  return {
    ok: true,
    approval: allowed(
      {
        ...approval,
        breakGlass: { by: by.id, reason, at: now },
        decidedBy: by.id,
        decidedAt: now,
        comment: reason,
      },
      now,
    ),
  };
}

/** The transition by the clock, for a question nobody answered. Null when there is nothing to expire. */
export function expire(approval: Approval, now: number): Approval | null {
  if (approval.status !== 'pending') return null;
  return { ...approval, status: 'expired', decidedAt: now };
}

/** The transition by the clock, for a yes that nobody used in time. Null when there is nothing to lapse. */
export function lapse(approval: Approval, now: number): Approval | null {
  if (approval.status !== 'approved' || approval.executeBy === null || now < approval.executeBy) return null;
  return { ...approval, status: 'lapsed' };
}

/** The question is withdrawn, or the yes with it. Null when it is over already. */
export function withdraw(approval: Approval, voidReason: VoidReason, now: number): Approval | null {
  if (approval.status !== 'pending' && approval.status !== 'approved') return null;
  return { ...approval, status: 'voided', voidReason, decidedAt: approval.decidedAt ?? now };
}

export type NotTaken =
  | 'unknown'
  | 'not_approved'
  | 'already_taken'
  | 'lapsed'
  | 'content_changed'
  | 'right_lost';

export type TakeResult =
  /** `again`: this very action took it before, and is being repeated after a crash. */
  | { readonly ok: true; readonly again: boolean; readonly approval: Approval }
  /** `approval` is what it has become: unchanged, lapsed or voided. */
  | { readonly ok: false; readonly why: NotTaken; readonly approval: Approval };

/**
 * Takes a yes for one action, once (A11): in time, for the very content, and only while those who said it still may
 * (A3). `voters` are they as they are now; who is missing there may not.
 */
export function take(
  approval: Approval,
  input: {
    readonly key: string;
    readonly digest: string;
    readonly voters: readonly Voter[];
    readonly now: number;
  },
): TakeResult {
  const { key, digest, voters, now } = input;
  if (approval.status === 'taken') {
    const again = approval.takenBy === key;
    return again ? { ok: true, again, approval } : { ok: false, why: 'already_taken', approval };
  }
  if (approval.status === 'lapsed') return { ok: false, why: 'lapsed', approval };
  if (approval.status !== 'approved') return { ok: false, why: 'not_approved', approval };
  const late = lapse(approval, now);
  if (late !== null) return { ok: false, why: 'lapsed', approval: late };
  const lost = (why: 'content_changed' | 'right_lost'): TakeResult => ({
    ok: false,
    why,
    approval: withdraw(approval, why, now) ?? approval,
  });
  if (digest !== approval.subject.digest) return lost('content_changed');
  if (!stillAllowed(approval, voters)) return lost('right_lost');
  return { ok: true, again: false, approval: { ...approval, status: 'taken', takenBy: key, takenAt: now } };
}

/** Whether the yes would still be one if it were said now, by the same people as they are now. */
function stillAllowed(approval: Approval, voters: readonly Voter[]): boolean {
  const { breakGlass: glass, policy, votes } = approval;
  const now = (id: string): Voter | undefined =>
    voters.find((voter) => voter.id === id && voter.team === approval.team);
  if (policy.problem !== null) return false;
  if (glass !== null) {
    const admin = now(glass.by);
    return admin?.isAdmin === true && !admin.isBot && !admin.isGuest && !admin.isStranger;
  }
  const standing = votes.flatMap((vote): Vote[] => {
    const by = now(vote.by);
    if (by === undefined || notAllowed(approval, by) !== null) return [];
    // On the seat on which it was said, as far as that still holds: whoever is back speaks for themselves.
    const seat = seatsOf(approval, by).find(({ inPlaceOf }) => inPlaceOf === vote.inPlaceOf);
    return seat === undefined ? [] : [{ ...vote, counts: seat.counts }];
  });
  return missing(policy, standing).length === 0;
}

/** Whom a question names of those who may answer it; groups are not among them. */
export function namedDeciders({ policy, requester }: Pick<Approval, 'policy' | 'requester'>): string[] {
  const named = [...new Set(requirementsOf(policy).flatMap((each) => each.people))];
  return named.filter((id) => !policy.fourEyes || id !== requester);
}
