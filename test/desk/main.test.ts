import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { snapshotSchema } from '../../desk/contract.ts';
import { signal } from './harness.ts';

const MAIN = fileURLToPath(new URL('../../desk/main.ts', import.meta.url));
const fileSchema = z.object({
  url: z.string(),
  pid: z.number(),
  apiUrl: z.string(),
  botToken: z.string(),
  appToken: z.string(),
  signingSecret: z.string(),
});

describe('the desk as a process', () => {
  let home: string;
  const children: ChildProcess[] = [];

  beforeEach(() => {
    home = mkdtempSync(join(tmpdir(), 'desk-main-'));
  });
  afterEach(async () => {
    for (const child of children.splice(0)) await stop(child);
    rmSync(home, { recursive: true, force: true });
  });

  async function stop(child: ChildProcess): Promise<void> {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const gone = signal<unknown>();
    child.once('exit', () => gone.fire(undefined));
    child.kill('SIGKILL');
    await gone.promise;
  }

  /** Starts a desk; settles when it says that it is open, or ends. */
  async function start(port: number, folder = home) {
    const environment = { PATH: '', DESK_PORT: String(port), DESK_HOME: folder };
    const child = spawn(process.execPath, ['--no-warnings', MAIN], { env: environment });
    children.push(child);
    const done = signal<{ code: number | null; output: string }>();
    let output = '';
    const read = (chunk: unknown): void => {
      output += String(chunk);
      if (output.includes('SLACK_SIGNING_SECRET')) done.fire({ code: null, output });
    };
    child.stdout.on('data', read);
    child.stderr.on('data', read);
    child.once('exit', (code) => done.fire({ code, output }));
    return { child, ...(await done.promise) };
  }

  const file = () => fileSchema.parse(JSON.parse(readFileSync(join(home, 'desk.json'), 'utf8')));

  it('keeps messages and tokens through kill -9, and serves again on its port', async () => {
    const first = await start(0);
    const before = file();
    expect(first.output).toContain(`SLACK_API_URL=${before.apiUrl}`);
    expect(statSync(join(home, 'desk.json')).mode & 0o777).toBe(0o600);
    const see = async () => snapshotSchema.parse(await (await fetch(`${before.url}/desk/snapshot`)).json());
    const channel = (await see()).channels.find((one) => one.name === 'general')?.id;
    const answer = await fetch(`${before.apiUrl}chat.postMessage`, {
      method: 'POST',
      headers: { authorization: `Bearer ${before.botToken}`, 'content-type': 'application/json' },
      body: JSON.stringify({ channel, text: 'kept' }),
    });
    expect(await answer.json()).toMatchObject({ ok: true });
    await stop(first.child);
    await start(Number(new URL(before.url).port));
    expect({ ...file(), pid: 0 }).toEqual({ ...before, pid: 0 });
    const retried = await see().catch(see);
    expect(retried.messages.map((one) => one.text)).toEqual(['kept']);
  });

  it('says in one line that the port is taken, or the folder in use', async () => {
    await start(0);
    const port = Number(new URL(file().url).port);
    const elsewhere = join(home, 'other');
    const taken = await start(port, elsewhere);
    expect(taken.code).toBe(1);
    expect(taken.output.trim().split('\n')).toEqual([expect.stringContaining(`Port ${port} is taken.`)]);
    expect(existsSync(join(elsewhere, 'desk.json'))).toBe(false);
    const shared = await start(0);
    expect(shared.code).toBe(1);
    expect(shared.output.trim().split('\n')).toEqual([expect.stringContaining('Another desk is using')]);
  });
});
