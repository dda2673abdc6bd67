import { z } from 'zod';
import { busEventSchema } from '../domain/bus-event.ts';
import { failureSchema } from '../domain/failure.ts';
import { jsonSchema } from '../domain/json.ts';
import { contract } from './activity.ts';

/** Publishes an event, once however often the step is done. */
export const publishEvent = contract(
  'event.publish',
  z.object({ node: z.string(), name: z.string(), payload: jsonSchema, at: z.number() }),
  z.object({ event: z.string() }),
);

/** From when a listener hears: what comes, all since its run began, or since a moment (milliseconds). */
const sinceSchema = z.union([z.literal('now'), z.literal('run'), z.number()]);

/** Lets the run be sent a signal for each event it wants. `listener` is the path of the node, unique in its run. */
export const listenForEvent = contract(
  'event.listen',
  z.object({
    listener: z.string(),
    name: z.string(),
    rule: z.string().nullable(),
    facts: z.record(z.string(), jsonSchema),
    count: z.number().int(),
    since: sinceSchema,
    at: z.number(),
  }),
  z.object({}),
);

export const stopListening = contract('event.unlisten', z.object({ listener: z.string() }), z.object({}));

/** The signal under which a listener's events come. */
export function eventSignal(listener: string): string {
  return `event:${listener}`;
}

export const eventSignalSchema = z.union([
  z.object({ event: busEventSchema }),
  /** The rule could not be decided about an event. */
  z.object({ failure: failureSchema }),
]);
