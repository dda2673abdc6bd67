import { z } from 'zod';
import type { RunEvent } from '../domain/events.ts';
import { defaultRetry } from '../domain/retry.ts';
import type { RunSpec } from '../domain/run.ts';
import type { ActivityContract } from '../ports/activity.ts';
import type { Branch, Flow, GivenUp, NamedBody, Operation, Settled, StepOptions } from '../ports/flow.ts';

const numberSchema = z.number();
const booleanSchema = z.boolean();

/** Branches at once when nobody says otherwise: unlimited fan-out floods models and files alike. */
const DEFAULT_LIMIT = 20;
/** A step without a limit of its own may take this long. Long enough for a slow model turn or a test suite. */
const DEFAULT_TIMEOUT_MS = 15 * 60_000;

/** The flow of one fiber: turns calls into operations and parses what comes back. Stateless but for its path. */
export function createFlow(path: string): Flow {
  return new FiberFlow(path);
}

/** A class, so that the many fibers of a run share its methods instead of each making its own. */
class FiberFlow implements Flow {
  readonly path: string;

  constructor(path: string) {
    this.path = path;
  }

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
  }

  *sleep(name: string, ms: number): Operation<void> {
    yield { op: 'sleep', name, ms };
  }

  *waitSignal<T>(
    name: string,
    signal: string,
    schema: z.ZodType<T>,
    options: { readonly idle?: boolean } = {},
  ): Operation<T> {
    return schema.parse(yield { op: 'signal', name, signal, ...options });
  }

  *waitSignalFor<T>(name: string, signal: string, schema: z.ZodType<T>, ms: number): Operation<T | null> {
    const first: NamedBody<T | null> = { name: 'signal', run: (f) => f.waitSignal('wait', signal, schema) };
    const timeout: NamedBody<T | null> = { name: 'timeout', run: (f) => nullAfter(f, ms) };
    return (yield* this.race<T | null>(name, [first, timeout])).value;
  }

  *now(name: string): Operation<number> {
    return numberSchema.parse(yield { op: 'now', name });
  }

  *random(name: string): Operation<number> {
    return numberSchema.parse(yield { op: 'random', name });
  }

  *child<T>(name: string, spec: RunSpec, schema: z.ZodType<T>): Operation<T> {
    return schema.parse(yield { op: 'child', name, spec });
  }

  *emit(...events: readonly RunEvent[]): Operation<void> {
    yield { op: 'emit', events };
  }

  *onGivenUp(tell: GivenUp | null): Operation<void> {
    yield { op: 'given-up', tell };
  }

  *until(holds: () => boolean, options: { readonly patient?: boolean } = {}): Operation<boolean> {
    return booleanSchema.parse(yield { op: 'until', holds, patient: options.patient ?? false });
  }

  *call<T>(name: string, body: (inner: Flow) => Operation<T>, node?: string): Operation<T> {
    const ends: Settled<T>[] = [];
    yield {
      op: 'call',
      name,
      ...(node === undefined ? {} : { node }),
      *body(inner) {
        ends.push({ status: 'done', value: yield* body(inner) });
      },
    };
    return endOf(ends[0]);
  }

  *all<T>(name: string, bodies: readonly NamedBody<T>[], limit = DEFAULT_LIMIT): Operation<T[]> {
    const ends = newEnds(bodies);
    let failed = false;
    const branches = bodies.map((body, index) => recording(body, index, ends, () => (failed = true)));
    const because = (): string => 'something beside it failed';
    yield { op: 'branches', name, limit, bodies: branches, until: () => failed, because };
    const failure = failed ? ends.find((end) => end.status === 'failed') : undefined;
    if (failure?.status === 'failed') throw failure.error;
    return ends.map(endOf);
  }

  *settle<T>(
    name: string,
    bodies: readonly NamedBody<T>[],
    options: {
      readonly limit?: number;
      readonly until?: (settled: readonly Settled<T>[]) => boolean;
      readonly because?: () => string;
    } = {},
  ): Operation<Settled<T>[]> {
    const ends = newEnds(bodies);
    const { limit = DEFAULT_LIMIT, until, because } = options;
    const branches = bodies.map((body, index) => recording(body, index, ends));
    const why = because === undefined ? {} : { because };
    yield { op: 'branches', name, limit, bodies: branches, until: () => until?.(ends) ?? false, ...why };
    return ends;
  }

  *race<T>(
    name: string,
    bodies: readonly NamedBody<T>[],
    because?: () => string,
  ): Operation<{ readonly index: number; readonly value: T }> {
    const ends = newEnds(bodies);
    const branches = bodies.map((body, index) => recording(body, index, ends));
    const why = because === undefined ? {} : { because };
    yield { op: 'branches', name, limit: bodies.length, bodies: branches, until: () => true, ...why };
    const index = ends.findIndex((end) => end.status !== 'cancelled');
    return { index, value: endOf(ends[index]) };
  }
}

function newEnds<T>(bodies: readonly NamedBody<T>[]): Settled<T>[] {
  return bodies.map(() => ({ status: 'cancelled' }));
}

/** A branch whose end, good or bad, is kept in its place of `ends`: results travel in the closure, typed. */
function recording<T>(body: NamedBody<T>, index: number, ends: Settled<T>[], onFailure?: () => void): Branch {
  return {
    name: body.name,
    ...(body.node === undefined ? {} : { node: body.node }),
    *body(inner) {
      try {
        ends[index] = { status: 'done', value: yield* body.run(inner) };
      } catch (error) {
        ends[index] = { status: 'failed', error };
        onFailure?.();
      }
    },
  };
}

function* nullAfter(flow: Flow, ms: number): Operation<null> {
  yield* flow.sleep('sleep', ms);
  return null;
}

function endOf<T>(end: Settled<T> | undefined): T {
  if (end?.status === 'done') return end.value;
  if (end?.status === 'failed') throw end.error;
  throw new Error('A branch was read that never ended');
}
