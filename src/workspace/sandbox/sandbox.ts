import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, realpath, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { SandboxKind } from '../../domain/sandbox-kind.ts';
import { ensureFile } from '../durable-file.ts';
import { BOUNDS, type ClassBounds } from './bounds.ts';
import {
  bubblewrap,
  commandEnvironment,
  type Extras,
  type Means,
  NO_EXTRAS,
  type SandboxPlace,
  SYSTEM_PATH,
} from './bubblewrap.ts';
import { type Cgroups, probeCgroups } from './cgroups.ts';
import { giveOver, isReadableByOthers, noCommandUser } from './command-user.ts';
import { processLimits } from './process-limits.ts';
import { tryRuntime } from './runtime-probe.ts';
import {
  homeOf,
  inSandboxRuntime,
  loadSandboxRuntime,
  quoted,
  type SandboxRuntime,
} from './sandbox-runtime.ts';
import { findToolchain, isThere, type Toolchain } from './toolchain.ts';

/** Milliseconds; a sandbox that works answers within 50. */
const PROBE_TIMEOUT_MS = 10_000;

/** What this machine offers to keep commands in. */
interface Offered extends Means {
  /** One line for people: what holds, or why nothing does. */
  readonly reason: string;
  /** Where Baton is root and commands have no user of their own: why not. Else null. */
  readonly noUser: string | null;
  readonly nice: boolean;
  readonly cgroups: Cgroups;
}

/** What commands are kept in. Every kind but `none` promises the same; ARCHITECTURE.md says where they differ. */
export type Sandbox = Offered &
  (
    | { readonly kind: Exclude<SandboxKind, 'sandbox-runtime'> }
    | { readonly kind: 'sandbox-runtime'; readonly runtime: SandboxRuntime }
  );

/** Tries the very sandbox commands run in, once at start-up: bubblewrap on Linux, sandbox-runtime on macOS. */
export async function probeSandbox(searchPath: string = SYSTEM_PATH, program = 'bwrap'): Promise<Sandbox> {
  if (process.platform === 'darwin') return probeRuntime(searchPath);
  const common = await commonMeans(searchPath);
  if (process.platform !== 'linux')
    return without(common, 'There is a sandbox on Linux and macOS only, so commands run without one.');
  const isRoot = process.getuid?.() === 0;
  let noUser = isRoot ? await noCommandUser() : null;
  let why = '';
  for (const [newer, ownUser] of [
    [true, true],
    [true, false],
    [false, false],
  ] as const) {
    if (ownUser && (!isRoot || noUser !== null)) continue;
    const answer = await tryOut({ ...common, newer, ownUser }, program);
    if (answer === null) {
      const reason = 'bubblewrap: no network, and only the worktree can be written.';
      return { ...common, kind: 'bubblewrap', reason, newer, ownUser, noUser };
    }
    if (ownUser) noUser = `tried, and ${answer}`;
    why = answer;
  }
  return without(common, why);
}

/**
 * sandbox-runtime, where it does what it promises. Used on macOS; on Linux, where bubblewrap is Baton's own, only to try
 * the very same path of code.
 */
export async function probeRuntime(
  searchPath: string = SYSTEM_PATH,
  load = loadSandboxRuntime,
): Promise<Sandbox> {
  const common = await commonMeans(searchPath);
  let runtime: SandboxRuntime;
  try {
    runtime = await load();
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return without(common, `sandbox-runtime could not be loaded (${why.slice(0, 200)}).`);
  }
  const why = await tryRuntime(runtime, common);
  if (why !== null) return without(common, `sandbox-runtime is installed, but ${why}.`);
  const reason = 'sandbox-runtime: no network, and only the worktree and a home of its own can be written.';
  return { ...common, kind: 'sandbox-runtime', runtime, reason, newer: false, ownUser: false, noUser: null };
}

type Common = Pick<Offered, 'toolchain' | 'prlimit' | 'nice' | 'cgroups'>;

async function commonMeans(searchPath: string): Promise<Common> {
  const [toolchain, prlimit, nice, cgroups] = await Promise.all([
    findToolchain(process.execPath, searchPath),
    isThere('/usr/bin/prlimit'),
    isThere('/usr/bin/nice'),
    probeCgroups(),
  ]);
  return { toolchain, prlimit, nice, cgroups };
}

function without(common: Common, reason: string): Sandbox {
  return { ...common, kind: 'none', reason, newer: false, ownUser: false, noUser: null };
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

/** How a command is started on this machine. */
interface Wrapped {
  readonly argv: string[];
  readonly environment: Record<string, string>;
  /** Whether the command keeps descriptor 3 open for as long as anything of it lives. */
  readonly sync: boolean;
  /** To be called once, when nothing of it lives any more. */
  readonly release?: () => void;
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
): Promise<Wrapped> {
  const nice = sandbox.nice ? ['/usr/bin/nice', '-n', String(bounds.nice)] : [];
  const inside = { argv, timeoutMs, bounds, extras };
  switch (sandbox.kind) {
    case 'bubblewrap': {
      const ownUser = sandbox.ownUser && (await takesOwnUser(place, extras));
      const [program = 'bwrap', ...rest] = await bubblewrap({ ...sandbox, ownUser }, place, inside);
      // bwrap's first process within holds the descriptor, so its end says that nothing inside lives any more.
      const wrapped = [...nice, program, '--sync-fd', '3', ...rest];
      return { argv: wrapped, environment: { PATH: SYSTEM_PATH, ...extras.secrets }, sync: true };
    }
    case 'sandbox-runtime': {
      const { runtime } = sandbox;
      const tools = await linkTools(sandbox.toolchain, place);
      const shut = await inSandboxRuntime(runtime, sandbox, place, inside, tools);
      const environment = plainEnvironment(tools, homeOf(place), extras);
      // Whoever it started has inherited the descriptor; the library asks for no other way to know.
      return { argv: [...nice, ...shut], environment, sync: true, release: () => runtime.release() };
    }
    case 'none': {
      const home = homeOf(place);
      await mkdir(home, { recursive: true });
      const tools = await linkTools(sandbox.toolchain, place);
      // Outside a sandbox the process limit would count everything the user runs.
      const limited = processLimits(sandbox.prlimit, null, timeoutMs, bounds.dataBytes);
      const environment = plainEnvironment(tools, home, extras);
      return { argv: [...nice, ...limited, ...argv], environment, sync: false };
    }
    default:
      return sandbox satisfies never;
  }
}

/** Where Homebrew puts programs on Macs of today; those before had it in /usr/local. */
const BREWED = process.platform === 'darwin' ? ':/opt/homebrew/bin' : '';

/** Where a command finds the folders of the machine itself, not of a sandbox. */
function plainEnvironment(tools: string, home: string, extras: Extras): Record<string, string> {
  return {
    ...commandEnvironment(`${tools}:${SYSTEM_PATH}${BREWED}`, home),
    ...extras.environment,
    ...extras.secrets,
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

/** Small scripts, so that `node` and `npm` mean the same as inside bubblewrap. @returns their folder */
async function linkTools({ node, npm }: Toolchain, { side }: SandboxPlace): Promise<string> {
  const folder = join(side, 'tools');
  const script = (...words: string[]) => `#!/bin/sh\nexec ${words.map(quoted).join(' ')} "$@"\n`;
  await ensureFile(join(folder, 'node'), script(node), 0o755);
  if (npm === null) return folder;
  await ensureFile(join(folder, 'npm'), script(node, npm.npm), 0o755);
  await ensureFile(join(folder, 'npx'), script(node, npm.npx), 0o755);
  return folder;
}
