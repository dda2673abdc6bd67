import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Core } from '../../src/compose/core.ts';
import { isTerminal } from '../../src/domain/run.ts';
import type { Node } from '../../src/domain/workflow.ts';
import { coreAt, openPlace, type Place, shippedCasts, startRun, workflowOf } from '../support/core.ts';

const agent = (id: string, name: string): Node => ({ kind: 'agent', id, agent: name, task: 'Do your part.' });
const keep: Node = { kind: 'approval', id: 'keep', title: 'Keep it?', why: 'It was made.' };
const inner: Node = {
  kind: 'orchestrator',
  id: 'inner',
  mode: 'distributed',
  domains: [
    { id: 'api', purpose: 'the interface', flow: agent('do-api', 'backend') },
    { id: 'page', purpose: 'the page', flow: agent('do-page', 'frontend') },
  ],
};
const flow: Node = {
  kind: 'orchestrator',
  id: 'lead',
  mode: 'hierarchical',
  domains: [
    { id: 'build', purpose: 'what is asked for', flow: inner },
    {
      id: 'check',
      purpose: 'that it is right',
      needs: ['build'],
      flow: {
        kind: 'sequence',
        id: 'checked',
        stages: [{ kind: 'command', id: 'verify', run: 'test' }, keep],
      },
    },
  ],
};

let place: Place;
let core: Core;
beforeAll(async () => {
  place = await openPlace(...(await shippedCasts()));
  core = await coreAt(place, { extraWorkflows: [workflowOf('led', flow)] });
  core.engine.recover();
});
afterAll(async () => {
  await core.stop();
  await place.close();
});

/** Starts it and waits until it ends, or until a question is asked somewhere in it. */
async function until(runId: string, asked: boolean): Promise<void> {
  for (;;) {
    const next = Promise.withResolvers<void>();
    const off = core.engine.onCommit(() => next.resolve());
    const answer = await core.queries.byRun(runId);
    const open = answer?.approvals.some(({ status }) => status === 'pending') ?? false;
    if (isTerminal(answer?.view.status ?? 'queued') || (asked && open)) {
      off();
      return;
    }
    await next.promise;
    off();
  }
}
const start = (intent: string): Promise<string> => startRun(core, 'led', intent, 'Say hello');

test('parts work in the worktree of their run, ask in its name, and are seen and paid as its own', async () => {
  const runId = await start('one');
  await until(runId, true);
  const parts = await core.store.runs.parts(runId);
  // The domain that builds, the two within it, and the one that checks.
  expect(parts).toHaveLength(4);
  const answer = await core.queries.byRun(runId);
  expect([...(answer?.view.nodes.keys() ?? [])]).toEqual(
    expect.arrayContaining(['do-api', 'do-page', 'verify', 'lead:build', 'inner:api']),
  );
  expect(answer?.view.usage.has('backend')).toBe(true);
  const [approval] = answer?.approvals ?? [];
  const by = { id: 'V', team: 'T', isBot: false, isGuest: false, isStranger: false };
  expect(
    (
      await core.orchestrator.approvals.decide(
        { nonce: approval?.nonce ?? '', by, place: 'C1' },
        'approve',
        null,
      )
    )?.ok,
  ).toBe(true);
  await until(runId, false);
  const end = (await core.queries.byRun(runId))?.view;
  expect([end?.status, end?.result?.status]).toEqual(['completed', 'completed']);
  expect(end?.result?.commit).toMatch(/^[0-9a-f]{40}$/);
});

test('stopping the run stops its parts and withdraws what they asked', async () => {
  const runId = await start('two');
  await until(runId, true);
  expect(await core.orchestrator.stop(runId, 'U')).toBe('done');
  const parts = await core.store.runs.parts(runId);
  const statuses = await Promise.all(parts.map(async (id) => (await core.store.runs.status(id))?.status));
  expect(statuses.filter((status) => status !== 'completed')).toEqual(['cancelled']);
  expect((await core.queries.byRun(runId))?.approvals.map(({ status }) => status)).toEqual(['voided']);
});
