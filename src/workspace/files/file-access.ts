import { randomUUID } from 'node:crypto';
import { constants } from 'node:fs';
import { mkdir, open, realpath, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { BatonError } from '../../domain/failure.ts';
import { hasCode, syncFolder } from '../durable-file.ts';
import { inherit } from '../sandbox/command-user.ts';
import { pathParts, withParent } from './paths.ts';

/** Bytes. Source files are far smaller; what is larger is searched, not read. */
const MAX_READ_BYTES = 8 * 1024 * 1024;
/** Bytes. One model answer cannot hold more. */
export const MAX_WRITE_BYTES = 1024 * 1024;
/** Bytes looked at to tell binary from text; the number git uses. */
const BINARY_PROBE_BYTES = 8_000;
const NEW_FILE_MODE = 0o644;

/** What agents may do to one file at a time, and the one place it is done. */
export interface FileAccess {
  /** The text of a file, or null when there is none. Errors: terminal `path_outside`, `not_a_file`, `file_too_large`, `file_binary`. */
  read(path: string): Promise<string | null>;
  /** Replaces a file whole or not at all; keeps its permission bits. Makes missing folders. */
  replace(path: string, content: string): Promise<void>;
}

/**
 * @param root the worktree's real path
 * @param temporary a folder outside the worktree on the same file system: a kill leaves nothing in the worktree
 */
export function createFileAccess(root: string, temporary: string): FileAccess {
  return {
    async read(path) {
      const parts = pathParts(path);
      if (parts.length === 0) throw notAFile(path, 'is the root folder');
      // A link that stays within the worktree is read through; links out are refused by the walk.
      const target = await realpath(join(root, ...parts)).catch(() => null);
      const inside =
        target?.startsWith(`${root}/`) === true ? pathParts(target.slice(root.length + 1)) : parts;
      const bytes = await withParent(root, inside, false, ({ at }) => readBytes(at, path));
      return bytes === null ? null : asText(bytes, path);
    },
    async replace(path, content) {
      if (Buffer.byteLength(content) > MAX_WRITE_BYTES) {
        throw new BatonError({
          class: 'terminal',
          code: 'file_too_large',
          message: `The content for ${path} has more than 1 MB, so nothing was written.`,
          hint: 'Write a smaller file.',
        });
      }
      await mkdir(temporary, { recursive: true });
      const draft = join(temporary, randomUUID());
      try {
        await withParent(root, pathParts(path), true, async ({ at, folder }) => {
          const mode = await modeOf(at, path);
          const handle = await open(draft, 'wx', mode);
          try {
            await handle.writeFile(content);
            // The umask is applied on opening, so the kept bits are set again.
            await handle.chmod(mode);
            await inherit(folder, handle);
            await handle.sync();
          } finally {
            await handle.close();
          }
          await rename(draft, at);
          await syncFolder(process.platform === 'linux' ? `/proc/self/fd/${folder.fd}` : join(at, '..'));
        });
      } finally {
        await rm(draft, { force: true });
      }
    },
  };
}

async function readBytes(at: string, path: string): Promise<Buffer | null> {
  const handle = await openRegular(at, path);
  if (handle === null) return null;
  try {
    const info = await handle.stat();
    if (!info.isFile()) throw notAFile(path, info.isDirectory() ? 'is a folder' : 'is no regular file');
    if (info.size > MAX_READ_BYTES) {
      throw new BatonError({
        class: 'terminal',
        code: 'file_too_large',
        message: `${path} has ${Math.ceil(info.size / 1024 / 1024)} MB; at most 8 MB are read.`,
        hint: 'Search in it instead.',
      });
    }
    return await handle.readFile();
  } finally {
    await handle.close();
  }
}

/** Without following a link, and without waiting for the other end of a pipe. */
async function openRegular(at: string, path: string) {
  try {
    return await open(at, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    if (hasCode(error, 'ENOENT') || hasCode(error, 'ENOTDIR')) return null;
    if (hasCode(error, 'ELOOP')) throw isLink(path);
    if (hasCode(error, 'EISDIR')) throw notAFile(path, 'is a folder');
    if (hasCode(error, 'ENXIO')) throw notAFile(path, 'is no regular file');
    throw error;
  }
}

async function modeOf(at: string, path: string): Promise<number> {
  const handle = await openRegular(at, path);
  if (handle === null) return NEW_FILE_MODE;
  try {
    const info = await handle.stat();
    if (!info.isFile()) throw notAFile(path, info.isDirectory() ? 'is a folder' : 'is no regular file');
    return info.mode & 0o777;
  } finally {
    await handle.close();
  }
}

function asText(bytes: Buffer, path: string): string {
  const binary = bytes.subarray(0, BINARY_PROBE_BYTES).includes(0);
  if (!binary) {
    try {
      return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    } catch {
      // Falls through: bytes that are no UTF-8 would be damaged by being read and written back.
    }
  }
  throw new BatonError({
    class: 'terminal',
    code: 'file_binary',
    message: `${path} is not UTF-8 text, so it cannot be read or edited as text.`,
  });
}

function notAFile(path: string, why: string): BatonError {
  return new BatonError({
    class: 'terminal',
    code: 'not_a_file',
    message: `${path === '' ? 'The path' : path} ${why}.`,
    hint: 'Give the path of a file; list the folder to see what it holds.',
  });
}

function isLink(path: string): BatonError {
  return new BatonError({
    class: 'terminal',
    code: 'path_outside',
    message: `${path} is a symbolic link, and links are not written through.`,
    hint: 'Work on the file the link points to, if that lies within the repository.',
  });
}
