import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { deskFileOf } from './support/desk-file.ts';
import { alive, type Started, World } from './support/processes.ts';
import { until } from './support/wait.ts';

/** A person reads a line or three, not a screen. */
const LINES_MAX = 6;
const pidSchema = z.object({ pid: z.number() });
const OLD_NODE = '/usr/bin/node';

describe('a start that cannot work says so in a few plain lines', () => {
  let world: World;
  let home: string;
  const servers: Server[] = [];

  beforeEach(() => {
    world = new World();
    home = world.folder('home');
  });
  afterEach(async () => {
    for (const server of servers.splice(0)) await new Promise((resolve) => server.close(resolve));
    await world.clear();
  });

  /** What it printed; it must have ended with 1, without a stack or the value of a secret. */
  async function refused(started: Started, left: readonly string[] = []): Promise<string> {
    expect(await started.ended).toBe(1);
    const words = started.output().trim();
    expect(words.split('\n').length).toBeLessThanOrEqual(LINES_MAX);
    expect(words).not.toMatch(/^\s+at |node:internal|Warning/m);
    await until('The end of what it started', () => services().length === left.length || null, 10_000);
    expect(services()).toEqual(left);
    return words;
  }

  /** Desk and cast under this home that still run. */
  function services(): string[] {
    return ['desk/desk.json', 'cast/cast.json'].filter((name) => {
      const file = path.join(home, name);
      return existsSync(file) && alive(pidSchema.parse(JSON.parse(readFileSync(file, 'utf8'))).pid);
    });
  }

  async function takenPort(): Promise<number> {
    const server = createServer();
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('No port');
    return address.port;
  }

  it('a bot token that Slack does not accept: the variable, and where to get it', async () => {
    const { file } = await world.desk('slack');
    const words = await refused(
      world.start(home, {
        SLACK_BOT_TOKEN: 'xoxb-wrong-one',
        SLACK_APP_TOKEN: file.appToken,
        SLACK_API_URL: file.apiUrl,
      }),
    );
    expect(words).toMatch(/does not accept SLACK_BOT_TOKEN[\s\S]*OAuth & Permissions/);
    expect(words).not.toContain('xoxb-wrong-one');
  });

  it('an app token that Slack does not accept: the variable, and where to get it', async () => {
    const { file } = await world.desk('slack');
    const words = await refused(
      world.start(home, {
        SLACK_BOT_TOKEN: file.botToken,
        SLACK_APP_TOKEN: 'xapp-wrong-one',
        SLACK_API_URL: file.apiUrl,
      }),
    );
    expect(words).toMatch(/does not accept SLACK_APP_TOKEN[\s\S]*App-Level Tokens/);
    expect(words).not.toContain('xapp-wrong-one');
  });

  it('a token of another kind, or one that is missing', async () => {
    expect(await refused(world.start(home, { SLACK_BOT_TOKEN: 'xoxb-a' }))).toMatch(
      /SLACK_APP_TOKEN is missing[\s\S]*App-Level Tokens[\s\S]*SLACK_SIGNING_SECRET/,
    );
    expect(await refused(world.start(home, { SLACK_APP_TOKEN: 'xapp-a' }))).toMatch(
      /SLACK_BOT_TOKEN is missing[\s\S]*OAuth & Permissions/,
    );
    const swapped = await refused(
      world.start(home, { SLACK_BOT_TOKEN: 'xapp-secret-value', SLACK_APP_TOKEN: 'xoxb-secret-value' }),
    );
    expect(swapped).toMatch(/SLACK_BOT_TOKEN starts with "xoxb-"/);
    expect(swapped).not.toContain('secret-value');
    expect(existsSync(path.join(home, 'baton.db'))).toBe(false);
  });

  it('a Slack that cannot be reached', async () => {
    const words = await refused(
      world.start(home, {
        SLACK_BOT_TOKEN: 'xoxb-a',
        SLACK_APP_TOKEN: 'xapp-a',
        SLACK_API_URL: 'http://127.0.0.1:9/api/',
      }),
    );
    expect(words).toMatch(/Slack could not be reached[\s\S]*SLACK_API_URL/);
  });

  it('a port that is taken', async () => {
    const port = await takenPort();
    expect(await refused(world.start(home, { PORT: String(port) }))).toMatch(
      new RegExp(`Port ${port} is taken[\\s\\S]*\\bPORT\\b`),
    );
  });

  it('a port for Slack’s requests that is taken', async () => {
    const port = await takenPort();
    const { file } = await world.desk('slack');
    const words = await refused(
      world.start(home, {
        SLACK_BOT_TOKEN: file.botToken,
        SLACK_SIGNING_SECRET: file.signingSecret,
        SLACK_API_URL: file.apiUrl,
        PORT: String(port),
      }),
    );
    expect(words).toMatch(new RegExp(`Port ${port} is taken[\\s\\S]*\\bPORT\\b`));
  });

  it('a second Baton on the same home; the first goes on', async () => {
    const first = await world.baton(home);
    const words = await refused(world.start(home), ['desk/desk.json', 'cast/cast.json']);
    expect(words).toMatch(new RegExp(`process ${first.pid}[\\s\\S]*BATON_HOME`));
    expect((await fetch(`${deskFileOf(home).url}/desk/snapshot`)).ok).toBe(true);
    expect(await first.end('SIGTERM')).toBe(0);
  });

  it('a damaged database, which is left as it is', async () => {
    const file = path.join(home, 'baton.db');
    const damage = Buffer.alloc(8_192, 'not a database ');
    writeFileSync(file, damage);
    expect(await refused(world.start(home))).toMatch(/baton\.db is damaged[\s\S]*left as it is/);
    expect(readFileSync(file).equals(damage)).toBe(true);
  });

  it('settings that make no sense', async () => {
    expect(await refused(world.start(home, { PORT: 'eighty' }))).toContain('PORT');
    expect(await refused(world.start(home, { OPENAI_API: 'soap' }))).toMatch(/OPENAI_API is "responses"/);
    expect(await refused(world.start(home, { BATON_CONFIG: path.join(home, 'none.yaml') }))).toMatch(
      /BATON_CONFIG names .*none\.yaml/,
    );
  });

  it.skipIf(!isOld(OLD_NODE))('a Node that is too old', async () => {
    const words = await refused(
      world.run({ program: OLD_NODE, args: ['bin/baton.mjs', 'start'], env: { BATON_HOME: home } }),
    );
    expect(words).toMatch(/needs Node 22 or newer; this is \d+\.[\s\S]*npm start/);
  });
});

/** Whether an older Node is there to try it with; said in a line where it is not. */
function isOld(program: string): boolean {
  try {
    const [major] = execFileSync(program, ['--version'], { encoding: 'utf8' }).slice(1).split('.');
    if (Number(major) < 22) return true;
  } catch {
    // There is no Node of the system's.
  }
  console.log(`Skipped the start with an old Node: ${program} is not older than 22.`);
  return false;
}
