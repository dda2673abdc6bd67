import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { globMatches, pathMatches } from '../../src/domain/glob.ts';

describe('a pattern and a path', () => {
  test.each([
    ['*.sql', 'db/a.sql', true],
    ['*.sql', 'a.sql', true],
    ['*.sql', 'a.sql.txt', false],
    ['/*.sql', 'db/a.sql', false],
    ['db/', 'db/deep/a.sql', true],
    ['db/', 'src/db/a.sql', true],
    ['/db/', 'src/db/a.sql', false],
    ['db/', 'db', false],
    ['db/*', 'db/a', true],
    ['db/*', 'db/deep/a', false],
    ['a/**/b', 'a/b', true],
    ['a/**/b', 'a/x/y/b', true],
    ['a/**/b/**/c', 'a/b/x/c', true],
    ['a/**/b/**/c', 'a/x/b/c', true],
    ['a/**/b', 'a/xb', false],
    ['**/b', 'b', true],
    ['**/b', 'x/y/b', true],
    ['a/**', 'a/b/c', true],
    ['a/**', 'ab', false],
    ['a?c', 'abc', true],
    ['a?c', 'a/c', false],
    ['?', '💥', true],
    ['', '', true],
    ['**', '', true],
    ['[ab].ts', 'a.ts', false],
    ['[ab].ts', '[ab].ts', true],
    ['a.ts', 'axts', false],
    ['{a,b}', 'a', false],
    ['ä/*.ts', 'ä/b.ts', true],
  ])('%s and %s: %s', (pattern, path, expected) => {
    expect(pathMatches(pattern, path)).toBe(expected);
  });

  test('every name matches itself, and with any part of it made a star', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[a-z./]{1,30}$/), fc.nat(), fc.nat(), (path, a, b) => {
        const [from, to] = [a % (path.length + 1), b % (path.length + 1)].sort((x, y) => x - y);
        expect(globMatches(path, path)).toBe(true);
        expect(globMatches(`${path.slice(0, from)}**${path.slice(to)}`, path)).toBe(true);
      }),
      { numRuns: 1_000 },
    );
  });

  test('what hangs a regular expression does not hang it', () => {
    const begun = performance.now();
    expect(globMatches(`${'*a'.repeat(60)}b`, 'a'.repeat(2_000))).toBe(false);
    expect(globMatches(`${'**/'.repeat(60)}b`, 'a/'.repeat(1_000))).toBe(false);
    expect(performance.now() - begun).toBeLessThan(5_000);
  });
});
