import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { noRateLimit, RateWindow, WINDOW_MS } from '../../src/domain/rate-limit.ts';

const limit = (changes: Partial<typeof noRateLimit>) => ({ ...noRateLimit, ...changes });

describe('what a server may be asked for', () => {
  test('in no minute more calls or tokens than the limit, and never more at once; every call begins in the end', () => {
    let held = 0;
    fc.assert(
      fc.property(
        fc.record({
          calls: fc.option(fc.integer({ min: 1, max: 5 })),
          tokens: fc.option(fc.integer({ min: 100, max: 1_000 })),
          concurrent: fc.option(fc.integer({ min: 1, max: 3 })),
        }),
        fc.array(
          fc.record({
            tokens: fc.integer({ min: 1, max: 400 }),
            gap: fc.integer({ min: 0, max: 20_000 }),
            real: fc.boolean(),
          }),
          { maxLength: 30 },
        ),
        ({ calls, tokens, concurrent }, asked) => {
          const window = new RateWindow({ calls_per_minute: calls, tokens_per_minute: tokens, concurrent });
          let now = 0;
          const begun: { at: number; tokens: number }[] = [];
          const open: (() => void)[] = [];
          for (const call of asked) {
            now += call.gap;
            let at = window.nextAt(call.tokens, now);
            while (at === null) {
              open.shift()?.();
              at = window.nextAt(call.tokens, now);
            }
            if (at > now) held += 1;
            now = at;
            expect(window.nextAt(call.tokens, now)).toBe(now);
            const end = window.begin(call.tokens, now);
            begun.push({ at: now, tokens: call.tokens });
            open.push(() => end(null));
            if (concurrent !== null) expect(window.open).toBeLessThanOrEqual(concurrent);
          }
          for (const { at } of begun) {
            const minute = begun.filter((other) => other.at > at - WINDOW_MS && other.at <= at);
            if (calls !== null) expect(minute.length).toBeLessThanOrEqual(calls);
            const sum = minute.reduce((total, other) => total + other.tokens, 0);
            // One that is larger than the whole goes alone.
            if (tokens !== null && minute.length > 1) expect(sum).toBeLessThanOrEqual(tokens);
          }
        },
      ),
      { numRuns: 1_000 },
    );
    expect(held).toBeGreaterThan(500);
  });

  test('what a call really took counts, once it is known', () => {
    const window = new RateWindow(limit({ tokens_per_minute: 100 }));
    const end = window.begin(90, 0);
    expect(window.nextAt(50, 10)).toBe(WINDOW_MS);
    end(20);
    end(5_000);
    expect(window.nextAt(50, 10)).toBe(10);
    expect(window.open).toBe(0);
  });

  test('a pause the server asks for holds everybody, and a shorter one does not end it', () => {
    const window = new RateWindow(noRateLimit);
    window.block(30_000);
    window.block(5_000);
    expect(window.nextAt(1, 0)).toBe(30_000);
    expect(window.nextAt(1, 40_000)).toBe(40_000);
  });
});
