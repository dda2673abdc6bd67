import { afterEach, describe, expect, test } from 'vitest';
import type { RunEvent } from '../../src/domain/events.ts';
import type { Node } from '../../src/domain/workflow.ts';
import { patterns } from '../../src/patterns/all.ts';
import { Interpreter } from '../../src/patterns/interpreter.ts';
import { resourceAware } from '../../src/patterns/resource-aware.ts';
import { play } from './driver.ts';
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
const node = (tasks: readonly object[], more: object = {}): Node => ({
  kind: 'resource-aware',
  id: 'team',
  tasks: [...tasks],
  ...more,
});
const task = (id: string, more: object = {}) => ({ id, do: agent(`do-${id}`), ...more });
const scheduled = (events: readonly RunEvent[]): string[] =>
  events.flatMap((event) => (event.type === 'task.scheduled' ? [`${event.task}: ${event.reason}`] : []));

/** The documents' constrained team: two full-stack developers, one of them for the frontend alone, one database. */
const team = node(
  [
    task('schema', { uses: { developer: 1, database: 1 }, estimate: '3h' }),
    task('api', { uses: { developer: 1, database: 1 }, needs: ['schema'], estimate: '4h' }),
    task('page', { uses: { designer: 1 }, estimate: '2h' }),
    task('docs', { uses: { developer: 1 }, priority: 'low', estimate: '1h' }),
    task('hotfix', { uses: { developer: 1, database: 1 }, priority: 'high', estimate: '1h' }),
  ],
  {
    resources: {
      developer: { kind: 'person', amount: 2 },
      designer: { kind: 'person', amount: 1 },
      database: 1,
    },
  },
);
const MINUTES: Readonly<Record<string, number>> = { schema: 3, api: 4, page: 2, docs: 1, hotfix: 1 };
const minutes = (id: string): number => (MINUTES[id.replace('do-', '')] ?? 0) * 60_000;

test('a constrained team on the real engine: order, reasons and the whole time, and the same after a crash', async () => {
  const times: string[][] = [];
  for (const crash of [false, true]) {
    const runs = wholeRuns({ ms: minutes });
    open.push(runs);
    await runs.start('run_a', team);
    await runs.settle();
    for (let minute = 0; minute < 8; minute += 1) {
      if (crash && minute === 4) {
        await runs.crash();
        await runs.settle();
      }
      await runs.advance(60_000);
    }
    if (crash) for (let minute = 0; minute < 8; minute += 1) await runs.advance(60_000);
    expect(await runs.status('run_a')).toBe('completed');
    times.push([...new Set(runs.done.filter((each) => each.startsWith('-')))]);
    expect(scheduled(runs.events('run_a'))).toEqual([
      'hotfix: its priority is high',
      'page: it fits what is free',
      'docs: it fits what is free',
      'schema: it is on the longest path',
      'api: it is on the longest path',
    ]);
  }
  expect(times[0]).toEqual(['-do-hotfix', '-do-docs', '-do-page', '-do-schema', '-do-api']);
  expect(times[1]).toEqual(times[0]);
});

test('a soft limit is broken only where it has to be, and its cost is told', () => {
  const resources = { desk: { amount: 2, soft: 1, cost: 7 } };
  const uses = { desk: 1 };
  const played = play(
    node(
      [task('a', { uses, priority: 'high' }), task('b', { uses, priority: 'high' }), task('c', { uses })],
      { resources },
    ),
    {},
    { stepMs: () => 100 },
  );
  const breaches = played.events.flatMap((event) => (event.type === 'constraint.breached' ? [event] : []));
  expect(breaches.map(({ task: id, constraint, cost }) => [id, constraint, cost])).toEqual([
    ['b', 'desk', 7],
  ]);
  expect(played.handoff?.warnings[0]).toContain('b takes desk to 2, beyond the 1 wished for');
  expect(played.elapsedMs).toBe(200);
});

test('a deadline that is missed is told with its cost, and hurries what comes after', () => {
  const resources = { desk: { amount: 2, soft: 1 } };
  const uses = { desk: 1 };
  const tasks = [
    task('a', { uses, estimate: '1s' }),
    task('b', { uses, estimate: '1s' }),
    task('c', { uses, estimate: '1s' }),
  ];
  const played = play(
    node(tasks, { resources, deadline: { within: '2s', cost: 30 } }),
    {},
    { stepMs: () => 1_500 },
  );
  expect(
    played.events.flatMap((event) =>
      event.type === 'constraint.breached' ? [[event.task, event.constraint]] : [],
    ),
  ).toEqual([
    ['c', 'desk'],
    ['team', 'deadline'],
  ]);
  expect(played.elapsedMs).toBe(3_000);
});

describe('several ways', () => {
  const ways = { id: 'a', ways: [agent('slow'), agent('quick')], uses: { cpu: 1 } };
  const stepMs = (id: string): number => (id === 'slow' ? 900 : id === 'quick' ? 100 : 500);
  test('race where there is plenty, and the losers are cancelled', () => {
    const played = play(node([ways], { resources: { cpu: 2 } }), {}, { stepMs });
    expect(played.elapsedMs).toBe(100);
    expect(played.cancelled.some((key) => key.includes('slow'))).toBe(true);
    expect(scheduled(played.events)[0]).toContain('2 ways race');
  });
  test.each([
    ['there is room for one', node([ways], { resources: { cpu: 1 } })],
    [
      'others wait',
      node([ways, task('b', { uses: { cpu: 1 }, priority: 'low' })], { resources: { cpu: 2 } }),
    ],
  ])('the first alone where %s', (_name, tree) => {
    expect(play(tree, {}, { stepMs }).elapsedMs).toBe(900);
  });
});

test('what all runs share is reserved as a named resource', () => {
  const claimed: unknown[] = [];
  const effects = {
    'resources.claim': (input: unknown) => {
      claimed.push(input);
      return { lease: 'l', status: 'held' };
    },
  };
  const played = play(
    node([task('a', { uses: { desk: 1, 'staging-db': 1 } })], { resources: { desk: 1 } }),
    {},
    { effects },
  );
  expect(played.outcome.ok).toBe(true);
  expect(claimed).toMatchObject([{ uses: { 'staging-db': 1 } }]);
});

test('times of day: a person is not asked at night, and keeps nobody waiting', () => {
  // The driver's clock starts on a Friday at 08:00 UTC.
  const resources = { ada: { kind: 'person', amount: 1, open: ['10:00-18:00'] }, desk: 1 };
  const played = play(
    node([task('a', { uses: { ada: 1, desk: 1 }, priority: 'high' }), task('b', { uses: { desk: 1 } })], {
      resources,
    }),
    {},
    { stepMs: () => 1_000 },
  );
  expect(scheduled(played.events).map((each) => each[0])).toEqual(['b', 'a']);
  expect(played.elapsedMs).toBe(2 * 3_600_000 + 1_000);
});

test('needs: one hands its package on, several their results by id', () => {
  const played = play(node([task('a'), task('b'), task('c', { needs: ['a', 'b'] })]), {
    agents: { 'do-a': [{ result: 'A' }], 'do-b': [{ result: 'B' }] },
  });
  expect(played.tasks.find(({ node: id }) => id === 'do-c')?.previous).toEqual({ a: 'A', b: 'B' });
});

test.each([
  ['a circle', [task('a', { needs: ['b'] }), task('b', { needs: ['a'] })], {}],
  ['an unknown need', [task('a', { needs: ['x'] })], {}],
  ['more than there is', [task('a', { uses: { desk: 2 } })], { resources: { desk: 1 } }],
  ['both do and ways', [task('a', { ways: [agent('x'), agent('y')] })], {}],
  ['neither', [{ id: 'a' }], {}],
  ['the same id twice', [task('a'), task('a')], {}],
])('%s is refused', (_name, tasks, more) => {
  expect(resourceAware.schema.safeParse(node(tasks, more)).success).toBe(false);
});

test('the estimate is the schedule’s, not the sum', () => {
  const of = (ms: number) => ({
    ms: { low: ms, mid: ms, high: ms },
    usd: { low: 1, mid: 1, high: 1 },
    asks: 0,
  });
  const estimate = new Interpreter(patterns).estimate(
    node([task('a', { uses: { desk: 1 } }), task('b', { uses: { desk: 1 } }), task('c')], {
      resources: { desk: 1 },
    }),
    { agentTask: () => of(10), commandMs: 1 },
  );
  expect([estimate.ms.low, estimate.ms.mid, estimate.usd?.mid]).toEqual([20, 20, 3]);
});
