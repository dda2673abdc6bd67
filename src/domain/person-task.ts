import { z } from 'zod';
import { timeoutActions } from './approval.ts';
import { type Json, jsonSchema } from './json.ts';
import { writtenId } from './slack-id.ts';

/**
 * Where a task for a person stands. `open` is left once: somebody did it, everybody who could said that they cannot,
 * whoever asked for the work had it left out, time ran out, or the run went on or ended without it (`voided`).
 */
export const personTaskStatuses = ['open', 'done', 'declined', 'skipped', 'expired', 'voided'] as const;

/** The types a field of an output may have, as workflow files write them. */
const fieldTypes = ['text', 'number', 'yes-no', 'list', 'choice'] as const;

export const taskFieldSchema = z.object({
  name: z.string(),
  type: z.enum(fieldTypes),
  /** What a `choice` chooses from; empty otherwise. */
  options: z.array(z.string()),
  optional: z.boolean(),
});
export type TaskField = z.infer<typeof taskFieldSchema>;

/** Fields of one form: far more than a person fills in gladly, far below Slack's 100 blocks. */
const MOST_FIELDS = 20;
/** Slack's limit for a select. */
const MOST_OPTIONS = 100;

const FIELD =
  'A field is text, number, yes-no or list, with a "?" after it when it may be left empty; or a list of at least two texts to choose from';

/** `output:` of a node: a type per field, or what it is chosen from; with a `?` when it may be left empty. */
export const outputSchema = z
  .record(
    z.string().regex(/^[A-Za-z_][A-Za-z0-9_]{0,39}$/, 'A field is a word'),
    z.union(
      [
        z.string().regex(/^(?:text|number|yes-no|list)\??$/, FIELD),
        z.array(z.string().min(1).max(75)).min(2, FIELD).max(MOST_OPTIONS),
      ],
      FIELD,
    ),
  )
  .refine((fields) => Object.keys(fields).length > 0, 'Name at least one field, or leave `output` out.')
  .refine((fields) => Object.keys(fields).length <= MOST_FIELDS, `A form has at most ${MOST_FIELDS} fields.`);
export type Output = z.infer<typeof outputSchema>;

/** The fields of a form, in the order written. */
export function fieldsOf(output: Output): TaskField[] {
  return Object.entries(output).map(([name, written]): TaskField => {
    if (typeof written !== 'string')
      return { name, type: 'choice', options: [...new Set(written)], optional: false };
    const type = z.enum(fieldTypes).parse(written.replace('?', ''));
    return { name, type, options: [], optional: written.endsWith('?') };
  });
}

/** People who can be asked, and what for: `people:` of the settings, by Slack member id. */
export const peopleSchema = z.record(
  writtenId('UW', 'A person is a member id, such as U0123ABCD'),
  z.strictObject({
    skills: z.array(z.string().min(1)).default([]),
    /** Open tasks beside which nobody is given another while somebody else can take it. */
    limit: z.number().int().min(1).default(5),
  }),
);
export type PeopleSettings = z.infer<typeof peopleSchema>;

export const personTaskSchema = z.object({
  id: z.string(),
  /** Opaque, the only thing a button carries. */
  nonce: z.string(),
  runId: z.string(),
  /** Of the step that asked for it; empty in what was asked before it was kept. */
  key: z.string().default(''),
  node: z.string(),
  team: z.string(),
  /** Whoever asked for the work. */
  requester: z.string(),
  status: z.enum(personTaskStatuses),
  /** What is to be done, and what came before it. */
  task: z.string(),
  about: z.string(),
  fields: z.array(taskFieldSchema),
  /** Who may do it: these, and whoever is in one of the groups when it matters. */
  people: z.array(z.string()),
  groups: z.array(z.string()),
  /** Whose it is, and why theirs. */
  assignee: z.string(),
  because: z.string(),
  /** Who said that they cannot, and why. */
  declined: z.array(z.object({ by: z.string(), reason: z.string() })),
  onTimeout: z.enum(timeoutActions),
  askedAt: z.number(),
  /** Null: it waits for ever. */
  dueAt: z.number().nullable(),
  endedBy: z.string().nullable(),
  endedAt: z.number().nullable(),
  /** What came of it, and in a person's words. */
  output: jsonSchema,
  words: z.string().nullable(),
  /** Why the run did without it, in words that stand alone: "another way was faster". */
  why: z.string().nullable().default(null),
});
export type PersonTask = z.infer<typeof personTaskSchema>;

/** What a run is sent when a task has ended by a person. */
export const personSignalSchema = z.discriminatedUnion('ended', [
  z.object({ ended: z.literal('done'), by: z.string(), output: jsonSchema, words: z.string() }),
  z.object({
    ended: z.literal('declined'),
    reasons: z.array(z.object({ by: z.string(), reason: z.string() })),
  }),
  z.object({ ended: z.literal('skipped'), by: z.string(), reason: z.string() }),
]);
export type PersonSignal = z.infer<typeof personSignalSchema>;

/** Why a click changed nothing. */
export const taskRefusals = [
  'done',
  'declined',
  'skipped',
  'expired',
  'voided',
  'other_team',
  'not_a_person',
  'guest',
  'stranger',
  'not_eligible',
  'not_theirs',
  'nobody_else',
  'already_theirs',
  'needs_form',
  'unchecked',
] as const;
export type TaskRefusal = (typeof taskRefusals)[number];

export type TaskResult =
  | { readonly ok: true; readonly task: PersonTask }
  | { readonly ok: false; readonly refusal: TaskRefusal; readonly task: PersonTask };

/** What was typed into a form, read by its fields; what cannot be read is told by field. */
export function readOutput(
  fields: readonly TaskField[],
  typed: (field: TaskField, at: number) => string | null,
):
  | { readonly ok: true; readonly output: { readonly [name: string]: Json } }
  | { readonly ok: false; readonly problems: ReadonlyMap<number, string> } {
  const output: Record<string, Json> = {};
  const problems = new Map<number, string>();
  for (const [at, field] of fields.entries()) {
    const text = typed(field, at);
    if (text === null) {
      if (!field.optional) problems.set(at, 'This is needed.');
      continue;
    }
    const value = typedValue(field, text);
    if (value === undefined) problems.set(at, WANTED[field.type]);
    else output[field.name] = value;
  }
  return problems.size === 0 ? { ok: true, output } : { ok: false, problems };
}

const WANTED = {
  text: 'Write a text.',
  number: 'Write a number, such as 12 or 0.5.',
  'yes-no': 'Choose yes or no.',
  list: 'Write one per line.',
  choice: 'Choose one of those offered.',
} as const;

/** Undefined: it is none of its type. */
function typedValue({ type, options }: TaskField, text: string): Json | undefined {
  switch (type) {
    case 'text':
      return text;
    case 'number': {
      const value = Number(text.replace(/^(-?\d+),(\d+)$/, '$1.$2'));
      return Number.isFinite(value) ? value : undefined;
    }
    case 'yes-no':
      return text === 'yes' ? true : text === 'no' ? false : undefined;
    case 'list': {
      const items = text.split('\n').map((line) => line.trim());
      return items.filter((line) => line !== '');
    }
    case 'choice':
      return options.includes(text) ? text : undefined;
    default:
      return type satisfies never;
  }
}
