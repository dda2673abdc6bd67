import { awaitDecision } from '../patterns/await-decision.ts';
import type { DecisionSignal } from '../ports/activities.ts';
import type { Flow, Operation } from '../ports/flow.ts';

/** Longer than any question stays open, after which one that was withdrawn meanwhile is not waited for any more. */
const PATIENCE_AFTER_MS = 60_000;

/** A question that is withdrawn sends no answer: it is waited for no longer than it could have been answered. */
export function* decisionInTime(
  asking: Parameters<typeof awaitDecision>[1],
  flow: Flow,
): Operation<DecisionSignal | null> {
  const { value } = yield* flow.race<DecisionSignal | null>('answer', [
    { name: 'decision', run: (inner) => awaitDecision('decision', asking, inner) },
    {
      name: 'late',
      *run(inner) {
        yield* inner.sleep('sleep', asking.policy.expireAfterMs + PATIENCE_AFTER_MS);
        return null;
      },
    },
  ]);
  return value;
}
