import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { subscriptionSchema } from '../../src/domain/subscription.ts';
import { readPolicy } from '../../src/policy/approval-settings.ts';
import { KEYS, type Two, twoWorkspaces } from './two-workspaces.ts';
import { until } from './world.ts';

/** Workspaces that come and go, with no token in the environment: what belongs to which. */
let w: Two;
beforeAll(async () => {
  w = await twoWorkspaces({
    more: async ({ id, teamA, teamB }) => {
      const [channel, by] = [await id('baton-epics'), await id('alice')];
      const start = (team: string, person: string, name: string) =>
        subscriptionSchema.parse({
          name,
          on: 'external_change',
          workflow: 'ask',
          channel: `${team}/${channel}`,
          by: `${person}/${by}`,
          with: `${name}: {{ event.change }}`,
          auto_start: true,
        });
      return {
        policy: readPolicy({ expire_after: '24h' }, {}, [], undefined, null),
        events: {
          declared: {},
          subscriptions: [
            start(teamA, teamA, 'first'),
            start(teamB, teamB, 'second'),
            start(teamA, teamB, 'mixed'),
          ],
        },
      };
    },
  });
  expect(await w.install(`code-${w.teamA}`)).toMatchObject({ status: 200 });
}, 60_000);
afterAll(() => w.close());

let count = 0;
async function published(change: string): Promise<void> {
  count += 1;
  await w.core.events.publish({
    keys: [`test-${count}`],
    name: 'external_change',
    payload: { change },
    sourceKind: 'hook',
    source: 'test',
    runId: null,
    at: Date.now(),
  });
}
const requests = async (team: string) =>
  (await w.core.store.sessions.recent(team, 50)).map(({ request }) => request).toSorted();
const statusOf = async (runId: string) => w.core.engine.status(runId);
async function session(team: string, request: string) {
  const found = (await w.core.store.sessions.recent(team, 50)).find((each) => each.request === request);
  if (found === undefined) throw new Error(`no session ${request}`);
  return found;
}

describe('with installations alone', () => {
  test('an event starts work where its subscription belongs, and waits for a workspace that is not there', async () => {
    await published('one');
    await until(async () => (await requests(w.teamA)).length === 1);
    expect(await requests(w.teamA)).toEqual(['first: one']);
    expect(await requests(w.teamB)).toEqual([]);
    expect(w.logged.filter((line) => line.includes('sub:second') && line.includes('waits'))).toHaveLength(1);

    expect(await w.install(`code-${w.teamB}`)).toMatchObject({ status: 200 });
    await until(async () => (await requests(w.teamB)).length === 1);
    expect(await requests(w.teamB)).toEqual(['second: one']);
    // It is told where it belongs, with the token of that workspace.
    await until(async () => (await w.seen(w.b)).some(({ text }) => text.includes('second: one')));
    expect((await w.seen(w.a)).map(({ text }) => text).join()).not.toContain('second');
    // Somebody of one workspace starts nothing in a channel of another.
    expect(await requests(w.teamA)).toEqual(['first: one']);
  }, 60_000);

  test('what runs publish starts work in their own workspace alone', async () => {
    await w.core.events.publish({
      keys: ['of-b'],
      name: 'external_change',
      payload: { change: 'inside' },
      sourceKind: 'run',
      source: 'x',
      runId: (await session(w.teamB, 'second: one')).currentRunId,
      at: Date.now(),
    });
    await until(async () => (await requests(w.teamB)).includes('second: inside'));
    expect(await requests(w.teamA)).not.toContain('first: inside');
  }, 60_000);

  test('taken out: its runs wait, also over a restart, and go on once it is there again; the others never stop', async () => {
    const [mine, theirs] = [await session(w.teamA, 'first: one'), await session(w.teamB, 'second: one')];
    const asked = async () => (await w.core.store.approvals.ofRun(theirs.currentRunId))[0];
    await until(async () => (await asked()) !== undefined);
    // One that a person paused stays theirs.
    const held = await session(w.teamB, 'second: inside');
    await until(async () => (await w.core.store.approvals.ofRun(held.currentRunId)).length === 1);
    await w.core.steer.pause(held.currentRunId, held.requester, 'by-hand');

    expect(await w.event(w.teamB, { type: 'app_uninstalled' })).toBe(200);
    await until(async () => (await statusOf(theirs.currentRunId))?.status === 'paused');
    expect((await statusOf(theirs.currentRunId))?.outcome).toMatchObject({
      failure: { code: 'workspace_gone', hint: expect.stringContaining('/slack/install') },
    });
    expect((await statusOf(mine.currentRunId))?.status).toBe('waiting');
    expect(w.logged.join('')).toMatch(/Baton was taken out of a workspace.*\/slack\/install/);

    await w.again(KEYS.first);
    await until(async () => (await statusOf(mine.currentRunId))?.status === 'waiting');
    expect((await statusOf(theirs.currentRunId))?.status).toBe('paused');

    expect(await w.install(`code-${w.teamB}`)).toMatchObject({ status: 200 });
    await until(async () => (await statusOf(theirs.currentRunId))?.status === 'waiting');
    expect((await statusOf(held.currentRunId))?.outcome).toMatchObject({
      failure: { code: 'paused_by_person' },
    });
    const approval = await asked();
    expect(approval).toMatchObject({ status: 'pending', team: w.teamB });
    const [bob, team] = [await w.b.id('bob'), w.teamB];
    const by = { id: bob, team, isBot: false, isGuest: false, isStranger: false };
    const word = { nonce: approval?.nonce ?? '', by, place: 'x' };
    expect(await w.core.orchestrator.approvals.decide(word, 'approve', null)).toMatchObject({ ok: true });
    await until(async () => (await statusOf(theirs.currentRunId))?.status === 'completed');
  }, 60_000);
});
