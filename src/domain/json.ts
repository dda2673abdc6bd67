import { z } from 'zod';

/** Plain data: what a journal can keep and give back unchanged. */
export type Json = string | number | boolean | null | Json[] | { [key: string]: Json };

export const jsonSchema: z.ZodType<Json> = z.json();

/** JSON with sorted keys, so that equal data has equal text (the input of every digest). */
export function canonicalJson(value: Json): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  if (value !== null && typeof value === 'object') {
    const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
    return `{${entries.map(([key, item]) => `${JSON.stringify(key)}:${canonicalJson(item)}`).join(',')}}`;
  }
  return JSON.stringify(value);
}

/**
 * A value as JSON keeps it. What a step returned passes through here before the run sees it, so that the first run
 * and every replay see the same.
 */
export function asJson(value: unknown): Json {
  if (value === undefined) return null;
  if (value === null || typeof value === 'boolean' || typeof value === 'string') return value;
  return JSON.parse(JSON.stringify(value));
}
