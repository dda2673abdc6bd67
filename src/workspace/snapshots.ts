import { createHash } from 'node:crypto';
import { copyFile, lstat, mkdir, rename, rm, stat, utimes } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { DiffStat } from '../domain/events.ts';
import { BatonError } from '../domain/failure.ts';
import type { Snapshot } from '../ports/workspace.ts';
import { pathParts } from './files/paths.ts';
import { type BoundGit, type Git, readable, splitNul } from './git/git.ts';
import { type OpenedWorktree, privateIndex } from './worktree.ts';

/** Bytes of one changed file. Larger ones are build results and dumps, which would stay in the user's repository for good. */
const MAX_FILE_BYTES = 50 * 1024 * 1024;
/** A large checkout on a slow disk. */
const RESTORE_TIMEOUT_MS = 10 * 60_000;
/** Files whose size is asked for at once. */
const STAT_BATCH = 64;
/** Bytes a file system allows in a name, less what git adds for its lock file. */
const MAX_REF_PART = 200;
const DIFF_OPTIONS = ['-r', '-M', '-l1000', '--no-ext-diff', '--no-textconv', '--no-color', '--full-index'];

/**
 * Keeps the state of the worktree as a commit on the base, under a ref of its own. The user's index and HEAD are
 * not involved: changes are gathered in a private index. Only changed files are read again.
 * @param at milliseconds since the epoch, used when the content is new for this label
 */
export async function takeSnapshot(
  git: Git,
  opened: OpenedWorktree,
  input: { readonly id: string; readonly label: string; readonly at: number },
): Promise<Snapshot> {
  const ref = snapshotRef(input.id, input.label);
  const bound = await boundTo(git, opened);
  // Looked up while the files are gone through: a process started costs about as much as a thousand of them.
  const [tree, kept] = await Promise.all([treeOf(bound, opened), keptAt(bound, ref)]);
  if (kept?.tree === tree) return kept;
  const commit = await commitTree(bound, {
    tree,
    // A stream's snapshots follow its saved states, so that two of them can be compared at any moment.
    parents: [opened.stream === null ? opened.base : await tipOf(bound, input.id, opened)],
    message: `baton: ${input.label}`,
    at: input.at,
  });
  await bound.run(['update-ref', '-m', 'baton: snapshot', ref, commit]);
  return { commit, tree };
}

/** The state of the worktree in its private index, which is left bound, and as a tree. */
export async function gathered(
  git: Git,
  opened: OpenedWorktree,
): Promise<{ readonly bound: BoundGit; readonly tree: string; readonly index: string }> {
  const bound = await boundTo(git, opened);
  return { bound, tree: await treeOf(bound, opened), index: privateIndex(opened) };
}

/** Git over the worktree and its private index, which is made where there is none yet. */
async function boundTo(git: Git, opened: OpenedWorktree): Promise<BoundGit> {
  const index = privateIndex(opened);
  await rm(`${index}.lock`, { force: true });
  const seeded = await seed(index, opened);
  const bound = await git.bind({
    cwd: opened.worktree,
    gitDir: opened.gitDir,
    workTree: opened.worktree,
    indexFile: index,
  });
  // Once: what was checked out within the second its index was written in would be read anew each time. Exit 1: files differ.
  if (seeded) await bound.run(['update-index', '-q', '--refresh'], { answers: [1] });
  return bound;
}

async function treeOf(bound: BoundGit, opened: OpenedWorktree): Promise<string> {
  await gather(bound, opened.worktree);
  return bound.text(['write-tree']);
}

async function keptAt(bound: BoundGit, ref: string): Promise<Snapshot | null> {
  const told = await bound.text(['for-each-ref', '--format=%(objectname) %(tree)', ref]);
  const [commit = '', tree = ''] = told.split(' ');
  return commit === '' ? null : { commit, tree };
}

export function snapshotRef(id: string, label: string): string {
  return `refs/baton/snap/${id}/${refPart(label)}`;
}

/** Where the line of a worktree's saved states stands: what merges begin from. */
export function tipRef(id: string): string {
  return `refs/baton/tip/${id}`;
}

/** The last saved state of a worktree; its base while nothing was saved. */
export async function tipOf(
  bound: BoundGit,
  id: string,
  { base }: Pick<OpenedWorktree, 'base'>,
): Promise<string> {
  return (await bound.resolve(`${tipRef(id)}^{commit}`)) ?? base;
}

/** The line goes on from a commit; also the newest snapshot, from which a worktree that is gone is made again. */
export async function moveTip(bound: BoundGit, id: string, commit: string, why: string): Promise<void> {
  await bound.run(['update-ref', '-m', `baton: ${why}`, snapshotRef(id, 'saved'), commit]);
  await bound.run(['update-ref', '-m', `baton: ${why}`, tipRef(id), commit]);
}

/** Saves the state of the worktree as the next commit of its line; the last one stands when nothing changed since. */
export async function saveTip(
  git: Git,
  opened: OpenedWorktree,
  input: { readonly id: string; readonly label: string; readonly at: number },
): Promise<Snapshot> {
  const { bound, tree } = await gathered(git, opened);
  const tip = await tipOf(bound, input.id, opened);
  if ((await bound.resolve(`${tip}^{tree}`)) === tree) {
    await moveTip(bound, input.id, tip, 'saved');
    return { commit: tip, tree };
  }
  const commit = await commitTree(bound, {
    tree,
    parents: [tip],
    message: `baton: ${input.label}`,
    at: input.at,
  });
  await moveTip(bound, input.id, commit, 'saved');
  return { commit, tree };
}

/**
 * Puts the files back to a tree, by way of the private index: gathered first, so that what was made since is known and goes.
 * Errors: structural `tree_missing`.
 */
export async function restoreSnapshot(git: Git, opened: OpenedWorktree, tree: string): Promise<void> {
  const bound = await boundTo(git, opened);
  if (!/^[0-9a-f]{40,64}$/.test(tree) || (await bound.resolve(`${tree}^{tree}`)) === null)
    throw new BatonError({
      class: 'structural',
      code: 'tree_missing',
      message: `The state ${tree.slice(0, 12)} to go back to is not in the repository.`,
    });
  await gather(bound, opened.worktree);
  await bound.run(['read-tree', '--reset', '-u', tree], { timeoutMs: RESTORE_TIMEOUT_MS });
}

/**
 * The worktree's own index is a good start: the times it holds spare git from reading unchanged files. Its own time comes along:
 * by it git knows of which files it cannot be sure, those that may have changed within the second they were written in.
 * @returns whether it was made now
 */
async function seed(index: string, opened: OpenedWorktree): Promise<boolean> {
  if (
    await lstat(index).then(
      () => true,
      () => false,
    )
  )
    return false;
  await mkdir(dirname(index), { recursive: true });
  const temporary = `${index}.seed`;
  const source = join(opened.gitDir, 'index');
  await copyFile(source, temporary);
  const seconds = Math.floor((await stat(source)).mtimeMs / 1_000);
  await utimes(temporary, seconds, seconds);
  await rename(temporary, index);
  return true;
}

/**
 * What `git add -A` does, without its look into nested repositories: that runs `git status` inside them under
 * their own configuration, which whoever made them chose. A nested repository is left out.
 */
async function gather(bound: BoundGit, worktree: string): Promise<void> {
  const { stdout } = await bound.run(['ls-files', '-z', '-d', '-m', '-o', '--exclude-standard']);
  const changed = [...new Set(splitNul(stdout))].filter((path) => !path.endsWith('/'));
  const folders: string[] = [];
  for (let start = 0; start < changed.length; start += STAT_BATCH) {
    const batch = changed.slice(start, start + STAT_BATCH);
    const areFolders = await Promise.all(batch.map((path) => isFolderNow(worktree, path)));
    folders.push(...batch.filter((_, i) => areFolders[i]));
  }
  const gone = folders.length === 0 ? [] : await withoutSubmodules(bound, folders);
  await updateIndex(bound, ['--force-remove'], gone);
  const aside = new Set(folders);
  await updateIndex(
    bound,
    ['--add', '--remove', '--replace'],
    changed.filter((path) => !aside.has(path)),
  );
}

async function updateIndex(
  bound: BoundGit,
  options: readonly string[],
  paths: readonly string[],
): Promise<void> {
  if (paths.length === 0) return;
  const input = Buffer.from(paths.map((path) => `${path}\0`).join(''), 'latin1');
  await bound.run(['update-index', '-z', ...options, '--stdin'], { input });
}

/** Of paths that are folders now, those that were files; a submodule stays at the commit it was at. */
async function withoutSubmodules(bound: BoundGit, folders: readonly string[]): Promise<string[]> {
  const { stdout } = await bound.run(['ls-files', '-s', '-z']);
  const files = new Set(
    splitNul(stdout)
      .filter((entry) => !entry.startsWith('160000 '))
      .map((entry) => entry.slice(entry.indexOf('\t') + 1)),
  );
  return folders.filter((path) => files.has(path));
}

/** Whether a changed path is a folder now. Errors: terminal `file_too_large`. */
async function isFolderNow(worktree: string, path: string): Promise<boolean> {
  const info = await lstat(
    Buffer.from(`${Buffer.from(worktree).toString('latin1')}/${path}`, 'latin1'),
  ).catch(() => null);
  if (info === null || !info.isFile()) return info?.isDirectory() === true;
  if (info.size <= MAX_FILE_BYTES) return false;
  throw new BatonError({
    class: 'terminal',
    code: 'file_too_large',
    message: `${readable(path)} has ${Math.round(info.size / 1024 / 1024)} MB; files above 50 MB are not kept.`,
    hint: 'Delete the file, or name it in .gitignore.',
  });
}

/**
 * Puts a tree on the branch as one commit on the base.
 * Errors: `needs_person` / `branch_moved` when somebody else's commits are on the branch.
 */
export async function commitBranch(
  git: Git,
  opened: OpenedWorktree,
  input: { readonly tree: string; readonly message: string; readonly at: number },
): Promise<{ commit: string }> {
  const bound = await git.bind({ cwd: opened.worktree, gitDir: opened.gitDir, workTree: opened.worktree });
  const tree = await bound.resolve(`${input.tree}^{tree}`);
  if (tree === null || !/^[0-9a-f]{40,64}$/.test(input.tree)) {
    throw new BatonError({
      class: 'structural',
      code: 'tree_missing',
      message: `The content ${input.tree.slice(0, 12)} to be committed is not in the repository.`,
    });
  }
  const commit = await commitTree(bound, {
    tree,
    parents: [opened.base],
    message: input.message,
    at: input.at,
  });
  const ref = `refs/heads/${opened.branch}`;
  const tip = await bound.resolve(ref);
  if (tip !== commit) {
    if (tip !== null && tip !== opened.base && !(await isOurs(bound, tip, opened.base)))
      throw branchMoved(opened.branch);
    await bound.run(['update-ref', '-m', 'baton: commit', ref, commit, tip ?? '']);
  }
  await rm(join(opened.gitDir, 'index.lock'), { force: true });
  await bound.run(['read-tree', 'HEAD']);
  // Exit 1 only says that files differ from the commit.
  await bound.run(['update-index', '-q', '--refresh'], { answers: [1] });
  return { commit };
}

/** A commit of this run that is being replaced by a later one: on the base, and by Baton. */
export async function isOurs(bound: BoundGit, tip: string, base: string): Promise<boolean> {
  const told = await bound.text([
    'log',
    '-1',
    '--no-show-signature',
    '--format=%P %ce',
    '--end-of-options',
    tip,
  ]);
  return told === `${base} baton@localhost`;
}

export function branchMoved(branch: string): BatonError {
  return new BatonError({
    class: 'needs_person',
    code: 'branch_moved',
    message: `Somebody put other commits on ${branch}. They were left as they are, and Baton's result is kept as a snapshot.`,
    hint: 'Move those commits to another branch, then choose Retry.',
  });
}

export async function commitTree(
  bound: BoundGit,
  input: {
    readonly tree: string;
    readonly parents: readonly string[];
    readonly message: string;
    readonly at: number;
  },
): Promise<string> {
  const parents = input.parents.flatMap((parent) => ['-p', parent]);
  return bound.text(['commit-tree', '--no-gpg-sign', ...parents, '-F', '-', input.tree], {
    input: `${printable(input.message).trimEnd()}\n`,
    at: input.at,
  });
}

/** Without characters that steer a terminal or hide and reorder text: people read messages with `git log`. */
function printable(message: string): string {
  return message.toWellFormed().replace(/(?![\n\t\u200d])[\p{Cc}\p{Cf}\u2028\u2029]/gu, '');
}

/** What changed from the base to a tree: counts per file (binary files count 0) and the patch, cut where said. */
export async function diffFrom(
  git: Git,
  opened: Pick<OpenedWorktree, 'common' | 'base'>,
  tree: string,
  maxPatchChars: number,
): Promise<{ stat: DiffStat; patch: string; cut: boolean }> {
  const bound = await git.bind({ cwd: opened.common, gitDir: opened.common });
  const range = ['--end-of-options', opened.base, tree];
  const numbers = await bound.run(['diff-tree', ...DIFF_OPTIONS, '--numstat', '-z', ...range]);
  const patch = await bound.run(['diff-tree', ...DIFF_OPTIONS, '--patch', ...range], {
    // Four bytes hold any character, so this many bytes hold what is asked for.
    maxBytes: maxPatchChars * 4 + 1,
    cutOutput: true,
  });
  const text = patch.stdout.toString('utf8');
  const cut = patch.cut || text.length > maxPatchChars;
  const shown = cut
    ? `${text.slice(0, maxPatchChars).replace(/[^\n]*$/, '')}[the rest of the patch is left out here]\n`
    : text;
  return { stat: parseNumstat(numbers.stdout), patch: shown, cut };
}

/** The commits behind a worktree, newest first: short id, day, author, first line. */
export async function commitsOf(
  git: Git,
  opened: OpenedWorktree,
  path: string | null,
  count: number,
): Promise<string> {
  const bound = await git.bind({ cwd: opened.worktree, gitDir: opened.gitDir, workTree: opened.worktree });
  const inner = path === null ? '' : pathParts(path).join('/');
  const scope = inner === '' ? [] : ['--', inner];
  return await bound.text([
    'log',
    '--no-color',
    '--no-show-signature',
    '--no-mailmap',
    `--max-count=${count}`,
    '--date=short',
    '--format=%h %ad %an: %s',
    'HEAD',
    ...scope,
  ]);
}

/** `added TAB removed TAB path NUL`, or for renames `added TAB removed TAB NUL old NUL new NUL`. */
export function parseNumstat(output: Buffer): DiffStat {
  const fields = output.toString('latin1').split('\0');
  const files: DiffStat['files'] = [];
  for (let i = 0; i < fields.length; i += 1) {
    const [added, removed, ...rest] = (fields[i] ?? '').split('\t');
    if (added === undefined || removed === undefined) continue;
    const name = rest.join('\t');
    if (name === '') i += 2;
    const path = readable(name === '' ? (fields[i] ?? '') : name);
    files.push({ path, added: Number(added) || 0, removed: Number(removed) || 0 });
  }
  const total = (pick: 'added' | 'removed') => files.reduce((sum, file) => sum + file[pick], 0);
  return { files, added: total('added'), removed: total('removed') };
}

/** A label as one part of a ref's name; different labels never meet. */
export function refPart(label: string): string {
  const part = label.replace(/[^A-Za-z0-9_-]/gu, (char) => `=${Buffer.from(char).toString('hex')}=`);
  if (part !== '' && part.length <= MAX_REF_PART && !part.startsWith('-')) return part;
  return `=sha=${createHash('sha256').update(label).digest('hex')}`;
}
