import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { agents } from '../../commands/agents.ts';
import type { CommandCall, CommandDeps } from '../../commands/command.ts';
import { cost } from '../../commands/cost.ts';
import { loadCasts } from '../../src/cast/load.ts';
import { type CastServer, startCast } from '../../src/cast/server.ts';
import { cell } from '../../src/cli/cost.ts';
import { SHIPPED } from '../../src/compose/catalog.ts';
import { type Core, createCore } from '../../src/compose/core.ts';
import { TRIP_AT } from '../../src/domain/circuit.ts';
import { isTerminal } from '../../src/domain/run.ts';
import { readPolicy } from '../../src/policy/approval-settings.ts';
import { createClients } from '../../src/slack/clients.ts';
import { People } from '../../src/slack/people.ts';
import { validateMessage } from '../../src/slack/validate.ts';
import { systemClock } from '../../src/system-clock.ts';
import { everybody } from '../support/directory.ts';

/** `/orchestrate agents` and `cost` over a real run; only Slack's word on who somebody is is given. */
let home = '';
let cast: CastServer;
let core: Core;
let runId = '';

class Given extends People {
  override async decider(user: string, team: string) {
    return { id: user, team, isBot: false, isGuest: user === 'UGUEST', isStranger: false };
  }
}
const silent = {
  debug: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  info: () => undefined,
};

beforeAll(async () => {
  home = mkdtempSync(path.join(tmpdir(), 'baton-spending-'));
  cast = await startCast({
    casts: await loadCasts([path.join(SHIPPED, 'casts/generic.yaml')]),
    delayMs: 0,
    port: 0,
  });
  core = await createCore({
    home,
    clock: systemClock,
    redact: (text) => text.replaceAll('hunter22', '[redacted]'),
    model: { api: 'chat', apiKey: null, baseUrl: cast.url, model: 'priced' },
    rehearsal: true,
    repository: null,
    repositories: null,
    policy: readPolicy(
      { people: ['UBOSS', 'UGUEST'], remind_after: '1000s', escalate_after: '2000s', expire_after: '3000s' },
      {},
    ),
    directory: everybody,
    prices: { priced: { input: 1_000, cached: 100, output: 2_000 } },
    onStoreTrouble: () => undefined,
  });
  core.engine.recover();
  const session = await core.orchestrator.start({
    intent: 'one',
    receivedAt: Date.now(),
    team: 'T',
    channel: 'C0HERE',
    requester: 'UADA',
    workflow: 'feature',
    request: 'Say hello on the page',
    repository: null,
    autoStart: true,
  });
  runId = session.currentRunId;
  for (;;) {
    const next = Promise.withResolvers<void>();
    const off = core.engine.onCommit(() => next.resolve());
    for (const approval of await core.store.approvals.ofRun(runId))
      if (approval.status === 'pending')
        await core.orchestrator.approvals.decide(
          {
            nonce: approval.nonce,
            by: { id: 'UBOSS', team: 'T', isBot: false, isGuest: false, isStranger: false },
            place: 'test',
          },
          'approve',
          null,
        );
    const status = (await core.store.runs.status(runId))?.status ?? 'queued';
    if (isTerminal(status) || status === 'paused') break;
    await next.promise;
    off();
  }
});
afterAll(async () => {
  await core.stop();
  await cast.close();
  rmSync(home, { recursive: true, force: true });
});

function deps(): CommandDeps {
  const clients = createClients({
    token: 'xoxb-1',
    apiUrl: 'http://127.0.0.1:9/api/',
    redact: (text) => text,
    log: silent,
  });
  return {
    orchestrator: core.orchestrator,
    queries: core.queries,
    signals: core.signals,
    steer: core.steer,
    absences: core.absences,
    rollbacks: core.rollbacks,
    handOvers: core.handOvers,
    roles: core.roles,
    gate: async () => null,
    flags: core.flags,
    people: new Given(() => clients.prompt, systemClock),
    catalog: core.catalog,
    rehearsal: true,
    defaultRepository: '/r',
    approvals: core.store.approvals,
    audit: core.store.audit,
    health: core.health,
    usage: core.usage,
    models: core.models.pool,
    toolServers: ['tracker'],
    tidied: async () => null,
    runners: ['coder', 'script'],
    checks: {
      problemOf: (name) =>
        name === 'coder' ? 'codex was not found' : name.startsWith('priced@') ? 'it does not answer' : null,
    },
    approvers: core.approvers,
    redact: (text) => text.replaceAll('hunter22', '[redacted]'),
    now: () => Date.now(),
  };
}
const call = (rest: string, user = 'UADA', channel = 'C0HERE'): CommandCall => ({
  intent: 'i',
  receivedAt: 0,
  team: 'T',
  homeTeam: 'T',
  channel,
  user,
  rest,
});
async function say(command: typeof cost, rest: string, user?: string, channel?: string): Promise<string> {
  const said = await command.run(call(rest, user, channel), deps());
  if (said === null) throw new Error('nothing was said');
  expect(validateMessage(said)).toEqual([]);
  return said.text;
}

describe('/orchestrate cost', () => {
  test('a run: what it took by agent, model and kind; the sum is that of its entries', async () => {
    const text = await say(cost, runId);
    for (const part of [
      'By agent',
      'By step',
      'By model',
      'priced',
      'Models',
      'Machines',
      "People's time",
      'price unknown',
    ])
      expect(text).toContain(part);
    const total = (await core.usage.soFar(runId)).costUsd;
    expect(total).toBeGreaterThan(0);
    expect(text).toContain(`$${total.toFixed(2)}`);
    const lines = await core.usage.ofRun(runId);
    expect(lines.reduce((sum, line) => sum + line.costUsd, 0)).toBeCloseTo(total);
    const steps = await core.usage.bySteps(runId);
    expect(steps.length).toBeGreaterThan(1);
    expect(steps.reduce((sum, step) => sum + step.costUsd, 0)).toBeCloseTo(total);
    expect(steps.reduce((sum, step) => sum + step.count, 0)).toBe([...core.usage.entries(0)].length);
    expect(lines.find(({ kind }) => kind === 'human')).toMatchObject({ count: 1, unpriced: 1 });
  });

  test('of a step alone: what its key begins with', async () => {
    const steps = [...core.usage.entries(0)].map(({ step }) => step);
    const below = steps[0]?.split('/').slice(0, -1).join('/') ?? '';
    const part = await core.usage.soFar(runId, `${below}/`);
    expect(part.count).toBe(steps.filter((step) => step.startsWith(`${below}/`)).length);
    expect((await core.usage.soFar(runId)).count).toBeGreaterThan(part.count);
    expect((await core.usage.soFar(runId, 'no%such_')).count).toBe(0);
  });

  test('the week by channel; of other channels only what one asked for oneself', async () => {
    const week = await say(cost, '');
    expect(week).toContain('<#C0HERE>');
    // The sums by day and by agent are of the very same entries.
    const asking = { team: 'T', user: 'UADA', channel: 'C0HERE' };
    const days = await core.usage.byDay(asking, 0);
    expect(days.map(({ day }) => day)).toEqual([new Date().toISOString().slice(0, 10)]);
    expect(week).toContain(days[0]?.day);
    expect(days[0]?.costUsd).toBeCloseTo((await core.usage.byChannel(asking, 0))[0]?.costUsd ?? -1);
    expect((await core.usage.byAgentSeen(asking, 0)).map(({ agent }) => agent)).toContain('backend');
    expect(await core.usage.byDay({ ...asking, user: 'UBEN', channel: 'C0OTHER' }, 0)).toEqual([]);
    expect(await say(cost, '', 'UADA', 'C0OTHER')).toContain('<#C0HERE>');
    expect(await say(cost, '', 'UBEN', 'C0OTHER')).toContain('Nothing was spent');
    expect(await say(cost, runId, 'UBEN', 'C0OTHER')).toContain('not known here');
  });

  test.each([
    [null, ''],
    [0, '0'],
    ['a,"b"', '"a,""b"""'],
    ['=1+1', "'=1+1"],
    ['two\nlines', '"two\nlines"'],
  ])('a cell of the table: %j', (value, text) => expect(cell(value)).toBe(text));
});

describe('/orchestrate agents', () => {
  test('shows state, success and cost, and the model', async () => {
    const text = await say(agents, '');
    expect(text).toMatch(/✅ backend · 100% of \d tasks? well · \$[\d.]+ this week/);
    expect(text).toMatch(/❌ priced@127.0.0.1:\d+ · did not answer at the last look: it does not answer/);
    expect(text).toContain('❌ coder · codex was not found');
    expect(text).toContain('✅ script');
  });

  test('who rests stands first, and for how long', async () => {
    await core.health.change('agent', 'qa', () => ({
      failures: TRIP_AT,
      openedAt: Date.now() - 120_000,
      trial: null,
      quarantine: null,
    }));
    expect((await say(agents, '')).split('\n')[1]).toMatch(/^⏸ qa · rests for 3 min more/);
  });

  test.each([
    ['nobody', 'quarantine nobody why', 'UBOSS', 'There is no agent, model or tool server nobody'],
    ['no reason', 'quarantine backend', 'UBOSS', 'Please say why'],
    ['somebody who may not approve', 'quarantine backend odd', 'UADA', 'Only those who may approve'],
    ['a guest, even one that is named', 'quarantine backend odd', 'UGUEST', 'Only those who may approve'],
    ['a word there is not', 'sack backend', 'UBOSS', 'Like this'],
  ])('%s: nothing is changed', async (_name, rest, user, words) => {
    expect(await say(agents, rest, user)).toContain(words);
    expect((await core.health.read('agent', 'backend')).circuit.quarantine).toBeNull();
  });

  test('shows tool servers, and a person takes one out of use', async () => {
    await core.health.ended('server', 'tracker', 'r1', 'success');
    await core.health.ended('server', 'tracker', 'r1', 'failure', { code: 'server_failed', message: 'died' });
    expect(await say(agents, '')).toMatch(
      /✅ tracker · failed 1 of 5 times before it rests · 50% of 2 calls well/,
    );
    expect(await say(agents, 'quarantine tracker lies', 'UBOSS')).toContain('offered to no agent');
    expect(await say(agents, '')).toMatch(/❌ tracker · taken out of use/);
    await say(agents, 'restore tracker', 'UBOSS');
  });

  test('a person takes one out of use, with a reason that holds no secret, and gives it back', async () => {
    expect(await say(agents, 'quarantine backend leaks hunter22', 'UBOSS')).toContain('out of use');
    expect(await say(agents, '')).toMatch(
      /❌ backend · taken out of use by (<@)?UBOSS>?: leaks \[redacted\]/,
    );
    expect(await say(agents, 'restore backend', 'UBOSS')).toContain('in use again');
    expect((await core.health.read('agent', 'backend')).circuit.quarantine).toBeNull();
  });
});
