import { symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Files } from '../../src/ports/workspace.ts';
import { readPattern } from '../../src/workspace/files/pattern.ts';
import { probeSandbox } from '../../src/workspace/sandbox/sandbox.ts';
import { isThere } from '../../src/workspace/sandbox/toolchain.ts';
import { bench, failureOf, NO_SANDBOX } from './support.ts';

const found = await probeSandbox();
const withRipgrep = found.kind === 'bubblewrap' && (await isThere('/usr/bin/rg'));
if (!withRipgrep)
  console.warn('SKIPPED in part: ripgrep in the sandbox is not there; git searches alone are tried.');

/** Both ways of searching for a pattern: they have to find the same. */
const engines = [...(withRipgrep ? ([['ripgrep', found]] as const) : []), ['git', NO_SANDBOX] as const];

const TEXT = [
  'function add(a, b) {',
  '  return a + b; // 42',
  'const x_1 = "tab\there";',
  'aaa bbb',
  'a-b]c^d',
  'Ünïcödé café',
  '',
  'price: 12.50 EUR',
];
const files = {
  'src/code.ts': `${TEXT.join('\n')}\n`,
  'src/other.js': 'function Add() {}\n',
  'docs/a.md': 'function\n',
  '.hidden/x.txt': 'hidden 7\n',
};

const lines = async (from: Files, query: string, under = 'src/code.ts'): Promise<number[]> =>
  (await from.search(query, under, 100, { pattern: true })).hits
    .map(({ line }) => line)
    // What a letter is differs beyond ASCII.
    .filter((line) => line !== 6);

describe.each(engines)('patterns searched by %s', (_name, sandbox) => {
  it.each([
    ['^function \\w+\\(', [1]],
    ['\\d+', [2, 3, 8]],
    ['a{3} b{2,3}', [4]],
    ['(?:foo|bbb)$', [4]],
    ['[]^]', [5]],
    ['[a\\-z]-b', [5]],
    ['[\\]]', [5]],
    ['[^\\w\\s]{2}', [2, 3]],
    ['\\bx_1\\b', [3]],
    ['.+?here', [3]],
    ['\\$|\\{$', [1]],
    ['\\s//\\s', [2]],
    ['12\\.50', [8]],
    ['nothing here at all', []],
  ])('%s', async (pattern, wanted) => {
    await using place = await bench(files, sandbox);
    expect(await lines((await place.open()).files, pattern)).toEqual(wanted);
  });

  it('within a folder, by a glob, in any case, and never through a link that leads out', async () => {
    await using place = await bench(files, sandbox);
    const { files: at, info } = await place.open();
    symlinkSync('/etc', join(info.path, 'src', 'out'));
    const paths = async (query: string, how: object, under = '') =>
      [
        ...new Set(
          (await at.search(query, under, 100, { pattern: true, ...how })).hits.map(({ path }) => path),
        ),
      ].sort();
    expect(await paths('^function', {})).toEqual(['docs/a.md', 'src/code.ts', 'src/other.js']);
    expect(await paths('^function', {}, 'src')).toEqual(['src/code.ts', 'src/other.js']);
    expect(await paths('^function', { glob: '**/*.ts' })).toEqual(['src/code.ts']);
    expect(await paths('function add', { ignoreCase: true })).toEqual(['src/code.ts', 'src/other.js']);
    expect(await paths('hidden \\d', {})).toEqual(['.hidden/x.txt']);
    expect(await paths('root', {})).toEqual([]);
    const direct = await at.search('root', 'src/out', 100, { pattern: true }).then(
      ({ hits }) => hits,
      () => [],
    );
    expect(direct).toEqual([]);
  });

  it('hold nothing up, whatever the pattern and the text', async () => {
    await using place = await bench({ 'long.txt': `${'a'.repeat(60_000)}!\n`.repeat(20) }, sandbox);
    const { files: at } = await place.open();
    const delay = monitorEventLoopDelay({ resolution: 10 });
    delay.enable();
    const hostile = [
      '(a+)+$',
      '(a|aa)+$',
      '(.*)*b',
      '(a*)*(a*)*b',
      '^(([a-z])+.)+[A-Z]([a-z])+$',
      'a{1,30}a{1,30}b',
    ];
    for (const pattern of hostile) {
      const begun = performance.now();
      const outcome = await at.search(pattern, '', 10, { pattern: true }).then(
        ({ hits }) => hits.length,
        () => -1,
      );
      expect(performance.now() - begun).toBeLessThan(25_000);
      expect(outcome).toBeLessThan(1);
    }
    delay.disable();
    // Baton itself goes on meanwhile; what a loaded machine takes is far below what backtracking would.
    expect(delay.max / 1e6).toBeLessThan(3_000);
  }, 180_000);
});

it.runIf(withRipgrep)(
  'both engines find the same lines as JavaScript, over random patterns',
  async () => {
    await using one = await bench(files, found);
    await using two = await bench(files, NO_SANDBOX);
    const [rg, git] = [(await one.open()).files, (await two.open()).files];
    const atom = fc.constantFrom(
      'a',
      'b',
      '.',
      '\\d',
      '\\w',
      '\\s',
      '[a-c]',
      '[^a\\s]',
      '\\(',
      'x_1',
      'café',
      ' ',
    );
    const quantified = fc
      .tuple(atom, fc.constantFrom('', '', '*', '+', '?', '{2}', '{1,2}', '+?'))
      .map(([what, times]) => `(?:${what})${times}`);
    const sequence = fc.array(quantified, { minLength: 1, maxLength: 4 }).map((parts) => parts.join(''));
    const pattern = fc
      .tuple(
        fc.constantFrom('', '^'),
        fc.array(sequence, { minLength: 1, maxLength: 2 }),
        fc.constantFrom('', '$'),
      )
      .map(([begin, ways, end]) => `${begin}(?:${ways.join('|')})${end}`);
    let matched = 0;
    await fc.assert(
      fc.asyncProperty(pattern, async (query) => {
        const wanted = TEXT.flatMap((line, at) =>
          line !== '' && at !== 5 && new RegExp(query, 'u').test(line) ? [at + 1] : [],
        );
        expect(await lines(rg, query)).toEqual(wanted);
        expect(await lines(git, query)).toEqual(wanted);
        matched += wanted.length > 0 ? 1 : 0;
      }),
      { numRuns: 40 },
    );
    expect(matched).toBeGreaterThan(5);
  },
  120_000,
);

describe('a pattern', () => {
  it.each([
    ['(a)\\1', 'refers back'],
    ['(?=a)', 'looks ahead'],
    ['(?<!a)b', 'looks ahead or behind'],
    ['a**', 'repeats a repeat'],
    ['(a{100}){100}', 'repeats more than 1000 times'],
    ['((a{50}){50}){50}', 'repeats more than'],
    ['(a', 'not closed'],
    ['a)', 'not open'],
    ['[a', 'not closed'],
    ['a{', 'counts nothing'],
    ['\\', 'ends in a backslash'],
    ['\\p{L}', 'not known here'],
    ['a\nb', 'one line'],
    ['x'.repeat(501), '1 to 500'],
    ['('.repeat(30), 'groups'],
  ])('%s is refused, and it is said why', async (pattern, words) => {
    const failure = await failureOf(Promise.resolve().then(() => readPattern(pattern)));
    expect(failure).toMatchObject({ class: 'terminal', code: 'query_refused' });
    expect(failure.message).toContain(words);
  });
});

it('lists by a glob', async () => {
  await using place = await bench(files);
  const { files: at } = await place.open();
  expect((await at.list('', 10, '**/*.{ts,js}')).paths).toEqual([]);
  expect((await at.list('', 10, '**/*.ts')).paths).toEqual(['src/code.ts']);
  expect(await at.list('', 1, 'src/*')).toEqual({ paths: ['src/code.ts'], cut: true });
});
