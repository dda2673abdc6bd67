import { expect, test } from 'vitest';
import type { Node } from '../../src/domain/workflow.ts';
import { patterns } from '../../src/patterns/all.ts';
import { Interpreter } from '../../src/patterns/interpreter.ts';
import { race } from '../../src/patterns/race.ts';
import { failure, type Played, play } from './driver.ts';

const agent = (id: string, name = 'backend'): Node => ({ kind: 'agent', id, agent: name, task: `do ${id}` });
const node = (more: object = {}): Node => ({
  kind: 'race',
  id: 'first',
  runners: [agent('a'), agent('b'), agent('c')],
  ...more,
});
const codeOf = ({ outcome }: Played): string | null => (outcome.ok ? null : outcome.failure.code);
const MS: Readonly<Record<string, number>> = { a: 300, b: 100, c: 200 };
const world = { stepMs: (id: string) => MS[id] ?? 0 };
const named = { a: [{ result: 'A' }], b: [{ result: 'B' }], c: [{ result: 'C' }] };

test('the first to end well wins, and nobody waits for the losers', () => {
  const played = play(node(), { agents: named }, world);
  expect(played.handoff?.result).toBe('B');
  expect(played.elapsedMs).toBe(100);
  expect(played.cancelled.filter((key) => key.includes('works'))).toHaveLength(2);
  expect(
    played.events.flatMap((event) =>
      event.type === 'node.finished' && event.status === 'skipped' ? [event.node] : [],
    ),
  ).toEqual(['a', 'c']);
});

test('a loser that would never end is cancelled', () => {
  const never: Node = { kind: 'wait', id: 'never', signal: 'never' };
  expect(play(node({ runners: [never, agent('b')] }), { agents: named }, world).handoff?.result).toBe('B');
});

test('a failed one does not win, be it failed or not validated', () => {
  expect(play(node(), { agents: { ...named, b: [failure('broken')] } }, world).handoff?.result).toBe('C');
  const check: Node = { kind: 'command', id: 'b', run: ['check'] };
  const played = play(
    node({ runners: [agent('a'), check] }),
    { agents: named, commands: { b: [1] } },
    { ...world, stepMs: (id) => (id === 'a' ? 300 : 0) },
  );
  expect(played.handoff?.result).toBe('A');
});

test('when nobody ends well, what ended at all goes on as it is; when all fail, so does the race', () => {
  const check: Node = { kind: 'command', id: 'b', run: ['check'] };
  const runners = [agent('a'), check];
  const agents = { a: [failure('broken')] };
  expect(play(node({ runners }), { agents, commands: { b: [1] } }, world).handoff?.validation.passed).toBe(
    false,
  );
  expect(
    codeOf(play(node({ runners: [agent('a'), agent('a2')] }), { agents: { ...agents, a2: agents.a } })),
  ).toBe('broken');
});

test('k of n: the results of those who ended well, by their ids', () => {
  const played = play(node({ needs: 2 }), { agents: named }, world);
  expect(played.handoff?.result).toEqual({ b: 'B', c: 'C' });
  expect(played.elapsedMs).toBe(200);
  expect(played.handoff?.context.map(({ node: id }) => id)).toEqual(['b', 'c']);
});

test('k of n: it is lost as soon as too few are left', () => {
  const agents = { ...named, b: [failure('broken')], c: [failure('broken')] };
  const played = play(node({ needs: 2 }), { agents }, world);
  expect([codeOf(played), played.elapsedMs]).toEqual(['race_lost', 200]);
});

test.each(['structural', 'cancelled'] as const)('a %s failure ends it at once', (of) => {
  const played = play(node(), { agents: { ...named, b: [failure('wrong', of)] } }, world);
  expect([codeOf(played), played.elapsedMs]).toEqual(['wrong', 100]);
});

test.each([
  ['one runner', { runners: [agent('a')] }],
  ['none', { runners: [] }],
  ['more needed than there are', { needs: 4 }],
  ['none needed', { needs: 0 }],
  ['an unknown key', { winner: 'a' }],
])('%s: refused', (_name, more) => {
  expect(race.schema.safeParse(node(more)).success).toBe(false);
});

test('an estimate is as fast as the ones needed, and as dear as all', () => {
  const of: Readonly<Record<string, number>> = { backend: 10, qa: 4, devops: 7 };
  const runners = [agent('a', 'backend'), agent('b', 'qa'), agent('c', 'devops')];
  const estimate = (needs: number) =>
    new Interpreter(patterns).estimate(node({ runners, needs }), {
      agentTask: (name) => ({
        ms: { low: of[name] ?? 0, mid: of[name] ?? 0, high: of[name] ?? 0 },
        usd: { low: 1, mid: 1, high: 1 },
        asks: 0,
      }),
      commandMs: 1,
    });
  expect(estimate(1)).toMatchObject({ ms: { low: 4, mid: 4, high: 10 }, usd: { high: 3 } });
  expect(estimate(2).ms.mid).toBe(7);
});
