import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { BatonError } from '../../src/domain/failure.ts';
import { compileRule, type Facts } from '../../src/rules/rule.ts';

function outcome(source: string, facts: Facts) {
  const compiled = compileRule(source);
  if (!compiled.ok) throw new Error(`${compiled.column}: ${compiled.message}`);
  return compiled.rule.evaluate(facts);
}

const matches: readonly [string, Facts][] = [
  ['cpu-usage > 80%', { 'cpu-usage': 81 }],
  ['error-rate >= 5%', { 'error-rate': 5 }],
  ['error.type === "TS2339"', { error: { type: 'TS2339' } }],
  ['error.component.includes("ui")', { error: { component: 'web-ui' } }],
  ['quality_score >= 70 and tests.passed', { quality_score: 70, tests: { passed: true } }],
  ['not done or n + 1 == 3', { done: true, n: 2 }],
  ["kind !== 'bug'", { kind: 'feature' }],
  ['deadline-approaching', { 'deadline-approaching': true }],
  ['items[0] == "a" && size(items) > 1', { items: ['a', 'b'] }],
  ['n - 1 > 0', { n: 2 }],
  ['items.exists(i, i.size() > 2)', { items: ['abc'] }],
  ['missing.field == 1 or ok', { ok: true, missing: {} }],
];

const falls: readonly [string, Facts, 'false' | 'absent'][] = [
  ['cpu-usage > 80%', { 'cpu-usage': 80 }, 'false'],
  ['cpu-usage > 80%', {}, 'absent'],
  ['error.type === "TS2339"', { error: {} }, 'absent'],
  ['items[3] == 1', { items: [1] }, 'absent'],
  ['quality_score >= 70 and tests.passed', { quality_score: 90, tests: { passed: false } }, 'false'],
];

const broken: readonly [string, number, RegExp][] = [
  ['', 1, /empty/],
  ['quality_score >= 70 &&', 21, /cannot be read/],
  ['a == "open', 6, /closing quotation/],
  ['a @ b', 3, /means nothing/],
  [`${'('.repeat(30)}a${')'.repeat(30)}`, 25, /nests at most/],
  ['a'.repeat(501), 501, /at most 500/],
  ['a.all(x, x.all(y, y.all(z, z)))', 21, /at most 2/],
];

describe('rules', () => {
  test.each(matches)('%s matches %j', (source, facts) => {
    expect(outcome(source, facts)).toEqual({ matched: true });
  });

  test.each(falls)('%s does not match %j: %s', (source, facts, because) => {
    expect(outcome(source, facts)).toEqual({ matched: false, because });
  });

  test.each(broken)('%s is refused at column %d', (source, column, message) => {
    const compiled = compileRule(source);
    expect(compiled).toMatchObject({ ok: false, column });
    expect(compiled.ok ? '' : compiled.message).toMatch(message);
  });

  test.each([
    ['n + "a" > 1', { n: 1 }],
    ['n', { n: 1 }],
    ['name > 3', { name: 'x' }],
  ])('%s over %j is a structural error', (source, facts) => {
    expect(() => outcome(source, facts)).toThrow(BatonError);
  });

  test('reaches nothing of the language it runs in', () => {
    for (const source of ['constructor', 'a.constructor', 'a.__proto__', 'toString'])
      expect(outcome(source, { a: {} })).toEqual({ matched: false, because: 'absent' });
  });

  test('a pattern made to be slow is not', () => {
    const text = `${'a'.repeat(5_000)}!`;
    expect(outcome('text.matches("^(a+)+$")', { text })).toEqual({ matched: false, because: 'false' });
  });

  test.each([
    ['one pass over many', 'xs.exists(x, x > 9)', 10_000, false],
    ['two passes side by side', 'xs.exists(x, x > 9) or xs.all(x, x < 5)', 4_000, false],
    ['a pass within a pass over few', 'xs.all(x, xs.exists(y, y == x))', 40, false],
    ['a pass within a pass over many', 'xs.all(x, xs.exists(y, y == x))', 1_000, true],
    ['one pass over very many', 'xs.exists(x, x > 9)', 100_000, true],
  ])('%s: refused by what it would look at, on every machine alike', (_name, source, length, refused) => {
    const facts = { xs: Array.from({ length }, (_, i) => i % 7) };
    if (refused) expect(() => outcome(source, facts)).toThrow(/too many items/);
    else expect(() => outcome(source, facts)).not.toThrow();
  });

  test('never throws anything but a BatonError, whatever is written', () => {
    let compiledOnes = 0;
    const word = fc.constantFrom(
      'a',
      'b-c',
      '1',
      '80%',
      '"x"',
      '>',
      '==',
      '===',
      'and',
      'or',
      'not',
      '(',
      ')',
      '.',
      'size',
      '[',
      ']',
      '!',
      '-',
      'includes',
    );
    fc.assert(
      fc.property(fc.array(word, { maxLength: 12 }), (words) => {
        const compiled = compileRule(words.join(' '));
        if (!compiled.ok) return;
        compiledOnes += 1;
        try {
          compiled.rule.evaluate({ a: 1, 'b-c': { x: [1] } });
        } catch (error) {
          expect(error).toBeInstanceOf(BatonError);
        }
      }),
      { numRuns: 2_000 },
    );
    expect(compiledOnes).toBeGreaterThan(50);
  });
});
