import { execFile } from 'node:child_process';
import { lstatSync, statSync } from 'node:fs';
import { type FileHandle, readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { systemMounts } from './sandbox-mounts.ts';
import { isThere } from './toolchain.ts';

/**
 * The user, and group, commands have for the kernel where Baton is root: a process limit does not bind for root. Of the
 * numbers that neither systems nor systemd give away.
 */
export const COMMAND_ID = 61_007;
export const SETPRIV = '/usr/bin/setpriv';
/** Milliseconds; a hundred thousand files take one second. */
const GIVE_TIMEOUT_MS = 60_000;
/** Entries that are looked at before a folder is taken for one that others may not read. */
const MAX_LOOKED_AT = 5_000;
/** Bits of a mode: others may read, and pass through. */
const READ = 0o004;
const PASS = 0o001;

/** Null where commands may have a user of their own, else why not, in words for people. */
export async function noCommandUser(): Promise<string | null> {
  for (const program of [SETPRIV, '/usr/bin/find', '/bin/chown'])
    if (!(await isThere(program))) return `there is no ${program}`;
  for (const file of ['/etc/passwd', '/etc/group']) {
    const text = await readFile(file, 'utf8').catch(() => '');
    if (text.split('\n').some((line) => line.split(':')[2] === String(COMMAND_ID)))
      return `${file} has somebody with the number ${COMMAND_ID}`;
  }
  return null;
}

/** Becomes that user for good, and nobody else after; ended with whoever started it. */
export function asCommandUser(): string[] {
  const id = String(COMMAND_ID);
  const change = `--reuid ${id} --regid ${id} --clear-groups --inh-caps=-all --bounding-set=-all --pdeathsig KILL --`;
  return [SETPRIV, ...change.split(' ')];
}

/**
 * Makes everything in a worktree theirs, but for its `.git`, and the folder itself, which stays ours: git refuses to work
 * for a person in a folder of somebody else's. Done where nothing but the worktree can be reached, since a command may be
 * turning folders into links meanwhile; what vanishes meanwhile is no failure.
 * @returns whether they can write in it now
 */
export async function giveOver(worktree: string, program = 'bwrap'): Promise<boolean> {
  const id = String(COMMAND_ID);
  const script =
    'chgrp "$1" . && chmod g+rwx . && exec find . -mindepth 1 ! -path ./.git ! -uid "$1" -exec chown -h "$1:$1" {} +';
  const args = ['--die-with-parent', '--unshare-pid', '--unshare-net', ...(await systemMounts())];
  args.push('--bind', worktree, worktree, '--chdir', worktree, '--', 'sh', '-c', script, 'sh', id);
  await new Promise<void>((resolve) => {
    const environment = { PATH: '/usr/bin:/bin' };
    execFile(program, args, { timeout: GIVE_TIMEOUT_MS, env: environment }, () => resolve());
  });
  const { gid, mode } = await stat(worktree);
  return gid === COMMAND_ID && (mode & 0o070) === 0o070;
}

/** What Baton makes in a folder that was given over is theirs as well. */
export async function inherit(folder: FileHandle, made: FileHandle): Promise<void> {
  if (process.getuid?.() === 0 && (await folder.stat()).gid === COMMAND_ID)
    await made.chown(COMMAND_ID, COMMAND_ID);
}

/** Whether another user could read a path, with all that is in it. Paths that are missing hold nothing secret. */
export async function isReadableByOthers(path: string): Promise<boolean> {
  const top = statSync(path, { throwIfNoEntry: false });
  if (top === undefined) return true;
  if (!top.isDirectory()) return (top.mode & READ) !== 0;
  if ((top.mode & READ) === 0 || (top.mode & PASS) === 0) return false;
  const names = await readdir(path, { recursive: true });
  if (names.length > MAX_LOOKED_AT) return false;
  return names.every((name) => {
    const info = lstatSync(join(path, name), { throwIfNoEntry: false });
    if (info === undefined || info.isSymbolicLink()) return true;
    return (info.mode & READ) !== 0 && (!info.isDirectory() || (info.mode & PASS) !== 0);
  });
}
