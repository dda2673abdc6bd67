import { z } from 'zod';
import { nearest } from './nearest.ts';
import { issueWords } from './problem-words.ts';

type Path = readonly (string | number)[];

/** What is wrong with a value, and where in it. */
export interface ToldProblem {
  readonly path: Path;
  readonly message: string;
}

/**
 * What a schema says of a value, in words: each unknown key at its own place, and of several forms that a value may have
 * the one that it comes nearest to.
 */
export function told(issue: z.core.$ZodIssue, schema: z.ZodType): ToldProblem[] {
  const path = issue.path.map(segment);
  if (issue.code === 'unrecognized_keys') {
    const known = keysAt(schema, path);
    return issue.keys.map((key) => ({
      path: [...path, key],
      message: `There is no "${key}" here. ${instead(key, known)}`,
    }));
  }
  if (issue.code === 'invalid_union') {
    const found = nearestForm(issue);
    if (found !== null) return found.flatMap((one) => told(one, schema));
  }
  const name = path.at(-1);
  const missing = issue.code === 'invalid_type' && issue.message.endsWith('received undefined');
  if (missing) return [{ path, message: `"${name}" is missing. Write \`${name}:\` with a value.` }];
  const message = formWords(issue);
  return [{ path, message: path.length === 0 ? message : `"${path.join('.')}": ${message}` }];
}

/** Of the forms a value may have the one that fits but for something within it; null: it is none of them at all. */
function nearestForm(issue: z.core.$ZodIssueInvalidUnion): z.core.$ZodIssue[] | null {
  const within = issue.errors.filter((form) => form.length > 0 && form.every(isWithin));
  const [best] = within.toSorted((a, b) => a.length - b.length);
  return best?.map((one) => ({ ...one, path: [...issue.path, ...one.path] })) ?? null;
}

function isWithin(issue: z.core.$ZodIssue): boolean {
  return issue.path.length > 0 || issue.code === 'unrecognized_keys' || issue.code === 'custom';
}

/** One that is none of the forms is told of all of them, unless the schema has words of its own for that. */
function formWords(issue: z.core.$ZodIssue): string {
  if (issue.code !== 'invalid_union' || issue.message !== 'Invalid input') return issueWords(issue);
  const forms = issue.errors.flatMap(([first]) =>
    first === undefined ? [] : [formWords(first).replace(/(?<![.?!])$/, '.')],
  );
  return [...new Set(forms)].join(' Or: ');
}

function instead(key: string, known: readonly string[]): string {
  const near = nearest(key, known);
  if (near !== null) return `Did you mean "${near}"?`;
  return known.length === 0 ? 'Take it out.' : `Take it out, or write one of: ${known.join(', ')}.`;
}

const jsonShape = z.looseObject({
  properties: z.record(z.string(), z.unknown()).optional(),
  items: z.unknown().optional(),
  anyOf: z.array(z.unknown()).optional(),
  additionalProperties: z.unknown().optional(),
});

/** The keys a value may have where it stands. */
function keysAt(schema: z.ZodType, path: Path): string[] {
  let here: unknown[] = [z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' })];
  for (const step of path) here = forms(here).flatMap((form) => below(form, step));
  return [...new Set(forms(here).flatMap(({ properties }) => Object.keys(properties ?? {})))];
}

type Shape = z.infer<typeof jsonShape>;

function forms(values: readonly unknown[]): Shape[] {
  return values.flatMap((value) => {
    const shape = jsonShape.safeParse(value).data;
    return shape === undefined ? [] : [shape, ...forms(shape.anyOf ?? [])];
  });
}

function below({ properties, items, additionalProperties }: Shape, step: string | number): unknown[] {
  if (typeof step === 'number') return items === undefined ? [] : [items];
  const named = properties?.[step];
  return named !== undefined ? [named] : additionalProperties === undefined ? [] : [additionalProperties];
}

function segment(key: PropertyKey): string | number {
  return typeof key === 'symbol' ? String(key) : key;
}
