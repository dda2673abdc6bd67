import { z } from 'zod';
import { eventNameSchema } from '../domain/bus-event.ts';
import { mergeContext } from '../domain/handoff.ts';
import { jsonSchema } from '../domain/json.ts';
import { fillTemplate } from '../domain/template.ts';
import { publishEvent } from '../ports/bus-activities.ts';
import { factsOf } from './facts.ts';
import { commonShape } from './on-error.ts';
import { definePattern } from './pattern.ts';

const schema = z.strictObject({
  ...commonShape,
  kind: z.literal('emit'),
  event: eventNameSchema,
  /** What the event says; `{{ result.branch }}` and the like are filled in. */
  payload: z.record(z.string(), jsonSchema).default({}),
});

/** P10: tells other runs, and subscriptions, that something happened. What was handed over goes on as it is. */
export const emit = definePattern({
  kind: 'emit',
  schema,
  *run(node, input, flow, context) {
    yield* flow.emit({ type: 'node.started', node: node.id, kind: 'emit' });
    const at = yield* flow.now('at');
    const { value: payload, absent } = fillTemplate(node.payload, factsOf(input, context));
    const published = yield* flow.step(
      'publish',
      publishEvent,
      { node: node.id, name: node.event, payload, at },
      { label: `publishing "${node.event}"` },
    );
    const summary = `published "${node.event}" (${published.event})`;
    yield* flow.emit({ type: 'node.finished', node: node.id, status: 'done', summary });
    const missing = absent.map((path) => `${node.id}: there is no "${path}" to put into "${node.event}"`);
    return {
      ...input,
      context: mergeContext(input.context, [{ node: node.id, agent: null, summary }]),
      warnings: [...new Set([...input.warnings, ...missing])],
    };
  },
  estimate: () => ({ ms: { low: 0, mid: 0, high: 0 }, usd: { low: 0, mid: 0, high: 0 }, asks: 0 }),
  describe: (node) => `tell "${node.event}"`,
});
