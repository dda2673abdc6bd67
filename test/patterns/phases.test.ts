import { expect, test } from 'vitest';
import type { Node } from '../../src/domain/workflow.ts';
import { patterns } from '../../src/patterns/all.ts';
import { Interpreter } from '../../src/patterns/interpreter.ts';
import { phases } from '../../src/patterns/phases.ts';
import { failure, type Played, play } from './driver.ts';

const agent = (id: string, name = 'backend'): Node => ({ kind: 'agent', id, agent: name, task: `do ${id}` });
const check = (id: string): Node => ({ kind: 'command', id, run: ['check', id] });
const node = (...list: readonly object[]): Node => ({ kind: 'phases', id: 'plan', phases: list });
const codeOf = ({ outcome }: Played): string | null => (outcome.ok ? null : outcome.failure.code);
const begun = ({ events }: Played): string[] =>
  events.flatMap((event) => (event.type === 'node.started' && !event.node.includes(':') ? [event.node] : []));

const full = {
  id: 'build',
  purpose: 'Make it',
  setup: agent('set'),
  flow: agent('make'),
  integration: agent('join'),
  validate: check('verify'),
};
const ship = { id: 'ship', purpose: 'Hand it over', setup: agent('ready'), flow: agent('hand') };

test('setup, work, integration and validation in order, phase by phase', () => {
  const played = play(node(full, ship), { agents: { join: [{ result: 'whole', summary: 'joined' }] } });
  expect(begun(played)).toEqual(['set', 'make', 'join', 'verify', 'ready', 'hand']);
  const ready = played.tasks.find(({ node: id }) => id === 'ready');
  expect(ready?.previous).toBe('whole');
  expect(ready?.context.map(({ node: id }) => id)).toEqual(['set', 'make', 'join', 'verify']);
  expect(played.events.filter(({ type }) => type === 'handoff')).toEqual([
    { type: 'handoff', from: 'build', to: 'ship', summary: 'Hand it over', warnings: [] },
  ]);
});

test('a failed validation stops it before the next phase', () => {
  const played = play(node(full, ship), { commands: { verify: [1] } });
  expect(codeOf(played)).toBe('phase_failed');
  expect(begun(played).at(-1)).toBe('verify');
  expect(played.outcome).toMatchObject({
    failure: { message: expect.stringContaining('Phase "build" did not pass') },
  });
});

test('one round of rework, handed the findings, integrated and validated again', () => {
  const phase = { ...full, rework: agent('mend') };
  const played = play(node(phase, ship), { commands: { verify: [1, 0] } });
  expect(begun(played)).toEqual(['set', 'make', 'join', 'verify', 'mend', 'join', 'verify', 'ready', 'hand']);
  expect(played.tasks.find(({ node: id }) => id === 'mend')?.feedback.join()).toContain('check verify fails');
  expect(played.outcome.ok).toBe(true);

  const again = play(node(phase, ship), { commands: { verify: [1] } });
  expect(codeOf(again)).toBe('phase_failed');
  expect(begun(again).filter((id) => id === 'mend')).toHaveLength(1);
});

test('a rule validates, too', () => {
  const phase = { id: 'a', purpose: 'Count', flow: agent('count'), validate: 'result.lines < 100' };
  const lines = (...of: number[]) => ({ agents: { count: of.map((each) => ({ result: { lines: each } })) } });
  expect(play(node(phase), lines(5)).handoff?.validation.passed).toBe(true);
  expect(codeOf(play(node(phase), lines(500)))).toBe('phase_failed');
  const mended = play(node({ ...phase, rework: agent('less') }), {
    agents: { count: [{ result: { lines: 500 } }], less: [{ result: { lines: 9 } }] },
  });
  expect(mended.handoff?.result).toEqual({ lines: 9 });
  expect(mended.tasks[1]?.feedback).toEqual(['result.lines < 100 does not hold']);
  // Who reads it must not look for a number that nobody gave.
  expect(play(node(phase), { agents: { count: [{ result: {} }] } }).outcome).toMatchObject({
    failure: { message: expect.stringContaining('it speaks of something that is not there') },
  });
});

test('without a validation nothing is checked', () => {
  const phase = { id: 'a', purpose: 'Look', flow: check('look') };
  expect(play(node(phase), { commands: { look: [1] } }).handoff?.validation.passed).toBe(false);
});

test('a phase that fails ends it', () => {
  expect(codeOf(play(node(full, ship), { agents: { make: [failure('broken')] } }))).toBe('broken');
});

const judged = { ...full, integration: undefined, validate: agent('judge', 'reviewer'), overlap: true };
const ms = (of: Readonly<Record<string, number>>) => ({ stepMs: (id: string) => of[id] ?? 0 });
const yes = { approved: true };
const no = { approved: false, findings: ['not yet'] };

test('overlap: the next setup runs beside the validation, and once', () => {
  const times = ms({ judge: 100, ready: 80, hand: 10 });
  const cast = { agents: { judge: [{ ...yes, summary: 'good' }], ready: [{ result: 'set up' }] } };
  const apart = play(node({ ...judged, overlap: false }, ship), cast, times);
  const beside = play(node(judged, ship), cast, times);
  expect([apart.elapsedMs, beside.elapsedMs]).toEqual([190, 110]);
  expect(begun(beside).filter((id) => id === 'ready')).toHaveLength(1);
  const hand = beside.tasks.find(({ node: id }) => id === 'hand');
  expect(hand?.previous).toBe('set up');
  expect(hand?.context.map(({ summary }) => summary)).toContain('good');
});

test('overlap: a setup upon work that is refused is cancelled, and done again after the rework', () => {
  const times = ms({ judge: 10, ready: 1_000 });
  const cast = { agents: { judge: [no, yes] } };
  const stopped = play(node(judged, ship), { agents: { judge: [no] } }, times);
  expect([codeOf(stopped), stopped.elapsedMs]).toEqual(['phase_failed', 10]);
  const mended = play(node({ ...judged, rework: agent('mend') }, ship), cast, times);
  expect(mended.outcome.ok).toBe(true);
  expect(mended.elapsedMs).toBe(1_010);
  expect(begun(mended).filter((id) => id === 'ready')).toHaveLength(2);
});

test('overlap: a setup that fails ends it once the validation has passed', () => {
  const agents = { judge: [yes], ready: [failure('broken')] };
  const played = play(node(judged, ship), { agents }, ms({ judge: 100 }));
  expect([codeOf(played), played.elapsedMs]).toEqual(['broken', 100]);
});

const bare = { id: 'a', purpose: 'Work', flow: agent('work') };
test.each([
  ['no phase', []],
  ['no purpose', [{ id: 'a', flow: agent('work') }]],
  ['no flow', [{ id: 'a', purpose: 'Work' }]],
  ['two of one name', [bare, bare]],
  ['rework without a validation', [{ ...bare, rework: agent('mend') }]],
  ['overlap with nothing after it', [{ ...bare, validate: check('v'), overlap: true }]],
  [
    'overlap with no setup after it',
    [
      { ...bare, validate: check('v'), overlap: true },
      { ...bare, id: 'b' },
    ],
  ],
  ['overlap of a rule', [{ ...bare, validate: 'passed', overlap: true }, ship]],
  ['a rule that cannot be read', [{ ...bare, validate: 'result ==' }]],
  ['an unknown key', [{ ...bare, goal: 'x' }]],
])('%s: refused', (_name, list) => {
  expect(phases.schema.safeParse(node(...list)).success).toBe(false);
});

test('an estimate adds up, overlaps what may, and reckons with the rework at most', () => {
  const one = { ms: { low: 10, mid: 10, high: 10 }, usd: { low: 1, mid: 1, high: 1 }, asks: 0 };
  const estimate = (...list: readonly object[]) =>
    new Interpreter(patterns).estimate(node(...list), { agentTask: () => one, commandMs: 10 });
  expect(estimate({ ...judged, overlap: false }, ship).ms.mid).toBe(50);
  expect(estimate(judged, ship)).toMatchObject({ ms: { mid: 40 }, usd: { mid: 5 } });
  expect(estimate({ ...judged, rework: agent('mend') }, ship).usd).toEqual({ low: 5, mid: 5, high: 8 });
});
