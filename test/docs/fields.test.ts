import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';

const read = (file: string): string => readFileSync(new URL(`../../${file}`, import.meta.url), 'utf8');

interface Schema {
  readonly properties?: Readonly<Record<string, Schema>> | undefined;
  readonly items?: Schema | undefined;
  readonly anyOf?: readonly Schema[] | undefined;
  readonly allOf?: readonly Schema[] | undefined;
  readonly $ref?: string | undefined;
}
const schemaSchema: z.ZodType<Schema> = z.lazy(() =>
  z.object({
    properties: z.record(z.string(), schemaSchema).optional(),
    items: schemaSchema.optional(),
    anyOf: z.array(schemaSchema).optional(),
    allOf: z.array(schemaSchema).optional(),
    $ref: z.string().optional(),
  }),
);
const { $defs: kinds } = z
  .object({ $defs: z.record(z.string(), schemaSchema) })
  .parse(JSON.parse(read('catalog/workflow.schema.json')));

/** Whether a schema has these keys, one within the other; entries of lists count as the list's. */
function has(schema: Schema, keys: readonly string[]): boolean {
  const [key, ...rest] = keys;
  if (key === undefined) return true;
  const below = schema.properties?.[key];
  if (below !== undefined && has(below, rest)) return true;
  const others = [schema.items ?? [], schema.anyOf ?? [], schema.allOf ?? []].flat();
  return others.some((each) => has(each, keys));
}

const rows = read('docs/fields.md')
  .split('\n')
  .filter((line) => line.startsWith('| ') && !line.startsWith('| Field') && !line.startsWith('| ---'))
  .map((line) => line.split(' | ').map((cell) => cell.replace(/^\| |\|$/g, '').trim()));
const homes = rows.flatMap(([field = '', cell = '']) =>
  [...cell.matchAll(/`([^`]+)`/g)].map(([, home = '']) => ({ field, home })),
);

test('every home of a field is a key of the JSON Schema, or of the settings', () => {
  expect(homes.length).toBeGreaterThan(60);
  const settings = Object.keys(
    z.record(z.string(), z.unknown()).parse(parse(read('docs/baton.example.yaml'))),
  );
  const lost = homes.filter(({ home }) => {
    const [, setting] = /^baton\.yaml: (.+)$/.exec(home) ?? [];
    if (setting !== undefined) return !settings.includes(setting);
    const [kind = '', ...keys] = home.split('.');
    const schema = kinds[kind];
    return schema === undefined || keys.length === 0 || !has(schema, keys);
  });
  expect(lost).toEqual([]);
});

/** The fields that the documents name for their patterns. */
const NAMED = [
  'errorHandling',
  'synchronizationPoint',
  'maxConcurrency',
  'decisionCriteria',
  'acceptanceCriteria',
  'maxIterations',
  'votingMethod',
  'decisionThreshold',
  'weights',
  'basePattern',
  'adaptations',
  'metrics',
  'subscriptions',
  'eventBus',
  'sync points',
  'handoff package',
  'levels',
  'streams',
  'aggregation',
  'soft constraints',
  'hard constraints',
  'temporal constraints',
  'mainPattern',
  'subPatterns',
];

test.each(NAMED)('%s has a row', (name) => {
  expect(rows.filter(([field = '']) => field.includes(name)).length).toBeGreaterThan(0);
});
