import type { z } from 'zod';
import type { RunEvent } from '../domain/events.ts';
import type { Usage } from '../domain/usage.ts';

/**
 * A side effect's contract: its name and the shape of what goes in and comes out. Patterns and runners know
 * only contracts; the composition root brings the implementations.
 */
export interface ActivityContract<I, O> {
  readonly type: string;
  readonly input: z.ZodType<I>;
  readonly output: z.ZodType<O>;
}

/** What an implementation is told about the step it carries out, and the only ways it may leave a trace. */
export interface StepContext {
  readonly runId: string;
  readonly key: string;
  /** From 1; counted before the effect starts, so a crash counts too. */
  readonly attempt: number;
  /** `runId/key`: the same for every attempt. Every outside effect carries it. */
  readonly idempotencyKey: string;
  /** Aborted when the step is cancelled, times out, or the process shuts down. */
  readonly signal: AbortSignal;
  /** Adds an event to the transaction that records this step's result. Dropped when the attempt fails. */
  readonly emit: (event: RunEvent) => void;
  /** Adds usage to the transaction that records this step's result, failed attempts included: money spent is spent. */
  readonly use: (usage: Usage) => void;
}

/** An implementation: at least once, so it must be idempotent under `idempotencyKey`. */
export interface Activity {
  readonly type: string;
  /** Input is what the generator gave (never stored); the result must survive JSON. */
  perform(input: unknown, context: StepContext): Promise<unknown>;
}

/** Declares a contract. */
export function contract<I, O>(
  type: string,
  input: z.ZodType<I>,
  output: z.ZodType<O>,
): ActivityContract<I, O> {
  return { type, input, output };
}

/** Binds an implementation to its contract; input and output are parsed, so neither side can drift. */
export function implement<I, O>(
  of: ActivityContract<I, O>,
  perform: (input: I, context: StepContext) => Promise<O>,
): Activity {
  return {
    type: of.type,
    perform: async (input, context) => of.output.parse(await perform(of.input.parse(input), context)),
  };
}
