import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { durationMs, durationSchema, parseDuration } from '../../src/domain/duration.ts';
import { inParallel, inSequence, noEstimate, times } from '../../src/domain/estimate.ts';
import { BatonError, type FailureClass, failureClasses, toFailure } from '../../src/domain/failure.ts';
import { type ContextEntry, mergeContext } from '../../src/domain/handoff.ts';
import { shortId, slugOf, timeOrderedId } from '../../src/domain/ids.ts';
import { asJson, canonicalJson, type Json } from '../../src/domain/json.ts';
import { defaultRetry, nextRetry, noRetry } from '../../src/domain/retry.ts';
import { isTerminal, runStatuses } from '../../src/domain/run.ts';
import type { Estimate } from '../../src/domain/workflow.ts';

describe('nextRetry', () => {
  const fail = (of: FailureClass, retryAfterMs?: number) => ({
    class: of,
    code: 'c',
    message: 'm',
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  });
  test.each(failureClasses.filter((each) => each !== 'transient'))('%s is not tried again', (of) => {
    expect(nextRetry(fail(of), 1, defaultRetry, 0.5)).toEqual({ kind: 'give_up' });
  });
  test.each([
    [1, 0, 500],
    [1, 0.5, 750],
    [2, 0, 1_000],
    [2, 0.999_999, 2_000],
  ])('attempt %d with chance %d waits %d ms', (attempt, random, delayMs) => {
    expect(nextRetry(fail('transient'), attempt, defaultRetry, random)).toEqual({ kind: 'retry', delayMs });
  });
  test('the tries are counted with the first one', () => {
    expect(nextRetry(fail('transient'), 3, defaultRetry, 0)).toEqual({ kind: 'give_up' });
    expect(nextRetry(fail('transient'), 1, noRetry, 0)).toEqual({ kind: 'give_up' });
  });
  test('what the other side asks for is honoured, even beyond the cap', () => {
    expect(nextRetry(fail('transient', 90_000), 1, defaultRetry, 0)).toEqual({
      kind: 'retry',
      delayMs: 90_000,
    });
    expect(nextRetry(fail('transient', 1), 1, defaultRetry, 0)).toEqual({ kind: 'retry', delayMs: 500 });
  });
  test('between half of the full wait and all of it, never above the cap', () => {
    const retry = fc.record({
      tries: fc.integer({ min: 2, max: 20 }),
      baseMs: fc.integer({ min: 0, max: 5_000 }),
      maxMs: fc.integer({ min: 0, max: 60_000 }),
    });
    fc.assert(
      fc.property(
        retry,
        fc.integer({ min: 1, max: 19 }),
        fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
        (policy, attempt, random) => {
          const decision = nextRetry(fail('transient'), attempt, policy, random);
          if (attempt >= policy.tries) {
            expect(decision.kind).toBe('give_up');
            return;
          }
          const full = Math.min(policy.maxMs, policy.baseMs * 2 ** (attempt - 1));
          const delay = decision.kind === 'retry' ? decision.delayMs : -1;
          expect(delay).toBeGreaterThanOrEqual(Math.floor(full / 2));
          expect(delay).toBeLessThanOrEqual(Math.ceil(full));
        },
      ),
    );
  });
});

describe('parseDuration', () => {
  test.each([
    ['250ms', 250],
    ['90s', 90_000],
    ['2h', 7_200_000],
    ['1.5 m', 90_000],
    [' 3w ', 1_814_400_000],
    ['520w', 314_496_000_000],
    ['0.4ms', 0],
  ])('%j is %d', (text, ms) => expect(parseDuration(text)).toBe(ms));
  test.each([
    '90',
    '',
    's',
    '-5s',
    '1e3s',
    '2 hours',
    '1h30m',
    '521w',
    `${'9'.repeat(400)}w`,
    '٣s',
    '1,5h',
    '.5h',
    'NaNs',
  ])('%j is none', (text) => {
    expect(parseDuration(text)).toBeNull();
    expect(durationSchema.safeParse(text).success).toBe(false);
  });
  test('whatever is accepted is a whole number of milliseconds that can be added to a time', () => {
    let accepted = 0;
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc
            .tuple(fc.integer({ min: 0, max: 10_000 }), fc.constantFrom('ms', 's', 'm', 'h', 'd', 'w'))
            .map(([n, unit]) => `${n}${unit}`),
        ),
        (text) => {
          const ms = parseDuration(text);
          if (ms === null) return;
          accepted += 1;
          expect(Number.isSafeInteger(8_640_000_000_000 + ms)).toBe(true);
          expect(durationMs(text)).toBe(ms);
        },
      ),
    );
    expect(accepted).toBeGreaterThan(10);
  });
});

describe('ids', () => {
  const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
  test('later ids sort after earlier ones, whatever chance says', () => {
    const time = fc.integer({ min: 0, max: 2 ** 44 });
    fc.assert(
      fc.property(time, time, random, random, (a, b, x, y) => {
        fc.pre(a < b);
        const [first, second] = [timeOrderedId('run', a, () => x), timeOrderedId('run', b, () => y)];
        expect(first < second).toBe(true);
        expect(first).toMatch(/^run_[0-9a-hjkmnp-tv-z]{19}$/);
      }),
    );
  });
  test('ids of the same moment differ by chance alone', () => {
    expect(timeOrderedId('r', 1, () => 0)).not.toBe(timeOrderedId('r', 1, () => 0.5));
    expect(timeOrderedId('r', 1.9, () => 0)).toBe(timeOrderedId('r', 1, () => 0));
    expect(shortId('run_0000000000abcdef')).toBe('abcdef');
  });
  test.each([
    ['Add CSV export to the reports page', 'add-csv-export-to-the-reports-page'],
    ['Größe & Café: prüfen!', 'gro-e-cafe-prufen'],
    ['日本語', 'work'],
    ['../../etc/passwd; rm -rf /', 'etc-passwd-rm-rf'],
    ['--force', 'force'],
    ['x'.repeat(60), 'x'.repeat(40)],
    [`${'word '.repeat(20)}`, 'word-word-word-word-word-word-word-word'],
  ])('the slug of %j is %j', (text, slug) => expect(slugOf(text)).toBe(slug));
  test('a slug is always fit for a branch name', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 200 }), (text) => {
        expect(slugOf(text)).toMatch(/^[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?$/);
      }),
    );
  });
});

describe('mergeContext', () => {
  const entry = (node: string, summary = node): ContextEntry => ({ node, agent: null, summary });
  test('the last word of each node stays, in the order of the last words', () => {
    expect(mergeContext([entry('a', '1'), entry('b')], [entry('a', '2')])).toEqual([
      entry('b'),
      entry('a', '2'),
    ]);
  });
  test('forty at most, the oldest go', () => {
    const all = Array.from({ length: 50 }, (_, i) => entry(`n${i}`));
    expect(mergeContext(all)).toEqual(all.slice(10));
  });
  test('merging again changes nothing, and no list is touched', () => {
    const lists = fc.array(
      fc.array(
        fc.tuple(fc.constantFrom('a', 'b', 'c', 'd'), fc.string()).map(([node, text]) => entry(node, text)),
      ),
      { maxLength: 4 },
    );
    fc.assert(
      fc.property(lists, (given) => {
        const copy = structuredClone(given);
        const merged = mergeContext(...given);
        expect(given).toEqual(copy);
        expect(mergeContext(merged)).toEqual(merged);
        for (const each of merged)
          expect(given.flat().findLast(({ node }) => node === each.node)).toEqual(each);
      }),
    );
  });
});

describe('canonicalJson', () => {
  const shuffled = (value: Json): Json => {
    if (Array.isArray(value)) return value.map(shuffled);
    if (value === null || typeof value !== 'object') return value;
    return Object.fromEntries(
      Object.entries(value)
        .reverse()
        .map(([key, item]) => [key, shuffled(item)]),
    );
  };
  test('equal data has equal text, and it says the same', () => {
    fc.assert(
      fc.property(fc.jsonValue({ noUnicodeString: false }), (raw) => {
        const value = asJson(raw);
        expect(canonicalJson(shuffled(value))).toBe(canonicalJson(value));
        expect(JSON.parse(canonicalJson(value))).toEqual(JSON.parse(JSON.stringify(value)));
      }),
    );
  });
  test('different data has different text', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.jsonValue(), (a, b) => {
        const same = JSON.stringify(asJson(a)) === JSON.stringify(asJson(b));
        if (same) expect(canonicalJson(asJson(a))).toBe(canonicalJson(asJson(b)));
        else
          expect(canonicalJson(asJson(a)) === canonicalJson(asJson(b))).toBe(
            canonicalJson(shuffled(asJson(a))) === canonicalJson(shuffled(asJson(b))),
          );
      }),
    );
    expect(canonicalJson({ b: [1, '1'], a: null })).toBe('{"a":null,"b":[1,"1"]}');
    expect(canonicalJson(['1'])).not.toBe(canonicalJson([1]));
  });
  test('a value as the journal keeps it: the second time changes nothing', () => {
    expect(asJson({ a: undefined, b: Number.NaN, c: new Date(0) })).toEqual({
      b: null,
      c: '1970-01-01T00:00:00.000Z',
    });
    expect(asJson(undefined)).toBeNull();
    fc.assert(
      fc.property(fc.anything(), (value) => {
        let kept: Json;
        try {
          kept = asJson(value);
        } catch {
          return;
        }
        expect(asJson(kept)).toEqual(kept);
        expect(JSON.parse(JSON.stringify(kept))).toEqual(kept);
      }),
    );
  });
});

describe('estimates', () => {
  const ordered = fc
    .tuple(fc.nat(1_000), fc.nat(1_000), fc.nat(1_000))
    .map(([low, a, b]) => ({ low, mid: low + a, high: low + a + b }));
  const estimate = fc.record<Estimate>({ ms: ordered, usd: fc.option(ordered), asks: fc.nat(3) });

  /** When the last of jobs ends that begin in order, at most `limit` at once. */
  function makespan(jobs: readonly number[], limit: number): number {
    const free = Array.from({ length: limit }, () => 0);
    for (const job of jobs) {
      const first = free.indexOf(Math.min(...free));
      free[first] = (free[first] ?? 0) + job;
    }
    return Math.max(0, ...free);
  }

  test('what really takes between low and high ends between low and high, side by side too', () => {
    let tight = 0;
    fc.assert(
      fc.property(
        fc.array(fc.tuple(estimate, fc.double({ min: 0, max: 1, noNaN: true })), {
          minLength: 1,
          maxLength: 10,
        }),
        fc.integer({ min: 1, max: 12 }),
        (jobs, limit) => {
          const real = jobs.map(([{ ms }, share]) => ms.low + (ms.high - ms.low) * share);
          const estimates = jobs.map(([each]) => each);
          const { ms } = inParallel(estimates, limit);
          const took = makespan(real, limit);
          if (limit < jobs.length) tight += 1;
          expect(took).toBeGreaterThanOrEqual(ms.low - 1e-6);
          expect(took).toBeLessThanOrEqual(ms.high + 1e-6);
          expect(ms.low <= ms.mid && ms.mid <= ms.high + 1e-9).toBe(true);
          expect(ms.high).toBeLessThanOrEqual(inSequence(estimates).ms.high + 1e-6);
        },
      ),
    );
    expect(tight).toBeGreaterThan(20);
  });

  test('one price that is unknown makes the sum unknown, never cheaper', () => {
    const one: Estimate = { ms: { low: 1, mid: 2, high: 3 }, usd: { low: 1, mid: 2, high: 3 }, asks: 1 };
    const unknown = { ...one, usd: null };
    for (const join of [inSequence, (all: Estimate[]) => inParallel(all, 2)]) {
      expect(join([one, unknown]).usd).toBeNull();
      expect(join([one, one])).toMatchObject({ usd: { low: 2, mid: 4, high: 6 }, asks: 2 });
      expect(join([])).toEqual(noEstimate);
    }
    expect(times(unknown, 1, 2, 3)).toEqual({ ms: { low: 1, mid: 4, high: 9 }, usd: null, asks: 3 });
  });
});

describe('failures and states', () => {
  test('what nobody classified is terminal, and kept short', () => {
    expect(toFailure(new Error('x'.repeat(5_000)))).toEqual({
      class: 'terminal',
      code: 'unknown',
      message: 'x'.repeat(2_000),
    });
    expect(toFailure('words')).toEqual({ class: 'terminal', code: 'unknown', message: 'words' });
    const failure = { class: 'budget', code: 'b', message: 'm' } as const;
    expect(toFailure(new BatonError(failure))).toBe(failure);
  });
  test.each(['ENOSPC', 'SQLITE_FULL', 'SQLITE_BUSY', 'EIO', 'EMFILE'])(
    'what the machine lacks (%s) is tried again',
    (code) => {
      expect(toFailure(Object.assign(new Error('no'), { code }))).toMatchObject({
        class: 'transient',
        code: 'workspace_trouble',
        message: 'no',
        hint: expect.stringContaining('Retry'),
      });
    },
  );
  test('a code that says nothing of the machine is nobody’s to mend', () => {
    expect(toFailure(Object.assign(new Error('no'), { code: 'ENOENT' })).class).toBe('terminal');
  });
  test('data of another shape is told in a line', () => {
    const { error } = z.object({ a: z.object({ b: z.string() }) }).safeParse({ a: {} });
    expect(toFailure(error)).toMatchObject({ class: 'terminal', code: 'unknown' });
    expect(toFailure(error).message).toMatch(/^[^\n{[]*\(a\.b: [^\n{[]*\)$/);
  });
  test('three states are the end', () => {
    expect(runStatuses.filter(isTerminal)).toEqual(['completed', 'failed', 'cancelled']);
  });
});
