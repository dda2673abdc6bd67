import { randomUUID } from 'node:crypto';
import { constants, mkdir, readdir, readFile, rmdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { BatonError } from '../../domain/failure.ts';
import { hasCode } from '../durable-file.ts';
import { signalQuietly } from './process-tree.ts';

/** What a command may take. */
export interface Bounds {
  /** Weight against others when the processors are busy; 1024 is what a process has by itself. */
  readonly cpuShares: number;
  readonly memoryBytes: number;
  /** Tasks, threads included. */
  readonly tasks: number;
}

const CONTROLLERS = ['memory', 'pids', 'cpu'] as const;
type Controller = (typeof CONTROLLERS)[number];

/** What of control groups Baton may use on this machine. */
export interface Cgroups {
  /** Null: none; `folders` is empty then. */
  readonly version: 1 | 2 | null;
  /** Where a group is made, by controller; with version 2 they are one and the same. */
  readonly folders: ReadonlyMap<Controller, string>;
  /** In words, where something is missing. */
  readonly missing: string;
}

/** How the kernel is asked to make and to remove a group: by a folder. */
export interface GroupFolders {
  make(path: string): Promise<void>;
  remove(path: string): Promise<void>;
}

const KERNEL: GroupFolders = {
  make: (path) => mkdir(path),
  remove: (path) => rmdir(path),
};

export const NO_CGROUPS: Cgroups = { version: null, folders: new Map(), missing: 'there are none here' };

/** The group of one command. */
export interface CommandGroup {
  /** Stands before the command: enters the group, then becomes the command. */
  readonly enter: readonly string[];
  /** Kills whoever is in it, and removes it. @returns whether memory ran out in it */
  close(): Promise<{ readonly outOfMemory: boolean }>;
}

const PREFIX = 'baton-';
/** Milliseconds between tries to remove a group whose processes are dying. */
const DYING_MS = 5;
/** Looks for survivors; what is killed goes within a few. */
const MAX_SWEEPS = 200;

/**
 * Finds where groups can be made by making one, and clears away those that a Baton which is gone left behind.
 * @param root where `self/mountinfo` and `self/cgroup` say what is mounted, and which groups this process is in
 */
export async function probeCgroups(root = '/proc', kernel: GroupFolders = KERNEL): Promise<Cgroups> {
  if (process.platform !== 'linux') return { ...NO_CGROUPS, missing: 'they are a thing of Linux' };
  const [mounts, own] = await Promise.all([
    readFile(join(root, 'self/mountinfo'), 'utf8').catch(() => ''),
    readFile(join(root, 'self/cgroup'), 'utf8').catch(() => ''),
  ]);
  const folders = new Map<Controller, string>();
  for (const controller of CONTROLLERS) {
    const folder = await firstUsable(kernel, versionOne(mounts, own, controller), controller);
    if (folder !== null) folders.set(controller, folder);
  }
  if (folders.size > 0) return { version: 1, folders, missing: missingOf(folders) };
  for (const folder of versionTwo(mounts, own)) {
    const enabled = (await readFile(join(folder, 'cgroup.subtree_control'), 'utf8').catch(() => '')).split(
      /\s+/,
    );
    for (const controller of CONTROLLERS)
      if (enabled.includes(controller) && (await usable(kernel, folder, controller)))
        folders.set(controller, folder);
    if (folders.size > 0) return { version: 2, folders, missing: missingOf(folders) };
  }
  const why = mounts.includes(' - cgroup') ? 'Baton may not make any here' : 'none are mounted';
  return { ...NO_CGROUPS, missing: why };
}

function missingOf(folders: ReadonlyMap<Controller, string>): string {
  return CONTROLLERS.filter((each) => !folders.has(each)).join(', ');
}

/** proc(5): the mount point is the fifth field; after ` - ` come type, source and options. */
function mountsOf(mounts: string, type: string): { readonly point: string; readonly options: string }[] {
  return mounts.split('\n').flatMap((line) => {
    const [before = '', after = ''] = line.split(' - ');
    const [kind, , options = ''] = after.split(' ');
    return kind === type ? [{ point: before.split(' ')[4] ?? '', options }] : [];
  });
}

function versionOne(mounts: string, own: string, controller: Controller): string[] {
  const mount = mountsOf(mounts, 'cgroup').find(({ options }) => options.split(',').includes(controller));
  const path = own
    .split('\n')
    .map((line) => line.split(':'))
    .find(([, names]) => names?.split(',').includes(controller));
  return mount === undefined || path === undefined ? [] : [join(mount.point, path.slice(2).join(':'))];
}

/** The group Baton is in has processes, so it may not be divided; the one above it may. */
function versionTwo(mounts: string, own: string): string[] {
  const path = /^0::(.*)$/m.exec(own)?.[1];
  const [mount] = mountsOf(mounts, 'cgroup2');
  if (mount === undefined || path === undefined) return [];
  return [join(mount.point, path), join(mount.point, path, '..')];
}

async function firstUsable(
  kernel: GroupFolders,
  folders: readonly string[],
  controller: Controller,
): Promise<string | null> {
  for (const folder of folders) if (await usable(kernel, folder, controller)) return folder;
  return null;
}

/** What a group that is only tried is given; nothing runs in it. */
const TRIAL: Bounds = { cpuShares: 512, memoryBytes: 64 * 1024 ** 2, tasks: 64 };

async function usable(kernel: GroupFolders, folder: string, controller: Controller): Promise<boolean> {
  await clearStale(kernel, folder);
  const trial = join(folder, nameOfGroup());
  try {
    await kernel.make(trial);
  } catch {
    return false;
  }
  try {
    return await limit(trial, controller, TRIAL);
  } finally {
    await kernel.remove(trial).catch(() => undefined);
  }
}

/** Says whose it is: a group whose Baton is gone is nobody's. */
function nameOfGroup(): string {
  return `${PREFIX}${process.pid}-${randomUUID().slice(0, 8)}`;
}

async function clearStale(kernel: GroupFolders, folder: string): Promise<void> {
  for (const name of await readdir(folder).catch(() => [])) {
    const pid = /^baton-(\d+)-/.exec(name)?.[1];
    if (pid === undefined || isAlive(Number(pid))) continue;
    await empty(join(folder, name));
    await removed(kernel, join(folder, name));
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/**
 * Makes the group a command runs in; null where there are none.
 * @throws BatonError transient / `limits_refused` when the kernel, which took such limits at the start, no longer does
 */
export async function commandGroup(
  cgroups: Cgroups,
  bounds: Bounds,
  kernel: GroupFolders = KERNEL,
): Promise<CommandGroup | null> {
  if (cgroups.version === null) return null;
  const name = nameOfGroup();
  const places = [...new Set(cgroups.folders.values())].map((folder) => join(folder, name));
  for (const place of places) await kernel.make(place).catch(() => undefined);
  const memory = cgroups.folders.get('memory');
  const refused: Controller[] = [];
  for (const [controller, folder] of cgroups.folders)
    if (!(await limit(join(folder, name), controller, bounds))) refused.push(controller);
  if (refused.length > 0) {
    for (const place of places) await removed(kernel, place);
    throw limitsRefused(refused);
  }
  return groupAt(places, memory === undefined ? null : join(memory, name), kernel);
}

/**
 * A group that was made, with whatever limits it has.
 * @param memory the folder that says whether memory ran out
 */
export function groupAt(
  places: readonly string[],
  memory: string | null,
  kernel: GroupFolders = KERNEL,
): CommandGroup {
  const entries = places.map((place) => join(place, 'cgroup.procs'));
  return {
    // A group that cannot be entered is no reason to run without it: then the command does not start.
    enter: [
      '/bin/sh',
      '-c',
      'for f in $1; do echo $$ > "$f" || exit 126; done; shift; exec "$@"',
      'sh',
      entries.join(' '),
    ],
    async close() {
      for (const place of places) await empty(place);
      const outOfMemory = memory !== null && (await ranOut(memory));
      for (const place of places) await removed(kernel, place);
      return { outOfMemory };
    },
  };
}

function limitsRefused(refused: readonly Controller[]): BatonError {
  return new BatonError({
    class: 'transient',
    code: 'limits_refused',
    message: `The command was not run: its control group could not be given its limits (${refused.join(', ')}).`,
    hint: 'Something changed the control groups since Baton started. Restart Baton; `baton doctor` says what holds then.',
  });
}

/** Files of both versions; one of them is there. @returns whether the limit itself was taken */
async function limit(place: string, controller: Controller, bounds: Bounds): Promise<boolean> {
  const set = (file: string, value: number) =>
    writeFile(join(place, file), String(value), { flag: constants.O_WRONLY }).then(
      () => true,
      () => false,
    );
  if (controller === 'memory') {
    const first = await set('memory.limit_in_bytes', bounds.memoryBytes);
    // Memory and swap together: swap is no way round. A kernel that does not count swap has neither file.
    await set('memory.memsw.limit_in_bytes', bounds.memoryBytes);
    const second = await set('memory.max', bounds.memoryBytes);
    await set('memory.swap.max', 0);
    return first || second;
  }
  if (controller === 'pids') return set('pids.max', bounds.tasks);
  // The kernel's own scale: 2 to 262144 shares become weights of 1 to 10000.
  const weight = Math.max(1, Math.round(1 + ((bounds.cpuShares - 2) * 9999) / 262_142));
  return (await set('cpu.shares', bounds.cpuShares)) || set('cpu.weight', weight);
}

async function ranOut(place: string): Promise<boolean> {
  const files = ['memory.oom_control', 'memory.events'].map((name) =>
    readFile(join(place, name), 'utf8').catch(() => ''),
  );
  return (await Promise.all(files)).some((text) => /^oom_kill [1-9]/m.test(text));
}

/** Version 2 shows those that are dying no more, and refuses to remove their group until they are dead. */
async function removed(kernel: GroupFolders, place: string): Promise<void> {
  for (let tries = 0; tries < MAX_SWEEPS; tries += 1) {
    const why = await kernel.remove(place).then(
      () => null,
      (error: unknown) => error,
    );
    if (!hasCode(why, 'EBUSY')) return;
    await new Promise((resolve) => {
      setTimeout(resolve, DYING_MS);
    });
  }
}

async function empty(place: string): Promise<void> {
  await writeFile(join(place, 'cgroup.kill'), '1').catch(() => undefined);
  for (let sweep = 0; sweep < MAX_SWEEPS; sweep += 1) {
    const pids = (await readFile(join(place, 'cgroup.procs'), 'utf8').catch(() => ''))
      .split('\n')
      .filter((pid) => pid !== '');
    if (pids.length === 0) return;
    for (const pid of pids) signalQuietly(Number(pid), 'SIGKILL');
    await new Promise((resolve) => setImmediate(resolve));
  }
}
