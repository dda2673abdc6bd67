import type { ApprovalPolicy } from '../domain/approval.ts';
import {
  type DecisionSignal,
  decisionSignal,
  decisionSignalSchema,
  expireApproval,
  nudgeApproval,
} from '../ports/activities.ts';
import type { Flow, Operation } from '../ports/flow.ts';

/**
 * Waits for a decision: reminded once in the thread, then each deputy by DM in turn, then expired. Null when the
 * clock decided. A decision that comes in the moment of expiry stands: the expiry is a compare-and-set that fails.
 */
export function* awaitDecision(
  name: string,
  approval: { readonly approvalId: string; readonly policy: ApprovalPolicy },
  flow: Flow,
): Operation<DecisionSignal | null> {
  const { approvalId, policy } = approval;
  const signal = decisionSignal(approvalId);
  let waited = 0;
  for (const [index, moment] of moments(policy).entries()) {
    const answer = yield* flow.waitSignalFor(
      name,
      signal,
      decisionSignalSchema,
      Math.max(0, moment.at - waited),
    );
    if (answer !== null) return answer;
    waited = moment.at;
    if (moment.kind === 'expire') break;
    yield* flow.step(
      'nudge',
      nudgeApproval,
      { approvalId, kind: moment.kind, step: index },
      { label: 'asking again' },
    );
  }
  const at = yield* flow.now('expired-at');
  const { expired } = yield* flow.step(
    'expire',
    expireApproval,
    { approvalId, at },
    { label: 'closing the question' },
  );
  return expired ? null : yield* flow.waitSignal(name, signal, decisionSignalSchema);
}

interface Moment {
  readonly kind: 'remind' | 'escalate' | 'expire';
  readonly at: number;
}

/** When what happens, from the request on. Moments at or after the expiry do not happen. */
function moments(policy: ApprovalPolicy): Moment[] {
  const { remindAfterMs, escalateAfterMs, expireAfterMs, escalateTo } = policy;
  const steps: Moment[] = [
    { kind: 'remind', at: remindAfterMs },
    ...escalateTo.map(
      (_, i): Moment => ({
        kind: 'escalate',
        at: escalateAfterMs + i * Math.max(1, escalateAfterMs - remindAfterMs),
      }),
    ),
  ];
  return [...steps.filter(({ at }) => at < expireAfterMs), { kind: 'expire', at: expireAfterMs }];
}
