import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ResourceClass } from '../ports/workspace.ts';
import { type Bounds, type Cgroups, probeCgroups } from './cgroups.ts';
import { dependencyMounts } from './dependencies.ts';
import { ensureFile } from './durable-file.ts';
import { systemMounts } from './sandbox-mounts.ts';
import { findToolchain, isThere, type Toolchain } from './toolchain.ts';

/** Milliseconds; a sandbox that works answers within 50. */
const PROBE_TIMEOUT_MS = 10_000;
/** Where programs look first, inside and outside; nothing of a person's own. */
export const SYSTEM_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
/** Where node and npm stand inside the sandbox. */
const TOOLS = '/opt/baton/bin';
/** Bytes of /tmp in the sandbox, which is memory. */
const TMP_BYTES = 1024 ** 3;
export const LIMITS = {
  /** Bytes of one file. */
  fsize: 1024 ** 3,
  nofile: 8192,
  /** Tasks, threads included; counted within the sandbox since Linux 5.14, over the whole user before, hence this many. */
  nproc: 4096,
  core: 0,
};

export interface ClassBounds extends Bounds {
  /** Below Baton, which is at 0, and above it nothing. */
  readonly nice: number;
  /** Of private memory per process, where it is prlimit that holds. `--as` would keep WebAssembly from starting. */
  readonly dataBytes: number;
}

const MIB = 1024 ** 2;
/** Tasks of one command; a large test suite with its threads starts some hundreds. */
const TASKS = 2048;
/** By the way the agents of a run are coordinated: who works beside others is given more, and sooner. */
export const BOUNDS: Readonly<Record<ResourceClass, ClassBounds>> = {
  sequence: { cpuShares: 512, memoryBytes: 512 * MIB, dataBytes: 512 * MIB, tasks: TASKS, nice: 10 },
  parallel: { cpuShares: 1024, memoryBytes: 1024 * MIB, dataBytes: 1024 * MIB, tasks: TASKS, nice: 5 },
};

/** The bounds of a class, with memory as the person set it where they did. */
export function boundsFor(resources: ResourceClass, memoryBytes: number | null): ClassBounds {
  const bounds = BOUNDS[resources];
  return memoryBytes === null ? bounds : { ...bounds, memoryBytes, dataBytes: memoryBytes };
}

/** A coding agent brings a runtime, an index and builds of its own; with a command's memory it does not even start. */
const PROGRAM_MEMORY_BYTES = 6144 * MIB;

/** The bounds of a program that plays an agent or serves tools: its run's class, with more memory. */
export function programBounds(bounds: ClassBounds): ClassBounds {
  const memoryBytes = Math.max(bounds.memoryBytes, PROGRAM_MEMORY_BYTES);
  return { ...bounds, memoryBytes, dataBytes: memoryBytes };
}

/** What this machine offers to keep commands in. */
export interface Sandbox {
  readonly kind: 'bubblewrap' | 'none';
  /** One line for people: what holds, or why nothing does. */
  readonly reason: string;
  readonly toolchain: Toolchain;
  /** Options only newer versions know. */
  readonly newer: boolean;
  readonly prlimit: boolean;
  readonly nice: boolean;
  readonly cgroups: Cgroups;
}

/** What of a worktree and its repository is shown inside. */
export interface SandboxPlace {
  readonly worktree: string;
  readonly gitDir: string;
  readonly common: string;
  /** The run's own folder, for the stand-ins of files that are not shown as they are. */
  readonly side: string;
}

/** What a program of the person's own choice is given beside what every command has. */
export interface Extras {
  readonly environment: Readonly<Record<string, string>>;
  /** Beside it, and never in an argument. */
  readonly secrets?: Readonly<Record<string, string>>;
  /** Absolute paths it may read; those that are missing are left out. */
  readonly reads: readonly string[];
  /** Whether the worktree is only shown. */
  readonly readOnly?: boolean;
}

const NO_EXTRAS: Extras = { environment: {}, reads: [] };

/** Tries the very sandbox commands run in, once at start-up. */
export async function probeSandbox(searchPath: string = SYSTEM_PATH, program = 'bwrap'): Promise<Sandbox> {
  const toolchain = await findToolchain(process.execPath, searchPath);
  const [prlimit, nice, cgroups] = await Promise.all([
    isThere('/usr/bin/prlimit'),
    isThere('/usr/bin/nice'),
    probeCgroups(),
  ]);
  const none = (reason: string): Sandbox => ({
    kind: 'none',
    reason,
    toolchain,
    newer: false,
    prlimit,
    nice,
    cgroups,
  });
  if (process.platform !== 'linux')
    return none('bubblewrap works on Linux only, so commands run without a sandbox.');
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'baton-probe-')));
  try {
    const place = {
      worktree: join(folder, 'worktree'),
      gitDir: folder,
      common: folder,
      side: join(folder, 'side'),
    };
    await mkdir(place.worktree);
    await writeFile(join(place.worktree, '.git'), '');
    let why = '';
    for (const newer of [true, false]) {
      const sandbox: Sandbox = { kind: 'bubblewrap', reason: '', toolchain, newer, prlimit, nice, cgroups };
      const [, ...args] = await bubblewrap(sandbox, place, ['node', '--version'], 5_000, BOUNDS.sequence);
      const answer = await attempt(program, args);
      if (answer === null) {
        return { ...sandbox, reason: 'bubblewrap: no network, and only the worktree can be written.' };
      }
      why = answer;
    }
    return none(why);
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
    const [program = 'bwrap', ...rest] = await bubblewrap(sandbox, place, argv, timeoutMs, bounds, extras);
    // bwrap's first process within holds the descriptor, so its end says that nothing inside lives any more.
    const wrapped = [...nice, program, '--sync-fd', '3', ...rest];
    return { argv: wrapped, environment: { PATH: SYSTEM_PATH, ...extras.secrets }, sync: true };
  }
  const home = join(place.side, 'home');
  const tools = join(place.side, 'tools');
  await mkdir(home, { recursive: true });
  await linkTools(sandbox.toolchain, tools);
  return {
    argv: [...nice, ...limits(sandbox, timeoutMs, bounds), ...argv],
    environment: {
      ...commandEnvironment(`${tools}:${SYSTEM_PATH}`, home),
      ...extras.environment,
      ...extras.secrets,
    },
    sync: false,
  };
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

/** Nothing of Baton's own environment gets through. */
function commandEnvironment(path: string, home: string): Record<string, string> {
  return {
    PATH: path,
    HOME: home,
    TMPDIR: home,
    LANG: 'C.UTF-8',
    CI: '1',
    NO_COLOR: '1',
    GIT_OPTIONAL_LOCKS: '0',
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_CONFIG_NOSYSTEM: '1',
    npm_config_update_notifier: 'false',
    npm_config_fund: 'false',
    npm_config_audit: 'false',
  };
}

function limits(sandbox: Sandbox, timeoutMs: number, { dataBytes }: ClassBounds): string[] {
  if (!sandbox.prlimit) return [];
  // CPU seconds per process; generous, since many threads use them up faster than time passes.
  const cpu = Math.ceil(timeoutMs / 1000) * 8 + 10;
  const values = Object.entries({ ...LIMITS, data: dataBytes, cpu }).map(
    ([name, value]) => `--${name}=${value}`,
  );
  // Outside the sandbox the process limit would count everything the user runs.
  const useful = values.filter((value) => sandbox.kind === 'bubblewrap' || !value.startsWith('--nproc='));
  return ['/usr/bin/prlimit', ...useful, '--'];
}

/** bwrap's argv. Order matters: later mounts lie over earlier ones. */
async function bubblewrap(
  sandbox: Sandbox,
  place: SandboxPlace,
  argv: readonly string[],
  timeoutMs: number,
  bounds: ClassBounds,
  extras: Extras = NO_EXTRAS,
): Promise<string[]> {
  const { node, npm } = sandbox.toolchain;
  const path = `${TOOLS}:${SYSTEM_PATH}`;
  const variables = { ...commandEnvironment(path, '/tmp'), ...extras.environment };
  const environment = Object.entries(variables).flatMap(([name, value]) => ['--setenv', name, value]);
  const dotGit = join(place.worktree, '.git');
  return [
    [
      'bwrap',
      '--unshare-all',
      '--die-with-parent',
      '--new-session',
      '--cap-drop',
      'ALL',
      '--hostname',
      'sandbox',
    ],
    sandbox.newer ? ['--unshare-user', '--disable-userns', ...unprivileged()] : [],
    // Secrets come with the environment that Baton itself made for bubblewrap: there is nothing else in it.
    extras.secrets === undefined ? ['--clearenv'] : [],
    environment,
    await systemMounts(),
    await identity(place.side, sandbox.newer && process.getuid?.() === 0),
    ['--proc', '/proc', '--dev', '/dev'],
    sandbox.newer ? ['--size', String(TMP_BYTES)] : [],
    ['--tmpfs', '/tmp', '--ro-bind', node, `${TOOLS}/node`],
    npm === null ? [] : ['--ro-bind', npm.root, npm.root],
    npm === null ? [] : ['--symlink', npm.npm, `${TOOLS}/npm`, '--symlink', npm.npx, `${TOOLS}/npx`],
    extras.reads.flatMap((shown) => ['--ro-bind-try', shown, shown]),
    await repositoryMounts(place),
    [extras.readOnly === true ? '--ro-bind' : '--bind', place.worktree, place.worktree],
    ['--ro-bind-try', dotGit, dotGit],
    // Places for them are made in the worktree, which is then not ours to change.
    extras.readOnly === true ? [] : await dependencyMounts(place.common, place.worktree),
    ['--remount-ro', '/', '--chdir', place.worktree, '--'],
    limits(sandbox, timeoutMs, bounds),
    argv,
  ].flat();
}

/** Programs that mean to be careful, or refuse, as root are not root inside. For the kernel's counts they still are. */
const INSIDE_ID = 1000;
function unprivileged(): string[] {
  const id = String(INSIDE_ID);
  return process.getuid?.() === 0 ? ['--uid', id, '--gid', id] : [];
}

/** User names and hosts of our own making: the machine's real ones are nobody's business inside. */
async function identity(side: string, other: boolean): Promise<string[]> {
  const folder = join(side, 'etc');
  const [uid, gid] = other ? [INSIDE_ID, INSIDE_ID] : [process.getuid?.() ?? 0, process.getgid?.() ?? 0];
  const files = {
    passwd: `agent:x:${uid}:${gid}:agent:/tmp:/bin/sh\n`,
    group: `agent:x:${gid}:\n`,
    hosts: '127.0.0.1 localhost sandbox\n::1 localhost\n',
    'nsswitch.conf': 'passwd: files\ngroup: files\nhosts: files\n',
  };
  const mounts: string[] = [];
  for (const [name, content] of Object.entries(files)) {
    await ensureFile(join(folder, name), content);
    mounts.push('--ro-bind', join(folder, name), `/etc/${name}`);
  }
  return mounts;
}

/**
 * Enough of the repository for `git status`, `git log` and `git diff`, all of it read-only. Its configuration is
 * left out: addresses in it may hold tokens, and hooks are nobody's business inside.
 */
async function repositoryMounts(place: SandboxPlace): Promise<string[]> {
  const { common, gitDir } = place;
  if (!(await isThere(join(common, 'objects')))) return [];
  const stand = join(place.side, 'git-config');
  await ensureFile(stand, '[core]\n\trepositoryformatversion = 0\n\tbare = false\n');
  const shown = ['objects', 'refs', 'packed-refs', 'HEAD', 'shallow'].map((name) => join(common, name));
  const mounts = [...shown, gitDir].flatMap((path) => ['--ro-bind-try', path, path]);
  return [...mounts, '--ro-bind', stand, join(common, 'config')];
}
