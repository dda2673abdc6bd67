import type { NewDecision } from '../ports/decisions.ts';
import type { Session } from '../ports/store.ts';
import type { PlanLimits } from './contracts.ts';

/** Whoever asks once more gives as much time once more. */
export function dueFrom(limits: PlanLimits, at: number): PlanLimits {
  return limits.withinMs === null || limits.dueAt === undefined
    ? limits
    : { ...limits, dueAt: at + limits.withinMs };
}

/** The choice of a way of coordinating, with what each other way would give and take. */
export function patternDecision(
  runId: string,
  chosen: {
    readonly pattern: string;
    readonly reason: string;
    readonly alternatives: readonly string[];
    readonly by: string | null;
  },
  session: Session,
): NewDecision {
  const { pattern, reason, alternatives, by } = chosen;
  return {
    id: `dec_pattern_${runId}`,
    kind: 'pattern',
    actor: by ?? 'baton',
    actorKind: by === null ? 'baton' : 'person',
    choice: pattern,
    reason,
    alternatives: alternatives.filter((words) => !words.startsWith(`${pattern}:`)),
    evidence: { request: session.request },
  };
}
