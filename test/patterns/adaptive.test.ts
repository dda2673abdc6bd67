import { afterEach, describe, expect, test } from 'vitest';
import type { RunEvent } from '../../src/domain/events.ts';
import type { Node } from '../../src/domain/workflow.ts';
import { adaptive } from '../../src/patterns/adaptive.ts';
import { patterns } from '../../src/patterns/all.ts';
import { Interpreter } from '../../src/patterns/interpreter.ts';
import { implement } from '../../src/ports/activity.ts';
import { type Metrics, readMetrics, recordDecision } from '../../src/ports/metrics.ts';
import { failure, metricsEffects, play } from './driver.ts';
import { type Whole, wholeRuns } from './whole.ts';

const open: Whole[] = [];
afterEach(async () => {
  for (const runs of open.splice(0)) await runs.close();
});

const agent = (id: string, more: object = {}): Node => ({
  kind: 'agent',
  id,
  agent: 'backend',
  task: 't',
  ...more,
});
const sequence = (...ids: string[]): Node => ({
  kind: 'sequence',
  id: 'base',
  stages: ids.map((id) => agent(id)),
});
const parallel = (limit: number, ...ids: string[]): Node => ({
  kind: 'parallel',
  id: 'base',
  branches: ids.map((id) => agent(id)),
  limit,
});
const node = (body: Node, adaptations: readonly object[], more: object = {}): Node => ({
  kind: 'adaptive',
  id: 'ship',
  body,
  adaptations: adaptations.map((each) => ({ cooldown: '0s', ...each })),
  ...more,
});
const made = (events: readonly RunEvent[]): string[] =>
  events.flatMap((event) => (event.type === 'adaptation.made' ? [event.what] : []));
const began = (events: readonly RunEvent[]): string[] =>
  events.flatMap((event) => (event.type === 'node.started' ? [event.node] : []));
const hundred = () => 100;

/** Plays with metrics that depend on how often they were read. */
function watch(tree: Node, seen: (read: number) => Partial<Metrics>, more: Parameters<typeof play>[2] = {}) {
  const decisions: unknown[] = [];
  const played = play(tree, {}, { stepMs: hundred, ...more, effects: metricsEffects(seen, decisions) });
  return { ...played, decisions };
}

describe('the three adaptations of the documents', () => {
  test('cpu-usage > 80%: fewer at once from the next unit on', () => {
    const played = watch(
      node(parallel(4, 'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'), [
        { when: 'cpu-usage > 80%', do: 'reduce-concurrency' },
      ]),
      (read) => ({
        cpuUsage: read === 2 ? 91 : 10,
      }),
    );
    expect(made(played.events)).toEqual(['2 at once in place of 4']);
    // Four begin at once and are left to their ends; then two at a time.
    expect(played.elapsedMs).toBe(300);
    expect(Object.keys(played.handoff?.result ?? {})).toEqual(['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h']);
    expect(played.decisions).toMatchObject([
      { kind: 'adaptation', choice: '2 at once in place of 4', reason: 'cpu-usage > 80%: cpu-usage is 91' },
    ]);
  });

  test('error-rate > 5%: the self-healing agent comes in between, at most so many times', () => {
    const played = watch(
      node(sequence('a', 'b', 'c', 'd'), [
        { when: 'error-rate > 5%', do: 'activate-self-healing', times: 2 },
      ]),
      (read) => ({
        errorRate: read > 1 ? 20 : 0,
      }),
    );
    expect(began(played.events)).toEqual(['a', 'ship-heal', 'ship-heal', 'b', 'c', 'd']);
    expect(played.tasks[1]?.role.name).toBe('self-healing');
  });

  test('deadline-approaching: what is left goes side by side', () => {
    const played = watch(
      node(sequence('a', 'b', 'c', 'd'), [{ when: 'deadline-approaching', do: 'parallel-execution' }], {
        deadline: '450ms',
      }),
      () => ({}),
    );
    // After a: 350 ms are left of 450, and the three that are left take 300: less than 1.25 times as much.
    expect(made(played.events)).toEqual(['the 3 that are left go side by side']);
    expect(played.elapsedMs).toBe(200);
  });

  test('a deadline that is far, or none, changes nothing', () => {
    for (const more of [{ deadline: '1h' }, {}]) {
      const played = watch(
        node(sequence('a', 'b'), [{ when: 'deadline-approaching', do: 'parallel-execution' }], more),
        () => ({}),
      );
      expect([made(played.events), played.elapsedMs]).toEqual([[], 200]);
    }
  });
});

describe('triggers', () => {
  const swap = (when: string): Node =>
    node(sequence('a', 'b', 'c'), [{ when, to: agent('other'), times: 1 }]);
  test.each<[string, () => Partial<Metrics>]>([
    ['contention', () => ({ waiting: 1 })],
    ['availability', () => ({ inventory: 'j' })],
    ['cost > 2.5', () => ({ costUsd: 3 })],
  ])('%s: another node takes the place of what is left', (when, seen) => {
    const played = watch(swap(when), (read) => (read === 1 ? {} : seen()));
    expect(began(played.events)).toEqual(['a', 'other']);
    expect(made(played.events)).toEqual(['other does what is left, in place of 2 more']);
  });

  test('bottleneck: one unit took twice as long as the others', () => {
    const played = watch(
      node(sequence('a', 'b', 'slow', 'd', 'e'), [{ when: 'bottleneck', agent: 'frontend' }]),
      () => ({}),
      { stepMs: (id) => (id === 'slow' ? 900 : 100) },
    );
    expect(played.tasks.map(({ role }) => role.name)).toEqual([
      'backend',
      'backend',
      'backend',
      'frontend',
      'frontend',
    ]);
  });

  test('efficiency: places stood empty for more than half of the time', () => {
    const insert = agent('look');
    const tree = node(parallel(3, 'a', 'b', 'slow', 'd'), [{ when: 'efficiency', insert, times: 1 }]);
    const of = (slow: number) =>
      began(watch(tree, () => ({}), { stepMs: (id) => (id === 'slow' ? slow : 100) }).events);
    expect(of(2_000)).toContain('look');
    expect(of(100)).not.toContain('look');
  });

  test.each(['requirements', 'external', 'pattern', 'preference', 'opportunity'])(
    '%s is told from outside',
    (trigger) => {
      const signals = [
        { name: `adapt:${trigger}`, at: 150, payload: { by: 'U', why: 'the customer wants less' } },
      ];
      const played = watch(swap(trigger), () => ({}), { signals });
      expect(began(played.events)).toEqual(['a', 'b', 'other']);
      expect(played.events.find(({ type }) => type === 'adaptation.made')).toMatchObject({
        reason: 'the customer wants less',
      });
    },
  );

  test('what nobody knows does not match, and that is recorded', () => {
    const played = watch(swap('cpu-usage > 80%'), () => ({ cpuUsage: null }));
    expect(played.events.find(({ type }) => type === 'rule.evaluated')).toMatchObject({ outcome: 'absent' });
    expect(made(played.events)).toEqual([]);
  });
});

describe('bounds', () => {
  const often = [{ when: 'done >= 0', insert: agent('more'), times: 20 }];
  test('changes are bounded in number, so that it ends', () => {
    expect(began(watch(node(sequence('a'), often, { max: 3 }), () => ({})).events)).toEqual([
      'more',
      'more',
      'more',
      'a',
    ]);
  });
  test('and not too close together', () => {
    const tree = node(sequence('a', 'b', 'c'), [{ ...often[0], cooldown: '150ms' }]);
    expect(began(watch(tree, () => ({})).events)).toEqual(['more', 'a', 'more', 'b', 'more', 'c', 'more']);
  });
  test('a change that would change nothing is none', () => {
    const tree = node(sequence('a', 'b'), [
      { when: 'done >= 0', do: 'reduce-concurrency' },
      { when: 'done >= 0', do: 'one-by-one' },
    ]);
    expect(made(watch(tree, () => ({})).events)).toEqual([]);
  });
  test('what fails fails the node, and a chain of errors does as everywhere', () => {
    const tree = node(sequence('a', 'b'), [{ when: 'cost > 9', do: 'simpler' }], { on_error: 'skip' });
    expect(play(tree, { agents: { a: [failure('broken')] } }).outcome.ok).toBe(true);
  });
});

test('undo: the last change is taken back at the next sync point; what was done stays done', () => {
  const signals = [{ name: 'adapt:undo', at: 150, payload: { by: 'U', why: 'undo' } }];
  const tree = node(sequence('a', 'b', 'c', 'd'), [{ when: 'done == 1', agent: 'frontend', times: 1 }]);
  const played = watch(tree, () => ({}), { signals });
  expect(played.tasks.map(({ role }) => role.name)).toEqual(['backend', 'frontend', 'backend', 'backend']);
  expect(played.events.find(({ type }) => type === 'adaptation.undone')).toMatchObject({
    by: 'U',
    change: 1,
  });
});

test('undo of a switch brings back what has not begun', () => {
  const signals = [{ name: 'adapt:undo', at: 150, payload: { by: 'U', why: 'undo' } }];
  const played = watch(
    node(sequence('a', 'b', 'c'), [{ when: 'done == 1', to: agent('other') }]),
    () => ({}),
    { signals },
  );
  expect(began(played.events)).toEqual(['a', 'other', 'b', 'c']);
});

test('on the real engine, killed between any two units, it adapts and ends the same', async () => {
  const tree = node(parallel(2, 'a', 'b', 'c', 'd'), [
    { when: 'cpu-usage > 80%', do: 'reduce-concurrency', times: 1 },
    { when: 'done == 2', insert: agent('fix'), times: 1 },
  ]);
  const outcomes: string[] = [];
  for (let crashAt = 0; crashAt <= 5; crashAt += 1) {
    let reads = 0;
    const runs = wholeRuns({
      ms: () => 1_000,
      activities: (clock) => [
        implement(readMetrics, async () => {
          reads += 1;
          const cpuUsage = reads === 1 ? 91 : 5;
          return { at: clock.now(), cpuUsage, errorRate: 0, costUsd: 0, waiting: 0, inventory: 'i' };
        }),
        implement(recordDecision, async () => ({})),
      ],
    });
    open.push(runs);
    await runs.start('run_a', tree);
    for (let second = 0; second < 8; second += 1) {
      if (second === crashAt && crashAt > 0) await runs.crash();
      await runs.settle();
      await runs.advance(1_000);
    }
    const events = runs.events('run_a');
    outcomes.push(
      JSON.stringify([(await runs.engine.status('run_a'))?.outcome, made(events), began(events)]),
    );
  }
  expect(new Set(outcomes).size).toBe(1);
  expect(outcomes[0]).toContain('1 at once in place of 2');
  expect(outcomes[0]).toContain('fix comes in between');
});

test.each([
  ['a rule that cannot be read', { when: 'cpu >', do: 'simpler' }],
  ['two actions', { when: 'done > 1', do: 'simpler', agent: 'x' }],
  ['none', { when: 'done > 1' }],
  ['an unknown action', { when: 'done > 1', do: 'panic' }],
])('%s is refused', (_name, adaptation) => {
  expect(adaptive.schema.safeParse(node(sequence('a'), [adaptation])).success).toBe(false);
});

test('the estimate spans what may come of it', () => {
  const of = (ms: number) => ({
    ms: { low: ms, mid: ms, high: ms },
    usd: { low: 1, mid: 1, high: 1 },
    asks: 0,
  });
  const estimate = new Interpreter(patterns).estimate(
    node(parallel(4, 'a', 'b'), [
      { when: 'cpu-usage > 80%', do: 'one-by-one' },
      { when: 'error-rate > 5%', insert: agent('x'), times: 2 },
    ]),
    { agentTask: () => of(10), commandMs: 1 },
  );
  expect([estimate.ms, estimate.usd]).toEqual([
    { low: 10, mid: 10, high: 40 },
    { low: 0, mid: 2, high: 4 },
  ]);
});
