import { constants } from 'node:fs';
import { type FileHandle, mkdir, open, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { BatonError } from '../../domain/failure.ts';
import { hasCode } from '../durable-file.ts';
import { inherit } from '../sandbox/command-user.ts';

/** Bytes; what Linux takes. */
const MAX_PATH_BYTES = 4096;
const MAX_PART_BYTES = 255;
const OPEN_FOLDER = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW;

function outside(path: string, why: string): BatonError {
  return new BatonError({
    class: 'terminal',
    code: 'path_outside',
    message: `The path ${JSON.stringify(path.slice(0, 300))} ${why}.`,
    hint: 'Give a path relative to the root of the repository, such as src/index.js, that stays within it.',
  });
}

/**
 * A path as its parts, checked by its words alone. `.git` is refused in any letter case and with the trailing dots
 * and spaces some file systems drop, anywhere in the path. An empty list is the root.
 * Errors: terminal `path_outside`.
 */
export function pathParts(path: string): string[] {
  if (path.includes('\0')) throw outside(path, 'contains a NUL character');
  if (Buffer.byteLength(path) > MAX_PATH_BYTES) throw outside(path, 'is too long');
  if (path.startsWith('/') || /^[a-z]:[\\/]/i.test(path) || path.startsWith('\\\\'))
    throw outside(path, 'is absolute');
  const parts = path.split('/').filter((part) => part !== '' && part !== '.');
  for (const part of parts) {
    if (Buffer.byteLength(part) > MAX_PART_BYTES) throw outside(path, 'has a part that is too long');
    if (part === '..') throw outside(path, 'contains “..”');
    if (/^(?:\.git|git~1)[. ]*$/i.test(part))
      throw outside(path, 'leads into .git, which only Baton changes');
  }
  return parts;
}

export interface Parent {
  /** A way to the last part that no swapped folder can lead elsewhere. */
  readonly at: string;
  readonly folder: FileHandle;
}

/**
 * Opens the folder that holds the last part and gives a path through it. Each folder is opened from the one before
 * without following links, so a command that swaps a folder for a link meanwhile gains nothing. Where the system
 * has no /proc/self/fd (macOS), the checked path itself is used.
 * @param root the worktree's real path
 * @param create makes missing folders
 * @returns null when a folder is missing and not to be made
 */
export async function withParent<T>(
  root: string,
  parts: readonly string[],
  create: boolean,
  use: (parent: Parent) => Promise<T>,
): Promise<T | null> {
  const shown = parts.join('/');
  const last = parts.at(-1);
  if (last === undefined) throw outside(shown, 'names no file');
  const folders = await realFolders(root, parts.slice(0, -1), shown);
  let path = root;
  let handle = await open(root, OPEN_FOLDER);
  try {
    for (const name of folders) {
      const next = join(anchor(handle, path), name);
      path = join(path, name);
      const opened = await openFolder(next, create, shown);
      if (opened === null) return null;
      if (create) await inherit(handle, opened);
      await handle.close();
      handle = opened;
    }
    return await use({ at: join(anchor(handle, path), last), folder: handle });
  } catch (error) {
    // What was made a moment ago is gone again: whoever moves it would also have moved what is written.
    if (create && hasCode(error, 'ENOENT')) throw outside(shown, 'was moved away while it was written to');
    throw error;
  } finally {
    await handle.close();
  }
}

function anchor(handle: FileHandle, path: string): string {
  return process.platform === 'linux' ? `/proc/self/fd/${handle.fd}` : path;
}

/** Folders with links resolved, as parts below the root. Links that stay within the worktree are followed. */
async function realFolders(root: string, parts: readonly string[], shown: string): Promise<string[]> {
  for (let length = parts.length; length > 0; length -= 1) {
    const real = await realpath(join(root, ...parts.slice(0, length))).catch((error: unknown) => {
      if (hasCode(error, 'ENOENT') || hasCode(error, 'ENOTDIR')) return null;
      throw outside(shown, 'cannot be followed');
    });
    if (real === null) continue;
    if (real !== root && !real.startsWith(`${root}/`))
      throw outside(shown, 'leads out of the repository through a link');
    return [...pathParts(real.slice(root.length + 1)), ...parts.slice(length)];
  }
  return [...parts];
}

async function openFolder(path: string, create: boolean, shown: string): Promise<FileHandle | null> {
  if (create) {
    await mkdir(path).catch((error: unknown) => {
      if (!hasCode(error, 'EEXIST')) throw error;
    });
  }
  try {
    return await open(path, OPEN_FOLDER);
  } catch (error) {
    if (hasCode(error, 'ENOENT') && !create) return null;
    if (hasCode(error, 'ENOTDIR') || hasCode(error, 'ELOOP')) {
      throw outside(shown, 'goes through something that is no folder');
    }
    throw error;
  }
}
