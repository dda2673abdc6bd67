import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Node } from '../../src/domain/workflow.ts';
import { awaitDecision } from '../../src/patterns/await-decision.ts';
import { answer, approvalEffects, drive, type Played, POLICY, play, START } from './driver.ts';

const MINUTE = 60_000;
const keep: Node = { kind: 'approval', id: 'keep', title: 'Keep it?', why: 'Built.' };
const rework: Node = { kind: 'agent', id: 'rework', agent: 'backend', task: 'Change it' };
const failureOf = ({ outcome }: Played) =>
  outcome.ok ? null : [outcome.failure.code, outcome.failure.message];

describe('an approval', () => {
  test('approved: exactly the tree that was shown may be kept', () => {
    const { effects, told } = approvalEffects();
    const played = play(keep, {}, { effects, signals: [answer('a1', 'approve', MINUTE)] });
    expect(played.approvedTrees).toEqual(['tree1']);
    expect(played.handoff?.context).toEqual([{ node: 'keep', agent: null, summary: '<@U-bob> approved' }]);
    expect(told).toEqual(['open 1']);
    expect(played.elapsedMs).toBe(MINUTE);
  });

  test('a decision that came before anybody waited counts', () => {
    const { effects } = approvalEffects();
    expect(play(keep, {}, { effects, signals: [answer('a1', 'approve', -MINUTE)] }).approvedTrees).toEqual([
      'tree1',
    ]);
  });

  test.each([
    ['reject', 'no need', 'approval_rejected', 'It was rejected: no need'],
    ['reject', null, 'approval_rejected', 'It was rejected'],
    ['request_changes', 'rename it', 'approval_changes', 'It still needs changes after one round: rename it'],
  ] as const)('%s (%j) without a way to change ends it as %s', (verdict, comment, code, message) => {
    const { effects } = approvalEffects();
    const played = play(keep, {}, { effects, signals: [answer('a1', verdict, 0, comment)] });
    expect(failureOf(played)).toEqual([code, message]);
    expect(played.approvedTrees).toEqual([]);
  });

  test('changes: the words go to whoever changes it, then people are asked anew about the new tree', () => {
    const { effects, told } = approvalEffects();
    const signals = [
      answer('a1', 'request_changes', 1, 'rename it'),
      answer('a2', 'request_changes', 2),
      answer('a3', 'approve', 3),
    ];
    const played = play({ ...keep, on_changes: rework }, {}, { effects, signals });
    expect(played.tasks.map(({ feedback }) => feedback)).toEqual([
      ['rename it'],
      ['Changes were requested without words.'],
    ]);
    expect(told).toEqual(['open 1', 'open 2', 'open 3']);
    expect(played.approvedTrees).toEqual(['tree3']);
  });

  test('content that changed meanwhile: asked anew in the same round, about the new tree', () => {
    const { effects, told } = approvalEffects();
    const signals = [
      answer('a1', 'content_changed', 1),
      answer('a2', 'content_changed', 2),
      answer('a3', 'approve', 3),
    ];
    const played = play({ ...keep, max_rounds: 1 }, {}, { effects, signals });
    expect(told).toEqual(['open 1', 'open 1', 'open 1']);
    expect(played.approvedTrees).toEqual(['tree3']);
  });

  test('changes asked for in the last round end it: nobody would look at them any more', () => {
    const { effects } = approvalEffects();
    const signals = [1, 2].map((round) => answer(`a${round}`, 'request_changes', round, 'again'));
    const played = play({ ...keep, on_changes: rework, max_rounds: 2 }, {}, { effects, signals });
    expect(failureOf(played)).toEqual(['approval_changes', 'It still needs changes after 2 rounds: again']);
    expect(played.tasks).toHaveLength(1);
  });

  test('nobody answers: reminded, then one after the other by DM, then it expires as a timeout', () => {
    const { effects, told } = approvalEffects();
    const played = play(keep, {}, { effects });
    expect(told).toEqual([
      'open 1',
      `remind 0 after ${10 * MINUTE}`,
      `escalate 1 after ${20 * MINUTE}`,
      `escalate 2 after ${30 * MINUTE}`,
      `expire after ${POLICY.expireAfterMs}`,
    ]);
    expect(failureOf(played)).toEqual(['approval_timeout', 'Nobody decided in time, so it was not done']);
  });

  test.each([9, 15, 25, 60, 1_439])(
    'an answer after %d minutes counts, and nobody is asked after it',
    (minutes) => {
      const { effects, told } = approvalEffects();
      const played = play(keep, {}, { effects, signals: [answer('a1', 'approve', minutes * MINUTE)] });
      expect(played.outcome.ok).toBe(true);
      expect(told.filter((line) => line.startsWith('expire'))).toEqual([]);
      expect(played.elapsedMs).toBe(minutes * MINUTE);
    },
  );

  test('a decision in the moment of expiry stands: the clock was the slower one', () => {
    const approval = approvalEffects();
    approval.decide();
    const signals = [answer('a1', 'approve', POLICY.expireAfterMs + 1)];
    const played = play(keep, {}, { effects: approval.effects, signals });
    expect(approval.told.at(-1)).toBe(`expire after ${POLICY.expireAfterMs}`);
    expect(played.approvedTrees).toEqual(['tree1']);
  });
});

describe('whatever the policy says', () => {
  const ms = fc.integer({ min: 1, max: 100_000 });
  const policies = fc.record({
    remindAfterMs: ms,
    escalateAfterMs: ms,
    expireAfterMs: ms,
    escalateTo: fc.array(fc.constantFrom('U-carol', 'U-dave', 'U-erin'), { maxLength: 3 }),
  });

  test('it ends exactly when it says, each is asked at most once and in time, in the order of time', () => {
    let unordered = 0;
    fc.assert(
      fc.property(policies, fc.integer({ min: 0, max: 5_000 }), (policy, late) => {
        const { effects, told } = approvalEffects(policy);
        const driven = drive(
          function* (flow) {
            // Something before it took its time, and so does each asking: the end must not move.
            yield* flow.sleep('late', late);
            const decision = yield* awaitDecision(
              'd',
              { approvalId: 'a1', policy, askedAt: START + late },
              flow,
            );
            return decision === null ? 'expired' : 'decided';
          },
          { effects },
        );
        if (policy.remindAfterMs > policy.escalateAfterMs && told.length > 2) unordered += 1;
        expect(driven.outcome).toEqual({ ok: true, value: 'expired' });
        expect(driven.elapsedMs).toBe(late + policy.expireAfterMs);
        expect(told.at(-1)).toBe(`expire after ${driven.elapsedMs}`);
        const nudges = told.slice(0, -1).map((line) => /^(\w+ \d+) after (\d+)$/.exec(line)?.slice(1) ?? []);
        expect(new Set(nudges.map(([what]) => what)).size).toBe(nudges.length);
        const times = nudges.map(([, at]) => Number(at));
        expect(times).toEqual([...times].sort((a, b) => a - b));
        expect(nudges.some(([what]) => what === 'remind 0')).toBe(
          policy.remindAfterMs < policy.expireAfterMs,
        );
      }),
    );
    expect(unordered).toBeGreaterThan(5);
  });

  test('an answer at any moment before the end is the end', () => {
    fc.assert(
      fc.property(policies, fc.double({ min: 0, max: 0.999, noNaN: true }), (policy, share) => {
        const at = Math.floor(policy.expireAfterMs * share);
        const { effects } = approvalEffects(policy);
        const driven = drive(
          function* (flow) {
            const decision = yield* awaitDecision('d', { approvalId: 'a1', policy, askedAt: START }, flow);
            return decision?.verdict ?? null;
          },
          { effects, signals: [answer('a1', 'reject', at)] },
        );
        expect(driven.outcome).toEqual({ ok: true, value: 'reject' });
        expect(driven.elapsedMs).toBe(at);
      }),
    );
  });

  test('after a long stop nobody is asked again about what can no longer be answered', () => {
    const { effects, told } = approvalEffects();
    const slow = { ...effects };
    const driven = drive(
      function* (flow) {
        yield* flow.sleep('stopped', 2 * POLICY.expireAfterMs);
        return (
          (yield* awaitDecision('d', { approvalId: 'a1', policy: POLICY, askedAt: START }, flow)) === null
        );
      },
      { effects: slow },
    );
    expect(driven.outcome).toEqual({ ok: true, value: true });
    expect(told.map((line) => line.split(' ')[0])).toEqual(['expire']);
  });
});
