import fc from 'fast-check';
import { expect, test } from 'vitest';
import { awaitDecision } from '../../src/patterns/await-decision.ts';
import { chaseApproval } from '../../src/ports/activities.ts';
import { answer, approvalEffects, drive, POLICY, START } from './driver.ts';

/** An activity that wants to look again after each of these times. */
function looking(gaps: readonly (number | null)[]) {
  const { effects, told } = approvalEffects(POLICY);
  const looks: number[] = [];
  return {
    told,
    looks,
    effects: {
      ...effects,
      'approval.chase': (input: unknown, _key: string, now: number) => {
        expect(chaseApproval.input.parse(input).at).toBe(now);
        const gap = gaps[looks.length] ?? null;
        looks.push(now - START);
        return { nextAt: gap === null ? null : now + gap };
      },
    },
  };
}

const asked = (nextAt: number | null) => ({ approvalId: 'a1', policy: POLICY, askedAt: START, nextAt });
const gaps = fc.array(fc.oneof(fc.integer({ min: -50, max: POLICY.expireAfterMs }), fc.constant(null)), {
  maxLength: 6,
});

test('it looks again when it was told to, and ends exactly when the time is up', () => {
  let looked = 0;
  fc.assert(
    fc.property(gaps, fc.integer({ min: 1, max: POLICY.expireAfterMs * 2 }), (after, first) => {
      const played = looking(after);
      const driven = drive(
        function* (flow) {
          return (yield* awaitDecision('d', asked(START + first), flow)) === null ? 'expired' : 'decided';
        },
        { effects: played.effects },
      );
      expect(driven.outcome).toEqual({ ok: true, value: 'expired' });
      expect(driven.elapsedMs).toBe(POLICY.expireAfterMs);
      const expected: number[] = [];
      for (let at = first, i = 0; at < POLICY.expireAfterMs; i += 1) {
        expected.push(at);
        const gap = after[i] ?? null;
        if (gap === null) break;
        at += Math.max(0, gap);
      }
      expect(played.looks).toEqual(expected);
      looked += expected.length;
      expect(played.told).toEqual([`expire after ${POLICY.expireAfterMs}`]);
    }),
    { numRuns: 500 },
  );
  expect(looked).toBeGreaterThan(100);
});

test('an answer at any moment before is the end, and nobody is asked after it', () => {
  fc.assert(
    fc.property(gaps, fc.integer({ min: 0, max: POLICY.expireAfterMs - 1 }), (after, at) => {
      const played = looking(after);
      const driven = drive(
        function* (flow) {
          return (yield* awaitDecision('d', asked(START + 7), flow))?.verdict ?? null;
        },
        { effects: played.effects, signals: [answer('a1', 'approve', at)] },
      );
      expect(driven.outcome).toEqual({ ok: true, value: 'approve' });
      expect(driven.elapsedMs).toBe(at);
      expect(played.looks.every((look) => look <= at)).toBe(true);
    }),
  );
});
