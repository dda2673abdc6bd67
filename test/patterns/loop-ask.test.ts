import { describe, expect, test } from 'vitest';
import type { Node } from '../../src/domain/workflow.ts';
import { answer, approvalEffects, type Played, play } from './driver.ts';

/** Two rounds that are not good enough, the first the better of them. */
const loop: Node = {
  kind: 'loop',
  id: 'rounds',
  max: 2,
  on_exhausted: 'ask',
  body: { kind: 'agent', id: 'judge', agent: 'reviewer', task: 'Judge it' },
  improve: { kind: 'agent', id: 'mend', agent: 'backend', task: 'Mend it' },
};
const judged = (quality: number, finding: string) => ({ approved: true, quality, findings: [finding] });
const cast = {
  agents: { judge: [judged(60, 'long'), judged(40, 'longer'), judged(80, 'fine')] },
};
const said = (verdict: 'approve' | 'reject' | 'request_changes', words: string | null = null): Played => {
  const { effects } = approvalEffects();
  return play(loop, cast, { effects, signals: [answer('a1', verdict, 60_000, words)] });
};
const rounds = ({ events }: Played) =>
  events.flatMap((event) => (event.type === 'loop.round' ? [[event.round, event.max, event.passed]] : []));

describe('a loop whose rounds are used up asks people', () => {
  test('yes: it goes on with the best so far, with a warning', () => {
    const played = said('approve');
    expect(played.handoff?.validation.quality).toBe(60);
    expect(played.handoff?.warnings).toEqual(['rounds: not good enough after 2 rounds; the best was taken']);
    expect(rounds(played)).toEqual([
      [1, 2, false],
      [2, 2, false],
    ]);
  });

  test('changes: one more round, with their words among the findings', () => {
    const played = said('request_changes', 'make it half as long');
    expect(played.outcome.ok).toBe(true);
    expect(rounds(played).at(-1)).toEqual([3, 3, true]);
    const mended = played.tasks.filter(({ node }) => node === 'mend').at(-1);
    expect(mended?.feedback).toContain('make it half as long');
    expect(mended?.feedback).toContain('longer');
  });

  test('no: it ends as rejected', () => {
    const { outcome } = said('reject', 'start over');
    expect(outcome).toMatchObject({ ok: false, failure: { code: 'approval_rejected' } });
  });

  test('they are told how it stands', () => {
    const asked: unknown[] = [];
    const { effects } = approvalEffects();
    const open = effects['approval.open'];
    const listening = {
      ...effects,
      'approval.open': (input: unknown, key: string, now: number) => {
        asked.push(input);
        return open?.(input, key, now);
      },
    };
    play(loop, cast, { effects: listening, signals: [answer('a1', 'approve', 1)] });
    expect(asked).toMatchObject([
      {
        node: 'rounds',
        title: '"rounds" is still not good enough. Go on with the best so far?',
        why: expect.stringContaining('After 2 rounds the work is still not good enough'),
        subject: { kind: 'failure', code: 'not_good_enough' },
      },
    ]);
  });
});
