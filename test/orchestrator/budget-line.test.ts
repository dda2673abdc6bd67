import { afterEach, describe, expect, test } from 'vitest';
import type { Approval } from '../../src/domain/approval.ts';
import { member } from '../support/directory.ts';
import { agentNode, type BudgetWorld, budgetWorld, CALL_USD, workflow } from './budget-world.ts';

/** A budget is one for a piece of work, however often it is taken back; work that is begun again has one of its own. */
let world: BudgetWorld;
afterEach(() => world.close());

const open = async (turns: number) => {
  world = await budgetWorld({ turns, workflows: [workflow('one', agentNode('build'))] });
};
const raise = ({ nonce }: Approval, amount: number) =>
  world.core.orchestrator.approvals.decide(
    { nonce, by: member('UBEN', 'T'), place: 'test' },
    'approve',
    null,
    amount,
  );
/** Takes a run back to its beginning. Returns the run that goes on. */
async function takenBack(runId: string): Promise<string> {
  const { core } = world;
  const session = await core.store.sessions.byRun(runId);
  const wish = { level: 'full', number: null, place: null } as const;
  const who = { runId, by: 'UADA', intent: `back ${runId}`, receivedAt: Date.now() };
  expect(await core.rollbacks.ask({ ...wish, ...who })).toMatchObject({ done: 'asked' });
  const about = async () => {
    const parts = (await core.store.runs.parts(runId)).filter((id) => id.includes('.back-'));
    const asked = await Promise.all(parts.map((id) => core.store.approvals.ofRun(id)));
    return asked.flat().find(({ status }) => status === 'pending');
  };
  await world.until(async () => (await about()) !== undefined);
  const card = await about();
  if (card === undefined) throw new Error('unreachable');
  expect(await world.decide(card, 'approve')).toMatchObject({ ok: true });
  const current = async () => (await core.store.sessions.get(session?.id ?? ''))?.currentRunId ?? runId;
  await world.until(async () => (await current()) !== runId);
  return current();
}

describe('a run that was rolled back', () => {
  test('has spent what was spent before: it asks at once, says so, and goes on once it is raised', async () => {
    await open(6);
    const first = await world.start('one', 0.35);
    await world.question(first);
    await world.until(async () => (await world.core.store.runs.status(first))?.status === 'paused');
    const calls = world.server.asked.length;
    const next = await takenBack(first);
    const asked = await world.question(next);
    expect(asked.subject.why).toContain('$0.40 of $0.35, of it $0.40 before it was rolled back');
    expect(world.server.asked.length).toBe(calls);
    expect(asked.subject.raise?.over).toBeCloseTo(4 * CALL_USD);
    // What the epic shows has it, too.
    expect((await world.core.queries.byRun(next))?.view.costUsd).toBeCloseTo(4 * CALL_USD);
    expect(await raise(asked, 2)).toMatchObject({ ok: true });
    expect(await world.ended(next)).toBe('completed');
    expect((await world.core.queries.byRun(next))?.view.costUsd).toBeCloseTo(10 * CALL_USD);
  });

  test('may use what was raised before, however often it is taken back', async () => {
    await open(10);
    const first = await world.start('one', 0.25);
    expect(await raise(await world.question(first), 0.45)).toMatchObject({ ok: true });
    const second = await world.question(first);
    const raisedTo = second.subject.title;
    await world.until(async () => (await world.core.store.runs.status(first))?.status === 'paused');
    const next = await takenBack(first);
    const third = await world.question(next);
    expect(third.subject.title).toBe(raisedTo);
    await world.until(async () => (await world.core.store.runs.status(next))?.status === 'paused');
    const last = await takenBack(next);
    const fourth = await world.question(last);
    expect(fourth.subject.title).toBe(raisedTo);
    expect(fourth.subject.why).toContain('before it was rolled back');
    await world.core.orchestrator.stop(last, 'UADA');
    await world.ended(fourth.runId);
  });
});

test('work that is begun again by its own plan has a budget of its own', async () => {
  await open(3);
  const first = await world.start('one', 0.35);
  expect(await world.ended(first)).toBe('completed');
  expect(await world.core.orchestrator.retry(first, 'UADA', 'again', Date.now())).toBe('done');
  const next = (await world.core.store.sessions.byRun(first))?.currentRunId ?? '';
  expect(next).not.toBe(first);
  // People start it, knowing what it may cost.
  expect(await world.core.orchestrator.answerPlan(next, 'start', 'UADA')).toBe('done');
  expect(await world.ended(next)).toBe('completed');
  expect((await world.core.usage.soFar(next)).costUsd).toBeCloseTo(3 * CALL_USD);
});
