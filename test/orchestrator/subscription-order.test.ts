import { afterEach, beforeEach, expect, test } from 'vitest';
import type { RunStatus } from '../../src/domain/run.ts';
import { subscriptionSchema, subscriptionsOf } from '../../src/domain/subscription.ts';
import type { Workflow } from '../../src/domain/workflow.ts';
import { Subscriptions } from '../../src/orchestrator/subscriptions.ts';
import { patterns } from '../../src/patterns/all.ts';
import { Interpreter } from '../../src/patterns/interpreter.ts';
import { busWorld, listener, published } from '../db/bus-world.ts';
import { decision, NOW, session, spec } from '../db/support.ts';
import { member } from '../support/directory.ts';
import { VirtualClock } from '../support/virtual-clock.ts';

/** Who goes first when events of several subscriptions wait: on the real bus, with what is started noted in its order. */

let world: ReturnType<typeof busWorld>;
beforeEach(() => {
  world = busWorld();
});
afterEach(() => world.remove());

const workflow = (name: string, event: string | null): Workflow => ({
  name,
  title: name,
  description: name,
  how: 'h',
  why: 'w',
  flow: {
    kind: 'sequence',
    id: 'all',
    stages: [
      { kind: 'command', id: 'check', run: 'test' },
      ...(event === null ? [] : [{ kind: 'emit', id: 'say', event }]),
    ],
  },
});
const workflows = new Map(
  [
    workflow('plain', null),
    workflow('frees-one', 'dependency_resolved'),
    workflow('frees-two', 'resource_available'),
  ].map((one) => [one.name, one]),
);
const subscribe = (on: string, name: string, priority = 'normal') => ({
  on,
  workflow: name,
  name: on.replaceAll('_', '-'),
  channel: 'C1',
  by: 'UALICE',
  priority,
  auto_start: true,
  with: on,
});

/** A run of a session in a workspace, in a state. */
async function run(id: string, status: RunStatus, team = 'T1'): Promise<void> {
  const { store, journal } = world.now;
  await store.sessions.create(
    session({ id: `ses_${id}`, team, currentRunId: id }),
    spec,
    decision(`dec_${id}`),
  );
  journal.commit([{ w: 'status', runId: id, status, outcome: null, at: NOW }]);
}

async function waitFor(runId: string, name: string): Promise<void> {
  await world.bus.listen(
    listener(`${runId}/hear`, { runId, name, signal: 'event:hear' }),
    null,
    () => false,
    NOW,
  );
}

/** Publishes these, hands them on, and starts what they start; returns the requests in their order, and why. */
async function started(
  written: readonly object[],
  events: readonly { readonly name: string; readonly payload?: { readonly run: string } }[],
): Promise<{ readonly order: readonly string[]; readonly why: ReadonlyMap<string, string> }> {
  const subscriptions = subscriptionsOf(written.map((one) => subscriptionSchema.parse(one)));
  for (const [at, { name, payload = { n: 1 } }] of events.entries())
    await world.bus.publish(published(name, `k${at}`, { payload, at: NOW + at }));
  await world.bus.route({
    limit: 100,
    now: NOW,
    wants: () => false,
    subscribers: ({ name }) =>
      subscriptions.flatMap(({ id, on }) => (on.includes(name) ? [{ id, refused: null }] : [])),
  });
  const order: string[] = [];
  const why = new Map<string, string>();
  const clock = new VirtualClock();
  clock.advance(NOW + 1_000 - clock.now());
  await new Subscriptions({
    bus: world.bus,
    catalog: { workflows, roles: new Map() },
    interpreter: new Interpreter(patterns),
    health: {
      read: async () => {
        throw new Error('not asked here');
      },
    },
    subscriptions,
    clock,
    placeOf: () => ({ team: 'T1', channel: 'C1', by: 'UALICE' }),
    decider: async (user, team) => member(user, team),
    log: { info: () => undefined, warn: () => undefined },
    orchestrator: {
      admits: async () => null,
      start: async ({ request, because }) => {
        order.push(request);
        why.set(request, because?.reason ?? '');
        return session({ id: `ses_${request}`, currentRunId: `run_of_${request}`, request });
      },
    },
  }).catchUp();
  return { order, why };
}

test('of the same priority goes first what most runs wait for, then what came first', async () => {
  await run('run_a', 'waiting');
  await run('run_b', 'waiting');
  await run('run_c', 'waiting');
  await waitFor('run_a', 'dependency_resolved');
  await waitFor('run_b', 'resource_available');
  await waitFor('run_c', 'resource_available');
  const { order, why } = await started(
    [
      subscribe('quality_issue', 'plain'),
      subscribe('external_change', 'frees-one'),
      subscribe('timeline_pressure', 'frees-two'),
      subscribe('code-pushed', 'plain'),
    ],
    ['quality_issue', 'code-pushed', 'external_change', 'timeline_pressure'].map((name) => ({ name })),
  );
  expect(order).toEqual(['timeline_pressure', 'external_change', 'quality_issue', 'code-pushed']);
  expect(why.get('timeline_pressure')).toContain('2 runs wait for it');
  expect(why.get('external_change')).toContain('One run waits for it');
  expect(why.get('quality_issue')).not.toContain('wait');
});

test('runs that the events speak of count while they stand still, each once', async () => {
  await run('run_paused', 'paused');
  await run('run_other', 'waiting');
  await run('run_done', 'completed');
  await run('run_works', 'running');
  const { order, why } = await started(
    [
      { ...subscribe('quality_issue', 'plain'), batch: { size: 3, within: '1h' } },
      { ...subscribe('external_change', 'plain'), batch: { size: 3, within: '1h' } },
    ],
    [
      ...['run_done', 'run_works', 'run_paused'].map((one) => ({
        name: 'quality_issue',
        payload: { run: one },
      })),
      ...['run_paused', 'run_other', 'run_other'].map((one) => ({
        name: 'external_change',
        payload: { run: one },
      })),
    ],
  );
  expect(order).toEqual(['external_change', 'quality_issue']);
  expect(why.get('external_change')).toContain('2 runs wait for it');
  expect(why.get('quality_issue')).toContain('One run waits for it');
});

test('what people say is urgent goes before it; other workspaces do not count', async () => {
  await run('run_a', 'waiting');
  await run('run_far', 'waiting', 'T2');
  await waitFor('run_a', 'dependency_resolved');
  await waitFor('run_far', 'resource_available');
  const { order } = await started(
    [
      subscribe('quality_issue', 'frees-two'),
      subscribe('external_change', 'frees-one'),
      subscribe('code-pushed', 'plain', 'high'),
    ],
    ['quality_issue', 'external_change', 'code-pushed'].map((name) => ({ name })),
  );
  expect(order).toEqual(['code-pushed', 'external_change', 'quality_issue']);
});
