import { z } from 'zod';

/** A JSON object whose fields are not known. */
export type Json = Record<string, unknown>;

export const jsonSchema: z.ZodType<Json> = z.record(z.string(), z.unknown());
export const jsonListSchema = z.array(jsonSchema);

/** True for a plain JSON object, false for null and arrays. */
export function isJson(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Parses JSON text; `undefined` when it is not JSON. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The object in `text`, or an empty one. For columns this desk wrote itself. */
export function jsonOr(text: string | null, fallback: Json = {}): Json {
  const value = text === null ? undefined : parseJson(text);
  return isJson(value) ? value : fallback;
}

/** The list of objects in `text`, or an empty one. */
export function jsonList(text: string | null): Json[] {
  const value = text === null ? undefined : parseJson(text);
  return Array.isArray(value) ? value.filter(isJson) : [];
}

/** A string field, or `undefined` when it is absent or of another kind. */
export function stringField(object: Json, key: string): string | undefined {
  const value = object[key];
  return typeof value === 'string' ? value : undefined;
}
