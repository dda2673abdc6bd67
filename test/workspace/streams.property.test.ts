import { existsSync } from 'node:fs';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Workspace } from '../../src/ports/workspace.ts';
import { AT, bench, git, put } from './support.ts';

/** Random edits by several streams: what they give together is what git's own merge of the same branches gives. */
const FILES = ['a.txt', 'b.txt', 'c.txt'] as const;
const LINES = Array.from({ length: 12 }, (_, at) => `line ${at}`);
const BEFORE = Object.fromEntries(FILES.map((file) => [file, `${LINES.join('\n')}\n`]));

const editArb = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      file: fc.constantFrom(...FILES),
      line: fc.nat(11),
      kind: fc.constant('line' as const),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      file: fc.constantFrom(...FILES),
      line: fc.nat(11),
      kind: fc.constant('delete' as const),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      file: fc.constantFrom('n.txt', 'm.txt'),
      line: fc.nat(3),
      kind: fc.constant('create' as const),
    }),
  },
);
type Edit = { readonly file: string; readonly line: number; readonly kind: 'line' | 'delete' | 'create' };

async function edit(root: string, { file, line, kind }: Edit, by: string): Promise<void> {
  const path = join(root, file);
  if (kind === 'delete') return rm(path, { force: true });
  if (kind === 'create') return put(root, { [file]: `${by} ${line}\n` });
  if (!existsSync(path)) return;
  const lines = (await readFile(path, 'utf8')).split('\n');
  lines[line] = `${by} ${line}`;
  await writeFile(path, lines.join('\n'));
}

test('merging streams gives what git gives, or a conflict where git has one, and loses nothing', {
  timeout: 240_000,
}, async () => {
  let clean = 0;
  let clashes = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.array(editArb, { minLength: 1, maxLength: 3 }), { minLength: 2, maxLength: 3 }),
      async (streams) => {
        await using place = await bench(BEFORE);
        const run = await place.open();
        await run.line.save('fork', AT);
        const opened: Workspace[] = [];
        for (const [at, edits] of streams.entries()) {
          const stream = await place.workspaces.openStream({
            runId: 'run_1',
            location: place.repository,
            stream: `s${at}`,
            parent: null,
          });
          for (const each of edits) await edit(stream.info.path, each, `s${at}`);
          await stream.line.save('work', AT);
          opened.push(stream);
        }
        // The same by plain git, in a checkout of its own.
        git(place.repository, 'checkout', '-q', '-b', 'theirs');
        for (const [at] of streams.entries()) {
          const merged = await run.line.merge({
            stream: `s${at}`,
            rules: [],
            choices: [],
            label: `s${at}`,
            at: AT,
            idempotencyKey: `k${at}`,
          });
          const tip = git(place.repository, 'rev-parse', `refs/baton/tip/run_1.s${at}`);
          const ours = (await run.snapshot('look', AT)).tree;
          let gits: string | null = null;
          try {
            git(place.repository, 'merge', '-q', '--no-edit', tip);
            gits = git(place.repository, 'rev-parse', 'HEAD^{tree}');
          } catch {
            git(place.repository, 'merge', '--abort');
          }
          if (merged.status === 'conflict') {
            clashes += 1;
            expect(gits).toBeNull();
            expect(ours).toBe(git(place.repository, 'rev-parse', 'HEAD^{tree}'));
          } else {
            clean += 1;
            expect(ours).toBe(gits);
          }
          // Whatever came of it, the stream's own work is still there.
          expect(git(place.repository, 'rev-parse', `${tip}^{tree}`)).toBe(
            (await opened[at]?.snapshot('own', AT))?.tree,
          );
        }
      },
    ),
    { numRuns: 12 },
  );
  expect(clean).toBeGreaterThan(5);
  expect(clashes).toBeGreaterThan(2);
});
