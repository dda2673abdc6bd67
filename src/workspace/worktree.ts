import { mkdir, readdir, realpath, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { BatonError } from '../domain/failure.ts';
import { readIfThere, writeDurably } from './durable-file.ts';
import type { BoundGit, Git } from './git/git.ts';
import type { Repository } from './repository.ts';

/** Milliseconds. Checking out a very large tree on a slow disk. */
const CHECKOUT_TIMEOUT_MS = 10 * 60_000;

/**
 * How far a run's worktree is. `making` and `closing` are written before the first and after the last change, so a
 * kill in between is seen, and what is half made holds no work and is made again.
 */
const stateSchema = z.object({
  status: z.enum(['making', 'ready', 'closing']),
  common: z.string(),
  branch: z.string(),
  base: z.string(),
  /** Set for a stream: its own name, and the stream it began from (null: the run's own worktree). */
  stream: z.object({ name: z.string(), parent: z.string().nullable() }).nullable().default(null),
});
type State = z.infer<typeof stateSchema>;

/** The folders of one worktree, a run's or a stream's. `side` holds what must not stand in the worktree: private index, edit intents, temporary files. */
export interface RunFolders {
  readonly worktree: string;
  readonly side: string;
}

/** In a folder of its own: where git writes files, this folder is the only other one it can reach. */
export function privateIndex(folders: Pick<RunFolders, 'side'>): string {
  return join(folders.side, 'git', 'index');
}

export interface OpenedWorktree {
  readonly worktree: string;
  readonly side: string;
  /** The worktree's own folder in the repository: its HEAD and index. */
  readonly gitDir: string;
  readonly common: string;
  readonly branch: string;
  /** Moves when a stream takes in what was merged. */
  base: string;
  readonly stream: string | null;
  /** The snapshot the files were taken from, where the folder had gone missing. */
  readonly restoredFrom: string | null;
}

export interface OpenRequest {
  /** A run's id, or a stream's. */
  readonly id: string;
  readonly branch: string;
  readonly base: string;
  /** Null: the run's own worktree, which is on the branch. A stream's stands on its base alone. */
  readonly stream: { readonly name: string; readonly parent: string | null } | null;
}

/**
 * Makes the run's worktree and branch, or finds those of an earlier attempt, whatever moment that was killed at.
 * Only one call per repository at a time: git's own `worktree add` races with itself.
 */
export async function openWorktree(
  git: Git,
  repository: Repository,
  folders: RunFolders,
  request: OpenRequest,
): Promise<OpenedWorktree> {
  const { common } = repository;
  const base = await baseCommit(repository.git, request.base);
  await checkBranchName(repository.git, request.branch);
  const wanted = { common, branch: request.branch, base, stream: request.stream };
  const state = await readState(folders);
  if (state?.status === 'closing') await closeWorktree(folders);
  if (state?.status === 'ready') {
    checkSame(state, wanted);
    const gitDir = await findGitDir(common, folders.worktree);
    if (gitDir !== null && (await isFolder(folders.worktree))) {
      await rm(join(gitDir, 'index.lock'), { force: true });
      return openedAs(folders, state, gitDir, null);
    }
  }
  const restoredFrom = state?.status === 'ready' ? await newestSnapshot(repository.git, request.id) : null;
  // A stream's base moves: what was taken in stays taken in.
  const ready: State = { status: 'ready', ...wanted, base: state?.status === 'ready' ? state.base : base };
  await mkdir(folders.side, { recursive: true });
  await writeState(folders, { ...ready, status: 'making' });
  await removeWorktree(common, folders, request.id);
  if (request.stream === null) await ensureBranch(repository.git, request.branch, base);
  await mkdir(join(folders.worktree, '..'), { recursive: true });
  await repository.git.run([
    'worktree',
    'add',
    '--no-checkout',
    '--quiet',
    ...(request.stream === null ? [] : ['--detach']),
    '--',
    folders.worktree,
    request.stream === null ? request.branch : ready.base,
  ]);
  const gitDir = await findGitDir(common, folders.worktree);
  if (gitDir === null) {
    throw new BatonError({
      class: 'transient',
      code: 'worktree_lost',
      message: 'The worktree was made and is gone again. The branch was kept.',
    });
  }
  // Filters named in the repository's configuration run on checkout, so its configuration is read for this worktree first.
  const inside = await git.bind({ cwd: folders.worktree, gitDir, workTree: folders.worktree });
  await inside.run(['read-tree', '--reset', '-u', restoredFrom ?? 'HEAD'], {
    timeoutMs: CHECKOUT_TIMEOUT_MS,
  });
  if (restoredFrom !== null) await inside.run(['read-tree', 'HEAD']);
  await rm(privateIndex(folders), { force: true });
  await writeState(folders, ready);
  return openedAs(folders, ready, gitDir, restoredFrom);
}

function openedAs(
  folders: RunFolders,
  { common, branch, base, stream }: State,
  gitDir: string,
  restoredFrom: string | null,
): OpenedWorktree {
  return { ...folders, common, branch, base, stream: stream?.name ?? null, gitDir, restoredFrom };
}

/** How a stream was opened, when it was: its parent, its branch in words, and the commit it stands on now. */
export async function streamState(folders: RunFolders): Promise<{
  readonly name: string;
  readonly parent: string | null;
  readonly branch: string;
  readonly base: string;
} | null> {
  const state = await readState(folders);
  if (state === null || state.stream === null || state.status === 'closing') return null;
  return { ...state.stream, branch: state.branch, base: state.base };
}

/** The branch and base of any worktree that is open. */
export async function stateOf(
  folders: RunFolders,
): Promise<{ readonly branch: string; readonly base: string } | null> {
  return readState(folders);
}

/** Puts a stream on another commit, once its files are those of that commit. Safe to repeat. */
export async function moveBase(git: Git, opened: OpenedWorktree, base: string): Promise<void> {
  const state = await readState(opened);
  if (state !== null) await writeState(opened, { ...state, base });
  opened.base = base;
  const bound = await git.bind({ cwd: opened.worktree, gitDir: opened.gitDir, workTree: opened.worktree });
  await rm(join(opened.gitDir, 'index.lock'), { force: true });
  await bound.run(['update-ref', '--no-deref', '-m', 'baton: taken in', 'HEAD', base]);
  await bound.run(['read-tree', 'HEAD']);
  await bound.run(['update-index', '-q', '--refresh'], { answers: [1] });
}

/** Removes a run's worktree and side files. The branch and the snapshots stay. Safe to repeat, also after a kill. */
export async function closeWorktree(folders: RunFolders): Promise<void> {
  const state = await readState(folders);
  if (state !== null) {
    await writeState(folders, { ...state, status: 'closing' });
    await removeWorktree(state.common, folders, null);
  }
  await rm(folders.worktree, { recursive: true, force: true });
  await rm(folders.side, { recursive: true, force: true });
}

/** The repository a run's worktree belongs to, or null when there is none. */
export async function commonOf(folders: RunFolders): Promise<string | null> {
  return (await readState(folders))?.common ?? null;
}

async function readState(folders: RunFolders): Promise<State | null> {
  const text = await readIfThere(join(folders.side, 'state.json'));
  if (text === null) return null;
  return stateSchema.parse(JSON.parse(text));
}

async function writeState(folders: RunFolders, state: State): Promise<void> {
  await writeDurably(join(folders.side, 'state.json'), `${JSON.stringify(state)}\n`);
}

function checkSame(state: State, wanted: Omit<State, 'status'>): void {
  const sameBase = state.base === wanted.base || wanted.stream !== null;
  if (state.common === wanted.common && state.branch === wanted.branch && sameBase) return;
  throw new BatonError({
    class: 'structural',
    code: 'workspace_mismatch',
    message: `This run already has a worktree of ${state.common} on ${state.branch}, which is not what is asked for now.`,
    hint: 'Nothing was changed. Set the repository back to what it was when the run started, then choose Retry.',
  });
}

async function baseCommit(git: BoundGit, base: string): Promise<string> {
  const commit = await git.resolve(`${base}^{commit}`);
  if (commit !== null) return commit;
  throw new BatonError({
    class: 'needs_person',
    code: 'base_missing',
    message: `The commit ${base.slice(0, 12)} the work starts from is not in the repository any more.`,
    hint: 'Bring the commit back (for instance with “git fetch”), then choose Retry, or start again.',
  });
}

async function checkBranchName(git: BoundGit, branch: string): Promise<void> {
  const { code } = await git.run(['check-ref-format', `refs/heads/${branch}`], { answers: [1] });
  if (code === 0 && !branch.startsWith('-')) return;
  throw new BatonError({
    class: 'structural',
    code: 'branch_name',
    message: `“${branch}” cannot name a branch.`,
  });
}

/** The branch at its base, or where an earlier attempt of this run left it; never a second one beside it. */
async function ensureBranch(git: BoundGit, branch: string, base: string): Promise<void> {
  const tip = await git.resolve(`refs/heads/${branch}`);
  if (tip === null) {
    const parts = branch.split('/');
    for (let length = 1; length < parts.length; length += 1) {
      const shorter = parts.slice(0, length).join('/');
      if ((await git.resolve(`refs/heads/${shorter}`)) === null) continue;
      throw new BatonError({
        class: 'needs_person',
        code: 'branch_taken',
        message: `The repository has a branch named “${shorter}”, so git cannot make “${branch}”.`,
        hint: `Rename the branch “${shorter}”, then choose Retry.`,
      });
    }
    // An empty old value: made only while it is still missing.
    await git.run(['update-ref', '-m', 'baton: branch', `refs/heads/${branch}`, base, '']);
    return;
  }
  const { code } = await git.run(['merge-base', '--is-ancestor', base, tip], { answers: [1] });
  if (code === 0) return;
  throw new BatonError({
    class: 'needs_person',
    code: 'branch_taken',
    message: `The branch “${branch}” exists already and holds other work.`,
    hint: 'It was left as it is. Rename or delete that branch, then choose Retry.',
  });
}

/** The folder under `worktrees/` of the repository that belongs to a worktree, told by what the repository itself says. */
async function findGitDir(common: string, worktree: string): Promise<string | null> {
  const all = join(common, 'worktrees');
  const real = await realpath(worktree).catch(() => worktree);
  for (const name of await readdir(all).catch(() => [])) {
    const points = (await readIfThere(join(all, name, 'gitdir')))?.trim();
    if (points === join(worktree, '.git') || points === join(real, '.git')) return join(all, name);
  }
  return null;
}

/** Takes away a worktree and its entry, also one whose making was cut short, when git itself would keep it locked. */
async function removeWorktree(common: string, folders: RunFolders, id: string | null): Promise<void> {
  const found = await findGitDir(common, folders.worktree);
  await rm(folders.worktree, { recursive: true, force: true });
  if (found !== null) await rm(found, { recursive: true, force: true });
  if (id === null) return;
  const named = join(common, 'worktrees', id);
  if ((await readIfThere(join(named, 'gitdir'))) === null) await rm(named, { recursive: true, force: true });
}

export async function newestSnapshot(git: BoundGit, id: string): Promise<string | null> {
  const newest = await git.text([
    'for-each-ref',
    '--sort=-committerdate',
    '--count=1',
    '--format=%(objectname)',
    `refs/baton/snap/${id}/`,
  ]);
  return newest === '' ? null : newest;
}

async function isFolder(path: string): Promise<boolean> {
  return stat(path).then(
    (info) => info.isDirectory(),
    () => false,
  );
}
