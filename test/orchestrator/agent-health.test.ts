import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { loadCasts } from '../../src/cast/load.ts';
import { type CastServer, startCast } from '../../src/cast/server.ts';
import { SHIPPED } from '../../src/compose/catalog.ts';
import { type Core, createCore } from '../../src/compose/core.ts';
import { quarantined, restored, TRIP_AT } from '../../src/domain/circuit.ts';
import type { RunEvent } from '../../src/domain/events.ts';
import { isTerminal } from '../../src/domain/run.ts';
import { readPolicy } from '../../src/policy/approval-settings.ts';
import { systemClock } from '../../src/system-clock.ts';
import { everybody } from '../support/directory.ts';

/** Agents that rest, with everything real but the words: engine, database, git, HTTP. */
let home = '';
let cast: CastServer;
let core: Core;

const open = () =>
  createCore({
    home,
    clock: systemClock,
    redact: (text) => text,
    model: { api: 'chat', apiKey: null, baseUrl: cast.url, model: 'rehearsal' },
    rehearsal: true,
    repository: null,
    repositories: null,
    policy: readPolicy({ remind_after: '1000s', escalate_after: '2000s', expire_after: '3000s' }, {}),
    directory: everybody,
    prices: {},
    extraWorkflows: ['backend', 'developer'].map((agent) => ({
      name: `ask-${agent}`,
      title: agent,
      description: 'one agent',
      how: 'one agent',
      why: 'to see it',
      flow: {
        kind: 'agent',
        id: 'build',
        agent,
        task: 'Say hello',
        limits: { turns: 3, tokens: 1e6, timeout: '1m' },
      },
    })),
    onStoreTrouble: () => undefined,
  });

beforeAll(async () => {
  home = mkdtempSync(path.join(tmpdir(), 'baton-health-'));
  cast = await startCast({
    casts: await loadCasts([path.join(SHIPPED, 'casts/generic.yaml')]),
    delayMs: 0,
    port: 0,
  });
  core = await open();
  core.engine.recover();
});
afterAll(async () => {
  await core.stop();
  await cast.close();
  rmSync(home, { recursive: true, force: true });
});

let count = 0;
async function run(workflow: string): Promise<{ runId: string; status: string; events: RunEvent[] }> {
  count += 1;
  const { currentRunId: runId } = await core.orchestrator.start({
    intent: `${workflow}-${count}`,
    receivedAt: Date.now(),
    team: 'T',
    channel: 'C',
    requester: 'U',
    workflow,
    request: 'Say hello on the page',
    repository: null,
    autoStart: true,
  });
  for (;;) {
    const next = Promise.withResolvers<void>();
    const off = core.engine.onCommit(() => next.resolve());
    const status = (await core.store.runs.status(runId))?.status ?? 'queued';
    if (isTerminal(status) || status === 'paused') {
      off();
      const events = (await core.store.projections.events(runId, 0, 500)).map(({ event }) => event);
      return { runId, status, events };
    }
    await next.promise;
    off();
  }
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
