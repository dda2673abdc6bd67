import { mkdir, readdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { toFailure } from '../../src/domain/failure.ts';
import { bench } from '../workspace/support.ts';

const CANARY = 'canary: this lies outside';

/** Words that paths are made of: ways out, ways in, names of ours, and what other systems take for either. */
const words = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.constantFrom('..', '.', '', 'src', 'a.js', 'out', 'deep', 'up', 'abs', '.git', 'loop'),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      '...',
      '.. ',
      '..\\',
      '%2e%2e',
      '..%2f',
      '\u2024\u2024',
      '~',
      '$HOME',
      'C:',
      '\u0000',
      'a\nb',
      '\u202e',
      '.GIT',
      'git~1',
      'proc',
      'self',
      'root',
    ),
  },
  { weight: 1, arbitrary: fc.string({ maxLength: 12, unit: 'binary' }) },
);
const strange = fc
  .tuple(
    fc.constantFrom('', '/', './', '//', '/proc/self/root/', 'file://'),
    fc.array(words, { maxLength: 9 }),
    fc.constantFrom('', '/', '/.'),
  )
  .map(([head, parts, tail]) => head + parts.join('/') + tail);

/** Some lead to a file, so that good and bad are told apart. */
const paths = fc.oneof(
  { weight: 12, arbitrary: strange },
  { weight: 1, arbitrary: fc.constantFrom('src/a.js', './src/../src/a.js', 'deep/er/b.js', 'deep//er/b.js') },
);

/** Git is asked for the last two, which takes its time. */
const acts = fc.oneof(
  { weight: 40, arbitrary: fc.constantFrom('read', 'edit', 'patch') },
  { weight: 8, arbitrary: fc.constant('write') },
  { weight: 1, arbitrary: fc.constantFrom('list', 'search') },
);

/** A worktree with links that lead out of it, beside a folder with a canary. */
async function trapped() {
  const place = await bench({ 'src/a.js': 'one\n', 'deep/er/b.js': 'two\n' });
  const workspace = await place.open();
  const outside = join(place.root, 'out');
  await mkdir(join(outside, 'src'), { recursive: true });
  for (const name of ['a.js', 'src/a.js']) await writeFile(join(outside, name), CANARY);
  const root = workspace.info.path;
  await symlink('../../../out', join(root, 'out'));
  await symlink(outside, join(root, 'abs'));
  await symlink('..', join(root, 'deep/up'));
  await symlink('loop', join(root, 'loop'));
  return { place, workspace, outside, root };
}

async function everything(folder: string): Promise<Map<string, string>> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  return new Map(
    await Promise.all(
      files.map(async (path): Promise<[string, string]> => [path, await readFile(path, 'utf8')]),
    ),
  );
}

describe('paths that lead astray', () => {
  it('ten thousand of them read and write nothing outside the worktree', async () => {
    const { place, workspace, outside, root } = await trapped();
    await using _gone = place;
    const before = await everything(outside);
    const dotGit = await readFile(join(root, '.git'), 'utf8');
    let refused = 0;
    let read = 0;
    let wrote = 0;
    let tried = 0;
    await fc.assert(
      fc.asyncProperty(paths, acts, async (path, act) => {
        tried += 1;
        const key = `key-${tried}`;
        const attempt = async (): Promise<string> => {
          switch (act) {
            case 'read':
              return (await workspace.files.read(path)).text;
            case 'write':
              return (await workspace.files.write(path, `w${tried}\n`)).path;
            case 'edit':
              return (await workspace.files.edit(path, 'one', 'one', key)).path;
            case 'patch':
              return JSON.stringify(
                await workspace.files.patch(`--- a/x\n+++ b/${path}\n@@ -1 +1 @@\n-one\n+mine\n`, key),
              );
            case 'list':
              return (await workspace.files.list(path, 50)).paths.join('\n');
            default:
              return JSON.stringify((await workspace.files.search('canary', path, 50)).hits);
          }
        };
        const answer = await attempt().then(
          (text) => ({ text, failed: null }),
          (error: unknown) => ({ text: toFailure(error).message, failed: toFailure(error).code }),
        );
        if (answer.failed !== null) refused += 1;
        else if (act === 'read') read += 1;
        else if (act === 'write') wrote += 1;
        expect(answer.text).not.toContain(CANARY);
      }),
      { numRuns: 10_000, endOnFailure: true },
    );
    expect(await everything(outside)).toEqual(before);
    expect(await readFile(join(root, '.git'), 'utf8')).toBe(dotGit);
    // Not vacuous: each of the ways was gone.
    for (const count of [refused, read, wrote]) expect(count).toBeGreaterThan(50);
  }, 300_000);

  it('a racer that swaps folders for links meanwhile gets nothing in or out', async () => {
    const { place, workspace, outside, root } = await trapped();
    await using _gone = place;
    const before = await everything(outside);
    const racing = { on: true, swaps: 0 };
    await mkdir(join(root, 'flip'));
    await writeFile(join(root, 'flip/a.js'), 'inside\n');
    // A write may just have made the folder anew.
    const instead = async (work: () => Promise<void>): Promise<void> => {
      for (;;) {
        try {
          await work();
          return;
        } catch {
          await rm(join(root, 'flip'), { recursive: true, force: true });
        }
      }
    };
    const racer = (async () => {
      while (racing.on) {
        await rename(join(root, 'flip'), join(root, 'kept'));
        await instead(() => symlink(outside, join(root, 'flip')));
        racing.swaps += 1;
        await new Promise((resolve) => setImmediate(resolve));
        await instead(async () => {
          await rm(join(root, 'flip'), { recursive: true, force: true });
          await rename(join(root, 'kept'), join(root, 'flip'));
        });
        // Now and then it leaves enough time for a read to be done.
        for (let turn = 0; turn < racing.swaps % 40; turn += 1)
          await new Promise((resolve) => setImmediate(resolve));
      }
    })();
    const seen = { inside: 0, refused: 0 };
    for (let at = 0; at < 1_500; at += 1) {
      const act =
        at % 3 === 0 ? workspace.files.write('flip/new.js', `n${at}`) : workspace.files.read('flip/a.js');
      await act.then(
        (answer) => {
          if ('text' in answer) {
            seen.inside += 1;
            expect(answer.text).toBe('inside\n');
          }
        },
        () => {
          seen.refused += 1;
        },
      );
    }
    racing.on = false;
    await racer;
    expect(await everything(outside)).toEqual(before);
    expect(racing.swaps).toBeGreaterThan(100);
    expect(seen.inside).toBeGreaterThan(10);
    expect(seen.refused).toBeGreaterThan(10);
  }, 120_000);
});
