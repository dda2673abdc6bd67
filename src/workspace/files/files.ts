import { lstat, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { BatonError } from '../../domain/failure.ts';
import { globMatches } from '../../domain/glob.ts';
import type { FileChange, Files } from '../../ports/workspace.ts';
import { type Git, readable, splitNul } from '../git/git.ts';
import type { KeyedMutex } from '../mutex.ts';
import type { OpenedWorktree } from '../worktree.ts';
import { createEditLog, replaceOnce } from './edits.ts';
import { createFileAccess } from './file-access.ts';
import { applyPatch, parsePatch } from './patch.ts';
import { pathParts } from './paths.ts';
import { type Ripgrep, searchFiles } from './search.ts';

/** Lines and characters of one read: what a model can use at once. The range gives the rest. */
const MAX_READ_LINES = 2_000;
const MAX_READ_CHARS = 256 * 1024;
/** Upper bound on what a caller may ask for. */
const MAX_LISTED = 5_000;

export interface WorktreeFiles {
  readonly files: Files;
  /** Decides what a killed process left half done; before anything else changes files. */
  readonly settle: () => Promise<void>;
}

/** The files of one worktree. Changes are made one at a time per run, so two agents cannot edit over each other. */
export function createFiles(
  git: Git,
  opened: OpenedWorktree,
  mutex: KeyedMutex,
  ripgrep: Ripgrep = null,
): WorktreeFiles {
  const root = opened.worktree;
  const access = createFileAccess(root, join(opened.side, 'tmp'));
  const edits = createEditLog(join(opened.side, 'edits'), access);
  const alone = <T>(work: () => Promise<T>) => mutex.run(`files:${root}`, work);
  const bind = () => git.bind({ cwd: root, gitDir: opened.gitDir, workTree: root });

  const files: Files = {
    async list(under, limit, glob) {
      const folder = pathParts(under).join('/');
      const bound = await bind();
      const scope = folder === '' ? [] : [folder];
      const { stdout } = await bound.run([
        'ls-files',
        '-z',
        '-c',
        '-o',
        '--exclude-standard',
        '--',
        ...scope,
      ]);
      const names = [...new Set(splitNul(stdout))]
        .filter((name) => !name.endsWith('/') && (glob === undefined || globMatches(glob, name)))
        .toSorted();
      const wanted = Math.min(Math.max(limit, 0), MAX_LISTED);
      const paths: string[] = [];
      for (const name of names) {
        // One more than wanted tells whether there is more.
        if (paths.length > wanted) break;
        if (await exists(root, name)) paths.push(readable(name));
      }
      return { paths: paths.slice(0, wanted), cut: paths.length > wanted };
    },

    async read(path, range) {
      const text = await access.read(path);
      if (text === null) throw missing(path);
      const lines = linesOf(text);
      const from = Math.max(1, Math.floor(range?.from ?? 1));
      const to = Math.min(lines.length, Math.floor(range?.to ?? lines.length), from + MAX_READ_LINES - 1);
      const part = lines.slice(from - 1, Math.max(from - 1, to)).join('');
      const asked = Math.min(lines.length, Math.floor(range?.to ?? lines.length));
      return {
        text: part.slice(0, MAX_READ_CHARS),
        lines: lines.length,
        cut: to < asked || part.length > MAX_READ_CHARS,
      };
    },

    async search(query, under, limit, how = {}) {
      const folder = pathParts(under).join('/');
      await within(root, folder);
      return searchFiles(await bind(), ripgrep, query, { folder, limit, how });
    },

    write: (path, content) =>
      alone(async () => {
        const name = pathParts(path).join('/');
        const before = await access.read(name).catch((error: unknown) => {
          // A binary file may be replaced by text; its lines cannot be counted.
          if (error instanceof BatonError && error.failure.code === 'file_binary') return '';
          throw error;
        });
        if (before !== content) await access.replace(name, content);
        return changeOf(name, before, content);
      }),

    edit: (path, before, after, idempotencyKey) =>
      alone(async () => {
        const name = pathParts(path).join('/');
        const earlier = await edits.find(idempotencyKey);
        if (earlier !== null) return earlier;
        const content = await access.read(name);
        if (content === null) throw missing(name);
        const changed = replaceOnce(name, content, before, after);
        const change = changeOf(name, content, changed);
        await edits.carryOut(idempotencyKey, content, changed, change);
        return change;
      }),

    patch: (patch, idempotencyKey) =>
      alone(async () => {
        const files = parsePatch(patch).map((file, at) => ({ file, key: `${idempotencyKey}#${at}` }));
        // All of it is known to fit before anything changes; what a killed attempt did is not done again.
        const planned = [];
        for (const { file, key } of files) {
          const earlier = await edits.find(key);
          const path = pathParts(file.path).join('/');
          const content = earlier === null ? await access.read(path) : null;
          const changed = earlier === null ? applyPatch({ ...file, path }, content) : '';
          planned.push({
            key,
            content,
            changed,
            change: earlier ?? changeOf(path, content, changed),
            done: earlier !== null,
          });
        }
        for (const { key, content, changed, change, done } of planned)
          if (!done) await edits.carryOut(key, content ?? '', changed, change);
        return planned.map(({ change }) => change);
      }),
  };
  return { files, settle: () => alone(() => edits.settle()) };
}

/** A folder that is a link, or lies behind one, may lead out. @throws BatonError `path_outside` */
async function within(root: string, folder: string): Promise<void> {
  const [real, top] = await Promise.all([realpath(join(root, folder)).catch(() => null), realpath(root)]);
  if (real === null || real === top || real.startsWith(`${top}/`)) return;
  throw new BatonError({
    class: 'terminal',
    code: 'path_outside',
    message: `${folder} leads out of the worktree.`,
    hint: 'Name a folder of the repository.',
  });
}

async function exists(root: string, name: string): Promise<boolean> {
  const path = Buffer.from(`${Buffer.from(root).toString('latin1')}/${name}`, 'latin1');
  return lstat(path).then(
    () => true,
    () => false,
  );
}

/** Lines with their ends; the empty text has none. */
function linesOf(text: string): string[] {
  return text.match(/[^\n]*\n|[^\n]+$/g) ?? [];
}

/** Counts changed lines between the common beginning and the common end: quick, and never fewer than a diff shows. */
export function changeOf(path: string, before: string | null, after: string): FileChange {
  const old = linesOf(before ?? '');
  const now = linesOf(after);
  let start = 0;
  while (start < old.length && start < now.length && old[start] === now[start]) start += 1;
  let end = 0;
  while (end < old.length - start && end < now.length - start && old.at(-1 - end) === now.at(-1 - end))
    end += 1;
  return {
    path,
    added: now.length - start - end,
    removed: old.length - start - end,
    created: before === null,
  };
}

function missing(path: string): BatonError {
  return new BatonError({
    class: 'terminal',
    code: 'file_missing',
    message: `There is no file ${path}.`,
    hint: 'List the files to see what there is, or write the file to create it.',
  });
}
