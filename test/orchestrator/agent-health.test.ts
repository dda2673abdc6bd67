import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Core } from '../../src/compose/core.ts';
import { quarantined, restored, TRIP_AT } from '../../src/domain/circuit.ts';
import type { RunEvent } from '../../src/domain/events.ts';
import {
  coreAt,
  Ended,
  followRun,
  openPlace,
  type Place,
  shippedCasts,
  startRun,
  workflowOf,
} from '../support/core.ts';

/** Agents that rest, with everything real but the words: engine, database, git, HTTP. */
let place: Place;
let core: Core;

const limits = { turns: 3, tokens: 1e6, timeout: '1m' };
const open = () =>
  coreAt(place, {
    extraWorkflows: ['backend', 'developer'].map((agent) =>
      workflowOf(`ask-${agent}`, { kind: 'agent', id: 'build', agent, task: 'Say hello', limits }),
    ),
  });

beforeAll(async () => {
  place = await openPlace(...(await shippedCasts()));
  core = await open();
  core.engine.recover();
});
afterAll(async () => {
  await core.stop();
  await place.close();
});

let count = 0;
async function run(workflow: string): Promise<Ended> {
  count += 1;
  const runId = await startRun(core, workflow, `${workflow}-${count}`, 'Say hello on the page');
  return (await followRun(core, runId)) ?? new Ended(runId, 'lost', []);
}

const begun = (events: readonly RunEvent[]): unknown[] =>
  events.flatMap((event) => (event.type === 'node.started' ? [event.agent] : []));

describe('an agent', () => {
  test('that ends its task well is counted so', async () => {
    const { status, events } = await run('ask-backend');
    expect(status).toBe('completed');
    expect(events.filter(({ type }) => type === 'agent.ended')).toMatchObject([
      { agent: 'backend', outcome: 'success' },
    ]);
    expect(await core.health.read('agent', 'backend')).toMatchObject({ done: 1, failed: 0 });
  });

  test('that failed five times rests, also after a restart; its backup takes over, and that is a decision', async () => {
    await core.health.change('agent', 'backend', () => ({
      failures: TRIP_AT,
      openedAt: Date.now(),
      trial: null,
      quarantine: null,
    }));
    await core.stop();
    core = await open();
    core.engine.recover();
    const { runId, status, events } = await run('ask-backend');
    expect(status).toBe('completed');
    expect(begun(events)).toEqual(['developer']);
    const decision = (await core.store.decisions.ofRun(runId)).find(({ kind }) => kind === 'failover');
    expect(decision).toMatchObject({
      actorKind: 'baton',
      reason: expect.stringContaining(
        'developer takes over from backend: it failed 5 times running and rests for',
      ),
    });
    expect(
      events.filter((event) => event.type === 'decision.made' && event.decisionId === decision?.id),
    ).toHaveLength(1);
  });

  test('is tried again when its rest is over, and works again from then on', async () => {
    await core.health.change('agent', 'backend', (circuit) => ({
      ...circuit,
      openedAt: Date.now() - 300_001,
    }));
    expect(begun((await run('ask-backend')).events)).toEqual(['backend']);
    expect((await core.health.read('agent', 'backend')).circuit).toMatchObject({
      failures: 0,
      openedAt: null,
    });
  });

  test('that a person took out of use is not asked; where its backup is out of use too, the run waits for a person', async () => {
    for (const name of ['backend', 'developer'])
      await core.health.change('agent', name, (circuit) =>
        quarantined(circuit, 'U1', 'odd answers', Date.now()),
      );
    const { status, runId } = await run('ask-backend');
    expect(status).toBe('paused');
    const outcome = (await core.store.runs.status(runId))?.outcome;
    expect(outcome).toMatchObject({
      ok: false,
      failure: { class: 'needs_person', code: 'agent_quarantined' },
    });
    for (const name of ['backend', 'developer'])
      await core.health.change('agent', name, (circuit) => restored(circuit, 'person'));
    expect((await run('ask-backend')).status).toBe('completed');
  });
});
