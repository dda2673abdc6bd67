import { afterEach, expect, test } from 'vitest';
import type { Node } from '../../src/domain/workflow.ts';
import { type Whole, wholeRuns } from './whole.ts';

const open: Whole[] = [];
const whole = (...[options]: Parameters<typeof wholeRuns>): Whole => {
  const runs = wholeRuns(options);
  open.push(runs);
  return runs;
};
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
const db = { uses: { 'staging-db': 1 } };
const resources = { 'staging-db': 1, 'api-x': '60/min' };

test('two runs share one database: one after the other, in the order in which they asked', async () => {
  const runs = whole({ resources, ms: () => 1_000 });
  for (const id of ['run_a', 'run_b', 'run_c']) {
    await runs.start(id, agent(id.replace('run_', ''), db));
    await runs.settle();
  }
  expect(runs.done).toEqual(['+a']);
  expect((await runs.leases()).map(({ runId, held }) => [runId, held])).toEqual([
    ['run_a', true],
    ['run_b', false],
    ['run_c', false],
  ]);
  await runs.advance(1_000);
  expect(runs.done).toEqual(['+a', '-a', '+b']);
  await runs.advance(1_000);
  await runs.advance(1_000);
  expect(runs.done).toEqual(['+a', '-a', '+b', '-b', '+c', '-c']);
  expect(await runs.leases()).toEqual([]);
  expect(runs.events('run_b').flatMap(({ type }) => (type.startsWith('resource.') ? [type] : []))).toEqual([
    'resource.waiting',
    'resource.held',
    'resource.released',
  ]);
});

test.each([
  ['fails', { a: 'fail' }],
  ['is out of time', { timeout: '1s' }],
])('what a node holds is given back when it %s', async (_how, more) => {
  const { BatonError } = await import('../../src/domain/failure.ts');
  const broken = new BatonError({ class: 'terminal', code: 'broken', message: 'broken' });
  const runs = whole({ resources, ms: (node) => (node === 'a' ? ('a' in more ? broken : 60_000) : 0) });
  const { a: _a, ...fields } = { a: '', ...more };
  await runs.start('run_a', agent('a', { ...db, ...fields }));
  await runs.start('run_b', agent('b', db));
  await runs.advance(1_000);
  await runs.until(async () => (await runs.status('run_b')) === 'completed');
  expect(await runs.status('run_a')).toBe('failed');
  expect(await runs.leases()).toEqual([]);
});

test('the loser of a race gives back while its run goes on', async () => {
  const runs = whole({
    resources,
    ms: (node) => (node === 'slow' ? 60_000 : node === 'after' ? 9_000 : 1_000),
  });
  await runs.start('run_a', {
    kind: 'sequence',
    id: 's',
    stages: [{ kind: 'race', id: 'r', runners: [agent('slow', db), agent('quick')] }, agent('after')],
  });
  await runs.settle();
  expect((await runs.leases()).map(({ held }) => held)).toEqual([true]);
  await runs.advance(1_000);
  expect(await runs.leases()).toEqual([]);
  expect(await runs.status('run_a')).toBe('running');
});

test('a run that stops at any event leaves no lease, neither held nor waited for; a crash keeps it', {
  timeout: 120_000,
}, async () => {
  let held = 0;
  const tree: Node = {
    kind: 'parallel',
    id: 'p',
    branches: [agent('x', db), agent('y', db), agent('z', { uses: { 'staging-db': 1, 'api-x': '5/min' } })],
  };
  for (let stop = 1; ; stop += 1) {
    const runs = whole({ resources, ms: () => 1_000 });
    await runs.start('run_a', tree);
    const seen = (): number => runs.events('run_a').length;
    let waits = 0;
    // Lets it go on until so many events have been written.
    while (seen() < stop && waits < 10) {
      const before = seen();
      await runs.settle();
      if (seen() === before) {
        await runs.advance(1_000);
        waits += 1;
      }
    }
    const leases = await runs.leases();
    held += leases.length;
    if (stop % 3 === 0) {
      await runs.crash();
      await runs.settle();
      expect(await runs.leases()).toHaveLength(leases.length);
    }
    const ended = ['completed', 'failed'].includes(await runs.status('run_a'));
    await runs.engine.cancel('run_a', 'enough');
    await runs.settle();
    expect(await runs.leases(), `stopped at event ${stop}`).toEqual([]);
    // Nobody else is kept waiting by what was.
    await runs.start('run_b', agent('b', db));
    await runs.settle();
    await runs.advance(1_000);
    expect(await runs.status('run_b')).toBe('completed');
    await runs.close();
    open.pop();
    if (ended) break;
  }
  expect(held, 'leases that were there when it stopped').toBeGreaterThan(20);
});

test('a crash between holder and waiter: the next process hands the lease on', async () => {
  const runs = whole({ resources, ms: () => 1_000 });
  await runs.start('run_a', agent('a', db));
  await runs.settle();
  await runs.start('run_b', agent('b', db));
  await runs.settle();
  await runs.crash();
  await runs.settle();
  await runs.advance(1_000);
  await runs.advance(1_000);
  expect([await runs.status('run_a'), await runs.status('run_b')]).toEqual(['completed', 'completed']);
  expect(await runs.leases()).toEqual([]);
});

test('what is not in the inventory pauses the run; what is reserved within a reservation is refused', async () => {
  const runs = whole({ resources });
  await runs.start('run_a', agent('a', { uses: { gpu: 1 } }));
  await runs.start('run_b', {
    kind: 'sequence',
    id: 's',
    ...db,
    stages: [agent('b', { uses: { 'api-x': '1/s' } })],
  });
  await runs.settle();
  expect([await runs.status('run_a'), await runs.status('run_b')]).toEqual(['paused', 'failed']);
  const last = (await runs.engine.status('run_b'))?.outcome;
  expect(last?.ok === false ? last.failure.code : null).toBe('uses_nested');
});

test('a time window is waited for', async () => {
  // The clock of these tests starts on 15 January 2027, a Friday, at 08:00 UTC.
  const runs = whole({ resources: { ada: { kind: 'person', amount: 1, open: ['09:00-17:00'] } } });
  await runs.start('run_a', agent('a', { uses: { ada: 1 } }));
  await runs.settle();
  expect(runs.done).toEqual([]);
  await runs.advance(3_600_000);
  expect(runs.done).toEqual(['+a', '-a']);
});
