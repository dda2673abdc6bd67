import { z } from 'zod';
import { type BusEvent, eventNameSchema } from './bus-event.ts';
import { durationMs, durationSchema } from './duration.ts';
import type { Json } from './json.ts';
import { writtenId } from './slack-id.ts';
import { fillTemplate } from './template.ts';

export const priorities = ['high', 'normal', 'low'] as const;
/** Events that start one run together, unless `batch` says otherwise. */
const MOST_TOGETHER = 100;
/** A topic that is never quiet starts a run after this many times its `debounce`. */
const MOST_DEBOUNCES = 10;

/** An entry of `subscriptions:`: an event that starts a workflow. */
export const subscriptionSchema = z
  .strictObject({
    /** What it is called in decisions and in the log; without it, event and workflow. */
    name: z
      .string()
      .regex(/^[a-z][a-z0-9_-]{0,79}$/, 'A name is lower-case letters, digits, "-" and "_"')
      .optional(),
    on: z.union([eventNameSchema, z.array(eventNameSchema).min(1)]),
    where: z.string().optional(),
    workflow: z.string().optional(),
    route: z.literal('auto').optional(),
    /** The request, with `{{ event.branch }}` and the like filled in. */
    with: z.string().min(1).max(2_000).default('Answer to the event {{ name }}'),
    repo: z.string().min(1).optional(),
    channel: writtenId('CG', 'A channel is its id, such as C0123ABCD'),
    by: writtenId('UW', 'A person is a member id, such as U0123ABCD'),
    debounce: durationSchema.optional(),
    batch: z
      .strictObject({ size: z.number().int().min(1).max(MOST_TOGETHER), within: durationSchema })
      .optional(),
    priority: z.enum(priorities).default('normal'),
    auto_start: z.boolean().default(false),
    /** `agent`: events wait until each agent of the workflow, or its stand-in, can be given work. */
    when_ready: z.literal('agent').optional(),
  })
  .refine(
    ({ workflow, route }) => (workflow === undefined) !== (route === undefined),
    'Write either `workflow: <name>` or `route: auto`',
  )
  .refine(
    ({ workflow, when_ready }) => when_ready === undefined || workflow !== undefined,
    '`when_ready` needs `workflow: <name>`: with `route: auto` nobody knows yet whose agents are meant',
  );
type Written = z.infer<typeof subscriptionSchema>;

export interface Subscription extends Omit<Written, 'on' | 'name' | 'where'> {
  readonly id: string;
  readonly on: readonly string[];
  readonly where: string | null;
}

/** Each with its list of events, and an id that stays the same between starts. */
export function subscriptionsOf(written: readonly Written[]): Subscription[] {
  return written.map((one) => {
    const on = typeof one.on === 'string' ? [one.on] : one.on;
    const name = one.name ?? `${on.join('+')}-${one.workflow ?? 'auto'}`;
    return { ...one, id: `sub:${name}`, on, where: one.where ?? null };
  });
}

/** How many events start one run together, at most. */
export function mostTogether({ debounce, batch }: Subscription): number {
  return batch?.size ?? (debounce === undefined ? 1 : MOST_TOGETHER);
}

/** When what waits is to start a run: now or earlier, or later. */
export function dueAt(
  subscription: Subscription,
  waiting: { readonly count: number; readonly firstAt: number; readonly lastAt: number },
): number {
  const { debounce, batch } = subscription;
  const { count, firstAt, lastAt } = waiting;
  if (count >= mostTogether(subscription)) return firstAt;
  const limits: number[] = [];
  if (debounce !== undefined) {
    const ms = durationMs(debounce);
    limits.push(Math.min(lastAt + ms, firstAt + ms * MOST_DEBOUNCES));
  }
  if (batch !== undefined) limits.push(firstAt + durationMs(batch.within));
  return Math.min(...limits, ...(limits.length === 0 ? [firstAt] : []));
}

/** What the run begins with: the event's payload, or those of all under `items`. */
export function givenBy(subscription: Subscription, events: readonly BusEvent[]): Json {
  const payloads = events.map(({ payload }) => payload);
  return mostTogether(subscription) === 1 ? (payloads[0] ?? null) : { items: payloads };
}

/** Text from outside that stands in a request: one line, and not the place for a letter. */
const VALUE_MAX = 200;

/** The request's words. What events say is cut to a line each; whole, the run has it as its first result. */
export function requestOf(subscription: Subscription, events: readonly BusEvent[]): string {
  const [first] = events;
  const facts: Json = {
    name: first?.name ?? '',
    count: events.length,
    event: oneLine(first?.payload ?? null),
    events: events.map(({ payload }) => oneLine(payload)),
  };
  const { value } = fillTemplate(subscription.with, facts);
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function oneLine(value: Json): Json {
  if (typeof value === 'string') {
    const line = value.replaceAll(/\s+/g, ' ').trim();
    return line.length > VALUE_MAX ? `${line.slice(0, VALUE_MAX - 1)}…` : line;
  }
  if (Array.isArray(value)) return value.map(oneLine);
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, oneLine(item)]));
}
