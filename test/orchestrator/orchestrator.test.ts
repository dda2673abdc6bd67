import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openAccess } from '../../src/domain/access.ts';
import { requestDefaultsSchema } from '../../src/domain/start-options.ts';
import type { Workflow } from '../../src/domain/workflow.ts';
import { Orchestrator } from '../../src/orchestrator/orchestrator.ts';
import { Queries } from '../../src/orchestrator/queries.ts';
import { Roles } from '../../src/orchestrator/roles.ts';
import { WorkspaceRegistry } from '../../src/orchestrator/workspace-registry.ts';
import { patterns } from '../../src/patterns/all.ts';
import { Interpreter } from '../../src/patterns/interpreter.ts';
import type { Engine } from '../../src/ports/engine.ts';
import type { Workspaces } from '../../src/ports/workspace.ts';
import { approval, bob, NOW, type TempStore, tempStore } from '../db/support.ts';
import { role } from '../patterns/driver.ts';
import { approvalsOver } from '../support/approvals.ts';
import { everybody } from '../support/directory.ts';
import { VirtualClock } from '../support/virtual-clock.ts';

const workflow: Workflow = {
  name: 'feature',
  title: 't',
  description: 'd',
  how: 'h',
  why: 'because',
  flow: { kind: 'agent', id: 'build', agent: 'backend', task: 't' },
};
const request = {
  intent: 'command:T1:tr1',
  receivedAt: NOW,
  team: 'T1',
  channel: 'C1',
  requester: 'U-alice',
  workflow: 'feature',
  request: 'Add CSV export',
  repository: null,
};

class Killed extends Error {}

let t: TempStore;
let closed: string[];
/** Calls left before the process dies; a call beyond them never happens. */
let life: number;

beforeEach(() => {
  t = tempStore();
  closed = [];
  life = Number.POSITIVE_INFINITY;
});
afterEach(() => t.remove());

function live(): void {
  life -= 1;
  if (life < 0) throw new Killed('killed');
}

/** The journal's own doors, without anything that runs. */
function engine(): Engine {
  const set = async (id: string, status: 'cancelled' | 'running'): Promise<void> => {
    live();
    t.status(status, id);
  };
  return {
    start: async () => undefined,
    signal: async (runId, name, payload, idempotencyKey) => {
      live();
      t.journal.commit([{ w: 'signal', runId, name, payload, idempotencyKey, at: NOW }]);
    },
    cancel: (id) => set(id, 'cancelled'),
    pause: async () => undefined,
    resume: (id) => set(id, 'running'),
    status: async () => null,
    wake: () => undefined,
    onCommit: () => () => undefined,
  };
}

/** A process as it comes up after the last one died. */
function orchestrator(): Orchestrator {
  const missing = () => Promise.reject(new Error('not in this test'));
  const workspaces: Workspaces = {
    inspect: missing,
    open: missing,
    openStream: missing,
    past: missing,
    streams: async () => [],
    closeStream: missing,
    close: async (runId) => {
      live();
      closed.push(runId);
    },
    sandbox: () => ({ kind: 'none', reason: '' }),
  };
  const { store } = t;
  const dying = <T extends object>(part: T): T =>
    new Proxy(part, {
      get: (target, name, receiver) => {
        const value: unknown = Reflect.get(target, name, receiver);
        return typeof value !== 'function'
          ? value
          : async (...args: unknown[]) => {
              live();
              return Reflect.apply(value, target, args);
            };
      },
    });
  const registry = new WorkspaceRegistry({
    workspaces,
    runs: store.runs,
    projections: store.projections,
  });
  return new Orchestrator({
    engine: engine(),
    store: {
      ...store,
      sessions: dying(store.sessions),
      decisions: dying(store.decisions),
      approvals: dying(store.approvals),
    },
    catalog: { workflows: new Map([['feature', workflow]]), roles: new Map([['backend', role('backend')]]) },
    interpreter: new Interpreter(patterns),
    registry,
    approvals: approvalsOver(
      { ...store, approvals: dying(store.approvals) },
      registry,
      new VirtualClock(NOW),
    ),
    roles: new Roles({ access: openAccess, directory: everybody }),
    clock: new VirtualClock(NOW),
    defaultRepository: '/sample',
    requests: () => requestDefaultsSchema.parse({}),
    repositories: ['/code/*'],
    redact: (text) => text.replaceAll('hunter2', '[redacted]'),
  });
}

/** Kills the process after every possible number of calls, each time in a store of its own, and delivers again. */
async function killedAnywhere(
  prepare: () => Promise<unknown>,
  deed: (o: Orchestrator) => Promise<unknown>,
  check: (answer: unknown) => Promise<void>,
) {
  let kills = 0;
  for (let calls = 0; ; calls += 1) {
    life = Number.POSITIVE_INFINITY;
    await prepare();
    life = calls;
    let dead = false;
    await deed(orchestrator()).catch((error: unknown) => {
      if (!(error instanceof Killed)) throw error;
      dead = true;
    });
    life = Number.POSITIVE_INFINITY;
    if (dead) kills += 1;
    await check(await deed(orchestrator()));
    if (!dead) return kills;
    t.remove();
    t = tempStore();
    closed = [];
  }
}

const run = async () => (await t.store.sessions.recent('T1', 1))[0]?.currentRunId ?? '';
const choices = async (kind: string) =>
  (await t.store.decisions.ofRun(await run()))
    .filter((each) => each.kind === kind)
    .map(({ choice }) => choice);

describe('starting', () => {
  test('the same request, at once and again later, is one session with one run, pinned', async () => {
    await Promise.all([orchestrator().start(request), orchestrator().start(request)]);
    const session = await orchestrator().start(request);
    expect(await t.store.sessions.recent('T1', 9)).toEqual([session]);
    expect(session).toMatchObject({ repository: '/sample', requester: 'U-alice' });
    expect(session.id).toMatch(/^ses_/);
    const status = await t.store.runs.status(session.currentRunId);
    expect(status?.spec).toMatchObject({
      program: 'session',
      input: { branch: expect.stringMatching(/^baton\/add-csv-export-[0-9a-z]{6}$/), requester: 'U-alice' },
      definition: { roles: [{ name: 'backend' }] },
    });
    expect(await choices('workflow')).toEqual(['feature']);
  });

  test('other requests are other sessions, even in the same moment', async () => {
    const ids = new Set<string>();
    for (let i = 0; i < 50; i += 1)
      ids.add((await orchestrator().start({ ...request, intent: `command:T1:${i}` })).currentRunId);
    expect(ids.size).toBe(50);
  });

  test('a secret typed into a request is kept nowhere, the branch included', async () => {
    await orchestrator().start({ ...request, request: 'Use hunter2 as the password' });
    expect(t.dump()).not.toContain('hunter2');
    expect(t.dump()).toContain('Use [redacted] as the password');
  });

  test('a workflow there is not starts nothing', async () => {
    await expect(orchestrator().start({ ...request, workflow: 'deploy' })).rejects.toThrow(
      'There is no workflow "deploy"',
    );
    expect(t.rows('sessions')).toEqual([]);
  });
});

describe('answering the plan', () => {
  test('start and cancel at once: one stands, its signal is the one sent, the other is told', async () => {
    const { currentRunId } = await orchestrator().start(request);
    const o = orchestrator();
    const answers = await Promise.all([
      o.answerPlan(currentRunId, 'start', 'U-alice'),
      o.answerPlan(currentRunId, 'cancel', 'U-alice'),
    ]);
    expect([...answers].sort()).toEqual(['already', 'done']);
    const [stands] = await choices('plan');
    expect(t.journal.signals(currentRunId)).toMatchObject([
      { name: 'plan', payload: { verdict: stands, by: 'U-alice' } },
    ]);
    expect(answers[stands === 'start' ? 0 : 1]).toBe('done');
  });

  test.each([
    ['unknown', 'run_9', 'U-alice'],
    ['not_yours', '', 'U-bob'],
  ])('%s', async (expected, runId, by) => {
    const { currentRunId } = await orchestrator().start(request);
    const before = t.dump();
    expect(await orchestrator().answerPlan(runId === '' ? currentRunId : runId, 'start', by)).toBe(expected);
    expect(t.dump()).toBe(before);
  });

  test('after the end: already, and no decision is made up', async () => {
    const { currentRunId } = await orchestrator().start(request);
    t.status('cancelled', currentRunId);
    expect(await orchestrator().answerPlan(currentRunId, 'start', 'U-alice')).toBe('already');
    expect(await choices('plan')).toEqual([]);
  });

  test('killed anywhere and delivered again: decided once, told the run once', async () => {
    const kills = await killedAnywhere(
      () => orchestrator().start(request),
      async (o) => o.answerPlan(await run(), 'start', 'U-alice'),
      async (answer) => {
        expect(answer).toBe('done');
        expect(await choices('plan')).toEqual(['start']);
        expect(t.journal.signals(await run())).toHaveLength(1);
      },
    );
    expect(kills).toBeGreaterThan(3);
  });
});

describe('stopping', () => {
  const prepare = async () => {
    const { currentRunId } = await orchestrator().start(request);
    t.status('running', currentRunId);
    await t.store.approvals.open(approval({ runId: currentRunId }));
  };

  test('killed anywhere and delivered again: ended, nothing is asked any more, the worktree goes', async () => {
    const kills = await killedAnywhere(
      prepare,
      async (o) => o.stop(await run(), 'U-alice'),
      async () => {
        expect((await t.store.runs.status(await run()))?.status).toBe('cancelled');
        expect(await choices('stop')).toEqual(['stop']);
        expect((await t.store.approvals.byId('apr_1'))?.status).toBe('voided');
        expect(closed).toContain(await run());
      },
    );
    expect(kills).toBeGreaterThan(3);
  });

  test('only whoever asked for it', async () => {
    await prepare();
    expect(await orchestrator().stop(await run(), 'U-bob')).toBe('not_yours');
    expect((await t.store.approvals.byId('apr_1'))?.status).toBe('pending');
    expect(await orchestrator().stop('run_9', 'U-alice')).toBe('unknown');
  });
});

describe('going on', () => {
  const prepare = (status: 'paused' | 'failed' | 'running') => async () => {
    const { currentRunId } = await orchestrator().start(request);
    t.status(status, currentRunId);
  };
  /** As the command does: the session's current run is looked up anew each time. */
  const retry = async (o: Orchestrator) => {
    const answer = await new Queries(t.store).find({ team: 'T1', user: 'U-alice', channel: 'C1' }, '');
    return o.retry(answer?.view.runId ?? '', 'U-alice', 'command:T1:tr2', NOW + 1);
  };

  test('paused: resumed, killed anywhere and delivered again', async () => {
    const kills = await killedAnywhere(prepare('paused'), retry, async (answer) => {
      expect(answer).toBe('done');
      expect(await choices('retry')).toEqual(['retry']);
      expect((await t.store.runs.status(await run()))?.status).toBe('running');
    });
    expect(kills).toBeGreaterThanOrEqual(2);
  });

  test('ended: one new run, killed anywhere and delivered again, even when that one has ended too', async () => {
    const first = async () => (await orchestrator().start(request)).currentRunId;
    const kills = await killedAnywhere(prepare('failed'), retry, async (answer) => {
      expect(answer).toBe('done');
      expect(await run()).not.toBe(await first());
      expect(t.rows('runs')).toHaveLength(2);
      t.status('failed', await run());
      expect(await retry(orchestrator())).toBe('done');
      expect(t.rows('runs')).toHaveLength(2);
    });
    expect(kills).toBeGreaterThanOrEqual(2);
  });

  test('under way: nothing to try again; an older run of the session is not the one to follow', async () => {
    await prepare('running')();
    expect(await retry(orchestrator())).toBe('not_paused');
    const old = await run();
    t.status('failed', old);
    await retry(orchestrator());
    expect(await orchestrator().retry(old, 'U-alice', 'click:other', NOW + 2)).toBe('already');
    expect(await orchestrator().retry(old, 'U-bob', 'click:other', NOW + 2)).toBe('not_yours');
    expect(t.rows('runs')).toHaveLength(2);
  });
});

const said = (nonce: string) => ({ nonce, by: bob, place: 'C1' });

describe('deciding', () => {
  test('about a command: exactly the command that was shown; unknown nonces are nothing', async () => {
    const { currentRunId } = await orchestrator().start(request);
    const payload = '{"argv":["npm","test"],"kind":"unsandboxed"}';
    const { createHash } = await import('node:crypto');
    const digest = createHash('sha256').update(payload).digest('hex');
    await t.store.approvals.open(
      approval({ runId: currentRunId, subject: { ...approval().subject, payload, digest } }),
    );
    expect(await orchestrator().approvals.decide(said('guess'), 'approve', null)).toBeNull();
    expect(await orchestrator().approvals.decide(said('nonce_1'), 'approve', null)).toMatchObject({
      ok: true,
    });
  });

  test('when it cannot be told what it is about, nobody decides', async () => {
    const { currentRunId } = await orchestrator().start(request);
    await t.store.approvals.open(
      approval({ runId: currentRunId, subject: { ...approval().subject, payload: '{"kind":"changes"}' } }),
    );
    expect(await orchestrator().approvals.decide(said('nonce_1'), 'approve', null)).toMatchObject({
      ok: false,
      refusal: 'unchecked',
    });
    expect((await t.store.approvals.byId('apr_1'))?.status).toBe('pending');
  });
});

describe('who may start what', () => {
  const by = { id: 'U-alice', team: 'T1', isBot: false, isGuest: false, isStranger: false };
  test.each([
    ['a member, the default repository', {}, null, null],
    ['a member, the default one by name', {}, '/sample', null],
    ['a member, one that is allowed', {}, '/code/web', null],
    ['a member, any other', {}, '/etc', 'repository'],
    ['a guest', { isGuest: true }, null, 'guest'],
    ['a stranger', { isStranger: true }, null, 'stranger'],
    ['a bot', { isBot: true }, null, 'not_a_person'],
  ])('%s', async (_name, change, repository, refusal) => {
    expect(await orchestrator().admits({ ...by, ...change }, repository)).toBe(refusal);
  });
});
