import { execFile } from 'node:child_process';
import { readdir, stat, statfs } from 'node:fs/promises';
import { hasCode } from '../durable-file.ts';

/** Bytes that stay free on the disk of the worktree: Baton's own database, and everybody else, need room. */
export const MIN_FREE_BYTES = 1024 ** 3;
/** Files and folders that can still be made there. */
const MIN_FREE_ENTRIES = 20_000;
/** Milliseconds; a million entries take about three seconds. */
const COUNT_TIMEOUT_MS = 10_000;
/** Bytes of a list with one number for each entry. */
const MAX_LIST_BYTES = 64 * 1024 * 1024;
/** What `%b` of find and the blocks of stat count in. */
const BLOCK_BYTES = 512;

/** What one command may leave on the disk. */
export interface DiskBounds {
  readonly bytes: number;
  /** Files and folders. */
  readonly entries: number;
}

/** Builds of large projects leave two or three gigabytes, and tens of thousands of files. */
export const DISK: DiskBounds = { bytes: 4 * 1024 ** 3, entries: 200_000 };

/** The bounds, with bytes as the person set them where they did. */
export function diskBounds(bytes: number | null | undefined): DiskBounds {
  return { ...DISK, bytes: bytes ?? DISK.bytes };
}

interface DiskWatch {
  /** @param pids the command's processes @returns in words what is too much; null: nothing is */
  look(pids: readonly number[]): Promise<string | null>;
}

type Free = Taken;
interface Taken {
  readonly bytes: number;
  readonly entries: number;
}

/**
 * Watches what a command takes of the disk. Asking how much is free costs nothing; only when the disk has lost as much as a
 * command may take is it looked who took it: what was made or changed in the worktree since the start counts, and what its
 * processes hold open that is in no folder any more.
 * @param since milliseconds since the epoch, by the machine's own clock
 */
export function watchDisk(folder: string, bounds: DiskBounds, since: number, free = freeOn): DiskWatch {
  let most: Free | null = null;
  // What the disk has to lose before it is looked again who took it.
  let gate: Taken = bounds;
  return {
    async look(pids) {
      const now = await free(folder);
      if (now === null) return null;
      if (now.bytes < MIN_FREE_BYTES || now.entries < MIN_FREE_ENTRIES) return 'the disk is nearly full';
      // Of the most there was: what others give back meanwhile hides nothing.
      most = {
        bytes: Math.max(most?.bytes ?? 0, now.bytes),
        entries: Math.max(most?.entries ?? 0, now.entries),
      };
      if (most.bytes - now.bytes < gate.bytes && most.entries - now.entries < gate.entries) return null;
      const [left, held] = await Promise.all([leftIn(folder, since), heldBy(pids)]);
      if (left === null || left.entries >= bounds.entries)
        return `it made more than ${bounds.entries} files and folders`;
      const bytes = left.bytes + held;
      if (bytes >= bounds.bytes)
        return `it wrote more than ${Math.round(bounds.bytes / 1024 ** 2)} MB to the disk`;
      // Somebody else took the rest: only as much as is still missing can make it this command.
      most = now;
      gate = { bytes: bounds.bytes - bytes, entries: bounds.entries - left.entries };
      return null;
    },
  };
}

/** Null where it cannot be asked. File systems that do not count entries never run out of them. */
async function freeOn(folder: string): Promise<Free | null> {
  const disk = await statfs(folder).catch(() => null);
  if (disk === null) return null;
  return {
    bytes: disk.bavail * disk.bsize,
    entries: disk.files === 0 ? Number.MAX_SAFE_INTEGER : disk.ffree,
  };
}

/** What was made or changed in a folder, on its own file system; null: too many to be counted. Links are not followed. */
function leftIn(folder: string, since: number): Promise<Taken | null> {
  const args = [folder, '-xdev', '-newerct', `@${(since / 1000).toFixed(3)}`, '-printf', '%b\\n'];
  return new Promise((resolve) => {
    const limits = { timeout: COUNT_TIMEOUT_MS, maxBuffer: MAX_LIST_BYTES, env: { LC_ALL: 'C' } };
    execFile('/usr/bin/find', args, limits, (error, stdout) => {
      // Stopped, for time or length. Without find there is nothing to say; entries that vanish meanwhile are no failure.
      if (error?.killed === true || hasCode(error, 'ERR_CHILD_PROCESS_STDIO_MAXBUFFER')) return resolve(null);
      const blocks = stdout.split('\n').filter((line) => line !== '');
      resolve({
        bytes: blocks.reduce((sum, line) => sum + Number(line), 0) * BLOCK_BYTES,
        entries: blocks.length,
      });
    });
  });
}

/** Bytes of files that processes have open and that have no name any more. */
async function heldBy(pids: readonly number[]): Promise<number> {
  const files = new Map<string, number>();
  for (const pid of pids) {
    const folder = `/proc/${pid}/fd`;
    for (const name of await readdir(folder).catch(() => [])) {
      const info = await stat(`${folder}/${name}`).catch(() => null);
      if (info?.isFile() === true && info.nlink === 0)
        files.set(`${info.dev} ${info.ino}`, info.blocks * BLOCK_BYTES);
    }
  }
  return [...files.values()].reduce((sum, bytes) => sum + bytes, 0);
}
