import { z } from 'zod';
import { nodeSchema, workflowSchema } from '../domain/workflow.ts';

/** A kind of node, as far as a schema for editors needs it. */
export interface KindSchema {
  readonly kind: string;
  readonly schema: z.ZodType;
}

type JsonSchema = z.core.JSONSchema.BaseSchema;

const NODE = '#/$defs/node';

/**
 * JSON Schema (draft 2020-12) of workflow files, for editors: one definition per kind, and `node`, which `kind` tells
 * apart. What relates several fields (weights that sum to 1) no JSON Schema says; `baton validate` does.
 */
export function workflowJsonSchema(kinds: readonly KindSchema[]): JsonSchema {
  const file = plainSchema(workflowSchema);
  const definitions = kinds.map(({ kind, schema }): [string, JsonSchema] => [kind, plainSchema(schema)]);
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'Baton workflow',
    description: 'A workflow file of Baton: a few words for people, and a tree of nodes.',
    ...file,
    $defs: {
      node: {
        type: 'object',
        required: ['kind', 'id'],
        properties: { kind: { enum: kinds.map(({ kind }) => kind) }, id: plainSchema(nodeSchema.shape.id) },
        oneOf: kinds.map(({ kind }) => ({ $ref: `#/$defs/${kind}` })),
      },
      ...Object.fromEntries(definitions),
    },
  };
}

/** One schema without its own `$schema`, every node in it a reference. */
function plainSchema(schema: z.ZodType): JsonSchema {
  const {
    $schema: _,
    $defs: __,
    ...json
  } = z.toJSONSchema(schema, {
    io: 'input',
    unrepresentable: 'any',
    override({ zodSchema, jsonSchema }) {
      if (!Object.is(zodSchema, nodeSchema)) return;
      for (const key of Object.keys(jsonSchema)) delete jsonSchema[key];
      jsonSchema.$ref = NODE;
    },
  });
  return JSON.parse(JSON.stringify(json, anyInstead));
}

/**
 * The only thing a pattern's schema defines by itself is "any JSON", which goes round in itself. Its definition would be
 * looked for at the root of the whole schema; `{}` says the same.
 */
function anyInstead(_key: string, value: unknown): unknown {
  const reference = z.strictObject({ $ref: z.string() }).safeParse(value);
  return reference.success && reference.data.$ref !== NODE ? {} : value;
}
