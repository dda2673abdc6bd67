import { createHmac, randomBytes, randomUUID } from 'node:crypto';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import Database from 'better-sqlite3';
import pino from 'pino';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { createCore } from '../../src/compose/core.ts';
import { createSlack } from '../../src/compose/slack.ts';
import { readPolicy } from '../../src/policy/approval-settings.ts';
import { KeyRing } from '../../src/slack/oauth/seal.ts';
import { systemClock } from '../../src/system-clock.ts';
import { type TestDesk, TOKENS, testDesk } from '../desk/harness.ts';
import { until } from './world.ts';

/**
 * Two workspaces that know the same people, channels and bot by the same ids, since the second desk is a copy of the
 * first with another team. Baton finds both behind one address of the Web API, told apart by their tokens as at Slack.
 */
const TOKEN = { a: 'xoxb-token-of-a', b: 'xoxb-token-of-b' };
const [KEY1, KEY2] = [randomBytes(32), randomBytes(32)].map(
  (key, i) => `k${i + 1}:${key.toString('base64')}`,
);
const ask = {
  name: 'ask',
  title: 'Ask',
  description: 'd',
  how: 'an approval',
  why: 'w',
  flow: { kind: 'approval', id: 'keep', title: 'Keep it?', why: 'Built.' },
} as const;

let root: string;
let a: TestDesk;
let b: TestDesk;
let teamA = '';
let teamB = '';
let baton: Awaited<ReturnType<typeof startBaton>>;
const to = { url: '' };
const servers: { close: () => void }[] = [];

async function listen(
  serve: (request: IncomingMessage, body: Buffer, response: ServerResponse) => Promise<void>,
) {
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      serve(request, Buffer.concat(chunks), response).catch(() => response.writeHead(502).end());
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  servers.push({
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  });
  return `http://127.0.0.1:${z.object({ port: z.number() }).parse(server.address()).port}`;
}

/** Passes a request on as it is. */
async function pass(
  url: string,
  request: IncomingMessage,
  body: Buffer,
  response: ServerResponse,
): Promise<void> {
  const headers = Object.entries(request.headers).flatMap(([name, value]): [string, string][] =>
    typeof value === 'string' && !['host', 'connection', 'content-length'].includes(name)
      ? [[name, value]]
      : [],
  );
  const answer = await fetch(url, { method: request.method ?? 'POST', headers, body: new Uint8Array(body) });
  const type = answer.headers.get('content-type');
  response.writeHead(answer.status, type === null ? {} : { 'content-type': type });
  response.end(Buffer.from(await answer.arrayBuffer()));
}

async function startBaton(keys: string, apiUrl: string) {
  const core = await createCore({
    home: path.join(root, 'home'),
    clock: systemClock,
    redact: (text) => text,
    model: { api: 'responses', apiKey: 'none', baseUrl: 'http://127.0.0.1:1', model: 'none' },
    rehearsal: true,
    repository: null,
    repositories: null,
    policy: readPolicy({ remind_after: '1h', escalate_after: '2h', expire_after: '24h' }, {}),
    prices: {},
    extraWorkflows: [ask],
    onStoreTrouble: () => undefined,
  });
  const ring = KeyRing.parse(keys);
  if (ring === null) throw new Error('the keys cannot be read');
  const slack = await createSlack({
    core,
    clock: systemClock,
    redact: (text) => text,
    log: pino({ level: 'silent' }),
    botToken: null,
    apiUrl,
    door: { mode: 'http', signingSecret: TOKENS.signingSecret, port: 0 },
    oauth: {
      clientId: '1.2',
      clientSecret: 'client-secret',
      stateSecret: 'state-secret-of-the-test',
      signingSecret: TOKENS.signingSecret,
      keys: ring,
      allowed: [teamA, teamB],
    },
    rehearsal: true,
    steering: 'mention',
  });
  to.url = (await slack.start()).address ?? '';
  return {
    core,
    slack,
    stop: async () => {
      await slack.stop();
      await core.stop();
    },
  };
}

let apiUrl = '';
beforeAll(async () => {
  root = mkdtempSync(path.join(tmpdir(), 'workspaces-'));
  const requestUrl = await listen((request, body, response) => pass(to.url, request, body, response));
  const manifest = readFileSync(new URL('../../manifest.yml', import.meta.url), 'utf8');
  const first = path.join(root, 'a');
  mkdirSync(first);
  await (await testDesk({ dataDir: first, manifest })).desk.close();
  cpSync(first, path.join(root, 'b'), { recursive: true });
  const copy = new Database(path.join(root, 'b', 'desk.sqlite'));
  copy.prepare("update settings set value = 'T0SECOND' where key = 'team'").run();
  copy.close();
  a = await testDesk({ dataDir: first, manifest, requestUrl, botToken: TOKEN.a });
  b = await testDesk({ dataDir: path.join(root, 'b'), manifest, requestUrl, botToken: TOKEN.b });
  teamA = (await a.snapshot()).team.id;
  teamB = (await b.snapshot()).team.id;
  apiUrl = `${await listen((request, body, response) => {
    const code = new URLSearchParams(body.toString('utf8')).get('code');
    const second = request.headers.authorization === `Bearer ${TOKEN.b}` || code === `code-${teamB}`;
    return pass(`${(second ? b : a).desk.url}${request.url ?? ''}`, request, body, response);
  })}/api/`;
  baton = await startBaton(`${KEY1}`, apiUrl);
}, 60_000);
afterAll(async () => {
  await baton.stop();
  await a.close();
  await b.close();
  for (const { close } of servers) close();
  rmSync(root, { recursive: true, force: true });
});

/** As a browser does: to the install page, on to Slack, and back with its code, the state and the cookie. */
async function install(code: string, withCookie = true): Promise<{ status: number; text: string }> {
  const begun = await fetch(`${to.url}/slack/install`, { redirect: 'manual' });
  const state = new URL(begun.headers.get('location') ?? 'http://x').searchParams.get('state') ?? '';
  const cookie = begun.headers.get('set-cookie')?.split(';')[0] ?? '';
  const back = new URL(`${to.url}/slack/oauth_redirect`);
  back.search = new URLSearchParams({ code, state }).toString();
  const answer = await fetch(back, { headers: withCookie ? { cookie } : {} });
  return { status: answer.status, text: await answer.text() };
}

async function deliver(body: object, form = false): Promise<number> {
  const text = form
    ? new URLSearchParams({ payload: JSON.stringify(body) }).toString()
    : JSON.stringify(body);
  const at = String(Math.floor(Date.now() / 1_000));
  const hash = createHmac('sha256', TOKENS.signingSecret).update(`v0:${at}:${text}`).digest('hex');
  const headers = {
    'content-type': form ? 'application/x-www-form-urlencoded' : 'application/json',
    'x-slack-request-timestamp': at,
    'x-slack-signature': `v0=${hash}`,
  };
  return (await fetch(to.url, { method: 'POST', headers, body: text })).status;
}
const event = (team: string, inner: object) =>
  deliver({ type: 'event_callback', team_id: team, event_id: randomUUID(), event: inner });

const seen = async (desk: TestDesk, user = 'alice') => (await desk.snapshot(await desk.id(user))).messages;
const command = async (desk: TestDesk, text: string) =>
  desk.page('command', {
    user: await desk.id('alice'),
    channel: await desk.id('baton-epics'),
    command: '/orchestrate',
    text,
  });
const audited = (kind: string) => {
  const db = new Database(path.join(root, 'home', 'baton.db'), { readonly: true });
  const rows: unknown = db.prepare('select team, detail from audit where kind = ?').all(kind);
  db.close();
  return z.array(z.object({ team: z.string().nullable(), detail: z.string() })).parse(rows);
};

describe('several workspaces', () => {
  test('only those named may install, and only whoever began it; what opens them is sealed', async () => {
    expect(await b.id('bob')).toBe(await a.id('bob'));
    expect(await install(`code-${teamA}`, false)).toMatchObject({ status: 403 });
    expect(await install('code-of-nobody')).toMatchObject({ status: 403 });
    expect(await baton.core.store.installations.all()).toEqual([]);
    expect(await install(`code-${teamA}`)).toMatchObject({ status: 200 });
    expect(await install(`code-${teamB}`)).toMatchObject({ status: 200 });
    expect((await baton.core.store.installations.all()).map(({ id }) => id).sort()).toEqual(
      [teamA, teamB].sort(),
    );
    const files = ['baton.db', 'baton.db-wal'].map((name) =>
      readFileSync(path.join(root, 'home', name), 'latin1'),
    );
    for (const text of files) for (const token of [TOKEN.a, TOKEN.b]) expect(text).not.toContain(token);
    expect(audited('workspace.installed').map(({ team }) => team)).toEqual([teamA, teamB]);
  }, 30_000);

  test('the same person, channel and message in both: nothing of one is seen, said or decided in the other', async () => {
    const { core } = baton;
    await command(a, 'ask Only for the first');
    await until(async () => (await seen(a)).some(({ text }) => text.includes('Only for the first')));
    const [session] = await core.store.sessions.recent(teamA, 1);
    const runId = session?.currentRunId ?? '';
    await core.orchestrator.answerPlan(runId, 'start', await a.id('alice'));
    await until(async () => (await core.store.approvals.ofRun(runId)).length === 1);
    const [approval] = await core.store.approvals.ofRun(runId);
    await until(async () => (await core.outbox.ref(`approval:${approval?.id}`)) !== null);
    const epic = (await seen(a)).find(({ text }) => text.includes('Only for the first'));

    await command(b, 'list');
    await until(async () => (await seen(b)).some(({ text }) => text.includes('No runs yet')));
    expect((await seen(b)).map(({ text }) => text).join()).not.toContain('Only for the first');

    // A button of A, pressed in B by somebody with the same id; and the word in "the same" thread.
    const [user, channel] = [await b.id('bob'), await b.id('baton-epics')];
    const click = {
      type: 'block_actions',
      team: { id: teamB, domain: 'second' },
      user: { id: user, team_id: teamB },
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
    expect(await deliver(click, true)).toBe(200);
    const word = {
      type: 'message',
      user,
      channel,
      text: 'APPROVE',
      thread_ts: epic?.ts,
      channel_type: 'channel',
    };
    expect(await event(teamB, { ...word, ts: `${Number(epic?.ts) + 100}` })).toBe(200);
    await until(async () => (await core.store.inbox.open(1)).length === 0);
    expect((await core.store.approvals.ofRun(runId))[0]).toMatchObject({ status: 'pending', votes: [] });
    expect(
      audited('approval.refused')
        .map(({ detail }) => detail)
        .join(),
    ).toContain('other_team');
    expect((await seen(b)).map(({ text }) => text).join()).not.toMatch(/Keep it|Only for the first/);

    // The very same message in both workspaces is two messages; in A it decides.
    expect(await event(teamA, { ...word, ts: `${Number(epic?.ts) + 100}` })).toBe(200);
    await until(async () => (await core.store.approvals.ofRun(runId))[0]?.status !== 'pending');
    expect((await core.store.approvals.ofRun(runId))[0]).toMatchObject({ decidedBy: user, team: teamA });
  }, 60_000);

  test('places of messages are told apart by workspace', async () => {
    const { core } = baton;
    const [channel, ts] = [await a.id('baton-epics'), '1700000000.000001'];
    for (const [team, key] of [
      [teamA, 'epic:of-a'],
      [teamB, 'epic:of-b'],
    ] as const) {
      const db = new Database(path.join(root, 'home', 'baton.db'));
      db.prepare('insert into messages (key, team, channel, ts, outbox_id) values (?, ?, ?, ?, 0)').run(
        key,
        team,
        channel,
        ts,
      );
      db.close();
    }
    expect((await core.outbox.refAt(teamA, channel, ts))?.key).toBe('epic:of-a');
    expect((await core.outbox.refAt(teamB, channel, ts))?.key).toBe('epic:of-b');
  });

  test('a new key seals anew at the start; everything works on, and the old key can go', async () => {
    await baton.stop();
    baton = await startBaton(`${KEY2},${KEY1}`, apiUrl);
    expect((await baton.core.store.installations.all()).map(({ keyId }) => keyId)).toEqual(['k2', 'k2']);
    await baton.stop();
    baton = await startBaton(`${KEY2}`, apiUrl);
    expect(baton.slack.workspaces.all()).toHaveLength(2);
    const before = (await seen(b)).length;
    await command(b, 'help');
    await until(async () => (await seen(b)).length > before);
  }, 60_000);

  test('taken out of one: nothing is sent there, what waits is kept, it is recorded; the other works on', async () => {
    const { core, slack } = baton;
    expect(await event(teamB, { type: 'tokens_revoked', tokens: { oauth: ['U1'] } })).toBe(200);
    expect(slack.workspaces.of(teamB)).not.toBeNull();
    expect(await event(teamB, { type: 'app_uninstalled' })).toBe(200);
    await until(async () => slack.workspaces.of(teamB) === null);
    await until(async () => audited('workspace.revoked').length === 1);
    expect(audited('workspace.revoked')[0]).toMatchObject({ team: teamB });
    expect((await core.store.installations.all()).map(({ id }) => id)).toEqual([teamA]);
    const before = (await seen(b)).length;
    const row = {
      team: teamB,
      key: 'waits',
      kind: 'post',
      target: { kind: 'channel', channel: await b.id('baton-epics') },
      lane: 'results',
      text: 'Kept for later',
      blocks: [],
    } as const;
    await core.outbox.enqueue([row], Date.now());
    await command(b, 'list');
    await command(a, 'list');
    await until(async () =>
      (await seen(a)).some(
        ({ text, ephemeralFor }) => ephemeralFor !== null && text.includes('Only for the first'),
      ),
    );
    expect((await seen(b)).length).toBe(before);
    // Answers to people of that workspace may wait there as well.
    const waits = (await core.outbox.waiting(10)).filter(({ team }) => team === teamB);
    expect(waits.map(({ key }) => key)).toContain('waits');

    // Installed again: what waited goes out.
    expect(await install(`code-${teamB}`)).toMatchObject({ status: 200 });
    await until(async () => (await seen(b)).some(({ text }) => text === 'Kept for later'));
  }, 60_000);
});
