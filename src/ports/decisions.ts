import type { ActorKind } from '../domain/audit.ts';
import type { RunEvent } from '../domain/events.ts';
import type { Json } from '../domain/json.ts';

/** A choice that was made about a run, by a person or by Baton itself: what, why, instead of what, on what evidence. */
export interface NewDecision {
  readonly id: string;
  readonly kind: string;
  readonly actor: string;
  readonly actorKind: ActorKind;
  readonly choice: string;
  readonly reason: string;
  readonly alternatives: readonly string[];
  readonly evidence: Json;
}
export interface Decision extends NewDecision {
  readonly runId: string;
  readonly at: number;
}

export interface DecisionStore {
  /** Idempotent by id: the first one stands. @param tell what the run says of it, in the same transaction */
  record(runId: string, decision: NewDecision, now: number, tell?: RunEvent): Promise<void>;
  ofRun(runId: string): Promise<Decision[]>;
}
