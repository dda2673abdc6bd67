import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import Database from 'better-sqlite3';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { KEYS, TOKEN, type Two, twoWorkspaces } from './two-workspaces.ts';
import { until } from './world.ts';

let w: Two;
beforeAll(async () => {
  w = await twoWorkspaces();
}, 60_000);
afterAll(() => w.close());

const audited = (kind: string) =>
  z
    .array(z.object({ team: z.string().nullable(), detail: z.string() }))
    .parse(w.read('select team, detail from audit where kind = ?', kind));

describe('several workspaces', () => {
  test('only those named may install, and only whoever began it; what opens them is sealed', async () => {
    expect(await w.b.id('bob')).toBe(await w.a.id('bob'));
    expect(await w.install(`code-${w.teamA}`, false)).toMatchObject({ status: 403 });
    expect(await w.install('code-of-nobody')).toMatchObject({ status: 403 });
    expect(await w.core.store.installations.all()).toEqual([]);
    expect(await w.install(`code-${w.teamA}`)).toMatchObject({ status: 200 });
    expect(await w.install(`code-${w.teamB}`)).toMatchObject({ status: 200 });
    expect((await w.core.store.installations.all()).map(({ id }) => id).sort()).toEqual(
      [w.teamA, w.teamB].sort(),
    );
    const files = ['baton.db', 'baton.db-wal'].map((name) => readFileSync(path.join(w.home, name), 'latin1'));
    for (const text of files) for (const token of [TOKEN.a, TOKEN.b]) expect(text).not.toContain(token);
    expect(audited('workspace.installed').map(({ team }) => team)).toEqual([w.teamA, w.teamB]);
  }, 30_000);

  test('the same person, channel and message in both: nothing of one is seen, said or decided in the other', async () => {
    const { core } = w;
    await w.command(w.a, 'ask Only for the first');
    await until(async () => (await w.seen(w.a)).some(({ text }) => text.includes('Only for the first')));
    const [session] = await core.store.sessions.recent(w.teamA, 1);
    const runId = session?.currentRunId ?? '';
    await core.orchestrator.answerPlan(runId, 'start', await w.a.id('alice'));
    await until(async () => (await core.store.approvals.ofRun(runId)).length === 1);
    const [approval] = await core.store.approvals.ofRun(runId);
    await until(async () => (await core.outbox.ref(`approval:${approval?.id}`)) !== null);
    const epic = (await w.seen(w.a)).find(({ text }) => text.includes('Only for the first'));

    await w.command(w.b, 'list');
    await until(async () => (await w.seen(w.b)).some(({ text }) => text.includes('No runs yet')));
    expect((await w.seen(w.b)).map(({ text }) => text).join()).not.toContain('Only for the first');

    // A button of A, pressed in B by somebody with the same id; and the word in "the same" thread.
    const [user, channel] = [await w.b.id('bob'), await w.b.id('baton-epics')];
    const click = {
      type: 'block_actions',
      team: { id: w.teamB, domain: 'second' },
      user: { id: user, team_id: w.teamB },
      channel: { id: channel },
      container: { type: 'message', message_ts: epic?.ts, channel_id: channel },
      trigger_id: randomUUID(),
      actions: [
        {
          type: 'button',
          action_id: 'approval_approve',
          action_ts: '1.1',
          block_id: 'x',
          value: approval?.nonce,
        },
      ],
    };
    expect(await w.deliver(click, true)).toBe(200);
    const word = {
      type: 'message',
      user,
      channel,
      text: 'APPROVE',
      thread_ts: epic?.ts,
      channel_type: 'channel',
    };
    expect(await w.event(w.teamB, { ...word, ts: `${Number(epic?.ts) + 100}` })).toBe(200);
    await until(async () => (await core.store.inbox.open(1)).length === 0);
    expect((await core.store.approvals.ofRun(runId))[0]).toMatchObject({ status: 'pending', votes: [] });
    expect(
      audited('approval.refused')
        .map(({ detail }) => detail)
        .join(),
    ).toContain('other_team');
    expect((await w.seen(w.b)).map(({ text }) => text).join()).not.toMatch(/Keep it|Only for the first/);

    // The very same message in both workspaces is two messages; in A it decides.
    expect(await w.event(w.teamA, { ...word, ts: `${Number(epic?.ts) + 100}` })).toBe(200);
    await until(async () => (await core.store.approvals.ofRun(runId))[0]?.status !== 'pending');
    expect((await core.store.approvals.ofRun(runId))[0]).toMatchObject({ decidedBy: user, team: w.teamA });
  }, 60_000);

  test('places of messages are told apart by workspace', async () => {
    const { core } = w;
    const [channel, ts] = [await w.a.id('baton-epics'), '1700000000.000001'];
    for (const [team, key] of [
      [w.teamA, 'epic:of-a'],
      [w.teamB, 'epic:of-b'],
    ] as const) {
      const db = new Database(path.join(w.home, 'baton.db'));
      db.prepare('insert into messages (key, team, channel, ts, outbox_id) values (?, ?, ?, ?, 0)').run(
        key,
        team,
        channel,
        ts,
      );
      db.close();
    }
    expect((await core.outbox.refAt(w.teamA, channel, ts))?.key).toBe('epic:of-a');
    expect((await core.outbox.refAt(w.teamB, channel, ts))?.key).toBe('epic:of-b');
  });

  test('a new key seals anew at the start; everything works on, and the old key can go', async () => {
    await w.again(KEYS.both);
    expect((await w.core.store.installations.all()).map(({ keyId }) => keyId)).toEqual(['k2', 'k2']);
    await w.again(KEYS.second);
    expect(w.slack.workspaces.all()).toHaveLength(2);
    const before = (await w.seen(w.b)).length;
    await w.command(w.b, 'help');
    await until(async () => (await w.seen(w.b)).length > before);
  }, 60_000);

  test('taken out of one: nothing is sent there, what waits is kept, it is recorded; the other works on', async () => {
    const { core, slack } = w;
    expect(await w.event(w.teamB, { type: 'tokens_revoked', tokens: { oauth: ['U1'] } })).toBe(200);
    expect(slack.workspaces.of(w.teamB)).not.toBeNull();
    expect(await w.event(w.teamB, { type: 'app_uninstalled' })).toBe(200);
    await until(async () => slack.workspaces.of(w.teamB) === null);
    await until(async () => audited('workspace.revoked').length === 1);
    expect(audited('workspace.revoked')[0]).toMatchObject({ team: w.teamB });
    expect((await core.store.installations.all()).map(({ id }) => id)).toEqual([w.teamA]);
    const before = (await w.seen(w.b)).length;
    const row = {
      team: w.teamB,
      key: 'waits',
      kind: 'post',
      target: { kind: 'channel', channel: await w.b.id('baton-epics') },
      lane: 'results',
      text: 'Kept for later',
      blocks: [],
    } as const;
    await core.outbox.enqueue([row], Date.now());
    await w.command(w.b, 'list');
    await w.command(w.a, 'list');
    await until(async () =>
      (await w.seen(w.a)).some(
        ({ text, ephemeralFor }) => ephemeralFor !== null && text.includes('Only for the first'),
      ),
    );
    expect((await w.seen(w.b)).length).toBe(before);
    // Answers to people of that workspace may wait there as well.
    const waits = (await core.outbox.waiting(10)).filter(({ team }) => team === w.teamB);
    expect(waits.map(({ key }) => key)).toContain('waits');

    // Installed again: what waited goes out.
    expect(await w.install(`code-${w.teamB}`)).toMatchObject({ status: 200 });
    await until(async () => (await w.seen(w.b)).some(({ text }) => text === 'Kept for later'));
  }, 60_000);
});
