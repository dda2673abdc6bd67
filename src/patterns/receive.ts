import { z } from 'zod';
import { type BusEvent, eventNameSchema } from '../domain/bus-event.ts';
import { durationMs, durationSchema } from '../domain/duration.ts';
import { BatonError } from '../domain/failure.ts';
import { type Handoff, mergeContext } from '../domain/handoff.ts';
import type { Json } from '../domain/json.ts';
import { eventSignal, eventSignalSchema, listenForEvent, stopListening } from '../ports/bus-activities.ts';
import type { Flow, NamedBody, Operation } from '../ports/flow.ts';
import { factsOf, ruleSchema, undecided } from './facts.ts';
import { commonShape } from './on-error.ts';
import { definePattern } from './pattern.ts';

const schema = z
  .strictObject({
    ...commonShape,
    kind: z.literal('receive'),
    event: eventNameSchema,
    /** About the event, and what was handed over. */
    where: ruleSchema.optional(),
    count: z.number().int().min(1).max(100).default(1),
    /** `now`: what is published from here on; `run`: since the run began; or so long ago. */
    since: z.union([z.enum(['now', 'run']), durationSchema]).default('now'),
    /** How long it waits; without it, for ever. */
    within: durationSchema.optional(),
    on_timeout: z.enum(['fail', 'go_on']).optional(),
  })
  .superRefine((node, context) => {
    if (node.on_timeout !== undefined && node.within === undefined)
      context.addIssue({
        code: 'custom',
        path: ['on_timeout'],
        message: '`on_timeout` needs `within`. Write how long it waits, such as `within: 2h`.',
      });
  });
type Receive = z.infer<typeof schema>;

/**
 * P10: waits for events that other runs, webhooks or Baton publish. Whether an event fits is decided where it is
 * handed on, so that a run sleeps through those it does not want.
 */
export const receive = definePattern({
  kind: 'receive',
  schema,
  *run(node, input, flow, context) {
    yield* flow.emit({ type: 'node.started', node: node.id, kind: 'receive' });
    const at = yield* flow.now('at');
    const { since } = node;
    const facts = node.where === undefined ? {} : factsOf(input, context);
    const listen = (name: string, from: string, count: number, inner: Flow) =>
      inner.step(
        'listen',
        listenForEvent,
        // The facts are kept beside the listener until it has heard: only where a rule asks for them.
        {
          listener: name,
          name: node.event,
          rule: node.where ?? null,
          facts,
          count,
          since: sinceOf(from, at),
          at,
        },
        { label: `listening for "${node.event}"` },
      );
    const ear: Ear = {
      name: flow.path,
      times: 0,
      *anew(count, inner) {
        ear.times += 1;
        ear.name = `${flow.path}~${ear.times}`;
        yield* listen(ear.name, 'now', count, inner);
      },
    };
    yield* listen(ear.name, since, node.count, flow);
    const heard: BusEvent[] = [];
    if (yield* collect(node, heard, ear, flow)) {
      const last = heard.length === 1 ? `"${node.event}" came` : `"${node.event}" came ${heard.length} times`;
      yield* flow.emit({ type: 'node.finished', node: node.id, status: 'done', summary: last });
      return handedOn(node, input, heard, last);
    }
    yield* flow.step('leave', stopListening, { listener: ear.name }, { label: 'tidying up' });
    const late = `"${node.event}" came ${heard.length} of ${node.count} times within ${node.within ?? ''}`;
    if (node.on_timeout === 'go_on') {
      yield* flow.emit({ type: 'node.finished', node: node.id, status: 'skipped', summary: late });
      const rest = heard.length === 0 ? input : handedOn(node, input, heard, late);
      return { ...rest, warnings: [...new Set([...input.warnings, `${node.id}: ${late}`])] };
    }
    throw new BatonError({
      class: 'terminal',
      code: 'event_timeout',
      message: late,
      hint: 'The branch and every snapshot are kept. Run it again when it can come, or write `on_timeout: go_on`.',
    });
  },
  estimate(node) {
    const ms = node.within === undefined ? 0 : durationMs(node.within);
    return { ms: { low: 0, mid: ms / 2, high: ms }, usd: { low: 0, mid: 0, high: 0 }, asks: 0 };
  },
  describe(node) {
    const times = node.count === 1 ? '' : ` ${node.count} times`;
    return `wait for the event "${node.event}"${times}${node.within === undefined ? '' : ` (${node.within} at most)`}`;
  },
});

/** From when on: what comes, since the run began, or a moment. */
function sinceOf(from: string, at: number): 'now' | 'run' | number {
  return from === 'now' || from === 'run' ? from : at - durationMs(from);
}

/** Under which name it listens: whoever could not decide about an event listens no more, and begins anew. */
interface Ear {
  name: string;
  times: number;
  anew(count: number, flow: Flow): Operation<void>;
}

/** Takes events until there are enough; false when time ran out first. */
function* collect(node: Receive, heard: BusEvent[], ear: Ear, flow: Flow): Operation<boolean> {
  const enough = function* (inner: Flow): Operation<boolean> {
    while (heard.length < node.count) {
      const came = yield* inner.waitSignal('event', eventSignal(ear.name), eventSignalSchema);
      if ('failure' in came) {
        yield* undecided(came.failure, node.id, inner);
        yield* ear.anew(node.count - heard.length, inner);
      } else heard.push(came.event);
    }
    return true;
  };
  if (node.within === undefined) return yield* enough(flow);
  const ms = durationMs(node.within);
  const late: NamedBody<boolean> = {
    name: 'limit',
    *run(inner) {
      yield* inner.sleep('sleep', ms);
      return false;
    },
  };
  return (yield* flow.race('timed', [{ name: 'events', run: enough }, late])).value;
}

/** One event's payload is the result; several are `items`, as `map` goes over them. */
function handedOn(node: Receive, input: Handoff, heard: readonly BusEvent[], summary: string): Handoff {
  const payloads = heard.map(({ payload }) => payload);
  const result: Json = node.count === 1 ? (payloads[0] ?? null) : { items: payloads };
  return {
    ...input,
    result,
    context: mergeContext(input.context, [{ node: node.id, agent: null, summary }]),
  };
}
