import { describe, expect, test } from 'vitest';
import type { Node } from '../../src/domain/workflow.ts';
import { parallelSchema } from '../../src/patterns/parallel/parallel-schema.ts';
import { adaptSignal } from '../../src/ports/metrics.ts';
import { type Cast, metricsEffects, type Played, play } from './driver.ts';
import { streamWorld } from './stream-world.ts';

/** Tasks that find out what they need, and tasks that go to whoever is free. */
const task = (id: string, more: object = {}) => ({ id, agent: 'backend', task: `Do ${id}`, ...more });
const tasks = (list: readonly object[], more: object = {}): Node => ({
  kind: 'parallel',
  id: 'all',
  tasks: list,
  ...more,
});

function run(
  node: Node,
  cast: Cast,
  ms: Readonly<Record<string, number>> = {},
  signals: Parameters<typeof play>[2] = {},
) {
  const streams = streamWorld(() => () => 0.5, 0);
  const decisions: unknown[] = [];
  const effects = { ...streams.effects, ...metricsEffects(() => ({}), decisions) };
  const played = play(node, cast, { effects, stepMs: (key) => ms[key] ?? 10, ...signals });
  expect(streams.problems).toEqual([]);
  return { ...played, decisions };
}
const order = ({ events }: Pick<Played, 'events'>): string[] =>
  events.flatMap((event) => {
    if (event.type === 'node.started') return [`+${event.node}`];
    return event.type === 'node.finished' && event.agent !== undefined ? [`-${event.node}`] : [];
  });

describe('a task that finds out what it needs', () => {
  const page = [task('page', { stream: 'front' }), task('api', { stream: 'back' })];

  test('waits for it, has it brought into its stream, and says how the rest goes now', () => {
    const played = run(tasks(page, { streams: true }), { needs: { page: 'api' } }, { api: 50 });
    expect(order(played)).toEqual(['+page', '+api', '-api', '-page']);
    expect(played.told['page']).toMatch(/"api" is done: done\. Its files are in your worktree/);
    expect(played.events.filter(({ type }) => type === 'dependency.declared')).toEqual([
      {
        type: 'dependency.declared',
        node: 'all',
        task: 'page',
        needs: 'api',
        why: 'It has to be there.',
        order: ['api', 'page'],
      },
    ]);
    const at = (part: string): number => played.keys.findIndex((key) => key.includes(part));
    expect(at('merge-back')).toBeGreaterThan(-1);
    expect(at('take-in')).toBeGreaterThan(at('merge-back'));
  });

  test('gives its place up meanwhile: what it needs can begin', () => {
    const played = run(tasks(page, { streams: true, limit: 1 }), { needs: { page: 'api' } });
    expect(order(played)).toEqual(['+page', '+api', '-api', '-page']);
  });

  test('without streams it waits, and nothing is merged', () => {
    const played = run(tasks([task('page'), task('api')]), { needs: { page: 'api' } }, { api: 50 });
    expect(order(played)).toEqual(['+page', '+api', '-api', '-page']);
    expect(played.keys.filter((key) => key.includes('merge'))).toEqual([]);
  });

  test('is told what cannot be: a task that is none, itself, or one that waits for it, by whatever way', () => {
    const list = [task('a'), task('b', { needs: ['a'] }), task('c', { needs: ['b'] })];
    for (const [wanted, answer] of [
      ['nobody', /no task "nobody"/],
      ['a', /no task "a"/],
      ['c', /"c" waits for you \(c waits for b waits for a\)/],
    ] as const) {
      const played = run(tasks(list), { needs: { a: wanted } });
      expect(played.told['a']).toMatch(answer);
      expect(order(played)).toEqual(['+a', '-a', '+b', '-b', '+c', '-c']);
    }
  });

  test('two that need each other: the second is told, and both end', () => {
    const played = run(tasks([task('a'), task('b')]), { needs: { a: 'b', b: 'a' } }, { a: 10, b: 20 });
    expect(played.outcome.ok).toBe(true);
    expect(played.told['b']).toMatch(/waits for you/);
    expect(order(played)).toEqual(['+a', '+b', '-b', '-a']);
  });
});

describe('a late stream', () => {
  const late = [
    task('long', { stream: 'late' }),
    task('free', { stream: 'late', capabilities: ['css'] }),
    task('last', { stream: 'late' }),
    task('quick', { stream: 'early', agent: 'frontend' }),
  ];
  const able = { capabilities: { frontend: ['css', 'html'] } };
  const ms = { long: 100, quick: 10, free: 10, last: 10 };

  test('gives a waiting task to an agent that is free and capable, and says why', () => {
    const played = run(tasks(late, { streams: true, rebalance: true }), able, ms);
    expect(order(played)).toEqual(['+long', '+quick', '-quick', '+free', '-free', '-long', '+last', '-last']);
    expect(played.tasks.find(({ node }) => node === 'free')).toMatchObject({
      role: { name: 'frontend' },
      stream: expect.stringMatching(/^early-/),
    });
    expect(played.decisions).toMatchObject([
      { kind: 'adaptation', choice: 'free goes from late to frontend in early' },
    ]);
    expect(played.events.filter(({ type }) => type === 'adaptation.made')).toHaveLength(1);
    // What follows it in its own stream still comes after it, and has what it made.
    expect(played.keys.some((key) => key.includes('last/merge-early'))).toBe(true);
  });

  test.each<[string, readonly object[], object, Cast]>([
    ['nobody is capable of', late, { rebalance: true }, { capabilities: { frontend: ['html'] } }],
    ['the workflow lets nobody take', late, {}, able],
    [
      'needs what its own stream is still at',
      late.map((each) => (each.id === 'free' ? { ...each, needs: ['long'] } : each)),
      { rebalance: true },
      able,
    ],
  ])('keeps one that %s', (_name, list, more, cast) => {
    const played = run(tasks(list, { streams: true, ...more }), cast, ms);
    expect(order(played)).toEqual(['+long', '+quick', '-quick', '-long', '+free', '-free', '+last', '-last']);
    expect(played.decisions).toEqual([]);
  });

  test('taken back, everybody keeps what they have from the next sync point on', () => {
    const two = [...late, task('more', { stream: 'late', capabilities: ['css'] })];
    const sync = [{ id: 'met', type: 'milestone', participants: ['quick', 'free'] }];
    const node = tasks(two, { streams: true, rebalance: true, sync });
    const undo = { name: adaptSignal('undo'), at: 1, payload: { by: 'U', why: 'no' } };
    const played = run(node, able, { ...ms, last: 200 }, { signals: [undo] });
    expect(played.events.filter(({ type }) => type === 'adaptation.undone')).toHaveLength(1);
    expect(order(played).slice(-4)).toEqual(['+last', '-last', '+more', '-more']);
    // Left alone, it would have been taken over, too.
    const free = order(run(node, able, { ...ms, last: 200 }));
    expect(free.indexOf('+more')).toBeLessThan(free.indexOf('-last'));
  });

  test('is refused where nothing could be taken over', () => {
    const problems = (node: Node) =>
      (parallelSchema.safeParse(node).error?.issues ?? []).map(({ message }) => message).join(' ');
    expect(problems(tasks([task('a')], { streams: true, rebalance: true }))).toMatch(
      /`capabilities` at a task/,
    );
    expect(problems(tasks([task('a', { capabilities: ['x'] })], { rebalance: true }))).toMatch(
      /`streams: true`/,
    );
    const flow = { kind: 'command', id: 'c', run: 'test' };
    expect(problems(tasks([{ id: 'a', flow, capabilities: ['x'] }], { streams: true }))).toMatch(
      /no agent's task/,
    );
  });
});
