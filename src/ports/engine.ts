import type { Failure } from '../domain/failure.ts';
import type { Json } from '../domain/json.ts';
import type { Outcome, RunSpec, RunStatus } from '../domain/run.ts';

/**
 * Durable execution, seen from outside. Every promise resolves after the change is durable. Two engines answer
 * to it: the embedded one, and later one for many machines.
 */
export interface Engine {
  /** Idempotent by id. */
  start(id: string, spec: RunSpec): Promise<void>;
  /** Stored whether or not anybody waits yet; the first of an idempotency key wins. */
  signal(id: string, name: string, payload: Json, idempotencyKey: string): Promise<void>;
  /** Ends the run, its children and their running steps. A run that has ended stays as it is. */
  cancel(id: string, reason: string): Promise<void>;
  /** No new step starts; those under way finish. */
  pause(id: string, failure: Failure): Promise<void>;
  /** Goes on after a pause; stalled steps get a fresh set of attempts. */
  resume(id: string): Promise<void>;
  status(id: string): Promise<{ readonly status: RunStatus; readonly outcome: Outcome | null } | null>;
  /** Looks at a run again after somebody stored a signal or the run itself in a transaction of their own. */
  wake(id: string): void;
  /** Called after each commit with the runs it touched. Must not throw. */
  onCommit(listener: (runIds: ReadonlySet<string>) => void): () => void;
}
