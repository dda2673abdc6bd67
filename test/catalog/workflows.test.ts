import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { loadCasts } from '../../src/cast/load.ts';
import { type CastServer, startCast } from '../../src/cast/server.ts';
import { SHIPPED } from '../../src/compose/catalog.ts';
import { type Core, createCore } from '../../src/compose/core.ts';
import type { RunEvent } from '../../src/domain/events.ts';
import { isTerminal } from '../../src/domain/run.ts';
import { readPolicy } from '../../src/policy/approval-settings.ts';
import { systemClock } from '../../src/system-clock.ts';
import { everybody, member } from '../support/directory.ts';

/** Every workflow that ships, run to its end in rehearsal: real engine, real git, real tools, scripted words. */
let home = '';
let cast: CastServer;
let core: Core;

beforeAll(async () => {
  home = mkdtempSync(path.join(tmpdir(), 'baton-catalog-'));
  cast = await startCast({
    casts: await loadCasts([path.join(SHIPPED, 'casts/generic.yaml')]),
    delayMs: 0,
    port: 0,
  });
  core = await createCore({
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
    onStoreTrouble: () => undefined,
  });
  core.engine.recover();
});
afterAll(async () => {
  await core.stop();
  await cast.close();
  rmSync(home, { recursive: true, force: true });
});

/** Runs a workflow, answering every approval with yes, and gives back all its events. */
async function rehearse(workflow: string): Promise<RunEvent[]> {
  const { currentRunId } = await core.orchestrator.start({
    intent: workflow,
    receivedAt: Date.now(),
    team: 'T',
    channel: 'C',
    requester: 'U',
    workflow,
    request: 'Say hello on the page',
    repository: null,
    autoStart: true,
  });
  const all: RunEvent[] = [];
  for (let seq = 0; ; ) {
    const next = Promise.withResolvers<void>();
    const off = core.engine.onCommit(() => next.resolve());
    const events = await core.store.projections.events(currentRunId, seq, 500);
    for (const stored of events) {
      seq = stored.seq;
      all.push(stored.event);
      if (stored.event.type !== 'approval.requested') continue;
      const approval = await core.store.approvals.byId(stored.event.approvalId);
      const said = { nonce: approval?.nonce ?? '', by: member('V', 'T'), place: 'test' };
      await core.orchestrator.approvals.decide(said, 'approve', null);
    }
    const status = (await core.store.runs.status(currentRunId))?.status ?? 'queued';
    if (events.length === 0 && (isTerminal(status) || status === 'paused')) {
      off();
      expect(status).toBe('completed');
      return all;
    }
    if (events.length === 0) await next.promise;
    off();
  }
}

const lines = (events: readonly RunEvent[]) =>
  events.flatMap((event) => (event.type === 'node.started' ? [event.node] : []));

/** What begins, in order; those in one list begin together, in any order. */
const stages: Readonly<Record<string, readonly (string | readonly string[])[]>> = {
  feature: ['design', ['implement', 'tests'], 'verify', 'judge'],
  simple: ['enhance', 'plan', 'architecture', 'components', 'implement', 'review', 'test'],
  sdlc: [
    'requirements',
    'stories',
    'architecture',
    'api',
    'implement',
    'review',
    'test',
    'security',
    'document',
  ],
  'research-to-implementation': ['approach', 'build', 'validate', 'guide', 'tidy'],
  'parallel-development': [
    ['header-component', 'footer-component', 'user-api', 'auth-api'],
    'integration-testing',
  ],
  'code-review-loop': ['build', ['review-loop:qa', 'review-loop:qa']],
  'architecture-vote': [
    'options',
    ['vote:architect', 'vote:backend', 'vote:frontend', 'vote:devops'],
    'record',
  ],
  // The request names the page, which is what frontend knows.
  'bug-delegation': ['delegate:frontend', 'verify'],
};

describe('the workflows that ship', () => {
  test('are all here', () => {
    expect(new Set(core.catalog.workflows.keys())).toEqual(new Set(Object.keys(stages)));
  });

  test.each(Object.keys(stages))('%s runs its stages in order, to its end', async (workflow) => {
    const begun = lines(await rehearse(workflow));
    for (const stage of stages[workflow] ?? []) {
      const together = typeof stage === 'string' ? [stage] : [...stage];
      expect(begun.splice(0, together.length).sort()).toEqual(together.sort());
    }
    expect(begun).toEqual([]);
  });

  test('the vote is weighted, and won at 75%', async () => {
    const { currentRunId } = (await core.store.sessions.recent('T', 20)).find(
      ({ workflow }) => workflow === 'architecture-vote',
    ) ?? { currentRunId: '' };
    const events = await core.store.projections.events(currentRunId, 0, 500);
    const vote = events.map(({ event }) => event).find((event) => event.type === 'vote.counted');
    expect(vote).toMatchObject({
      method: 'weighted',
      threshold: 0.75,
      winner: 'the simplest change that works',
    });
    expect(
      vote?.type === 'vote.counted' ? vote.ballots.map(({ agent, weight }) => [agent, weight]) : [],
    ).toEqual([
      ['architect', 0.4],
      ['backend', 0.2],
      ['frontend', 0.2],
      ['devops', 0.2],
    ]);
  });
});
