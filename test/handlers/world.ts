import { createHmac } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import Database from 'better-sqlite3';
import pino from 'pino';
import { z } from 'zod';
import type { Message } from '../../desk/contract.ts';
import { createCore } from '../../src/compose/core.ts';
import type { CoreOptions } from '../../src/compose/core-options.ts';
import { createSlack } from '../../src/compose/slack.ts';
import type { Hook } from '../../src/config/config.ts';
import type { Workflow } from '../../src/domain/workflow.ts';
import { readPolicy } from '../../src/policy/approval-settings.ts';
import type { Clock } from '../../src/ports/clock.ts';
import type { Redact } from '../../src/ports/redactor.ts';
import { TOKENS, testDesk } from '../desk/harness.ts';
import { plainOptions } from '../support/core.ts';
import { startStrangerApi } from './stranger-api.ts';

/** How much faster than life: the desk's one post per second takes a fifth of one. */
const SPEED = 5;

/** A clock that runs fast; what has to be quick (acknowledgements) is still measured in true time by the desk's timers. */
function fastClock(timers: 'fast' | 'true'): Clock {
  const begun = Date.now();
  const first = performance.now();
  const monotonic = () => (performance.now() - first) * SPEED;
  return {
    now: () => Math.floor(begun + monotonic()),
    monotonic,
    after(ms, fire) {
      const timer = setTimeout(fire, timers === 'fast' ? ms / SPEED : ms);
      return () => clearTimeout(timer);
    },
  };
}

/** Messages that are kept and not in the desk yet, those on their way among them. */
function unsaid(home: string): number {
  const raw = new Database(path.join(home, 'baton.db'), { readonly: true });
  try {
    return z
      .number()
      .parse(raw.prepare("select count(*) from outbox where status in ('pending', 'sending')").pluck().get());
  } finally {
    raw.close();
  }
}

/** Asks until `check` says yes; the short wait between leaves the processor to those who are asked. */
export async function until(check: () => Promise<boolean>): Promise<void> {
  for (const end = performance.now() + 45_000; !(await check()); ) {
    if (performance.now() > end) throw new Error('It did not happen within 45 seconds.');
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** One approval, without agents: all that people do, and nothing that takes long. */
const ask: Workflow = {
  name: 'ask',
  title: 'Ask',
  description: 'Asks people',
  how: 'an approval',
  why: 'to test',
  flow: {
    kind: 'approval',
    id: 'keep',
    title: 'Keep it?',
    why: 'Built.',
    on_changes: { kind: 'command', id: 'touch', run: ['touch', 'changed.txt'] },
  },
};

export interface Kept {
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** Stands between desk and Baton, so that what was delivered can be delivered again. */
async function startPost() {
  const kept: Kept[] = [];
  const to = { url: '' };
  let open: Promise<void> = Promise.resolve();
  let swallows = false;
  const forward = async ({ headers, body }: Kept): Promise<{ status: number; text: string }> => {
    const at = String(headers['x-slack-request-timestamp']);
    const signature = `v0=${createHmac('sha256', TOKENS.signingSecret).update(`v0:${at}:${body}`).digest('hex')}`;
    const answer = await fetch(to.url, {
      method: 'POST',
      headers: {
        'content-type': String(headers['content-type']),
        'x-slack-request-timestamp': at,
        'x-slack-signature': signature,
      },
      body,
    });
    return { status: answer.status, text: await answer.text() };
  };
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const one = { headers: request.headers, body: Buffer.concat(chunks).toString('utf8') };
      kept.push(one);
      if (swallows) {
        response.writeHead(200).end();
        return;
      }
      open
        .then(() => forward(one))
        .then(
          ({ status, text }) =>
            response
              .writeHead(status, { 'content-type': text.startsWith('{') ? 'application/json' : 'text/plain' })
              .end(text),
          () => response.writeHead(502).end(),
        );
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = z.object({ port: z.number() }).parse(server.address());
  return {
    to,
    kept,
    /** Keeps deliveries back until what is returned is called: what is done meanwhile was done at once. */
    hold: (): (() => void) => {
      const { promise, resolve } = Promise.withResolvers<void>();
      open = promise;
      return resolve;
    },
    /** Takes everything, says yes to it, and passes nothing on. */
    swallow: (on: boolean): void => {
      swallows = on;
    },
    /** One request as Slack would send it now, signed. */
    send: ({ headers, body }: Kept, now: number) =>
      forward({
        headers: { ...headers, 'x-slack-request-timestamp': String(Math.floor(now / 1_000)) },
        body,
      }),
    url: `http://127.0.0.1:${port}/`,
    /** Everything so far once more, each as Slack would repeat it: a later time, a signature of its own. */
    again: async (now: () => number) => {
      const statuses: number[] = [];
      const times = new Map<string, number>();
      for (const { headers, body } of kept) {
        // Never a second this body was signed for already: that would be the replay the door refuses.
        const at = Math.max(Math.floor(now() / 1_000), times.get(body) ?? 0) + 1;
        times.set(body, at);
        const repeated = { ...headers, 'x-slack-request-timestamp': String(at) };
        statuses.push((await forward({ headers: repeated, body })).status);
      }
      return statuses;
    },
    close: () => {
      server.closeAllConnections();
      return new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

export type World = Awaited<ReturnType<typeof startWorld>>;

export interface WorldOptions {
  /** More of the core's options; given the ids of people and channels by their names. */
  readonly more?: (id: (name: string) => Promise<string>) => Promise<Partial<CoreOptions>>;
  /** Beside `ask`. */
  readonly workflows?: readonly Workflow[];
  /** Who may send events from outside. */
  readonly hooks?: readonly Hook[];
  /** Where a model answers; nowhere unless given. */
  readonly modelUrl?: string;
  readonly steering?: 'mention' | 'requester';
  /** Nothing is taken out unless given. */
  readonly redact?: Redact;
  /** Members beside the usual ones. */
  readonly members?: number;
  /** Who comes from another organisation. */
  readonly isStranger?: (id: string) => boolean;
}

/** Baton as it is composed, over HTTP before the real desk, on the rehearsal's sample. */
export async function startWorld(options: WorldOptions = {}) {
  const { redact = (text) => text } = options;
  const home = mkdtempSync(path.join(tmpdir(), 'handlers-'));
  const post = await startPost();
  const manifest = readFileSync(new URL('../../manifest.yml', import.meta.url), 'utf8');
  const desk = await testDesk({
    clock: fastClock('true'),
    requestUrl: post.url,
    manifest,
    members: options.members,
  });
  const clock = fastClock('fast');
  const { isStranger } = options;
  const api = isStranger === undefined ? null : await startStrangerApi(desk.desk.url, isStranger);
  const logged: string[] = [];
  const log = pino({ level: 'warn', base: null }, { write: (line: string) => void logged.push(line) });
  const url = options.modelUrl ?? 'http://127.0.0.1:1';
  const core = await createCore({
    ...plainOptions({ home, url }),
    clock,
    redact,
    model: { api: 'responses', apiKey: 'none', baseUrl: url, model: 'none' },
    policy: readPolicy({ remind_after: '1h', escalate_after: '2h', expire_after: '24h' }, {}),
    extraWorkflows: [ask, ...(options.workflows ?? [])],
    ...(await options.more?.((name) => desk.id(name))),
  });
  const slack = await createSlack({
    core,
    clock,
    redact,
    log,
    botToken: TOKENS.botToken,
    apiUrl: `${api?.url ?? desk.desk.url}/api/`,
    door: { mode: 'http', signingSecret: TOKENS.signingSecret, port: 0 },
    rehearsal: true,
    hooks: { list: options.hooks ?? [], port: 0 },
    steering: options.steering ?? 'mention',
  });
  const { address } = await slack.start();
  post.to.url = address ?? '';

  const seen = async (user: string): Promise<Message[]> =>
    (await desk.snapshot(await desk.id(user))).messages;
  /** The first message that `user` sees with these words, once there is one. */
  async function find(user: string, words: string | RegExp, after = '0'): Promise<Message> {
    let found: Message | undefined;
    const looked = until(async () => {
      found = (await seen(user)).find(
        ({ text, ts }) => ts > after && (typeof words === 'string' ? text.includes(words) : words.test(text)),
      );
      return found !== undefined;
    });
    await looked.catch(async (error: unknown) => {
      const said = (await seen(user)).slice(-4).map(({ text }) => text);
      throw new Error(`${user} never saw ${String(words)}, but ${said.join(' | ')} ${logged.join('')}`, {
        cause: error,
      });
    });
    if (found === undefined) throw new Error('unreachable');
    return found;
  }
  const channel = await desk.id('baton-epics');
  const clickAs = (user: string, message: Message, actionId: string) =>
    desk.page('action', {
      user,
      container: { type: 'message', channel: message.channel, ts: message.ts },
      action: actionOf(message, actionId),
    });
  return {
    home,
    clock,
    desk,
    core,
    team: slack.identity?.team ?? '',
    workspaces: slack.workspaces,
    post,
    logged,
    find,
    seen,
    channel,
    command: async (user: string, text: string, where = channel) =>
      desk.page('command', { user: await desk.id(user), channel: where, command: '/orchestrate', text }),
    /** Clicks a button of a message that this person sees. */
    click: async (user: string, message: Message, actionId: string) =>
      clickAs(await desk.id(user), message, actionId),
    /** The same, by the person's id. */
    clickAs,
    /** Writes a message, in a thread when one is given. */
    write: async (user: string, text: string, parent?: Message) =>
      desk.page('message', {
        user: await desk.id(user),
        channel,
        text,
        ...(parent === undefined ? {} : { threadTs: parent.ts }),
      }),
    /** Chooses an option of a select of a message. */
    choose: async (user: string, message: Message, actionId: string, value: string) =>
      desk.page('action', {
        user: await desk.id(user),
        container: { type: 'message', channel: message.channel, ts: message.ts },
        action: {
          ...actionOf(message, actionId),
          type: 'static_select',
          selected_option: { text: { type: 'plain_text', text: value }, value },
        },
      }),
    modal: async (user: string) => {
      const id = await desk.id(user);
      await until(async () => (await desk.snapshot(id)).modals.length > 0);
      const [view] = (await desk.snapshot(id)).modals;
      if (view === undefined) throw new Error('unreachable');
      return view;
    },
    submit: async (user: string, viewId: string, values: Record<string, Record<string, unknown>>) =>
      desk.page('submit', { user: await desk.id(user), viewId, state: { values } }),
    /** Until everything that was accepted has been handled. */
    settled: () => until(async () => (await core.store.inbox.open(1)).length === 0),
    /** All that happened was told, and all of it stands in the desk: the last words of a run come after its end. */
    said: () => until(async () => (await core.store.projections.behind()).length === 0 && unsaid(home) === 0),
    close: async () => {
      await slack.stop();
      await core.stop();
      await desk.close();
      await api?.close();
      await post.close();
      rmSync(home, { recursive: true, force: true });
    },
  };
}

const elementsSchema = z.array(
  z.looseObject({
    type: z.string(),
    block_id: z.string().optional(),
    elements: z
      .array(z.looseObject({ action_id: z.string().optional(), value: z.string().optional() }))
      .optional(),
  }),
);

function actionOf(message: Message, actionId: string) {
  for (const { block_id, elements } of elementsSchema.parse(message.blocks)) {
    const element = elements?.find(({ action_id }) => action_id === actionId);
    if (element !== undefined) return { type: 'button', action_id: actionId, block_id, value: element.value };
  }
  throw new Error(`no button ${actionId} on: ${message.text}`);
}
