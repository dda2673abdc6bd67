import { z } from 'zod';
import { defaultRetry } from '../domain/retry.ts';
import type { RunEvent } from '../domain/events.ts';
import type { RunSpec } from '../domain/run.ts';
import type { ActivityContract } from '../ports/activity.ts';
import type { BranchEnd, Flow, NamedBody, Operation, Settled, StepOptions } from '../ports/flow.ts';

const numberSchema = z.number();

/** Branches at once when nobody says otherwise: unlimited fan-out floods models and files alike. */
const DEFAULT_LIMIT = 20;
/** A step without a limit of its own may take this long. Long enough for a slow model turn or a test suite. */
const DEFAULT_TIMEOUT_MS = 15 * 60_000;

/** The flow of one fiber: turns calls into operations and parses what comes back. Stateless but for its path. */
export function createFlow(path: string): Flow {
  const flow: Flow = {
    path,
    *step<I, O>(name: string, of: ActivityContract<I, O>, input: I, options: StepOptions = {}): Operation<O> {
      const value = yield {
        op: 'step',
        name,
        label: options.label ?? name,
        activity: of.type,
        input,
        retry: options.retry ?? defaultRetry,
        timeoutMs: options.timeoutMs ?? DEFAULT_TIMEOUT_MS,
        giveUp: options.giveUp ?? 'pause',
      };
      return of.output.parse(value);
    },
    *sleep(name, ms) {
      yield { op: 'sleep', name, ms };
    },
    *waitSignal<T>(name: string, signal: string, schema: z.ZodType<T>): Operation<T> {
      return schema.parse(yield { op: 'signal', name, signal });
    },
    *waitSignalFor<T>(name: string, signal: string, schema: z.ZodType<T>, ms: number): Operation<T | null> {
      const first: NamedBody<T | null> = { name: 'signal', run: (f) => f.waitSignal('wait', signal, schema) };
      const timeout: NamedBody<T | null> = { name: 'timeout', run: (f) => nullAfter(f, ms) };
      return (yield* flow.race<T | null>(name, [first, timeout])).value;
    },
    *now(name) {
      return numberSchema.parse(yield { op: 'now', name });
    },
    *random(name) {
      return numberSchema.parse(yield { op: 'random', name });
    },
    *child<T>(name: string, spec: RunSpec, schema: z.ZodType<T>): Operation<T> {
      return schema.parse(yield { op: 'child', name, spec });
    },
    *emit(...events: readonly RunEvent[]) {
      yield { op: 'emit', events };
    },
    *call<T>(name: string, body: (inner: Flow) => Operation<T>, node?: string): Operation<T> {
      const [only] = yield* flow.settle<T>(name, [{ name: '', run: body, ...(node === undefined ? {} : { node }) }]);
      return valueOf(only);
    },
    *all<T>(name: string, bodies: readonly NamedBody<T>[], limit = DEFAULT_LIMIT): Operation<T[]> {
      let failed = false;
      const watched = bodies.map((body) => ({
        ...body,
        run: (inner: Flow) => failing(body.run(inner), () => { failed = true; }),
      }));
      const settled = yield* flow.settle<T>(name, watched, { limit, until: () => failed });
      const failure = settled.find((end) => end.status === 'failed');
      if (failure?.status === 'failed') throw failure.error;
      return settled.map(valueOf);
    },
    *settle<T>(
      name: string,
      bodies: readonly NamedBody<T>[],
      options: { readonly limit?: number; readonly until?: (settled: readonly Settled<T>[]) => boolean } = {},
    ): Operation<Settled<T>[]> {
      const ends: Settled<T>[] = bodies.map(() => ({ status: 'cancelled' }));
      const until = options.until;
      const record = (index: number, end: BranchEnd): void => {
        if (!end.ok) ends[index] = { status: 'failed', error: end.error };
      };
      yield {
        op: 'branches',
        name,
        limit: options.limit ?? DEFAULT_LIMIT,
        bodies: bodies.map((body, index) => ({
          name: body.name,
          ...(body.node === undefined ? {} : { node: body.node }),
          body: function* (inner: Flow) {
            try {
              ends[index] = { status: 'done', value: yield* body.run(inner) };
            } catch (error) {
              record(index, { ok: false, error });
            }
          },
        })),
        until: (settled) => settled.size === bodies.length || (until?.(ends) ?? false),
      };
      return ends;
    },
    *race<T>(name: string, bodies: readonly NamedBody<T>[]): Operation<{ readonly index: number; readonly value: T }> {
      const ends = yield* flow.settle<T>(name, bodies, {
        limit: Math.max(1, bodies.length),
        until: (settled) => settled.some((end) => end.status !== 'cancelled'),
      });
      const index = ends.findIndex((end) => end.status !== 'cancelled');
      return { index, value: valueOf(ends[index]) };
    },
  };
  return flow;
}

function* nullAfter(flow: Flow, ms: number): Operation<null> {
  yield* flow.sleep('sleep', ms);
  return null;
}

function* failing<T>(operation: Operation<T>, onFailure: () => void): Operation<T> {
  try {
    return yield* operation;
  } catch (error) {
    onFailure();
    throw error;
  }
}

function valueOf<T>(end: Settled<T> | undefined): T {
  if (end?.status === 'done') return end.value;
  if (end?.status === 'failed') throw end.error;
  throw new Error('A branch was read that never ended');
}
