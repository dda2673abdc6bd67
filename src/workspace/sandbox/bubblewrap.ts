import { dirname, join } from 'node:path';
import { ensureFile } from '../durable-file.ts';
import type { ClassBounds } from './bounds.ts';
import { asCommandUser } from './command-user.ts';
import { dependencyMounts } from './dependencies.ts';
import { nprocOf, processLimits } from './process-limits.ts';
import { systemMounts } from './sandbox-mounts.ts';
import { isThere, type Toolchain } from './toolchain.ts';

/** Where programs look first, inside and outside; nothing of a person's own. */
export const SYSTEM_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
/** Where node and npm stand inside the sandbox. */
const TOOLS = '/opt/baton/bin';
/** Bytes of /tmp in the sandbox, which is memory. */
const TMP_BYTES = 1024 ** 3;
/** bwrap lets /dev grow to half of the memory. */
const SMALL_SHM = `--perms 1777 --size ${TMP_BYTES / 2} --tmpfs /dev/shm --remount-ro /dev`.split(' ');
/** Whoever the repository belongs to, inside there is only this one. */
const GIT_CONFIG = '[safe]\n\tdirectory = *\n';
const SHOWN_GIT_CONFIG = '/etc/gitconfig';

/** What a sandbox can be made of here. */
export interface Means {
  readonly toolchain: Toolchain;
  /** Options only newer versions know. */
  readonly newer: boolean;
  /** Whether commands have a user of their own for the kernel, where Baton is root; needs `newer`. */
  readonly ownUser: boolean;
  readonly prlimit: boolean;
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
  /** A Unix socket of Baton's that it has to reach; shown where that is possible. */
  readonly socket?: string | undefined;
  /** Whether the worktree is only shown. */
  readonly readOnly?: boolean;
}

export const NO_EXTRAS: Extras = { environment: {}, reads: [] };

/** What runs inside, and how much of the machine it may take. */
export interface Inside {
  readonly argv: readonly string[];
  /** Used for the CPU limit, which ends what a killed group might have left. */
  readonly timeoutMs: number;
  readonly bounds: ClassBounds;
  readonly extras: Extras;
}

/**
 * bwrap's argv. With a user of their own for commands there are two rooms: the outer one, made as root, shows what is to be
 * shown, since that user could not even go to the worktree; then comes the change of user; then the inner one, as without.
 */
export async function bubblewrap(means: Means, place: SandboxPlace, inside: Inside): Promise<string[]> {
  const { extras } = inside;
  const { ownUser, newer } = means;
  const path = `${TOOLS}:${SYSTEM_PATH}`;
  const git = ownUser ? { GIT_CONFIG_GLOBAL: SHOWN_GIT_CONFIG } : {};
  const variables = { ...commandEnvironment(path, '/tmp'), ...git, ...extras.environment };
  const shown = await mounts(means, place, extras);
  const flags = [
    ['bwrap', '--unshare-all', '--die-with-parent', '--new-session', '--cap-drop', 'ALL'],
    ['--hostname', 'sandbox'],
    newer ? ['--unshare-user', '--disable-userns', ...unprivileged()] : [],
    // Secrets come with the environment that Baton itself made for bubblewrap: there is nothing else in it.
    extras.secrets === undefined ? ['--clearenv'] : [],
    Object.entries(variables).flatMap(([name, value]) => ['--setenv', name, value]),
  ].flat();
  const system = [['--proc', '/proc', '--dev', '/dev'], newer ? SMALL_SHM : []].flat();
  const rest = [
    ['--remount-ro', '/', '--chdir', place.worktree, '--'],
    processLimits(means.prlimit, nprocOf(ownUser, inside.bounds), inside.timeoutMs, inside.bounds.dataBytes),
    inside.argv,
  ].flat();
  if (!ownUser) return [...flags, ...system, ...shown, ...rest];
  return [
    ['bwrap', '--die-with-parent', '--cap-drop', 'ALL'],
    ['CAP_SETUID', 'CAP_SETGID', 'CAP_SETPCAP'].flatMap((name) => ['--cap-add', name]),
    await openToOthers(shown),
    // The inner room mounts its own over them; the kernel lets it only where it sees the whole of the outer one's.
    ['--dev-bind', '/proc', '/proc', '--dev-bind', '/dev', '/dev', '--remount-ro', '/', '--'],
    asCommandUser(),
    [...flags, '--bind', '/', '/', ...system, ...rest],
  ].flat();
}

/** What is shown, and where. Order matters: later mounts lie over earlier ones. */
async function mounts(means: Means, place: SandboxPlace, extras: Extras): Promise<string[]> {
  const { node, npm } = means.toolchain;
  const dotGit = join(place.worktree, '.git');
  const size = means.newer ? ['--size', String(TMP_BYTES)] : [];
  return [
    await systemMounts(),
    await identity(place.side, means.newer && process.getuid?.() === 0),
    size,
    ['--tmpfs', '/tmp', '--ro-bind', node, `${TOOLS}/node`],
    npm === null ? [] : ['--ro-bind', npm.root, npm.root],
    npm === null ? [] : ['--symlink', npm.npm, `${TOOLS}/npm`, '--symlink', npm.npx, `${TOOLS}/npx`],
    [...extras.reads, ...(extras.socket === undefined ? [] : [extras.socket])].flatMap((path) => [
      '--ro-bind-try',
      path,
      path,
    ]),
    await repositoryMounts(place),
    [extras.readOnly === true ? '--ro-bind' : '--bind', place.worktree, place.worktree],
    ['--ro-bind-try', dotGit, dotGit],
    // Places for them are made in the worktree, which is then not ours to change.
    extras.readOnly === true
      ? []
      : (await dependencyMounts(place.common, place.worktree)).flatMap((word) =>
          word === '--tmpfs' ? [...size, word] : [word],
        ),
  ].flat();
}

/** How many words follow each option that `mounts` uses. */
const WORDS = new Map([
  ['--ro-bind', 2],
  ['--ro-bind-try', 2],
  ['--bind', 2],
  ['--symlink', 2],
  ['--tmpfs', 1],
  ['--size', 1],
]);

/** The same mounts for a user that is not root: bwrap itself makes folders on the way to a mount for their owner alone. */
async function openToOthers(options: readonly string[]): Promise<string[]> {
  const open: string[] = [];
  for (let at = 0; at < options.length; ) {
    const option = options[at] ?? '';
    const words = options.slice(at + 1, at + 1 + (WORDS.get(option) ?? 0));
    at += 1 + words.length;
    const [first = '', second] = words;
    if (option === '--ro-bind-try' && !(await isThere(first))) continue;
    if (second !== undefined) open.push('--dir', dirname(second));
    if (option === '--tmpfs') open.push('--perms', '1777');
    open.push(option, ...words);
  }
  return open;
}

/** Nothing of Baton's own environment gets through. */
export function commandEnvironment(path: string, home: string): Record<string, string> {
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

/** Programs that mean to be careful, or refuse, as root are not root inside. */
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
    gitconfig: GIT_CONFIG,
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
