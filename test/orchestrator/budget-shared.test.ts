import { afterEach, describe, expect, test } from 'vitest';
import { agentNode, type BudgetWorld, budgetWorld, CALL_USD, workflow } from './budget-world.ts';

/** What a budget is shared by, who may raise it, and what it outlives. */
let world: BudgetWorld;
afterEach(() => world.close());

const spentBy = async (...runIds: string[]): Promise<number> => {
  let sum = 0;
  for (const runId of runIds) sum += (await world.core.usage.soFar(runId)).costUsd;
  return sum;
};

describe('a budget', () => {
  test('is one for a run and the runs that are parts of it', async () => {
    const domain = (id: string) => ({ id, purpose: id, flow: agentNode(`do-${id}`) });
    const flow = {
      kind: 'orchestrator',
      id: 'lead',
      mode: 'distributed',
      domains: [domain('api'), domain('page')],
    };
    world = await budgetWorld({ turns: 10, workflows: [workflow('led', flow)] });
    const runId = await world.start('led', 0.75);
    const asked = await world.question(runId);
    const parts = await world.core.store.runs.parts(runId);
    // Two parts of its own, and the one that asks.
    expect(parts).toHaveLength(3);
    await world.until(async () => {
      const states = await Promise.all(parts.map((id) => world.core.store.runs.status(id)));
      return states.filter((state) => state?.status === 'paused').length === 2;
    });
    const used = await spentBy(runId, ...parts);
    expect(used).toBeGreaterThanOrEqual(0.75);
    expect(used).toBeLessThanOrEqual(0.75 + 2 * CALL_USD);
    await world.decide(asked, 'approve');
    expect(await world.ended(runId)).toBe('completed');
    expect(await spentBy(runId, ...parts)).toBeCloseTo(2);
  });

  test('and its question outlive a restart; the old card still raises it', async () => {
    world = await budgetWorld({ turns: 6, workflows: [workflow('one', agentNode('build'))] });
    const runId = await world.start('one', 0.35);
    const asked = await world.question(runId);
    await world.restart();
    expect(await world.core.store.runs.status(runId)).toMatchObject({ status: 'paused' });
    expect((await world.question(runId)).id).toBe(asked.id);
    await world.decide(asked, 'approve');
    expect(await world.ended(runId)).toBe('completed');
    expect(await spentBy(runId)).toBeCloseTo(6 * CALL_USD);
    expect((await world.events(runId)).filter(({ type }) => type === 'budget.raised')).toHaveLength(1);
  });

  test('that nobody raised in time leaves the run paused, and Retry asks anew', async () => {
    world = await budgetWorld({
      turns: 6,
      workflows: [workflow('one', agentNode('build'))],
      approvals: { remind_after: '100ms', escalate_after: '200ms', expire_after: '300ms' },
    });
    const runId = await world.start('one', 0.35);
    const asked = await world.question(runId);
    await world.ended(asked.runId);
    expect(await world.core.store.approvals.byId(asked.id)).toMatchObject({ status: 'expired' });
    expect(await world.core.store.runs.status(runId)).toMatchObject({ status: 'paused' });
    expect(await world.decide(asked, 'approve')).toMatchObject({ ok: false, refusal: 'expired' });
    await world.core.orchestrator.retry(runId, 'UADA', 'once more', Date.now());
    const again = await world.question(runId);
    expect(again.id).not.toBe(asked.id);
    await world.core.orchestrator.stop(runId, 'UADA');
    await world.ended(again.runId);
  });

  test('counts a call of unknown price as the dearest that is known, and says so', async () => {
    world = await budgetWorld({
      turns: 6,
      workflows: [workflow('one', agentNode('build'))],
      // `m` has none; a thousand tokens of the dearest cost a dollar.
      prices: { cheap: { input: 1, cached: 1, output: 1 }, dear: { input: 1_000, cached: 1, output: 1 } },
    });
    const runId = await world.start('one', 2.5);
    const asked = await world.question(runId);
    expect(await world.core.usage.soFar(runId)).toMatchObject({ costUsd: 0, unpriced: 3 });
    expect(asked.subject.why).toContain(
      '$3.00 of $2.50, of it $3.00 assumed for 3 calls whose price is not known',
    );
    await world.decide(asked, 'reject');
    await world.ended(runId);
  });
});

describe('the policy’s word on cost', () => {
  const triggers = [{ when: 'cost', above: 0.3, people: ['UBOSS'], four_eyes: true }];

  test('stops a run that nobody gave a budget, and only whom it names may let it go on', async () => {
    world = await budgetWorld({
      turns: 6,
      workflows: [workflow('one', agentNode('build'))],
      approvals: { triggers },
    });
    const runId = await world.start('one');
    const asked = await world.question(runId);
    expect(await spentBy(runId)).toBeCloseTo(3 * CALL_USD);
    expect(asked.policy.requirements).toMatchObject([{ trigger: 'cost', people: ['UBOSS'], count: 1 }]);
    expect(await world.decide(asked, 'approve', 'UBEN')).toMatchObject({
      ok: false,
      refusal: 'not_eligible',
    });
    expect(await world.decide(asked, 'approve', 'UADA')).toMatchObject({ ok: false, refusal: 'requester' });
    expect(await spentBy(runId)).toBeCloseTo(3 * CALL_USD);
    expect(await world.decide(asked, 'approve', 'UBOSS')).toMatchObject({ ok: true });
    expect(await world.ended(runId)).toBe('completed');
  });

  test('holds for a raise that goes past it, too', async () => {
    world = await budgetWorld({
      turns: 6,
      workflows: [workflow('one', agentNode('build'))],
      approvals: { triggers },
    });
    // The plan expects dollars: raising twenty cents goes past thirty.
    const asked = await world.question(await world.start('one', 0.2));
    expect(asked.policy.requirements).toMatchObject([{ trigger: 'cost', people: ['UBOSS'] }]);
    expect(await world.decide(asked, 'approve', 'UBEN')).toMatchObject({ ok: false });
  });
});
