import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { parseCast } from '../../src/cast/load.ts';
import { treeRules } from '../../src/compose/catalog.ts';
import { readConfig } from '../../src/config/config.ts';
import { patterns } from '../../src/patterns/all.ts';
import { Interpreter } from '../../src/patterns/interpreter.ts';
import { loadWorkflow } from '../../src/workflows/load.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const read = (file: string): Promise<string> => readFile(join(ROOT, file), 'utf8');

async function documents(): Promise<string[]> {
  const docs = (await readdir(join(ROOT, 'docs')))
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`);
  return ['README.md', 'ARCHITECTURE.md', 'CONTRIBUTING.md', 'catalog/README.md', ...docs];
}

/** The first example of a kind in a document. */
async function example(file: string): Promise<string> {
  return /```yaml\n([\s\S]*?)```/.exec(await read(file))?.[1] ?? '';
}

describe('the documents', () => {
  test('point only at files that are there', async () => {
    const broken: string[] = [];
    for (const file of await documents()) {
      const text = await read(file);
      const links = [...text.matchAll(/\]\((?!https?:)([^)#]+)[^)]*\)/g)].map(([, link]) => link ?? '');
      const lost = links.filter((link) => !existsSync(join(ROOT, dirname(file), link)));
      broken.push(...lost.map((link) => `${file}: ${link}`));
    }
    expect(broken).toEqual([]);
  });

  test('name only npm scripts that there are', async () => {
    const { scripts } = z
      .looseObject({ scripts: z.record(z.string(), z.string()) })
      .parse(JSON.parse(await read('package.json')));
    for (const file of await documents()) {
      const named = [...(await read(file)).matchAll(/npm run (?:-s )?([a-z][a-z0-9:]*)/g)].map(
        ([, name]) => name,
      );
      for (const name of named) expect(Object.keys(scripts), `${file}: ${name}`).toContain(name);
    }
  });

  test('name every variable that is read', async () => {
    const source = await read('src/config/environment.ts');
    const schema = /const environmentSchema = z\.object\(\{([\s\S]*?)\n\}\);/.exec(source)?.[1] ?? '';
    const names = [...schema.matchAll(/^ {2}([A-Z][A-Z_]+):/gm)].map(([, name]) => name ?? '');
    expect(names.length).toBeGreaterThan(10);
    const table = [...(await read('README.md')).matchAll(/^\| `([A-Z][A-Z_]+)` \|/gm)].map(
      ([, name]) => name,
    );
    expect(new Set(names)).toEqual(new Set(table));
  });

  test('show a workflow and its cast that are accepted', async () => {
    const rules = treeRules(new Interpreter(patterns), ['architect', 'backend', 'qa', 'reviewer']);
    const loaded = loadWorkflow(await example('docs/workflow-files.md'), rules);
    expect(loaded.ok ? [] : loaded.problems).toEqual([]);
    expect(Object.keys(parseCast(await example('docs/casts.md'), 'casts.md').roles)).toEqual(['backend']);
  });

  test('show settings that are the defaults', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'baton-docs-'));
    try {
      const empty = join(folder, 'empty.yaml');
      await writeFile(empty, '{}\n');
      const shown = readConfig({ BATON_CONFIG: join(ROOT, 'docs/baton.example.yaml') });
      expect(shown).toEqual(readConfig({ BATON_CONFIG: empty }));
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });
});

/** Told once for all nodes. */
const COMMON = ['id', 'kind', 'on_error', 'timeout', 'uses', 'lock', 'milestone', 'cancels', 'completes'];

/** The keys of a pattern's nodes, as its schema has them. */
function keysOf(schema: z.ZodType): string[] {
  const json = z
    .object({ properties: z.record(z.string(), z.unknown()) })
    .parse(z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }));
  return Object.keys(json.properties).filter((key) => !COMMON.includes(key));
}

describe('docs/workflow-files.md', () => {
  test.each(patterns.map(({ kind, schema }) => ({ kind, schema })))(
    'has every key of $kind and no other',
    async ({ kind, schema }) => {
      const page = await read('docs/workflow-files.md');
      const section = page.split(/^### /m).find((part) => part.startsWith(`${kind}\n`)) ?? '';
      const rows = [...(section.split(/^## /m)[0] ?? '').matchAll(/^\| (`[^|]+`) \|/gm)];
      const named = rows.flatMap(([, cell]) =>
        [...(cell ?? '').matchAll(/`([a-z_]+)`/g)].flatMap(([, key]) =>
          key === undefined || COMMON.includes(key) ? [] : [key],
        ),
      );
      expect(new Set(named)).toEqual(new Set(keysOf(schema)));
    },
  );

  test('has no kind that there is not', async () => {
    const page =
      (await read('docs/workflow-files.md')).split(/^## /m).find((part) => part.startsWith('Kinds')) ?? '';
    const named = [...page.matchAll(/^### (\S+)$/gm)].map(([, kind]) => kind);
    expect(new Set(named)).toEqual(new Set(patterns.map(({ kind }) => kind)));
  });
});

test('ARCHITECTURE.md has a line for every folder of the source', async () => {
  const page = await read('ARCHITECTURE.md');
  const folders = (await readdir(join(ROOT, 'src'), { withFileTypes: true }))
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => `src/${name}`);
  expect(folders.filter((folder) => !page.includes(`\`${folder}/\``))).toEqual([]);
});
