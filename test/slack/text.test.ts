import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  count,
  elapsed,
  list,
  money,
  moneyRange,
  percent,
  roughly,
  timeRange,
  times,
} from '../../src/slack/format.ts';
import {
  cut,
  cutLines,
  cutMarkup,
  date,
  escapeMarkup,
  isUserId,
  mention,
  mentions,
  mk,
  oneLine,
  short,
  visible,
} from '../../src/slack/text.ts';

describe('text', () => {
  test('markup is escaped, and only living pieces come alive', () => {
    expect(escapeMarkup('<!channel> & <@U1>')).toBe('&lt;!channel&gt; &amp; &lt;@U1&gt;');
    expect(mk`Hello ${'<!here>'}, ask ${mention('U0BOB')} ${3} times`).toBe(
      'Hello &lt;!here&gt;, ask <@U0BOB> 3 times',
    );
  });

  test.each([
    ['U0ALICE', true],
    ['W12345', true],
    ['!channel', false],
    ['U1> <!channel', false],
    ['C123', false],
    ['u0alice', false],
    ['', false],
  ])('%j is a user id: %j', (id, expected) => {
    expect(isUserId(id)).toBe(expected);
    expect(mention(id).live.startsWith('<')).toBe(expected);
  });

  test('of a long text, the first line is what it would be of the whole', () => {
    const piece = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 8 }),
      fc.constantFrom(' ', '\r\n', '\n\t ', '\u200d', '👍', '👩\u200d👩\u200d👧', '\u202e', '\ud83d', '<&>'),
      fc.nat({ max: 900 }).map((n) => ' '.repeat(n)),
      fc.nat({ max: 900 }).map((n) => 'é👍'.repeat(n)),
    );
    let long = 0;
    const line = fc.array(piece, { maxLength: 60 }).map((pieces) => pieces.join(''));
    fc.assert(
      fc.property(line, fc.integer({ min: 1, max: 150 }), (text, max) => {
        if (text.length > 4 * (max + 64)) long += 1;
        expect(short(text, max)).toBe(cut(oneLine(text), max));
      }),
      {
        numRuns: 400,
        examples: Array.from({ length: 20 }, (_, n) => [
          `${' '.repeat(280 + n)}${'a👩\u200d👧 '.repeat(400)}`,
          5,
        ]),
      },
    );
    expect(long).toBeGreaterThan(19);
  });

  test('a list of people reads as one', () => {
    expect(mentions([], 'or').live).toBe('');
    expect(mentions(['U1A'], 'or').live).toBe('<@U1A>');
    expect(mentions(['U1A', 'U2B', 'U3C'], 'or').live).toBe('<@U1A>, <@U2B> or <@U3C>');
  });

  test('what hides or reorders text is shown', () => {
    expect(visible('a\u202eb')).toBe('a⟨U+202E⟩b');
    expect(visible('pay\u200bload')).toBe('pay⟨U+200B⟩load');
    expect(visible('\u{e0041}')).toBe('⟨U+E0041⟩');
    expect(visible('\u001b[31mred')).toBe('⟨U+001B⟩[31mred');
    expect(visible('a\u0001b\u200dc')).toBe('a⟨U+0001⟩b⟨U+200D⟩c');
    expect(visible('tab\tand\nline')).toBe('tab\tand\nline');
  });

  test('a family and a flag stay what they are', () => {
    for (const emoji of ['👩‍👩‍👧', '❤️‍🔥', '👩🏽‍💻', '▫️', '⏸']) expect(visible(emoji)).toBe(emoji);
  });

  test('no hidden character survives, whatever the text', () => {
    let hidden = 0;
    fc.assert(
      fc.property(
        fc.string({
          unit: fc.constantFrom(
            'a',
            '\u202e',
            '\u2066',
            '\u200b',
            '\u200d',
            '\ufeff',
            '\u0000',
            '\u009b',
            '👩',
            '\n',
          ),
        }),
        (text) => {
          if (text.includes('\u202e') || text.includes('\u0000')) hidden += 1;
          for (const bad of [
            '\u202e',
            '\u2066',
            '\u200b',
            '\ufeff',
            '\u0000',
            '\u009b',
            'a\u200d',
            '\u200da',
          ]) {
            expect(visible(text)).not.toContain(bad);
          }
        },
      ),
    );
    expect(hidden).toBeGreaterThan(20);
  });

  test('a cut is marked and never halves a character', () => {
    expect(cut('short', 5)).toBe('short');
    expect(cut('longer', 5)).toBe('long…');
    expect(cut('abc👍def', 5)).toBe('abc…');
    expect(oneLine(' a\n b\t c ')).toBe('a b c');
  });

  test('cut markup keeps mentions, dates and escapes whole', () => {
    const markup = 'ask <@U0ALICE> about R&amp;D';
    fc.assert(
      fc.property(fc.integer({ min: 1, max: markup.length }), (max) => {
        const result = cutMarkup(markup, max);
        expect(result.length).toBeLessThanOrEqual(max);
        expect(result.replace(/<@U0ALICE>|&amp;/g, '')).not.toMatch(/[<>&;]/);
      }),
    );
  });

  test('whole lines are kept and the rest is counted', () => {
    expect(cutLines('one\ntwo\nthree', 8)).toEqual({ text: 'one\ntwo', leftOut: 1 });
    expect(cutLines('all', 8)).toEqual({ text: 'all', leftOut: 0 });
    expect(cutLines('a very long line\nb', 6)).toEqual({ text: 'a ver…', leftOut: 1 });
  });

  test('a date has a format and says the time where it cannot be shown', () => {
    expect(date(Date.UTC(2026, 2, 4, 16, 40)).live).toBe('<!date^1772642400^{time}|16:40 UTC>');
    expect(date(Date.UTC(2026, 2, 4, 16, 40), 'day and time').live).toContain('|2026-03-04 16:40 UTC>');
  });
});

describe('money and time', () => {
  test.each([
    [0.46, '$0.46'],
    [0, '$0.00'],
    [0.004, 'under $0.01'],
    [1204, '$1,204.00'],
    [null, 'price unknown'],
    [Number.NaN, 'price unknown'],
  ])('%j is %s', (usd, expected) => expect(money(usd)).toBe(expected));

  test('ranges', () => {
    expect(moneyRange({ low: 0.7, mid: 1.1, high: 2 })).toBe('$1.10 ($0.70-2.00)');
    expect(moneyRange({ low: 0, mid: 0, high: 0 })).toBe('$0.00');
    expect(moneyRange(null)).toBe('price unknown');
    expect(timeRange({ low: 480_000, mid: 720_000, high: 1_200_000 })).toBe('about 12 min (8-20)');
    expect(timeRange({ low: 20_000, mid: 40_000, high: 120_000 })).toBe('about 40 s (20 s-2 min)');
    expect(timeRange({ low: 60_000, mid: 60_000, high: 60_000 })).toBe('about 1 min');
  });

  test.each([
    [400, '0.4s'],
    [50_000, '50s'],
    [160_000, '2m 40s'],
    [72_000, '1m 12s'],
    [3_900_000, '1h 05m'],
    [266_400_000, '3d 2h'],
    [59_700, '1m 00s'],
    [-5, '0.0s'],
  ])('%d ms is %s', (ms, expected) => expect(elapsed(ms)).toBe(expected));

  test('words', () => {
    expect([roughly(300_000), roughly(5_400_000), roughly(3 * 86_400_000)]).toEqual([
      '5 min',
      '1.5 h',
      '3 days',
    ]);
    expect([count(1, 'file'), count(0, 'file'), count(2, 'reply', 'replies')]).toEqual([
      '1 file',
      '0 files',
      '2 replies',
    ]);
    expect([times(1), times(2), times(3)]).toEqual(['once', 'twice', '3 times']);
    expect([list(['a']), list(['a', 'b', 'c']), list(['a', 'b', 'c'], 1)]).toEqual([
      'a',
      'a, b and c',
      'a and 2 more',
    ]);
    expect([percent(0), percent(0.001), percent(0.412), percent(0.999), percent(1)]).toEqual([
      '0%',
      '1%',
      '41%',
      '99%',
      '100%',
    ]);
  });
});
