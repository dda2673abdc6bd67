import type { RunEvent } from '../domain/events.ts';
import type { Json } from '../domain/json.ts';
import type { Outcome, RunSpec, RunStatus } from '../domain/run.ts';
import type { Usage } from '../domain/usage.ts';

export type OpKind = 'step' | 'sleep' | 'signal' | 'value' | 'child';

/** One change of the journal. A turn's changes are committed together or not at all. */
export type JournalWrite =
  /** Inserts the run as `queued`; ignored when it exists. */
  | { readonly w: 'run'; readonly runId: string; readonly spec: RunSpec; readonly at: number }
  | {
      readonly w: 'status';
      readonly runId: string;
      readonly status: RunStatus;
      readonly outcome: Outcome | null;
      readonly at: number;
    }
  /** The end of an operation, at its place in the order of the run, which `event` numbers. */
  | {
      readonly w: 'settle';
      readonly runId: string;
      readonly key: string;
      readonly kind: OpKind;
      readonly outcome: Outcome;
      /** How many attempts it took; 1 for what is not a step. */
      readonly attempt: number;
      readonly event: RunEvent;
      readonly at: number;
    }
  | { readonly w: 'timer'; readonly runId: string; readonly key: string; readonly fireAt: number }
  | { readonly w: 'untimer'; readonly runId: string; readonly key: string }
  /** Ignored when the run has one of the same idempotency key. */
  | {
      readonly w: 'signal';
      readonly runId: string;
      readonly name: string;
      readonly payload: Json;
      readonly idempotencyKey: string;
      readonly at: number;
    }
  | { readonly w: 'consume'; readonly signalId: number; readonly key: string }
  | { readonly w: 'event'; readonly runId: string; readonly event: RunEvent; readonly at: number }
  | {
      readonly w: 'usage';
      readonly runId: string;
      readonly key: string;
      readonly usage: Usage;
      readonly at: number;
    };

export interface StoredSignal {
  readonly id: number;
  readonly name: string;
  readonly payload: Json;
}

/** All that is needed to bring a run back to where it was. */
export interface StoredRun {
  readonly id: string;
  readonly status: RunStatus;
  readonly spec: RunSpec;
  /** In the order in which they were recorded. */
  readonly settled: readonly { readonly key: string; readonly outcome: Outcome }[];
  readonly timers: ReadonlyMap<string, number>;
  readonly signals: readonly StoredSignal[];
}

/** The latest attempt at a step, and how many a crash of the process ended. */
export interface Attempted {
  readonly attempt: number;
  readonly crashes: number;
}

/** Where the embedded engine keeps its runs. Synchronous: a commit is one transaction at the end of a turn. */
export interface Journal {
  /**
   * One durable transaction. Throws when nothing of it was kept. Returns the runs it inserted for which nothing
   * else is stored, not even an early signal: whoever has their spec need not load them.
   */
  commit(writes: readonly JournalWrite[]): readonly string[];
  load(runId: string): StoredRun | null;
  /**
   * The latest attempt at each step that has begun, by key. Read from the events `step.started`, which are durable
   * before an effect starts; only a run that is taken up in the middle of a step needs it.
   */
  attempts(runId: string): ReadonlyMap<string, Attempted>;
  /** Unconsumed signals, oldest first. */
  signals(runId: string): StoredSignal[];
  status(runId: string): { readonly status: RunStatus; readonly outcome: Outcome | null } | null;
  /** Runs with work to do now: queued, running, or holding a signal or a due timer. Oldest first. */
  recoverable(now: number): string[];
  /** Runs with a timer due at `now`, at most `limit`. */
  due(now: number, limit: number): string[];
  nextTimer(): number | null;
  /** Runs that `runId` started and that have not ended. */
  openChildren(runId: string): string[];
  /** Forgets what it cached of a run that leaves memory. */
  release(runId: string): void;
}
