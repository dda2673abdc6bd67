import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, realpath, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ensureFile } from '../durable-file.ts';
import { BOUNDS, type ClassBounds } from './bounds.ts';
import {
  bubblewrap,
  commandEnvironment,
  type Extras,
  limits,
  type Means,
  NO_EXTRAS,
  type SandboxPlace,
  SYSTEM_PATH,
} from './bubblewrap.ts';
import { type Cgroups, probeCgroups } from './cgroups.ts';
import { giveOver, isReadableByOthers, noCommandUser } from './command-user.ts';
import { findToolchain, isThere, type Toolchain } from './toolchain.ts';

/** Milliseconds; a sandbox that works answers within 50. */
const PROBE_TIMEOUT_MS = 10_000;

/** What this machine offers to keep commands in. */
export interface Sandbox extends Means {
  readonly kind: 'bubblewrap' | 'none';
  /** One line for people: what holds, or why nothing does. */
  readonly reason: string;
  /** Where Baton is root and commands have no user of their own: why not. Else null. */
  readonly noUser: string | null;
  readonly nice: boolean;
  readonly cgroups: Cgroups;
}

/** Tries the very sandbox commands run in, once at start-up. */
export async function probeSandbox(searchPath: string = SYSTEM_PATH, program = 'bwrap'): Promise<Sandbox> {
  const toolchain = await findToolchain(process.execPath, searchPath);
  const [prlimit, nice, cgroups] = await Promise.all([
    isThere('/usr/bin/prlimit'),
    isThere('/usr/bin/nice'),
    probeCgroups(),
  ]);
  const common = { toolchain, prlimit, nice, cgroups };
  const none = (reason: string): Sandbox => ({
    ...common,
    kind: 'none',
    reason,
    newer: false,
    ownUser: false,
    noUser: null,
  });
  if (process.platform !== 'linux')
    return none('bubblewrap works on Linux only, so commands run without a sandbox.');
  const isRoot = process.getuid?.() === 0;
  let noUser = isRoot ? await noCommandUser() : null;
  let why = '';
  for (const [newer, ownUser] of [
    [true, true],
    [true, false],
    [false, false],
  ] as const) {
    if (ownUser && (!isRoot || noUser !== null)) continue;
    const answer = await tryOut({ toolchain, prlimit, newer, ownUser }, program);
    if (answer === null) {
      const reason = 'bubblewrap: no network, and only the worktree can be written.';
      return { ...common, kind: 'bubblewrap', reason, newer, ownUser, noUser };
    }
    if (ownUser) noUser = `tried, and ${answer}`;
    why = answer;
  }
  return none(why);
}

/** Writes a file and asks node its version, inside. @returns null when that went well, else why not, in words for people */
async function tryOut(means: Means, program: string): Promise<string | null> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'baton-probe-')));
  try {
    const worktree = join(folder, 'worktree');
    const place = { worktree, gitDir: folder, common: folder, side: join(folder, 'side') };
    await mkdir(worktree);
    await writeFile(join(worktree, '.git'), '');
    if (means.ownUser && !(await giveOver(worktree, program))) return 'a folder could not be given to it';
    const argv = ['sh', '-c', 'touch written && exec node --version'];
    const inside = { argv, timeoutMs: 5_000, bounds: BOUNDS.sequence, extras: NO_EXTRAS };
    const [, ...args] = await bubblewrap(means, place, inside);
    return await attempt(program, args);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Null when it ran, else why not, in words for people. */
function attempt(program: string, args: readonly string[]): Promise<string | null> {
  return new Promise((resolve) => {
    execFile(
      program,
      args,
      { timeout: PROBE_TIMEOUT_MS, env: { PATH: SYSTEM_PATH } },
      (error, _stdout, stderr) => {
        if (error === null) return resolve(null);
        if ('code' in error && error.code === 'ENOENT') {
          return resolve('bubblewrap is not installed (on Debian: apt-get install bubblewrap).');
        }
        const words = stderr.trim().split('\n').at(-1)?.slice(0, 200);
        resolve(`bubblewrap is installed but does not work here (${words || error.message.slice(0, 200)}).`);
      },
    );
  });
}

/**
 * The command as it runs on this machine: below Baton in priority, with limits, and in the sandbox where there is one.
 * @param timeoutMs used for the CPU limit, which ends what a killed group might have left
 */
export async function wrapCommand(
  sandbox: Sandbox,
  place: SandboxPlace,
  argv: readonly string[],
  timeoutMs: number,
  bounds: ClassBounds,
  extras: Extras = NO_EXTRAS,
): Promise<{ argv: string[]; environment: Record<string, string>; sync: boolean }> {
  const nice = sandbox.nice ? ['/usr/bin/nice', '-n', String(bounds.nice)] : [];
  if (sandbox.kind === 'bubblewrap') {
    const ownUser = sandbox.ownUser && (await takesOwnUser(place, extras));
    const inside = { argv, timeoutMs, bounds, extras };
    const [program = 'bwrap', ...rest] = await bubblewrap({ ...sandbox, ownUser }, place, inside);
    // bwrap's first process within holds the descriptor, so its end says that nothing inside lives any more.
    const wrapped = [...nice, program, '--sync-fd', '3', ...rest];
    return { argv: wrapped, environment: { PATH: SYSTEM_PATH, ...extras.secrets }, sync: true };
  }
  const home = join(place.side, 'home');
  const tools = join(place.side, 'tools');
  await mkdir(home, { recursive: true });
  await linkTools(sandbox.toolchain, tools);
  return {
    argv: [...nice, ...limits(sandbox, false, timeoutMs, bounds), ...argv],
    environment: {
      ...commandEnvironment(`${tools}:${SYSTEM_PATH}`, home),
      ...extras.environment,
      ...extras.secrets,
    },
    sync: false,
  };
}

/**
 * Whether a command can do its work as the commands' own user: the repository, and what it may read beside it, such as a login,
 * have to be readable for others; then the worktree becomes theirs. What only looks has no need of it.
 */
async function takesOwnUser(place: SandboxPlace, { reads, readOnly }: Extras): Promise<boolean> {
  if (readOnly === true) return false;
  const objects = await stat(join(place.common, 'objects')).catch(() => null);
  const head = join(place.gitDir, 'HEAD');
  if (objects !== null && (objects.mode & 0o005) !== 0o005) return false;
  for (const path of [head, ...reads]) if (!(await isReadableByOthers(path))) return false;
  return giveOver(place.worktree);
}

/** Small scripts, so that `node` and `npm` mean the same as inside a sandbox. */
async function linkTools({ node, npm }: Toolchain, folder: string): Promise<void> {
  const quoted = (text: string) => `'${text.replaceAll("'", `'\\''`)}'`;
  const script = (...words: string[]) => `#!/bin/sh\nexec ${words.map(quoted).join(' ')} "$@"\n`;
  await ensureFile(join(folder, 'node'), script(node), 0o755);
  if (npm === null) return;
  await ensureFile(join(folder, 'npm'), script(node, npm.npm), 0o755);
  await ensureFile(join(folder, 'npx'), script(node, npm.npx), 0o755);
}
