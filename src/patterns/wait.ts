import { z } from 'zod';
import { durationMs, durationSchema } from '../domain/duration.ts';
import { inSequence, oneOf } from '../domain/estimate.ts';
import { BatonError } from '../domain/failure.ts';
import { type Handoff, mergeContext } from '../domain/handoff.ts';
import { type Json, jsonSchema } from '../domain/json.ts';
import { type Estimate, nodeSchema } from '../domain/workflow.ts';
import type { Flow, NamedBody, Operation } from '../ports/flow.ts';
import { commonShape } from './on-error.ts';
import { definePattern, type EstimateContext, type RunContext } from './pattern.ts';

export const signalName = z
  .string()
  .regex(/^[a-z][a-z0-9-]{0,39}$/, 'A signal is lower-case letters, digits and dashes, at most 40');
/** Signals that came too early are passed over up to this many: more is a flood, not a workflow. */
const MOST_STALE = 1_000;

const wayOf = z
  .strictObject({
    for: durationSchema.optional(),
    signal: signalName.optional(),
    then: nodeSchema.optional(),
  })
  .refine(
    (way) => (way.for === undefined) !== (way.signal === undefined),
    'Write either `for` or `signal` in each of `any`.',
  );

const schema = z
  .strictObject({
    ...commonShape,
    kind: z.literal('wait'),
    for: durationSchema.optional(),
    signal: signalName.optional(),
    /** Several at once: the first to come decides and its `then` runs; the others are withdrawn. */
    any: z.array(wayOf).min(2).max(50).optional(),
    /** Only a signal that comes while this waits counts; one that came before is lost. */
    transient: z.boolean().default(false),
    /** How long the signal is waited for; without it, for ever. */
    within: durationSchema.optional(),
    on_timeout: z.enum(['fail', 'go_on']).optional(),
  })
  .superRefine((node, context) => {
    const say = (path: string, message: string): void =>
      context.addIssue({ code: 'custom', path: [path], message });
    if ([node.for, node.signal, node.any].filter((given) => given !== undefined).length !== 1)
      say('for', 'Write one of `for`, `signal` and `any`.');
    if (node.transient && node.signal === undefined)
      say('transient', '`transient` belongs to `signal`. Write one, or take it out.');
    const signals = (node.any ?? []).flatMap(({ signal }) => signal ?? []);
    if (new Set(signals).size < signals.length)
      say('any', 'Each signal of `any` is named once. Take the second one out.');
    if (node.within !== undefined && node.signal === undefined)
      say('within', '`within` belongs to `signal`. Write one, or take it out.');
    if (node.on_timeout !== undefined && node.within === undefined)
      say('on_timeout', '`on_timeout` needs `within`. Write how long it waits, such as `within: 2h`.');
  });
type Wait = z.infer<typeof schema>;

/** The run's signal that a `wait` listens to: a name of its own, so that no workflow takes a decision's. */
export function waitSignal(name: string): string {
  return `wait:${name}`;
}

/**
 * P14: waits for a time or for a signal of this run. The timer is the journal's, kept as the moment it ends: neither
 * a restart nor a wait beyond what one timer of the process can hold moves it.
 */
export const wait = definePattern({
  kind: 'wait',
  schema,
  children: (node) => (node.any ?? []).flatMap(({ then }) => then ?? []),
  *run(node, input, flow, context) {
    // Told to have begun once it listens: what came until then was too early.
    if (node.transient && node.signal !== undefined) yield* passOver(node, node.signal, flow);
    yield* flow.emit({ type: 'node.started', node: node.id, kind: 'wait' });
    if (node.any !== undefined) return yield* first(node, node.any, input, flow, context);
    if (node.signal === undefined) {
      yield* flow.sleep('for', durationMs(node.for ?? ''));
      yield* flow.emit(finished(node, 'done', `waited ${node.for ?? ''}`));
      return input;
    }
    const came = yield* listen(node, node.signal, flow);
    if (came !== null) {
      const summary = `"${node.signal}" came`;
      yield* flow.emit(finished(node, 'done', summary));
      return {
        ...input,
        result: came.payload,
        context: mergeContext(input.context, [{ node: node.id, agent: null, summary }]),
      };
    }
    const late = `"${node.signal}" did not come within ${node.within ?? ''}`;
    if (node.on_timeout === 'go_on') {
      yield* flow.emit(finished(node, 'skipped', late));
      return { ...input, warnings: [...new Set([...input.warnings, `${node.id}: ${late}`])] };
    }
    throw new BatonError({
      class: 'terminal',
      code: 'wait_timeout',
      message: late,
      hint: 'The branch and every snapshot are kept. Run it again when it can come, or write `on_timeout: go_on`.',
    });
  },
  estimate(node, context) {
    if (node.any !== undefined) return ofAny(node.any, context);
    const ms = durationMs(node.for ?? node.within ?? '');
    const least = node.signal === undefined ? ms : 0;
    return {
      ms: { low: least, mid: (least + ms) / 2, high: ms },
      usd: { low: 0, mid: 0, high: 0 },
      asks: 0,
    };
  },
  describe: (node, child) =>
    node.any !== undefined
      ? `whichever comes first: ${node.any.map((way) => `${nameOf(way)}${way.then === undefined ? '' : ` (then ${child(way.then)})`}`).join(', ')}`
      : node.signal === undefined
        ? `wait ${node.for ?? ''}`
        : `wait for "${node.signal}"${node.within === undefined ? '' : ` (${node.within} at most)`}`,
});

type Way = z.infer<typeof wayOf>;

function nameOf({ signal, for: time }: Way): string {
  return signal ?? `after ${time ?? ''}`;
}

const cameSchema = jsonSchema.transform((payload) => ({ payload }));
type Came = { readonly payload: Json } | null;

/** The choice is not made here but outside: whatever comes first. */
function* first(
  node: Wait,
  ways: readonly Way[],
  input: Handoff,
  flow: Flow,
  context: RunContext,
): Operation<Handoff> {
  const bodies = ways.map(
    (way, at): NamedBody<Came> => ({
      name: `way-${at + 1}`,
      *run(inner) {
        if (way.signal !== undefined)
          return yield* inner.waitSignal('signal', waitSignal(way.signal), cameSchema);
        yield* inner.sleep('for', durationMs(way.for ?? ''));
        return null;
      },
    }),
  );
  const { index, value } = yield* flow.race('any', bodies);
  const way = ways[index];
  const summary = way === undefined ? '' : `${nameOf(way)} came first`;
  yield* flow.emit(finished(node, 'done', summary));
  const handoff: Handoff = {
    ...input,
    ...(value === null ? {} : { result: value.payload }),
    context: mergeContext(input.context, [{ node: node.id, agent: null, summary }]),
  };
  return way?.then === undefined ? handoff : yield* context.run(way.then, handoff, flow);
}

/** Any of them may come, at once where it is a signal. */
function ofAny(ways: readonly Way[], context: EstimateContext): Estimate {
  const nothing = inSequence([]);
  const ends = ways.map(({ then }) => (then === undefined ? nothing : context.child(then)));
  const times = ways.map(({ for: time }) => (time === undefined ? 0 : durationMs(time)));
  const then = oneOf(ends);
  return {
    ms: {
      low: 0,
      mid: Math.max(...times) / 2 + then.ms.mid,
      high: Math.max(...times) + then.ms.high,
    },
    usd: then.usd && { ...then.usd, low: 0 },
    asks: then.asks,
  };
}

function* listen(node: Wait, name: string, flow: Flow): Operation<Came> {
  return node.within === undefined
    ? yield* flow.waitSignal('signal', waitSignal(name), cameSchema)
    : yield* flow.waitSignalFor('signal', waitSignal(name), cameSchema, durationMs(node.within));
}

/** Signals are kept until somebody takes them: those from before are taken and left. */
function* passOver(node: Wait, name: string, flow: Flow): Operation<void> {
  for (let count = 0; count < MOST_STALE; count += 1) {
    const stale = yield* flow.waitSignalFor('stale', waitSignal(name), cameSchema, 0);
    if (stale === null) return;
    yield* flow.emit({
      type: 'note',
      text: `${node.id}: "${name}" had come before anybody waited, and does not count`,
    });
  }
}

function finished(node: Wait, status: 'done' | 'skipped', summary: string) {
  return { type: 'node.finished' as const, node: node.id, status, summary };
}
