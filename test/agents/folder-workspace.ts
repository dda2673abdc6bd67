import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve, sep } from 'node:path';
import { BatonError } from '../../src/domain/failure.ts';
import type { Files, RunCommand, Workspace } from '../../src/ports/workspace.ts';

/** A folder as a workspace, without git and sandbox: the port's promises as far as agents lean on them. */
export interface FolderWorkspace extends Workspace {
  readonly folder: string;
  readonly commands: RunCommand[];
  remove(): Promise<void>;
}

export async function folderWorkspace(files: Readonly<Record<string, string>>): Promise<FolderWorkspace> {
  const folder = await mkdtemp(join(tmpdir(), 'baton-agents-'));
  const commands: RunCommand[] = [];
  const at = (path: string): string => {
    const full = resolve(folder, path);
    if (full !== folder && !full.startsWith(folder + sep)) {
      throw new BatonError({
        class: 'terminal',
        code: 'path_outside',
        message: `${path} is outside the worktree.`,
      });
    }
    return full;
  };
  for (const [path, content] of Object.entries(files)) {
    await mkdir(dirname(at(path)), { recursive: true });
    await writeFile(at(path), content);
  }
  const all = async (under: string): Promise<string[]> => {
    const entries = await readdir(at(under), { recursive: true, withFileTypes: true });
    return entries
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
      .sort();
  };
  const fs: Files = {
    patch: async () => noPatch(),
    list: async (under, limit) => {
      const paths = await all(under);
      return { paths: paths.slice(0, limit), cut: paths.length > limit };
    },
    read: async (path, range) => {
      const text = await readFile(at(path), 'utf8');
      const lines = text.split('\n');
      const shown = range === undefined ? text : lines.slice(range.from - 1, range.to).join('\n');
      return { text: shown, lines: lines.length, cut: false };
    },
    search: async (query, under, limit) => {
      const hits: { path: string; line: number; text: string }[] = [];
      for (const path of await all(under)) {
        const lines = (await readFile(at(path), 'utf8')).split('\n');
        lines.forEach((text, index) => {
          if (text.includes(query)) hits.push({ path, line: index + 1, text });
        });
      }
      return { hits: hits.slice(0, limit), cut: hits.length > limit };
    },
    write: async (path, content) => {
      const full = at(path);
      await mkdir(dirname(full), { recursive: true });
      await writeFile(full, content);
      return { path, added: content.split('\n').length, removed: 0, created: true };
    },
    edit: async (path, before, after) => {
      const text = await readFile(at(path), 'utf8');
      if (!text.includes(before) && text.includes(after))
        return { path, added: 0, removed: 0, created: false };
      if (text.split(before).length !== 2) {
        throw new BatonError({
          class: 'terminal',
          code: 'edit_no_match',
          message: `The text is not in ${path} exactly once.`,
        });
      }
      await writeFile(
        at(path),
        text.replace(before, () => after),
      );
      return { path, added: 1, removed: 1, created: false };
    },
  };
  const noPatch = (): never => {
    throw new Error('patches are tried on real worktrees');
  };
  const unused = (): never => {
    throw new Error('agents do not use this');
  };
  return {
    folder,
    commands,
    info: { path: folder, branch: 'b', base: 'c', sandbox: 'none' },
    files: fs,
    line: {
      save: unused,
      merge: unused,
      undo: unused,
      follow: unused,
      sidesOf: unused,
      meeting: unused,
      sidesNow: unused,
      marked: unused,
      meets: unused,
    },
    run: async (command) => {
      commands.push(command);
      if (!command.allowUnsandboxed) {
        throw new BatonError({
          class: 'needs_person',
          code: 'sandbox_missing',
          message: 'There is no sandbox.',
        });
      }
      return await execute(folder, command);
    },
    restore: unused,
    start: unused,
    changes: unused,
    log: unused,
    snapshot: unused,
    diff: unused,
    commit: unused,
    changedFiles: unused,
    readBase: unused,
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}

function execute(cwd: string, { argv, timeoutMs, signal }: RunCommand) {
  const [program = '', ...args] = argv;
  return new Promise<{ exitCode: number | null; ended: null; output: string; durationMs: number }>((done) => {
    execFile(program, args, { cwd, timeout: timeoutMs, signal }, (error, stdout, stderr) => {
      const exitCode = error === null ? 0 : typeof error.code === 'number' ? error.code : 1;
      done({ exitCode, ended: null, output: stdout + stderr, durationMs: 5 });
    });
  });
}
