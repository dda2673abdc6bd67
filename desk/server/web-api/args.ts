import { z } from 'zod';
import { ApiError } from '../errors.ts';
import { type Json, jsonSchema, parseJson } from '../json.ts';

const TRUE = new Set<unknown>([true, 'true', '1', 1]);

/** A flag as form fields and JSON carry it. */
export const flag = z
  .unknown()
  .optional()
  .transform((value) => TRUE.has(value));

const unwrap = (value: unknown): unknown => (typeof value === 'string' ? parseJson(value) : value);

/** An object that may arrive as JSON text. */
export const objectArg = z.preprocess(unwrap, jsonSchema);
/** A whole number that may arrive as text. */
export const countArg = z.coerce.number().int().min(1).max(1_000);

/** Reads a method's arguments; refuses with invalid_arguments and the field's name, as Slack does. */
export function readArgs<T>(schema: z.ZodType<T>, args: Json): T {
  const parsed = schema.safeParse(args);
  if (parsed.success) return parsed.data;
  const messages = parsed.error.issues.map((issue) => {
    const field = issue.path.join('/');
    const missing = issue.path.length === 1 && args[String(issue.path[0])] === undefined;
    return missing
      ? `[ERROR] missing required field: ${field}`
      : `[ERROR] ${issue.message} [json-pointer:/${field}]`;
  });
  throw new ApiError('invalid_arguments', messages);
}

/** One page of `items` with Slack's cursor, which here is an offset in base64. */
export function paginate<T>(
  items: readonly T[],
  limit: number,
  cursor: string | undefined,
): { page: T[]; next: string } {
  const text = cursor === undefined || cursor === '' ? '0' : Buffer.from(cursor, 'base64').toString();
  const start = Number(text);
  if (!Number.isInteger(start) || start < 0) throw new ApiError('invalid_cursor');
  const end = start + limit;
  const next = end < items.length ? Buffer.from(String(end)).toString('base64') : '';
  return { page: items.slice(start, end), next };
}
