import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { basename, dirname, isAbsolute, join, resolve } from 'node:path';
import { ensureFile } from '../durable-file.ts';
import { systemMounts } from '../sandbox/sandbox-mounts.ts';
import { isThere } from '../sandbox/toolchain.ts';
import type { GitArgs } from './git-verbs.ts';

/** Where git runs. Given outright, so that a `.git` an agent has rewritten is never followed; absent: found from `cwd`. */
export interface GitPlace {
  readonly gitDir?: string;
  readonly workTree?: string;
  readonly indexFile?: string;
  readonly cwd: string;
}

/** Puts git into a room of its own where it has to do with files that a command may be changing meanwhile. */
export interface GitRoom {
  /** What stands before git's own argv; empty where nothing is to be feared. */
  wrap(place: GitPlace, args: GitArgs, config: ReadonlyMap<string, string>): Promise<readonly string[]>;
}

/** Folders borrowed from further folders; git itself stops at five. */
const MAX_ALTERNATES = 5;
/** Verbs that read files of the worktree. */
const READERS: ReadonlySet<string> = new Set(['add', 'grep', 'ls-files', 'status', 'update-index']);
/** What git has to know of its configuration to read files; of the rest, addresses may hold tokens. */
const SHOWN_KEYS =
  /^(?:core\.(?:repositoryformatversion|autocrlf|eol|safecrlf|ignorecase|precomposeunicode|filemode|symlinks|excludesfile|attributesfile|bigfilethreshold|checkstat|trustctime)|extensions\.(?:objectformat|refstorage))$/;

/**
 * Git follows paths by name, so a folder that a command swaps for a link between git's look and git's deed would lead it out.
 * In the room there is nothing to be led to: the worktree, the repository's objects, the index, and what the system has for
 * everybody. Files are read-only where git reads and the repository is where git writes files. What is left out of the
 * configuration cannot be read into a snapshot either.
 * @param folder of ours, for stand-ins of configurations
 */
export function createGitRoom(folder: string, program = 'bwrap'): GitRoom {
  let system: Promise<readonly string[]> | null = null;
  return {
    async wrap(place, args, config) {
      const { gitDir, workTree, indexFile } = place;
      const deed = deedOf(args);
      if (deed === null || gitDir === undefined || workTree === undefined) return [];
      // Only a run's worktrees have somebody at work in them; all of those are linked ones.
      if (basename(dirname(gitDir)) !== 'worktrees') return [];
      // A checkout without a private index is that of a worktree being made: nobody works in it yet.
      if (deed === 'writes' && indexFile === undefined) return [];
      system ??= systemMounts();
      const common = dirname(dirname(gitDir));
      const objects = join(common, 'objects');
      const [files, repository] = deed === 'reads' ? ['--ro-bind', '--bind'] : ['--bind', '--ro-bind'];
      const stand = await standIn(folder, config);
      const readable = [
        ...(await alternates(objects)),
        ...['core.excludesfile', 'core.attributesfile'].flatMap((key) => config.get(key) ?? []),
      ].filter(isAbsolute);
      const parts = ['refs', 'packed-refs', 'HEAD', 'shallow', 'info'].map((name) => join(common, name));
      const dotGit = join(workTree, '.git');
      return [
        [program, '--die-with-parent'],
        await system,
        // Git names its temporary files by chance.
        ['/dev/null', '/dev/urandom'].flatMap((path) => ['--dev-bind', path, path]),
        [...readable, ...parts].flatMap((path) => ['--ro-bind-try', path, path]),
        ['--ro-bind', stand, join(common, 'config')],
        [repository, objects, objects, repository, gitDir, gitDir],
        [files, workTree, workTree, '--ro-bind-try', dotGit, dotGit],
        indexFile === undefined ? [] : ['--bind', dirname(indexFile), dirname(indexFile)],
        ['--chdir', place.cwd, '--'],
      ].flat();
    },
  };
}

function deedOf(args: GitArgs): 'reads' | 'writes' | null {
  const [verb, ...rest] = args;
  if (READERS.has(verb)) return 'reads';
  return verb === 'read-tree' && rest.includes('-u') ? 'writes' : null;
}

async function standIn(folder: string, config: ReadonlyMap<string, string>): Promise<string> {
  const quoted = (value: string) =>
    `"${value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')}"`;
  const lines = [...config]
    .filter(([key]) => SHOWN_KEYS.test(key))
    .map(([key, value]) => {
      const [section, name] = key.split('.');
      return `[${section}]\n\t${name} = ${quoted(value)}\n`;
    });
  const content = lines.join('');
  const path = join(folder, `${createHash('sha256').update(content).digest('hex').slice(0, 20)}.config`);
  await ensureFile(path, content);
  return path;
}

/** Other repositories' objects that this one borrows. */
async function alternates(objects: string, depth = 0): Promise<string[]> {
  if (depth > MAX_ALTERNATES) return [];
  const text = await readFile(join(objects, 'info', 'alternates'), 'utf8').catch(() => '');
  const found = text
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => resolve(objects, line));
  const further = await Promise.all(found.map((each) => alternates(each, depth + 1)));
  return [...found, ...further.flat()];
}

/** Whether git stands where the room shows it. */
export async function gitIsOfTheSystem(): Promise<boolean> {
  return (await isThere('/usr/bin/git')) || (await isThere('/usr/local/bin/git'));
}
