import { z } from 'zod';
import { BatonError } from './failure.ts';
import { canonicalJson, type Json, jsonSchema } from './json.ts';

/** Who says so: a run, a webhook, a person, or Baton itself. */
export const eventSources = ['run', 'hook', 'person', 'baton'] as const;
export type EventSource = (typeof eventSources)[number];

export const eventNameSchema = z
  .string()
  .regex(
    /^[a-z][a-z0-9_-]{0,59}$/,
    'An event is named in lower-case letters, digits, "-" and "_", at most 60',
  );

/** One event, as it was published. */
export const busEventSchema = z.object({
  /** Rises by one with each event: their order. */
  seq: z.number().int(),
  name: z.string(),
  payload: jsonSchema,
  sourceKind: z.enum(eventSources),
  source: z.string(),
  /** Key of the workspace it belongs to; null: it came from outside, and is for all. */
  team: z.string().nullable().default(null),
  hops: z.number().int(),
  at: z.number(),
});
export type BusEvent = z.infer<typeof busEventSchema>;

/** Whether an event is for a workspace: one that a run published stays in the workspace of that run. */
export function isFor({ team }: Pick<BusEvent, 'team'>, workspace: string | null): boolean {
  return team === null || team === workspace;
}

export function eventId(seq: number): string {
  return `evt_${seq}`;
}

/** Events may lead to events this often; then somebody has built a circle. */
export const MAX_HOPS = 8;
/** A payload says what happened and where the rest is to be found. */
const MAX_PAYLOAD = 32_000;

const text = z.string();
const optional = {
  run: text.optional(),
  session: text.optional(),
  workflow: text.optional(),
  request: text.optional(),
  repository: text.optional(),
  branch: text.optional(),
  by: text.optional(),
  url: text.optional(),
  /** Whatever else there is to say. */
  details: jsonSchema.optional(),
} as const;
const level = z.enum(['low', 'normal', 'high']);

/** The events that Baton knows by itself, each with what it says. */
export const builtInEvents = {
  feedback_received: z.strictObject({
    ...optional,
    text,
    sentiment: z.enum(['positive', 'negative', 'neutral']).optional(),
    direction: text.optional(),
    priority: level.optional(),
  }),
  direction_change: z.strictObject({ ...optional, text, priority: level.optional() }),
  approval_given: z.strictObject({ ...optional, title: text, comment: text.optional() }),
  clarification_request: z.strictObject({ ...optional, question: text }),

  task_completion: z.strictObject({ ...optional, task: text, agent: text.optional() }),
  error_encountered: z.strictObject({
    ...optional,
    code: text,
    message: text,
    agent: text.optional(),
    scope: text.optional(),
  }),
  dependency_resolved: z.strictObject({ ...optional, dependency: text }),
  resource_available: z.strictObject({ ...optional, resource: text }),

  external_change: z.strictObject({ ...optional, change: text }),
  resource_constraint: z.strictObject({ ...optional, resource: text, message: text }),
  timeline_pressure: z.strictObject({ ...optional, message: text, deadline: text.optional() }),
  quality_issue: z.strictObject({
    ...optional,
    message: text,
    quality: z.number().min(0).max(100).optional(),
  }),

  'code-pushed': z.strictObject({
    ...optional,
    commit: text,
    before: text.optional(),
    title: text.optional(),
    commits: z.number().int().optional(),
  }),
  'test-failed': z.strictObject({
    ...optional,
    check: text,
    commit: text.optional(),
    failed: z.number().int().optional(),
    summary: text.optional(),
  }),
  'deployment-ready': z.strictObject({
    ...optional,
    artifact: text,
    version: text.optional(),
    environment: text.optional(),
    commit: text.optional(),
  }),
  'error-monitoring': z.strictObject({
    ...optional,
    message: text,
    service: text.optional(),
    severity: z.enum(['info', 'warning', 'error', 'critical']).optional(),
    count: z.number().int().optional(),
  }),
} as const satisfies Readonly<Record<string, z.ZodType>>;

const FIELD_TYPES = {
  text: z.string(),
  number: z.number(),
  boolean: z.boolean(),
  list: z.array(jsonSchema),
  object: z.record(z.string(), jsonSchema),
  any: jsonSchema,
} as const;

/** One field of an event of your own: its type, with a `?` when it may be missing. */
const fieldSchema = z
  .string()
  .regex(
    /^(text|number|boolean|list|object|any)\??$/,
    'A field is text, number, boolean, list, object or any; with a "?" after it when it may be missing',
  );

/** `events:` of the settings: names of your own, with their fields. */
export const declarationsSchema = z.record(
  eventNameSchema,
  z.record(z.string().regex(/^[A-Za-z_][A-Za-z0-9_]{0,39}$/, 'A field is a word'), fieldSchema),
);
export type Declarations = z.infer<typeof declarationsSchema>;

/** Every event that may be published here, by name. */
export type EventTypes = ReadonlyMap<string, z.ZodType>;

/** @throws BatonError `config_invalid` when a declared name is one that Baton knows by itself */
export function eventTypes(declared: Declarations = {}): EventTypes {
  const types = new Map<string, z.ZodType>(Object.entries(builtInEvents));
  for (const [name, fields] of Object.entries(declared)) {
    if (types.has(name))
      throw new BatonError({
        class: 'terminal',
        code: 'config_invalid',
        message: `events.${name}: Baton knows that event already`,
        hint: 'Give yours another name. Nothing was started.',
      });
    types.set(name, declaredType(fields));
  }
  return types;
}

function declaredType(fields: Declarations[string]): z.ZodType {
  const shape: Record<string, z.ZodType> = {};
  for (const [name, written] of Object.entries(fields)) {
    const type = typeOf(written.replace('?', ''));
    shape[name] = written.endsWith('?') ? type.optional() : type;
  }
  return z.strictObject(shape);
}

function typeOf(word: string): z.ZodType {
  for (const [name, type] of Object.entries(FIELD_TYPES)) if (name === word) return type;
  return FIELD_TYPES.any;
}

/** @throws BatonError terminal `event_unknown` */
export function checkedName(types: EventTypes, name: string): z.ZodType {
  const type = types.get(name);
  if (type !== undefined) return type;
  throw refused(
    'event_unknown',
    `There is no event "${name}"`,
    `Known are ${[...types.keys()].join(', ')}. Declare yours under \`events:\` in baton.yaml.`,
  );
}

/**
 * A payload as its event wants it.
 * @throws BatonError terminal `event_unknown`, `event_invalid` or `event_too_large`
 */
export function checkedPayload(types: EventTypes, name: string, payload: Json): Json {
  const parsed = checkedName(types, name).safeParse(payload);
  if (!parsed.success) {
    const found = parsed.error.issues
      .slice(0, 3)
      .map(({ path, message }) => `${path.map(String).join('.') || 'it'}: ${message}`);
    throw refused(
      'event_invalid',
      `That is not what "${name}" says (${found.join('; ')})`,
      'docs/events.md lists the fields. Nothing was published.',
    );
  }
  const size = canonicalJson(payload).length;
  if (size > MAX_PAYLOAD)
    throw refused(
      'event_too_large',
      `The event "${name}" has ${size} characters; ${MAX_PAYLOAD} is the most`,
      'Say where the rest is to be found. Nothing was published.',
    );
  return payload;
}

function refused(code: string, message: string, hint: string): BatonError {
  return new BatonError({ class: 'terminal', code, message, hint });
}
