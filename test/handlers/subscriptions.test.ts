import { createHmac } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { quarantined, restored } from '../../src/domain/circuit.ts';
import { subscriptionSchema } from '../../src/domain/subscription.ts';
import type { Node, Workflow } from '../../src/domain/workflow.ts';
import { startWorld, until, type World } from './world.ts';

/** Baton as it is composed, before the real desk: events start workflows. */
let world: World;
let alice = '';
let channel = '';
let count = 0;
const SECRET = 'secret-of-the-test';

const workflow = (name: string, description: string, flow: Node): Workflow => ({
  name,
  title: name,
  description,
  how: 'as it comes',
  why: 'to test',
  flow,
});
const nothing = (id: string): Node => ({ kind: 'command', id, run: 'test' });

beforeAll(async () => {
  world = await startWorld({
    hooks: [{ name: 'github', event: null, variable: 'GITHUB_SECRET', secret: SECRET }],
    more: async (id) => {
      alice = await id('alice');
      channel = await id('baton-epics');
      const shared = { channel, by: alice, auto_start: true };
      return {
        extraWorkflows: [
          workflow('mend', 'Whoever mends failing checks, and nothing else', nothing('mend')),
          workflow('staffed', 'Has agents', {
            kind: 'agent',
            id: 'write',
            agent: 'technical-writer',
            task: 'x',
          }),
          workflow('wait-for-mend', 'Waits', {
            kind: 'receive',
            id: 'hear',
            event: 'task_completion',
            where: 'event.workflow == "mend"',
          }),
          workflow('break-it', 'Tells that something broke', {
            kind: 'emit',
            id: 'tell',
            event: 'test-failed',
            payload: { check: 'unit tests', branch: 'main', summary: '{{ request }}' },
          }),
        ],
        events: {
          declared: {},
          subscriptions: [
            {
              ...shared,
              on: 'test-failed',
              where: 'event.branch == "main"',
              workflow: 'mend',
              with: 'Mend {{ event.check }}: {{event.summary}}',
            },
            {
              ...shared,
              on: 'external_change',
              route: 'auto',
              with: 'The failing checks need whoever mends them, and nothing else',
            },
            { ...shared, on: 'resource_available', workflow: 'mend', by: 'U0NOBODY' },
            {
              ...shared,
              on: 'quality_issue',
              workflow: 'mend',
              debounce: '2s',
              with: '{{ count }} findings',
            },
            {
              ...shared,
              on: 'dependency_resolved',
              workflow: 'mend',
              batch: { size: 2, within: '1h' },
              with: '{{ events.1.dependency }}',
            },
            { ...shared, on: 'timeline_pressure', workflow: 'mend', auto_start: false, with: 'Ask first' },
            {
              ...shared,
              on: 'resource_constraint',
              workflow: 'staffed',
              when_ready: 'agent',
              auto_start: false,
              with: 'Once they can',
            },
          ].map((one) => subscriptionSchema.parse(one)),
        },
      };
    },
  });
});
afterAll(() => world.close());

const publish = (name: string, payload: { [key: string]: string }) => {
  count += 1;
  return world.core.events.publish({
    keys: [`test-${count}`],
    name,
    payload,
    sourceKind: 'hook',
    source: 'test',
    runId: null,
    at: world.clock.now(),
  });
};
const sessions = async (request: string) =>
  (await world.core.store.sessions.recent(world.team, 100)).filter((session) => session.request === request);
async function session(request: string) {
  await until(async () => (await sessions(request)).length > 0);
  const [found] = await sessions(request);
  if (found === undefined) throw new Error('unreachable');
  return found;
}
const ended = (runId: string, status = 'completed') =>
  until(async () => (await world.core.store.runs.status(runId))?.status === status);

describe('an event', () => {
  test('of one run wakes a second and starts a third, which is told in its channel', async () => {
    await world.command('alice', 'wait-for-mend Go on');
    const start = await world.find('alice', 'Go on');
    expect(start.text).toContain('Go on');
    const waits = await session('Go on');
    await world.core.orchestrator.answerPlan(waits.currentRunId, 'start', alice);
    await ended(waits.currentRunId, 'waiting');

    await world.command('alice', 'break-it Line 3 is wrong');
    const breaks = await session('Line 3 is wrong');
    await world.core.orchestrator.answerPlan(breaks.currentRunId, 'start', alice);

    const mended = await session('Mend unit tests: Line 3 is wrong');
    expect(mended).toMatchObject({ channel, requester: alice, workflow: 'mend' });
    const [why] = (await world.core.store.decisions.ofRun(mended.currentRunId)).filter(
      ({ kind }) => kind === 'workflow',
    );
    expect(why).toMatchObject({ actorKind: 'baton', actor: 'sub:test-failed-mend', choice: 'mend' });
    expect(why?.reason).toMatch(/^evt_\d+ came \(test-failed\)/);
    await world.find('alice', 'Mend unit tests');
    await ended(mended.currentRunId);
    await ended(waits.currentRunId);
  });

  test('that no subscription wants starts nothing', async () => {
    await publish('test-failed', { check: 'unit tests', branch: 'other', summary: 'nothing' });
    await publish('test-failed', { check: 'unit tests', branch: 'main', summary: 'this one' });
    await session('Mend unit tests: this one');
    expect(await sessions('Mend unit tests: nothing')).toEqual([]);
  });

  test('is given to the workflow that fits best, with the reason', async () => {
    await publish('external_change', { change: 'x' });
    const found = await session('The failing checks need whoever mends them, and nothing else');
    expect(found.workflow).toBe('mend');
    const [why] = (await world.core.store.decisions.ofRun(found.currentRunId)).filter(
      ({ kind }) => kind === 'workflow',
    );
    expect(why?.reason).toContain('"mend" fits best: ');
  });

  test('starts nothing for somebody who is not there', async () => {
    const before = world.logged.length;
    await publish('resource_available', { resource: 'a machine' });
    await until(async () =>
      world.logged.slice(before).some((line) => line.includes('U0NOBODY may not start this')),
    );
    expect((await sessions('Answer to the event resource_available')).length).toBe(0);
  });

  test('waits for others of its kind until it is quiet', async () => {
    for (const message of ['a', 'b', 'c']) await publish('quality_issue', { message });
    const found = await session('3 findings');
    const given = await world.core.store.runs.status(found.currentRunId);
    expect(given?.spec.input).toMatchObject({
      given: { items: [{ message: 'a' }, { message: 'b' }, { message: 'c' }] },
    });
  });

  test('starts one run with another when that is how many belong together', async () => {
    for (const dependency of ['a', 'b', 'c']) await publish('dependency_resolved', { dependency });
    await session('b');
    expect(await world.core.bus.waiting('sub:dependency_resolved-mend', 9)).toMatchObject({
      ids: [expect.any(Number)],
    });
  });

  test('waits for Start where nobody said that it need not', async () => {
    await publish('timeline_pressure', { message: 'hurry' });
    const found = await session('Ask first');
    await ended(found.currentRunId, 'waiting');
    const events = await world.core.store.projections.events(found.currentRunId, 0, 100);
    expect(events.some(({ event }) => event.type === 'plan.started')).toBe(false);
  });

  test('waits where its subscription says so until each agent of its workflow, or who stands in for it, can work', async () => {
    const { health } = world.core;
    for (const name of ['technical-writer', 'developer'])
      await health.change('agent', name, (circuit) => quarantined(circuit, alice, 'odd answers', 1));
    await publish('resource_constraint', { resource: 'x', message: 'x' });
    const before = (await sessions('Ask first')).length;
    await publish('timeline_pressure', { message: 'one' });
    // It came later, and would have come second.
    await until(async () => (await sessions('Ask first')).length > before);
    expect(await sessions('Once they can')).toEqual([]);
    await health.change('agent', 'developer', (circuit) => restored(circuit, 'person'));
    // Whatever happens next has it looked again; else the clock does.
    await publish('timeline_pressure', { message: 'two' });
    await session('Once they can');
  });

  test('of a failed check outside starts work here, once, over the port that Slack uses', async () => {
    const body = JSON.stringify({
      action: 'completed',
      repository: { full_name: 'acme/shop' },
      sender: { login: 'ada' },
      workflow_run: {
        name: 'CI',
        head_branch: 'main',
        head_sha: 'c',
        conclusion: 'failure',
        html_url: 'https://github.example/run/1',
        updated_at: new Date(world.clock.now()).toISOString(),
        display_title: 'Add the export',
      },
    });
    const send = (secret: string) =>
      fetch(new URL('/hooks/github', world.post.to.url), {
        method: 'POST',
        body,
        headers: {
          'content-type': 'application/json',
          'x-github-event': 'workflow_run',
          'x-github-delivery': 'one',
          'x-hub-signature-256': `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`,
        },
      });
    expect((await send('another-secret')).status).toBe(401);
    expect((await send(SECRET)).status).toBe(202);
    expect((await send(SECRET)).status).toBe(202);
    const mended = await session('Mend CI: Add the export');
    await ended(mended.currentRunId);
    expect(await sessions('Mend CI: Add the export')).toHaveLength(1);
    // Slack's own door is as it was.
    expect((await fetch(new URL('/slack/events', world.post.to.url), { method: 'POST', body })).status).toBe(
      400,
    );
  });
});
