import type { z } from 'zod';
import type { RunEvent } from '../domain/events.ts';
import type { Json } from '../domain/json.ts';
import type { RetryPolicy } from '../domain/retry.ts';
import type { RunSpec } from '../domain/run.ts';
import type { ActivityContract } from './activity.ts';

/** What a generator may ask for. Everything a run does passes through one of these. */
export type Op =
  | {
      readonly op: 'step';
      readonly name: string;
      /** What a person reads while it runs: "writing src/a.ts". */
      readonly label: string;
      readonly activity: string;
      /** Made again by a replay, never stored. */
      readonly input: unknown;
      readonly retry: RetryPolicy;
      readonly timeoutMs: number;
      readonly giveUp: GiveUp;
    }
  | { readonly op: 'sleep'; readonly name: string; readonly ms: number }
  | {
      readonly op: 'signal';
      readonly name: string;
      readonly signal: string;
      /** Not waited for by the work: when nothing else can happen in the run, `until` is told so all the same. */
      readonly idle?: boolean;
    }
  | { readonly op: 'now'; readonly name: string }
  | { readonly op: 'random'; readonly name: string }
  | { readonly op: 'child'; readonly name: string; readonly spec: RunSpec }
  | { readonly op: 'emit'; readonly events: readonly RunEvent[] }
  /** What is told of this fiber should it be given up from here on; null: nothing any more. */
  | { readonly op: 'given-up'; readonly tell: GivenUp | null }
  /** One fiber of its own, waited for; its failure is thrown into the caller. */
  | {
      readonly op: 'call';
      readonly name: string;
      readonly node?: string;
      readonly body: (flow: Flow) => Operation<void>;
    }
  /** Waits for what other fibers of the same run do; nothing of it is kept, a replay comes to it again. */
  | { readonly op: 'until'; readonly holds: () => boolean; readonly patient: boolean }
  | {
      readonly op: 'branches';
      readonly name: string;
      readonly bodies: readonly Branch[];
      readonly limit: number;
      /** Asked after each branch ends; true cancels what is still running. Must be pure. */
      readonly until: (settled: ReadonlyMap<number, BranchEnd>) => boolean;
      /** Why those are given up that still run when it closes, in words that stand alone. Must be pure. */
      readonly because?: () => string;
    };

/** Events that tell of work that is given up, by why it is. Pure: nothing can be waited for any more. */
export type GivenUp = (why: string) => readonly RunEvent[];

/** One branch: a name unique among its siblings, and the generator it runs. */
export interface Branch {
  readonly name: string;
  /** The workflow node this branch works for; inherited by what it starts. Told in `step.started`. */
  readonly node?: string;
  readonly body: (flow: Flow) => Operation<void>;
}
export type BranchEnd = { readonly ok: true } | { readonly ok: false; readonly error: unknown };

/** A deterministic piece of a run: asks for operations, gets their outcomes, ends with a `T`. */
export type Operation<T> = Generator<Op, T, unknown>;

/**
 * When a step cannot go on without help (a person, money, or a service that stayed away through all tries):
 * `pause` keeps the step open and the run paused until somebody resumes it; `throw` hands the failure to the
 * pattern, which has another way. Terminal failures are always thrown.
 */
export type GiveUp = 'pause' | 'throw';

export interface StepOptions {
  readonly label?: string;
  readonly retry?: RetryPolicy;
  readonly timeoutMs?: number;
  /** `pause` unless given. */
  readonly giveUp?: GiveUp;
}

/** How a group of branches ended, in the order they were given; `cancelled` were still running when it closed. */
export type Settled<T> =
  | { readonly status: 'done'; readonly value: T }
  | { readonly status: 'failed'; readonly error: unknown }
  | { readonly status: 'cancelled' };

/**
 * All a pattern knows of the engine. Every method is a generator to be delegated to with `yield*`; names are
 * joined to stable keys (path of names), so a name may repeat: the second gets `#2`.
 */
export interface Flow {
  /** The path of this fiber: what its keys begin with. */
  readonly path: string;
  step<I, O>(name: string, of: ActivityContract<I, O>, input: I, options?: StepOptions): Operation<O>;
  sleep(name: string, ms: number): Operation<void>;
  /**
   * Waits for a signal of this run; one sent before the wait counts. First wins by idempotency key. An `idle` wait is no
   * part of the work: `until` does not count on it.
   */
  waitSignal<T>(
    name: string,
    signal: string,
    schema: z.ZodType<T>,
    options?: { readonly idle?: boolean },
  ): Operation<T>;
  /** Waits for a signal for at most `ms`; null when it did not come. */
  waitSignalFor<T>(name: string, signal: string, schema: z.ZodType<T>, ms: number): Operation<T | null>;
  now(name: string): Operation<number>;
  random(name: string): Operation<number>;
  /** Starts another run and waits for its end. */
  child<T>(name: string, spec: RunSpec, schema: z.ZodType<T>): Operation<T>;
  emit(...events: readonly RunEvent[]): Operation<void>;
  /** What is told should this fiber be given up from here on: whatever it asked of people ends in that very moment. */
  onGivenUp(tell: GivenUp | null): Operation<void>;
  /**
   * Waits until `holds`, which is pure and speaks of what other fibers of this run have done. False when it never will:
   * every fiber waits like this, and nothing outside the run is waited for. Of several the one that has waited longest is
   * told so. A `patient` one is passed over: it watches, and has no part in the work.
   */
  until(holds: () => boolean, options?: { readonly patient?: boolean }): Operation<boolean>;
  /** Runs `body` as a fiber of its own under `name`: constant cost per step however deep the nesting. */
  call<T>(name: string, body: (flow: Flow) => Operation<T>, node?: string): Operation<T>;
  /** All to the end; the first failure cancels the rest and is thrown. */
  all<T>(name: string, bodies: readonly NamedBody<T>[], limit?: number): Operation<T[]>;
  /** The general form: runs until `until` says enough, then cancels the rest. Never throws for a branch. */
  settle<T>(
    name: string,
    bodies: readonly NamedBody<T>[],
    options?: {
      readonly limit?: number;
      readonly until?: (settled: readonly Settled<T>[]) => boolean;
      /** Why the rest is cancelled. */
      readonly because?: () => string;
    },
  ): Operation<Settled<T>[]>;
  /** The first to end wins, by value or by failure; the rest are cancelled. @param because why they are */
  race<T>(
    name: string,
    bodies: readonly NamedBody<T>[],
    because?: () => string,
  ): Operation<{ readonly index: number; readonly value: T }>;
}

export interface NamedBody<T> {
  readonly name: string;
  readonly node?: string;
  readonly run: (flow: Flow) => Operation<T>;
}

/** The generator of a whole run: its definition and input, given a flow. */
export interface Program {
  readonly name: string;
  readonly version: number;
  run(definition: Json, input: Json, flow: Flow): Operation<Json>;
}
