import { z } from 'zod';
import { type Json, jsonSchema } from '../domain/json.ts';

/**
 * Keywords that strict schemas of model servers refuse or ignore. The bounds they state are checked by zod when
 * the answer comes back.
 */
const DROPPED = new Set([
  '$schema',
  'default',
  'minimum',
  'maximum',
  'exclusiveMinimum',
  'exclusiveMaximum',
  'minLength',
  'maxLength',
  'minItems',
  'maxItems',
  'pattern',
  'format',
]);

/**
 * A zod object as the JSON schema that "strict" structured outputs ask for: every property required, none more
 * allowed.
 */
export function strictJsonSchema(schema: z.ZodType): Record<string, Json> {
  const strict = tighten(jsonSchema.parse(z.toJSONSchema(schema, { io: 'input' })));
  return z.record(z.string(), jsonSchema).parse(strict);
}

function tighten(node: Json): Json {
  if (Array.isArray(node)) return node.map(tighten);
  if (node === null || typeof node !== 'object') return node;
  const result: { [key: string]: Json } = {};
  for (const [key, value] of Object.entries(node)) {
    if (DROPPED.has(key)) continue;
    result[key] = key === 'properties' ? mapProperties(value) : tighten(value);
  }
  if (result['type'] === 'object') {
    result['additionalProperties'] = false;
    const properties = result['properties'];
    if (properties !== null && typeof properties === 'object' && !Array.isArray(properties)) {
      result['required'] = Object.keys(properties);
    }
  }
  return result;
}

/** Names of properties are not keywords: one called `format` stays. */
function mapProperties(properties: Json): Json {
  if (properties === null || typeof properties !== 'object' || Array.isArray(properties)) return properties;
  return Object.fromEntries(Object.entries(properties).map(([name, value]) => [name, tighten(value)]));
}

/** What zod found wrong, one short line per problem, for a model or a person to act on. */
export function describeIssues(error: z.ZodError): string {
  return error.issues
    .slice(0, 8)
    .map((issue) => `${issue.path.length === 0 ? 'the whole' : issue.path.join('.')}: ${issue.message}`)
    .join('; ');
}
