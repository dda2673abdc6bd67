import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { agentNode, type BudgetWorld, budgetWorld, CALL_USD, workflow } from './budget-world.ts';

/** A run at the end of its budget, with everything real but the model's words. */
let world: BudgetWorld;
beforeAll(async () => {
  world = await budgetWorld({
    turns: 10,
    stepLimits: { turns: 4, usd: 5 },
    workflows: [
      workflow('one', agentNode('build')),
      workflow('skips', agentNode('build', { on_error: ['retry', 'skip'] })),
      workflow('twenty', {
        kind: 'parallel',
        id: 'all',
        branches: Array.from({ length: 20 }, (_, n) => agentNode(`build-${n}`)),
      }),
      workflow('capped', agentNode('build'), { turns: 4 }),
      workflow('thrifty', agentNode('build', { limits: { usd: 0.25 } })),
      workflow('usual', agentNode('build', { limits: {} })),
    ],
  });
});
afterAll(() => world.close());

const failureOf = async (runId: string) => {
  const outcome = (await world.core.store.runs.status(runId))?.outcome;
  return outcome?.ok === false ? outcome.failure : null;
};
const spent = async (runId: string): Promise<number> => (await world.core.usage.soFar(runId)).costUsd;

describe('a run whose budget is used up', () => {
  test('pauses, asks once with what is done and left, and goes on once it is raised', async () => {
    const runId = await world.start('one', 0.35);
    const asked = await world.question(runId);
    expect(await world.core.store.runs.status(runId)).toMatchObject({ status: 'paused' });
    expect(await failureOf(runId)).toMatchObject({ class: 'budget', code: 'budget_reached' });
    // The fourth call passes 35 cents; the fifth is never made.
    expect(await spent(runId)).toBeCloseTo(4 * CALL_USD);
    expect(asked.subject.labels).toMatchObject({ request_changes: 'Deliver what is there', reject: 'Stop' });
    expect(asked.subject.why).toContain('$0.40 of $0.35');
    expect(asked.subject.excerpt).toContain('Begun: backend (build)');
    expect(asked.policy.fourEyes).toBe(false);

    expect(await world.decide(asked, 'approve')).toMatchObject({ ok: true });
    expect(await world.ended(runId)).toBe('completed');
    expect(await spent(runId)).toBeCloseTo(10 * CALL_USD);

    const decisions = await world.core.store.decisions.ofRun(runId);
    expect(decisions.filter(({ kind }) => kind === 'budget_raised')).toMatchObject([
      { actor: 'UBEN', actorKind: 'person', evidence: { unit: 'usd', from: 0.35 } },
    ]);
  });

  test('ends with what is there where people take that: kept on its branch, as unfinished', async () => {
    const runId = await world.start('one', 0.35);
    await world.decide(await world.question(runId), 'request_changes');
    expect(await world.ended(runId)).toBe('failed');
    expect(await failureOf(runId)).toMatchObject({ code: 'budget_delivered' });
    const result = (await world.events(runId)).find((event) => event.type === 'result');
    expect(result).toMatchObject({
      status: 'delivered',
      commit: expect.any(String),
      diff: { added: expect.any(Number) },
    });
    expect(result?.type === 'result' && result.diff?.files.map(({ path }) => path)).toEqual(
      expect.arrayContaining(['notes/0.txt', 'notes/2.txt']),
    );
    expect(await spent(runId)).toBeCloseTo(4 * CALL_USD);
    expect(
      (await world.core.store.decisions.ofRun(runId)).filter(({ kind }) => kind === 'budget_delivered'),
    ).toMatchObject([{ actor: 'UBEN' }]);
  });

  test('is stopped where people say so, and nobody asks on its behalf any more', async () => {
    const runId = await world.start('one', 0.35);
    await world.decide(await world.question(runId), 'reject');
    expect(await world.ended(runId)).toBe('cancelled');
    const [part = ''] = await world.core.store.runs.parts(runId);
    expect(await world.ended(part)).toBe('completed');
  });

  test('that is stopped by hand leaves no question behind', async () => {
    const runId = await world.start('one', 0.35);
    const asked = await world.question(runId);
    expect(await world.core.orchestrator.stop(runId, 'UADA')).toBe('done');
    expect(await world.ended(asked.runId)).toBe('cancelled');
    expect(await world.decide(asked, 'approve')).toMatchObject({ ok: false });
    expect(await world.core.store.approvals.byId(asked.id)).toMatchObject({ status: 'voided' });
  });

  test('is not talked out of it by what its workflow does about failures', async () => {
    const runId = await world.start('skips', 0.35);
    await world.question(runId);
    await world.until(async () => (await failureOf(runId)) !== null);
    expect(await failureOf(runId)).toMatchObject({ class: 'budget' });
    expect((await world.events(runId)).some(({ type }) => type === 'error.handled')).toBe(false);
    await world.decide(await world.question(runId), 'request_changes');
    await world.ended(runId);
    expect(await failureOf(runId)).toMatchObject({ code: 'budget_delivered' });
  });

  test('pressing Retry or Resume instead of answering says why, and changes nothing: one question, and no call', async () => {
    const { core } = world;
    const runId = await world.start('one', 0.35);
    const asked = await world.question(runId);
    await world.until(async () => (await core.store.runs.status(runId))?.status === 'paused');
    const before = world.server.asked.length;
    const seq = (await world.events(runId)).length;
    expect(await core.orchestrator.retry(runId, 'UADA', 'again', Date.now())).toBe('at_budget');
    expect(await core.steer.resume(runId, 'UADA', 'go on')).toBe('at_budget');
    const { id: sessionId } = (await core.store.sessions.byRun(runId)) ?? { id: '' };
    const said = { intent: 'said', receivedAt: Date.now(), sessionId, by: 'UADA', at: Date.now() };
    for (const text of ['resume', 'retry'])
      expect(await core.steer.hear({ ...said, text, intent: text, addressed: true })).toMatchObject({
        did: 'nothing',
        why: 'at_budget',
      });
    const step = { runId, by: 'UADA', intent: 'step', receivedAt: Date.now(), level: 'step' } as const;
    expect(await core.rollbacks.ask({ ...step, number: null, place: null })).toMatchObject({
      done: 'refused',
      why: 'at_budget',
    });
    expect(world.server.asked.length).toBe(before);
    expect((await world.events(runId)).length).toBe(seq);
    expect((await world.question(runId)).id).toBe(asked.id);
    await world.decide(asked, 'reject');
    await world.ended(runId);
  });

  test('tells once that most of it is used', async () => {
    const runId = await world.start('one', 1);
    // The tenth call reaches it, and nothing more is to be begun.
    expect(await world.ended(runId)).toBe('completed');
    const warned = (await world.events(runId)).filter(({ type }) => type === 'budget.warned');
    expect(warned).toMatchObject([{ unit: 'usd', given: 1 }]);
  });
});

describe('twenty agents side by side', () => {
  test('overshoot by no more than the calls in flight, and ask once', async () => {
    const budget = 1;
    const runId = await world.start('twenty', budget);
    const asked = await world.question(runId);
    await world.until(async () => (await world.core.store.runs.status(runId))?.status === 'paused');
    const used = await spent(runId);
    expect(used).toBeGreaterThanOrEqual(budget - 1e-9);
    expect(used).toBeLessThanOrEqual(budget + 20 * CALL_USD + 1e-9);
    const parts = await world.core.store.runs.parts(runId);
    expect(parts).toEqual([asked.runId]);
    await world.decide(asked, 'reject');
    await world.ended(runId);
  });
});

describe('a budget in calls', () => {
  test('holds like one in dollars; each raise is used once, and a stale click is told why', async () => {
    const runId = await world.start('capped');
    const asked = await world.question(runId);
    expect(asked.subject.title).toBe('Raise the budget of 4 model calls to 6 model calls?');
    expect(await spent(runId)).toBeCloseTo(4 * CALL_USD);
    expect(await world.decide(asked, 'approve')).toMatchObject({ ok: true });
    const again = await world.question(runId);
    expect(again.subject.title).toContain('Raise the budget of 6 model calls');
    expect(await spent(runId)).toBeCloseTo(6 * CALL_USD);
    expect(await world.decide(asked, 'approve', 'UCLEO')).toMatchObject({
      ok: false,
      refusal: 'already_decided',
    });
    await world.decide(again, 'reject');
    await world.ended(runId);
    expect(await spent(runId)).toBeCloseTo(6 * CALL_USD);
  });
});

describe('a cap on one piece of work', () => {
  const ends = async (name: string) => {
    const runId = await world.start(name);
    expect(await world.ended(runId)).toBe('failed');
    const result = (await world.events(runId)).find((event) => event.type === 'result');
    // What was done is kept, whichever cap ended it.
    expect(result?.type === 'result' && result.diff?.files.length).toBeGreaterThan(1);
    return { runId, code: (await failureOf(runId))?.code };
  };

  test('in dollars ends it', async () => {
    const { runId, code } = await ends('thrifty');
    expect(code).toBe('cost_limit');
    expect(await spent(runId)).toBeCloseTo(3 * CALL_USD);
  });

  test('of the settings holds where neither node nor role says otherwise', async () => {
    const { runId, code } = await ends('usual');
    expect(code).toBe('turn_limit');
    expect(await spent(runId)).toBeCloseTo(4 * CALL_USD);
  });
});
