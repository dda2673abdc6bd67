import type { ApprovalPolicy } from '../domain/approval.ts';
import {
  chaseApproval,
  type DecisionSignal,
  decisionSignal,
  decisionSignalSchema,
  expireApproval,
  nudgeApproval,
} from '../ports/activities.ts';
import type { Flow, Operation } from '../ports/flow.ts';

type Deadlines = Pick<ApprovalPolicy, 'remindAfterMs' | 'escalateAfterMs' | 'expireAfterMs' | 'escalateTo'>;

interface Asked {
  readonly approvalId: string;
  readonly policy: Deadlines;
  /** When it was asked; every moment counts from here, so neither a slow step nor a restart moves the end. */
  readonly askedAt: number;
  /** When somebody is to be asked again; absent in what was asked in the first way. */
  readonly nextAt?: number | null | undefined;
}

/**
 * Waits for a decision. Meanwhile people are asked again whenever that is due: what is done, and when the next look
 * is, the activity says, since it knows the clocks and absences of people. Null when time ran out. A decision that
 * comes in the moment of expiry stands: the expiry is a compare-and-set that fails.
 */
export function* awaitDecision(name: string, asked: Asked, flow: Flow): Operation<DecisionSignal | null> {
  const { approvalId } = asked;
  // However the run comes to do without: the card is closed in that very moment, and says why.
  yield* flow.onGivenUp((why) => [{ type: 'approval.given_up', approvalId, why }]);
  const answer = yield* decided(name, asked, flow);
  yield* flow.onGivenUp(null);
  return answer;
}

function* decided(name: string, asked: Asked, flow: Flow): Operation<DecisionSignal | null> {
  if (asked.nextAt === undefined) return yield* awaitInTheFirstWay(name, asked, flow);
  const { approvalId, policy, askedAt } = asked;
  const signal = decisionSignal(approvalId);
  const end = askedAt + policy.expireAfterMs;
  let now = askedAt;
  let next: number | null = asked.nextAt;
  for (;;) {
    const wait = Math.max(0, Math.min(next ?? end, end) - now);
    const answer = yield* flow.waitSignalFor(name, signal, decisionSignalSchema, wait);
    if (answer !== null) return answer;
    now = yield* flow.now('looked-at');
    // After a long stop the time may be up already: nobody is asked again about what can no longer be answered.
    if (now >= end) return yield* closeByClock(name, approvalId, now, flow);
    const input = { approvalId, at: now };
    const chased: { nextAt: number | null } = yield* flow.step('chase', chaseApproval, input, {
      label: 'asking again',
    });
    next = chased.nextAt;
  }
}

/** Runs that asked before the activity worked out when to look again: their keys and times are in their journals. */
function* awaitInTheFirstWay(name: string, asked: Asked, flow: Flow): Operation<DecisionSignal | null> {
  const { approvalId, policy, askedAt } = asked;
  const signal = decisionSignal(approvalId);
  let now = askedAt;
  for (const { kind, at, step } of moments(policy)) {
    const wait = Math.max(0, askedAt + at - now);
    const answer = yield* flow.waitSignalFor(name, signal, decisionSignalSchema, wait);
    if (answer !== null) return answer;
    now = yield* flow.now('looked-at');
    // After a long stop the time may be up already: nobody is asked again about what can no longer be answered.
    if (kind === 'expire' || now >= askedAt + policy.expireAfterMs) break;
    yield* flow.step('nudge', nudgeApproval, { approvalId, kind, step, at: now }, { label: 'asking again' });
  }
  return yield* closeByClock(name, approvalId, now, flow);
}

function* closeByClock(
  name: string,
  approvalId: string,
  at: number,
  flow: Flow,
): Operation<DecisionSignal | null> {
  const input = { approvalId, at };
  const { expired } = yield* flow.step('expire', expireApproval, input, { label: 'closing the question' });
  return expired ? null : yield* flow.waitSignal(name, decisionSignal(approvalId), decisionSignalSchema);
}

interface Moment {
  readonly kind: 'remind' | 'escalate' | 'expire';
  readonly at: number;
  /** 0: the reminder; n: the nth person in line. */
  readonly step: number;
}

/** When what happens, in order, from the request on. Moments at or after the expiry do not happen. */
function moments(policy: Deadlines): Moment[] {
  const { remindAfterMs, escalateAfterMs, expireAfterMs, escalateTo } = policy;
  const apart = Math.max(1, escalateAfterMs - remindAfterMs);
  const nudges: Moment[] = [
    { kind: 'remind', at: remindAfterMs, step: 0 },
    ...escalateTo.map((_, i): Moment => ({ kind: 'escalate', at: escalateAfterMs + i * apart, step: i + 1 })),
  ];
  const inTime = nudges.filter(({ at }) => at < expireAfterMs).sort((a, b) => a.at - b.at);
  return [...inTime, { kind: 'expire', at: expireAfterMs, step: 0 }];
}
