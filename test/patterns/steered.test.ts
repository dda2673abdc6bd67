import { describe, expect, test } from 'vitest';
import type { Json } from '../../src/domain/json.ts';
import { steerSignal } from '../../src/domain/steering.ts';
import type { Node } from '../../src/domain/workflow.ts';
import { answer, approvalEffects, play, role } from './driver.ts';

const agent = (id: string, name = 'backend'): Node => ({ kind: 'agent', id, agent: name, task: `do ${id}` });
const sequence: Node = {
  kind: 'sequence',
  id: 'all',
  stages: [agent('first'), agent('second', 'qa'), agent('third')],
};
const MINUTE = 60_000;
const word = (node: string, at: number, payload: Json) => ({ name: steerSignal(node), at, payload });
const stepMs = () => MINUTE;
const asked = (played: ReturnType<typeof play>) =>
  played.tasks.map(({ node, role: { name } }) => `${node} ${name}`);

describe('a person steps in', () => {
  test('skip: what is under way is given up, what comes next knows why', () => {
    const skip = word('second', 1.5 * MINUTE, { do: 'skip', by: 'U-alice', reason: 'no tests yet' });
    const played = play(sequence, { steered: true }, { stepMs, signals: [skip] });
    expect(played.outcome.ok).toBe(true);
    expect(asked(played)).toEqual(['first backend', 'second qa', 'third backend']);
    expect(played.elapsedMs).toBe(2.5 * MINUTE);
    expect(played.cancelled.some((key) => key.includes('second'))).toBe(true);
    expect(played.tasks[2]?.context).toContainEqual({
      node: 'second',
      agent: null,
      summary: 'Skipped by a person: no tests yet',
    });
    expect(played.events).toContainEqual({
      type: 'node.finished',
      node: 'second',
      status: 'skipped',
      summary: 'no tests yet',
    });
  });

  test('a word that comes before the work counts when it begins: no time is spent on it', () => {
    const skip = word('third', 1, { do: 'skip', by: 'U-alice', reason: 'later' });
    const played = play(sequence, { steered: true }, { stepMs, signals: [skip] });
    expect(played.elapsedMs).toBe(2 * MINUTE);
    expect(played.outcome.ok).toBe(true);
  });

  test('retry: begun anew, once', () => {
    const again = word('first', 0.5 * MINUTE, { do: 'retry', by: 'U-alice' });
    const played = play(sequence, { steered: true }, { stepMs, signals: [again] });
    expect(asked(played)).toEqual(['first backend', 'first backend', 'second qa', 'third backend']);
    expect(played.elapsedMs).toBe(3.5 * MINUTE);
  });

  test('reassign: the role that comes along does it, and only that piece', () => {
    const other = word('first', 0.5 * MINUTE, { do: 'reassign', by: 'U-alice', role: role('frontend') });
    const played = play(sequence, { steered: true }, { stepMs, signals: [other] });
    expect(asked(played)).toEqual(['first backend', 'first frontend', 'second qa', 'third backend']);
  });

  test('taken over: nobody else works on it until the person says what came of it', () => {
    const signals = [
      word('second', 1.5 * MINUTE, { do: 'take_over', by: 'U-alice' }),
      word('second', 60 * MINUTE, { do: 'done', by: 'U-alice', text: 'tests are in test/a.js' }),
    ];
    const played = play(sequence, { steered: true }, { stepMs, signals });
    expect(asked(played)).toEqual(['first backend', 'second qa', 'third backend']);
    expect(played.elapsedMs).toBe(61 * MINUTE);
    expect(played.tasks[2]?.previous).toEqual({ summary: 'tests are in test/a.js', files: [], warnings: [] });
    expect(played.events.filter(({ type }) => type === 'work.taken')).toEqual([
      { type: 'work.taken', node: 'second', by: 'U-alice', open: true },
      { type: 'work.taken', node: 'second', by: 'U-alice', open: false },
    ]);
  });

  test('taken over and given back: the agent begins anew', () => {
    const signals = [
      word('second', 1.5 * MINUTE, { do: 'take_over', by: 'U-alice' }),
      word('second', 3 * MINUTE, { do: 'retry', by: 'U-alice' }),
    ];
    expect(asked(play(sequence, { steered: true }, { stepMs, signals }))).toEqual([
      'first backend',
      'second qa',
      'second qa',
      'third backend',
    ]);
  });

  test('a command can be skipped as well', () => {
    const command: Node = { kind: 'command', id: 'check', run: ['false'] };
    const skip = word('check', 0, { do: 'skip', by: 'U-alice', reason: 'broken before' });
    const played = play(command, { steered: true, commands: { check: [1] } }, { signals: [skip] });
    expect(played.keys.some((key) => key.includes('command'))).toBe(false);
    expect(played.outcome.ok).toBe(true);
  });
});

describe('what nobody steps into', () => {
  test('an approval waits for its decision, whatever is said', () => {
    const { effects, told } = approvalEffects();
    const gate: Node = { kind: 'approval', id: 'keep', title: 'Keep?', why: 'w' };
    const signals = [
      word('keep', 0, { do: 'skip', by: 'U-alice', reason: 'r' }),
      answer('a1', 'approve', MINUTE),
    ];
    const played = play(gate, { steered: true }, { effects, signals });
    expect(told).toEqual(['open 1']);
    expect(played.elapsedMs).toBe(MINUTE);
    expect(played.approvedTrees).toEqual(['tree1']);
  });

  test('runs that began before it was there ask for the very same operations, and hear nothing', () => {
    const skip = word('second', 1.5 * MINUTE, { do: 'skip', by: 'U-alice', reason: 'r' });
    const [before, now] = [play(sequence, {}, { stepMs }), play(sequence, {}, { stepMs, signals: [skip] })];
    expect(now.keys).toEqual(before.keys);
    expect(now.keys.some((key) => key.includes('steered'))).toBe(false);
    expect(play(sequence, { steered: true }, { stepMs }).keys.some((key) => key.includes('steered'))).toBe(
      true,
    );
  });
});
