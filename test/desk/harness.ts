import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { App, LogLevel } from '@slack/bolt';
import { z } from 'zod';
import { type Snapshot, type Stats, snapshotSchema, statsSchema } from '../../desk/contract.ts';
import { type Clock, systemClock } from '../../desk/server/clock.ts';
import { type DeskOptions, type RunningDesk, startDesk } from '../../desk/server/start.ts';

export const TOKENS = { botToken: 'xoxb-test', appToken: 'xapp-test', signingSecret: 'secret-of-the-test' };

const answerSchema = z.looseObject({
  ok: z.boolean(),
  error: z.string().optional(),
  ts: z.string().optional(),
});
type DeskAnswer = z.infer<typeof answerSchema>;

export type TestDesk = Readonly<{
  desk: RunningDesk;
  dataDir: string;
  api(method: string, args?: Record<string, unknown>, token?: string): Promise<DeskAnswer>;
  page(path: string, body: Record<string, unknown>): Promise<DeskAnswer>;
  snapshot(user?: string): Promise<Snapshot>;
  stats(): Promise<Stats>;
  /** Ids by name, of people and channels. */
  id(name: string): Promise<string>;
  restart(): Promise<TestDesk>;
  close(): Promise<void>;
}>;

/** A desk on a free port with a folder of its own. */
export async function testDesk(
  options: Partial<DeskOptions> & { manifest?: string } = {},
): Promise<TestDesk> {
  const { manifest, ...rest } = options;
  const dataDir = rest.dataDir ?? mkdtempSync(join(tmpdir(), 'desk-test-'));
  const manifestPath = join(dataDir, 'manifest.yml');
  if (manifest !== undefined) writeFileSync(manifestPath, manifest);
  const desk = await startDesk({
    port: 0,
    ...TOKENS,
    ...(manifest === undefined ? {} : { manifestPath }),
    ...rest,
    dataDir,
  });
  const post = async (url: string, body: unknown, token?: string): Promise<DeskAnswer> => {
    const headers: Record<string, string> = { 'content-type': 'application/json' };
    if (token !== undefined) headers['authorization'] = `Bearer ${token}`;
    const answer = await fetch(url, { method: 'POST', headers, body: JSON.stringify(body) });
    return answerSchema.parse(await answer.json());
  };
  const get = async (path: string): Promise<unknown> => (await fetch(`${desk.url}${path}`)).json();
  const snapshot = async (user = ''): Promise<Snapshot> =>
    snapshotSchema.parse(await get(`/desk/snapshot?user=${user}`));
  const remove = (): void => rmSync(dataDir, { recursive: true, force: true });
  return {
    desk,
    dataDir,
    api: (method, args = {}, token = TOKENS.botToken) => post(`${desk.url}/api/${method}`, args, token),
    page: (path, body) => post(`${desk.url}/desk/${path}`, body),
    snapshot,
    stats: async () => statsSchema.parse(await get('/desk/stats')),
    async id(name) {
      const { people, channels } = await snapshot();
      const found = [...people, ...channels].find((one) => one.name === name);
      if (found === undefined) throw new Error(`nothing is called ${name}`);
      return found.id;
    },
    async restart() {
      await desk.close();
      // A new port: a kept-alive connection to the old one would fail its next request.
      return testDesk({ ...options, dataDir });
    },
    async close() {
      await desk.close();
      remove();
    },
  };
}

/** A Bolt app connected to the desk over Socket Mode, set up by `register` before it starts. */
export async function boltApp(url: string, register: (app: App) => void): Promise<App> {
  const app = new App({
    token: TOKENS.botToken,
    appToken: TOKENS.appToken,
    socketMode: true,
    logLevel: LogLevel.ERROR,
    clientOptions: { slackApiUrl: `${url}/api/`, retryConfig: { retries: 0 }, rejectRateLimitedCalls: true },
  });
  register(app);
  await app.start();
  return app;
}

export type ManualClock = Clock & Readonly<{ advance(ms: number): void }>;

/** A clock that stands still until it is told to move; timers run when it passes them. */
export function manualClock(start = Date.UTC(2026, 0, 5, 9)): ManualClock {
  let now = start;
  const timers = new Set<{ at: number; run: () => void }>();
  return {
    now: () => now,
    monotonic: () => now - start,
    after(ms, run) {
      const timer = { at: now + ms, run };
      timers.add(timer);
      return () => void timers.delete(timer);
    },
    advance(ms) {
      const end = now + ms;
      for (;;) {
        const due = [...timers].filter((timer) => timer.at <= end).sort((a, b) => a.at - b.at)[0];
        if (due === undefined) break;
        timers.delete(due);
        now = Math.max(now, due.at);
        due.run();
      }
      now = end;
    },
  };
}

/** A promise and the function that settles it, for waiting on what a listener sees. */
export function signal<T>(): { promise: Promise<T>; fire(value: T): void } {
  let fire: (value: T) => void = () => {};
  const promise = new Promise<T>((resolve) => {
    fire = resolve;
  });
  return { promise, fire };
}

/** Asks until `check` says yes; for effects that no event announces. Fails after 45 seconds, which only a stuck desk needs. */
export async function until(check: () => Promise<boolean>): Promise<void> {
  const clock = systemClock();
  const end = clock.monotonic() + 45_000;
  while (!(await check())) {
    if (clock.monotonic() > end) throw new Error('It did not happen within 45 seconds.');
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** Stops an app and waits until the desk has seen it go, so that nothing is cut off in mid-handshake. */
export async function stopApp(app: App, t: TestDesk): Promise<void> {
  await app.stop();
  await until(async () => !(await t.snapshot()).app.connected);
}
