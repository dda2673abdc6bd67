import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { BOUNDS } from './bounds.ts';
import { commandEnvironment, NO_EXTRAS, SYSTEM_PATH } from './bubblewrap.ts';
import { inSandboxRuntime, type SandboxRuntime } from './sandbox-runtime.ts';
import { isThere, type Toolchain } from './toolchain.ts';

/** Milliseconds for the trial as a whole; one that works takes a tenth of a second. */
const PROBE_TIMEOUT_MS = 20_000;

/** Runs inside: tries what it may, then what it may not, and says what it could. */
const TRIAL = `
const fs = require('node:fs');
const [inside, outside, secret, port] = process.argv.slice(1);
const can = (what) => { try { what(); return true; } catch { return false; } };
const found = {
  inside: can(() => fs.writeFileSync(inside, 'x')),
  outside: can(() => fs.writeFileSync(outside, 'x')),
  secret: can(() => fs.readFileSync(secret)),
};
const say = (reached) => { console.log(JSON.stringify({ ...found, reached })); process.exit(0); };
const socket = require('node:net').connect(Number(port), '127.0.0.1');
socket.once('connect', () => say(true));
socket.once('error', () => say(false));
`;
const foundSchema = z.object({ inside: z.boolean(), secret: z.boolean(), reached: z.boolean() });

/**
 * Tries on this very machine what the sandbox promises: that the worktree can be written, that a file beside it can neither
 * be written nor read, and that a server of this machine cannot be reached.
 * @returns null when all of it holds, else why not, in words for people
 */
export async function tryRuntime(
  runtime: SandboxRuntime,
  means: { readonly toolchain: Toolchain; readonly prlimit: boolean },
): Promise<string | null> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'baton-probe-')));
  let reached = false;
  const server = createServer((socket) => {
    reached = true;
    socket.destroy();
  });
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(0, '127.0.0.1', resolve);
    });
    const address = server.address();
    const port = address === null || typeof address === 'string' ? 0 : address.port;
    const worktree = join(folder, 'worktree');
    const [inside, outside, secret] = ['worktree/written', 'outside', 'secret'].map((name) =>
      join(folder, name),
    );
    if (inside === undefined || outside === undefined || secret === undefined) return 'it was not tried';
    await mkdir(worktree);
    await writeFile(join(worktree, '.git'), '');
    await writeFile(secret, 'nobody may read this');
    const said = await trial(runtime, means, folder, [inside, outside, secret, String(port)]);
    if (typeof said === 'string') return `it does not work here (${said})`;
    if (!said.inside || !(await isThere(inside)))
      return 'it does not work here (the worktree cannot be written)';
    if (await isThere(outside)) return 'it lets commands write beside the worktree here';
    if (said.secret) return 'it lets commands read other files here';
    return said.reached || reached ? 'it lets commands reach servers of this machine' : null;
  } finally {
    server.close();
    await rm(folder, { recursive: true, force: true });
  }
}

/** @returns what it found, or why it found nothing */
async function trial(
  runtime: SandboxRuntime,
  means: { readonly toolchain: Toolchain; readonly prlimit: boolean },
  folder: string,
  args: readonly string[],
): Promise<z.infer<typeof foundSchema> | string> {
  const place = {
    worktree: join(folder, 'worktree'),
    gitDir: folder,
    common: folder,
    side: join(folder, 'side'),
  };
  const argv = [means.toolchain.node, '-e', TRIAL, ...args];
  const inside = { argv, timeoutMs: PROBE_TIMEOUT_MS, bounds: BOUNDS.sequence, extras: NO_EXTRAS };
  let wrapped: string[];
  try {
    wrapped = await inSandboxRuntime(runtime, means, place, inside, join(place.side, 'tools'));
  } catch (error) {
    return brief(error instanceof Error ? error.message : String(error));
  }
  const [program = '/bin/sh', ...rest] = wrapped;
  const options = {
    cwd: place.worktree,
    timeout: PROBE_TIMEOUT_MS,
    env: commandEnvironment(SYSTEM_PATH, join(place.side, 'home')),
  };
  return new Promise((resolve) => {
    execFile(program, rest, options, (error, stdout, stderr) => {
      runtime.release();
      const found = foundSchema.safeParse(parsed(stdout));
      if (found.success) resolve(found.data);
      else resolve(brief(stderr.trim().split('\n').at(-1) || error?.message || 'it said nothing'));
    });
  });
}

function brief(text: string): string {
  return text.slice(0, 200);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
