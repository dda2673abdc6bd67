import { createHmac, randomBytes, randomUUID } from 'node:crypto';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import Database from 'better-sqlite3';
import pino from 'pino';
import { z } from 'zod';
import { createCore } from '../../src/compose/core.ts';
import type { CoreOptions } from '../../src/compose/core-options.ts';
import { createSlack } from '../../src/compose/slack.ts';
import type { Workflow } from '../../src/domain/workflow.ts';
import { readPolicy } from '../../src/policy/approval-settings.ts';
import { KeyRing } from '../../src/slack/oauth/seal.ts';
import { systemClock } from '../../src/system-clock.ts';
import { type TestDesk, TOKENS, testDesk } from '../desk/harness.ts';
import { until } from './world.ts';

export const TOKEN = { a: 'xoxb-token-of-a', b: 'xoxb-token-of-b' };
const [KEY1 = '', KEY2 = ''] = [randomBytes(32), randomBytes(32)].map(
  (key, i) => `k${i + 1}:${key.toString('base64')}`,
);
export const KEYS = { first: KEY1, both: `${KEY2},${KEY1}`, second: KEY2 };
const ask: Workflow = {
  name: 'ask',
  title: 'Ask',
  description: 'd',
  how: 'an approval',
  why: 'w',
  flow: { kind: 'approval', id: 'keep', title: 'Keep it?', why: 'Built.' },
};

export interface TwoOptions {
  /** More of the core's options, given the ids that both workspaces know. */
  readonly more?: (ids: {
    readonly id: (name: string) => Promise<string>;
    readonly teamA: string;
    readonly teamB: string;
  }) => Promise<Partial<CoreOptions>>;
}

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
  const { port } = z.object({ port: z.number() }).parse(server.address());
  return {
    url: `http://127.0.0.1:${port}`,
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
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

export type Two = Awaited<ReturnType<typeof twoWorkspaces>>;

/**
 * Two workspaces that know the same people, channels and bot by the same ids, since the second desk is a copy of the
 * first with another team. Baton finds both behind one address of the Web API, told apart by their tokens as at Slack.
 */
export async function twoWorkspaces(options: TwoOptions = {}) {
  const root = mkdtempSync(path.join(tmpdir(), 'workspaces-'));
  const to = { url: '' };
  const logged: string[] = [];
  const toB: string[] = [];
  const requests = await listen((request, body, response) => pass(to.url, request, body, response));
  const manifest = readFileSync(new URL('../../manifest.yml', import.meta.url), 'utf8');
  const first = path.join(root, 'a');
  mkdirSync(first);
  await (await testDesk({ dataDir: first, manifest })).desk.close();
  cpSync(first, path.join(root, 'b'), { recursive: true });
  const copy = new Database(path.join(root, 'b', 'desk.sqlite'));
  copy.prepare("update settings set value = 'T0SECOND' where key = 'team'").run();
  copy.close();
  const requestUrl = requests.url;
  const a = await testDesk({ dataDir: first, manifest, requestUrl, botToken: TOKEN.a });
  const b = await testDesk({ dataDir: path.join(root, 'b'), manifest, requestUrl, botToken: TOKEN.b });
  const teamA = (await a.snapshot()).team.id;
  const teamB = (await b.snapshot()).team.id;
  const api = await listen((request, body, response) => {
    const code = new URLSearchParams(body.toString('utf8')).get('code');
    const second = request.headers.authorization === `Bearer ${TOKEN.b}` || code === `code-${teamB}`;
    if (second) toB.push(`${request.url} ${decodeURIComponent(body.toString('utf8').replaceAll('+', ' '))}`);
    return pass(`${(second ? b : a).desk.url}${request.url ?? ''}`, request, body, response);
  });
  const home = path.join(root, 'home');

  async function start(keys: string) {
    const core = await createCore({
      home,
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
      ...(await options.more?.({ id: (name) => a.id(name), teamA, teamB })),
    });
    const ring = KeyRing.parse(keys);
    if (ring === null) throw new Error('the keys cannot be read');
    const slack = await createSlack({
      core,
      clock: systemClock,
      redact: (text) => text,
      log: pino({ level: 'warn', base: null }, { write: (line: string) => void logged.push(line) }),
      botToken: null,
      apiUrl: `${api.url}/api/`,
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
    return { core, slack };
  }
  let baton = await start(KEYS.first);
  const stop = async (): Promise<void> => {
    await baton.slack.stop();
    await baton.core.stop();
  };

  async function deliver(body: object, form = false): Promise<number> {
    const text = form
      ? new URLSearchParams({ payload: JSON.stringify(body) }).toString()
      : JSON.stringify(body);
    return post(text, form ? 'application/x-www-form-urlencoded' : 'application/json');
  }

  /** Signed as Slack signs. */
  async function post(text: string, type: string): Promise<number> {
    const at = String(Math.floor(Date.now() / 1_000));
    const hash = createHmac('sha256', TOKENS.signingSecret).update(`v0:${at}:${text}`).digest('hex');
    const headers = {
      'content-type': type,
      'x-slack-request-timestamp': at,
      'x-slack-signature': `v0=${hash}`,
    };
    return (await fetch(to.url, { method: 'POST', headers, body: text })).status;
  }

  return {
    a,
    b,
    teamA,
    teamB,
    home,
    to,
    logged,
    /** What was asked of the second workspace's Web API. */
    toB,
    get core() {
      return baton.core;
    },
    get slack() {
      return baton.slack;
    },
    /** Stops Baton and starts it again, with these keys. */
    async again(keys: string): Promise<void> {
      await stop();
      baton = await start(keys);
    },
    /** As a browser does: to the install page, on to Slack, and back with its code, the state and the cookie. */
    async install(code: string, withCookie = true): Promise<{ status: number; text: string }> {
      const begun = await fetch(`${to.url}/slack/install`, { redirect: 'manual' });
      const state = new URL(begun.headers.get('location') ?? 'http://x').searchParams.get('state') ?? '';
      const cookie = begun.headers.get('set-cookie')?.split(';')[0] ?? '';
      const back = new URL(`${to.url}/slack/oauth_redirect`);
      back.search = new URLSearchParams({ code, state }).toString();
      const answer = await fetch(back, { headers: withCookie ? { cookie } : {} });
      return { status: answer.status, text: await answer.text() };
    },
    deliver,
    post,
    event: (team: string, inner: object) =>
      deliver({ type: 'event_callback', team_id: team, event_id: randomUUID(), event: inner }),
    seen: async (desk: TestDesk, user = 'alice') => (await desk.snapshot(await desk.id(user))).messages,
    command: async (desk: TestDesk, text: string) =>
      desk.page('command', {
        user: await desk.id('alice'),
        channel: await desk.id('baton-epics'),
        command: '/orchestrate',
        text,
      }),
    /** Until everything that was accepted has been handled. */
    settled: () => until(async () => (await baton.core.store.inbox.open(1)).length === 0),
    read(sql: string, ...given: unknown[]): unknown[] {
      const db = new Database(path.join(home, 'baton.db'), { readonly: true });
      try {
        return db.prepare(sql).all(...given);
      } finally {
        db.close();
      }
    },
    async close(): Promise<void> {
      await stop();
      await a.close();
      await b.close();
      requests.close();
      api.close();
      rmSync(root, { recursive: true, force: true });
    },
  };
}
