import { readdirSync, readFileSync, symlinkSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { BatonError } from '../../src/domain/failure.ts';
import { bench, git, put } from './support.ts';

const PATHS = 10_000;
const SECRET = 'OUTSIDE-77ab';
/** Parts that mean something to a file system, to git or to a shell, and links out that are there. */
const PART = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.constantFrom('..', '.', '', '...', '..;', '%2e%2e', '．．', '..\\..', '\u2025'),
  },
  {
    weight: 6,
    arbitrary: fc.constantFrom('src', 'a.js', 'out', 'up', 'inner', 'file', 'loop', 'secret.txt', 'deep'),
  },
  {
    weight: 4,
    arbitrary: fc.constantFrom('.git', '.GIT', '.git.', '.git ', 'GIT~1', '.g\u200cit', 'config', 'hooks'),
  },
  {
    weight: 2,
    arbitrary: fc.constantFrom(
      '-rf',
      '$(id)',
      '`id`',
      '*',
      '~',
      '~root',
      'C:',
      '\\\\host',
      'proc',
      'self',
      'fd',
    ),
  },
  { weight: 2, arbitrary: fc.string({ maxLength: 8 }) },
  { weight: 1, arbitrary: fc.constantFrom('\0', 'x\0y', '\n', '\u202e', 'x'.repeat(300), '\ud800') },
);
const PATH = fc
  .tuple(
    fc.constantFrom('', '', '', '', '/', '//', './', '../', '~/'),
    fc.array(PART, { minLength: 1, maxLength: 6 }),
  )
  .map(([start, parts]) => `${start}${parts.join('/')}`);

it('no path of ten thousand leads a reading or a writing outside, or into .git', async () => {
  await using place = await bench();
  const outside = join(place.root, 'outside');
  await put(outside, {
    'secret.txt': `${SECRET}\n`,
    'deep/secret.txt': `${SECRET}\n`,
    'a.js': `${SECRET}\n`,
  });
  const { files, info } = await place.open();
  const inside = (name: string) => join(info.path, name);
  await mkdir(inside('deep'));
  symlinkSync(outside, inside('out'));
  symlinkSync('../../..', inside('up'));
  symlinkSync('src', inside('inner'));
  symlinkSync(join(outside, 'secret.txt'), inside('file'));
  symlinkSync('loop', inside('loop'));
  symlinkSync(join(outside, 'deep'), inside('deep/out'));
  await put(place.root, { 'secret.txt': `${SECRET}\n` });
  const config = readFileSync(join(place.repository, '.git/config'), 'utf8');

  const seen = { read: 0, written: 0, refused: 0, other: 0 };
  const done = async (kind: 'read' | 'written', work: () => Promise<unknown>) => {
    try {
      const answer = JSON.stringify(await work());
      seen[kind] += 1;
      if (answer.includes(SECRET)) throw new Error('it was read');
    } catch (error) {
      if (!(error instanceof BatonError)) throw error;
      if (error.failure.code === 'path_outside') seen.refused += 1;
      else seen.other += 1;
      if (error.failure.message.includes(SECRET)) throw error;
    }
  };
  let n = 0;
  await fc.assert(
    fc.asyncProperty(PATH, async (path) => {
      await done('read', () => files.read(path));
      n += 1;
      if (n % 5 === 0) await done('written', () => files.write(path, 'written\n'));
      if (n % 50 === 0) {
        await done('read', () => files.list(path, 10));
        await done('read', () => files.search('OUTSIDE', path, 10));
      }
    }),
    { numRuns: PATHS },
  );
  expect(readdirSync(outside).toSorted()).toEqual(['a.js', 'deep', 'secret.txt']);
  for (const name of ['a.js', 'secret.txt', 'deep/secret.txt'])
    expect(readFileSync(join(outside, name), 'utf8')).toBe(`${SECRET}\n`);
  expect(readdirSync(place.root).toSorted()).toEqual(['home', 'outside', 'secret.txt', 'web']);
  expect(readFileSync(join(place.repository, '.git/config'), 'utf8')).toBe(config);
  expect(git(place.repository, 'status', '--porcelain')).toBe('');
  // All kinds of answers came, so the paths were not all of one kind.
  expect(seen.refused).toBeGreaterThan(PATHS / 4);
  expect(seen.read).toBeGreaterThan(50);
  expect(seen.written).toBeGreaterThan(20);
  expect(seen.other).toBeGreaterThan(100);
});
