import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { patterns } from '../../src/patterns/all.ts';
import { workflowJsonSchema } from '../../src/workflows/schema.ts';

const read = (file: string): string =>
  readFileSync(new URL(`../../catalog/${file}`, import.meta.url), 'utf8');
const schema = workflowJsonSchema(patterns);
const checker = z.fromJSONSchema(JSON.parse(JSON.stringify(schema)));
const file = (flow: unknown) => ({ name: 'w', title: 'T', description: 'D', how: 'H', why: 'W', flow });
const agent = { kind: 'agent', id: 'a', agent: 'qa', task: 't' };

test('the kept schema is what `baton schema` says; when a pattern changed, write it anew', () => {
  expect(JSON.parse(read('workflow.schema.json'))).toEqual(JSON.parse(JSON.stringify(schema)));
});

describe('the schema', () => {
  test('has a definition per kind, told apart by `kind`', () => {
    const kinds = patterns.map(({ kind }) => kind);
    expect(Object.keys(schema.$defs ?? {})).toEqual(['node', ...kinds]);
    expect(schema.$defs?.['node']).toMatchObject({
      oneOf: kinds.map((kind) => ({ $ref: `#/$defs/${kind}` })),
    });
    for (const kind of kinds)
      expect(schema.$defs?.[kind]).toMatchObject({
        additionalProperties: false,
        properties: { kind: { const: kind } },
      });
  });

  test('accepts the shipped workflow', () => {
    expect(checker.safeParse(parse(read('workflows/feature.yaml'))).error).toBeUndefined();
  });

  test.each([
    ['an unknown kind', { ...agent, kind: 'agnet' }],
    ['an unknown key', { ...agent, taks: 't' }],
    ['a missing key', { kind: 'agent', id: 'a', agent: 'qa' }],
    [
      'a wrong child',
      { kind: 'sequence', id: 's', stages: [agent, { kind: 'command', id: 'c', run: 'lint' }] },
    ],
  ])('refuses %s', (_what, flow) => {
    expect(checker.safeParse(file(agent)).success).toBe(true);
    expect(checker.safeParse(file(flow)).success).toBe(false);
  });
});
