import { execFileSync } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { toFailure } from '../../src/domain/failure.ts';
import { applyPatch, parsePatch } from '../../src/workspace/files/patch.ts';
import { bench, failureOf, git, put } from './support.ts';

const A = 'one\ntwo\nthree\nfour\nfive\n';
const apply = (patch: string, content: string | null) => {
  const [file] = parsePatch(patch);
  if (file === undefined) throw new Error('no file');
  return applyPatch(file, content);
};
const head = '--- a/a.txt\n+++ b/a.txt\n';

describe('a patch', () => {
  it.each([
    ['changes a line where it says', `${head}@@ -2 +2 @@\n-two\n+TWO\n`, A, A.replace('two', 'TWO')],
    [
      'is found where its numbers are wrong',
      `${head}@@ -40,2 +40,2 @@\n three\n-four\n+FOUR\n`,
      A,
      A.replace('four', 'FOUR'),
    ],
    ['needs no numbers where it fits once', `${head}@@ @@\n-five\n+5\n`, A, A.replace('five', '5')],
    ['takes the nearest of several places', `${head}@@ -3 +3 @@\n-x\n+y\n`, 'x\na\nx\n', 'x\na\ny\n'],
    [
      'adds lines where there is nothing to find',
      `${head}@@ -2,0 +3 @@\n+between\n`,
      A,
      'one\ntwo\nbetween\nthree\nfour\nfive\n',
    ],
    ['keeps Windows line ends', `${head}@@ -1,2 +1,2 @@\n one\n-two\n+2\n`, 'one\r\ntwo\r\n', 'one\r\n2\r\n'],
    ['keeps a file without a last line end so', `${head}@@ -1 +1 @@\n-one\n+1\n`, 'one', '1'],
    ['makes a new file', '--- /dev/null\n+++ b/a.txt\n@@ -0,0 +1,2 @@\n+one\n+two\n', null, 'one\ntwo\n'],
    [
      'takes an empty line for one of context',
      `${head}@@ -1,3 +1,3 @@\n a\n\n-b\n+c\n`,
      'a\n\nb\n',
      'a\n\nc\n',
    ],
  ])('%s', (_what, patch, content, wanted) => {
    expect(apply(patch, content)).toBe(wanted);
  });

  it.each([
    ['a line that is not there', `${head}@@ -1 +1 @@\n-nine\n+9\n`, A, 'patch_refused'],
    ['several places and no number', `${head}@@ @@\n-x\n+y\n`, 'x\na\nx\n', 'patch_refused'],
    ['a file that is not there', `${head}@@ -1 +1 @@\n-one\n+1\n`, null, 'patch_refused'],
    ['a new file that is there', '--- /dev/null\n+++ b/a.txt\n@@ -0,0 +1 @@\n+x\n', A, 'patch_refused'],
    ['a deletion', '--- a/a.txt\n+++ /dev/null\n@@ -1 +0,0 @@\n-one\n', A, 'patch_invalid'],
    ['no file', 'change one to two', A, 'patch_invalid'],
    ['no hunk', head, A, 'patch_invalid'],
    ['a line of no kind', `${head}@@ -1 +1 @@\n-one\n*1\n`, A, 'patch_invalid'],
  ])('is refused for %s, with words', (_what, patch, content, code) => {
    const failure = (() => {
      try {
        apply(patch, content);
        return null;
      } catch (error) {
        return toFailure(error);
      }
    })();
    expect(failure?.code).toBe(code);
    expect(failure?.message.toLowerCase()).toMatch(/nothing was changed|was not changed/);
  });

  it('does to any two texts what git does', async () => {
    await using place = await bench({});
    const line = fc.constantFrom('a', 'b', 'c', '', '  d', 'e{');
    const text = fc.array(line, { maxLength: 14 }).map((lines) => lines.map((one) => `${one}\n`).join(''));
    let changed = 0;
    await fc.assert(
      fc.asyncProperty(text, text, async (before, after) => {
        if (before === after || before === '' || after === '') return;
        await put(place.repository, { 'a.txt': before });
        git(place.repository, 'add', '-A');
        await put(place.repository, { 'a.txt': after });
        // As it is: the last line of a patch may be a blank one of the file.
        const patch = execFileSync('git', ['-C', place.repository, 'diff', '-U1', '--', 'a.txt'], {
          encoding: 'utf8',
        });
        changed += 1;
        expect(apply(patch, before)).toBe(after);
      }),
      { numRuns: 60 },
    );
    expect(changed).toBeGreaterThan(20);
  }, 60_000);

  it('over several files is done as a whole or not at all, and once however often it is asked for', async () => {
    await using place = await bench({ 'a.txt': 'one\n', 'b.txt': 'two\n' });
    const workspace = await place.open();
    const at = (name: string) => readFile(join(workspace.info.path, name), 'utf8');
    const good = `--- a/a.txt\n+++ b/a.txt\n@@ -1 +1,2 @@\n one\n+more\n`;
    const bad = `${good}--- a/b.txt\n+++ b/b.txt\n@@ -1 +1 @@\n-nine\n+9\n`;
    expect((await failureOf(workspace.files.patch(bad, 'key-1'))).code).toBe('patch_refused');
    expect(await at('a.txt')).toBe('one\n');
    const both = `${good}--- a/b.txt\n+++ b/b.txt\n@@ -1 +1 @@\n-two\n+2\n`;
    const first = await workspace.files.patch(both, 'key-2');
    expect(await workspace.files.patch(both, 'key-2')).toEqual(first);
    expect([await at('a.txt'), await at('b.txt')]).toEqual(['one\nmore\n', '2\n']);
    expect(
      (await failureOf(workspace.files.patch('--- a/x\n+++ b/../x\n@@ -1 +1 @@\n-a\n+b\n', 'k'))).code,
    ).toBe('path_outside');
    const { stat, patch } = await workspace.changes(10_000);
    expect(stat).toMatchObject({ added: 2, removed: 1 });
    expect(patch).toContain('+more');
    expect(await workspace.log(null, 5)).toMatch(/^[0-9a-f]+ \d{4}-\d\d-\d\d alice: First$/);
  });
});
