import { mkdir, readdir, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { BatonError } from '../domain/failure.ts';
import type { Clock } from '../ports/clock.ts';
import type { Workspaces } from '../ports/workspace.ts';
import { createGit } from './git/git.ts';
import { createGitRoom, gitIsOfTheSystem } from './git/git-room.ts';
import { inspectRepository } from './inspect.ts';
import { createKeyedMutex } from './mutex.ts';
import { createPast } from './past.ts';
import { addressOf, locate, type Repository } from './repository.ts';
import { SYSTEM_PATH } from './sandbox/bubblewrap.ts';
import { diskBounds } from './sandbox/disk-watch.ts';
import type { Sandbox } from './sandbox/sandbox.ts';
import { tipOf } from './snapshots.ts';
import { type Context, endPrograms, workspaceOf } from './workspace.ts';
import {
  closeWorktree,
  commonOf,
  type OpenedWorktree,
  openWorktree,
  type RunFolders,
  stateOf,
  streamState,
} from './worktree.ts';

export interface WorkspacesSettings {
  /** BATON_HOME. Worktrees lie in `worktrees/`, per-run files in `workspaces/`, fetched copies in `repositories/`. */
  readonly home: string;
  /** From `probeSandbox()`, once per process. */
  readonly sandbox: Sandbox;
  readonly clock?: Pick<Clock, 'monotonic'>;
  /** Where git and ssh are looked for. */
  readonly searchPath?: string | undefined;
  /** Bytes of memory a command may take, where a person set it; else what its class has. */
  readonly memoryBytes?: number | null | undefined;
  /** Bytes of memory a program that plays an agent may take; as much as coding agents need unless given. */
  readonly programMemoryBytes?: number | undefined;
  /** Bytes a command may leave on the disk, where a person set it. */
  readonly diskBytes?: number | null | undefined;
  /** Passed to git for fetches over ssh, never to commands. */
  readonly sshAuthSock?: string | undefined;
  /** A PEM file of authorities trusted beside the usual ones, for https. */
  readonly extraAuthorities?: string | undefined;
}

/** The workspaces of one Baton home, over real git. Makes the folders it needs on first use. */
export function createWorkspaces(settings: WorkspacesSettings): Workspaces {
  const mutex = createKeyedMutex();
  const monotonic = () => settings.clock?.monotonic() ?? performance.now();
  let prepared: Promise<Context> | null = null;
  const prepare = async (): Promise<Context> => {
    await mkdir(join(settings.home, 'git-home'), { recursive: true });
    await mkdir(join(settings.home, 'worktrees'), { recursive: true });
    const home = await realpath(settings.home);
    const path = settings.searchPath ?? `${SYSTEM_PATH}:/opt/homebrew/bin`;
    const confined = settings.sandbox.kind === 'bubblewrap' && (await gitIsOfTheSystem());
    const room = confined ? createGitRoom(join(home, 'git-home', 'rooms')) : undefined;
    const { sshAuthSock, extraAuthorities } = settings;
    const git = createGit({ home: join(home, 'git-home'), path, sshAuthSock, extraAuthorities, room });
    return {
      git,
      home,
      mutex,
      sandbox: settings.sandbox,
      monotonic,
      memoryBytes: settings.memoryBytes ?? null,
      programMemoryBytes: settings.programMemoryBytes,
      disk: diskBounds(settings.diskBytes),
      programs: new Map(),
    };
  };
  const context = () => {
    // A failed attempt is not kept: the disk may have room again.
    prepared ??= prepare().catch((error: unknown) => {
      prepared = null;
      throw error;
    });
    return prepared;
  };

  /** Two first fetches of one address at once would make the same copy, and one of them fail. */
  const oneFetch = <T>(location: string, work: () => Promise<T>): Promise<T> =>
    addressOf(location) === null ? work() : mutex.run(`address:${location}`, work);

  return {
    async inspect(location, commit) {
      const here = await context();
      return oneFetch(location, () => inspectRepository(here, location, commit ?? null));
    },
    async open({ runId, location, branch, base, resources = 'sequence' }) {
      const here = await context();
      const folders = foldersOf(here.home, checked(runId));
      const repository = await repositoryAt(here, location, oneFetch);
      const opened = await mutex.run(`repository:${repository.common}`, () =>
        openWorktree(here.git, repository, folders, { id: runId, branch, base, stream: null }),
      );
      const idOf = (stream: string) => streamId(runId, stream);
      return workspaceOf(here, opened, { id: runId, parentId: null, idOf, resources });
    },
    async openStream({ runId, location, stream, parent, resources = 'sequence' }) {
      const here = await context();
      const id = streamId(runId, stream);
      const repository = await repositoryAt(here, location, oneFetch);
      const { opened, from } = await mutex.run(`repository:${repository.common}`, () =>
        openStreamIn(here, repository, { runId, stream, parent }),
      );
      const parentId = from === null ? runId : streamId(runId, from);
      const idOf = (name: string) => streamId(runId, name);
      return workspaceOf(here, opened, { id, parentId, idOf, resources });
    },
    async streams(runId) {
      const here = await context();
      return streamsOf(here.home, checked(runId));
    },
    async closeStream(runId, stream) {
      const here = await context();
      const all = await streamsOf(here.home, checked(runId));
      for (const name of [...below(all, stream), stream]) await closeOne(here, streamId(runId, name));
    },
    async close(runId) {
      const here = await context();
      // By their folders: of a stream whose opening was cut short there may be nothing else.
      for (const id of await streamFolders(here.home, checked(runId))) await closeOne(here, id);
      await closeOne(here, runId);
    },
    async past({ runId, location, branch, base }) {
      const here = await context();
      const repository = await repositoryAt(here, location, oneFetch);
      return createPast(here.git, repository, { runId: checked(runId), branch, base });
    },
    sandbox: () => ({ kind: settings.sandbox.kind, reason: settings.sandbox.reason }),
  };
}

async function repositoryAt(
  here: Context,
  location: string,
  oneFetch: <T>(location: string, work: () => Promise<T>) => Promise<T>,
): Promise<Repository> {
  const located = await oneFetch(location, () => locate(here, location, false));
  if (!('problem' in located)) return located.repository;
  throw new BatonError({
    class: 'needs_person',
    code: 'repository_unusable',
    message: located.problem,
    hint: 'Nothing was changed. Put it right, then choose Retry.',
  });
}

/** Where the stream stands when it is there already; else at its parent's last saved state. */
async function openStreamIn(
  here: Context,
  repository: Repository,
  wanted: { readonly runId: string; readonly stream: string; readonly parent?: string | null | undefined },
): Promise<{ readonly opened: OpenedWorktree; readonly from: string | null }> {
  const { runId, stream } = wanted;
  const id = streamId(runId, stream);
  const folders = foldersOf(here.home, id);
  const there = await streamState(folders);
  const parent = there === null ? wanted.parent : there.parent;
  if (parent === undefined) throw unknownStream(stream);
  const parentId = parent === null ? runId : streamId(runId, parent);
  const state = there ?? (await stateOf(foldersOf(here.home, parentId)));
  if (state === null) throw unknownStream(parent ?? runId);
  const base = there === null ? await tipOf(repository.git, parentId, state) : state.base;
  const named = { name: stream, parent };
  const opened = await openWorktree(here.git, repository, folders, {
    id,
    branch: state.branch,
    base,
    stream: named,
  });
  return { opened, from: parent };
}

function unknownStream(stream: string): BatonError {
  return new BatonError({
    class: 'structural',
    code: 'stream_unknown',
    message: `The stream ${stream} of this run has no worktree.`,
    hint: 'What it saved is kept under refs/baton/tip/. Run the work again.',
  });
}

async function closeOne(here: Context, id: string): Promise<void> {
  await endPrograms(here, id);
  const folders = foldersOf(here.home, id);
  const common = await commonOf(folders);
  await here.mutex.run(`repository:${common ?? id}`, () => closeWorktree(folders));
}

/** A dot is in no run's id, so no stream is taken for another run. */
async function streamFolders(home: string, runId: string): Promise<string[]> {
  const [open, half] = await Promise.all(
    ['workspaces', 'worktrees'].map((folder) => readdir(join(home, folder)).catch(() => [])),
  );
  return [...new Set([...(open ?? []), ...(half ?? [])])].filter((name) => name.startsWith(`${runId}.`));
}

async function streamsOf(home: string, runId: string): Promise<Open[]> {
  const names = await streamFolders(home, runId);
  const states = await Promise.all(names.map((name) => streamState(foldersOf(home, name))));
  return states.flatMap((state) => (state === null ? [] : [{ stream: state.name, parent: state.parent }]));
}

interface Open {
  readonly stream: string;
  readonly parent: string | null;
}

/** The streams that began from a stream, and those that began from them, the innermost first. */
function below(all: readonly Open[], stream: string): string[] {
  return all
    .filter(({ parent }) => parent === stream)
    .flatMap((child) => [...below(all, child.stream), child.stream]);
}

function checked(runId: string): string {
  if (/^[A-Za-z0-9_-]{1,100}$/.test(runId)) return runId;
  throw new BatonError({
    class: 'structural',
    code: 'run_id',
    message: 'The id of the run cannot name a folder.',
  });
}

function streamId(runId: string, stream: string): string {
  if (/^[a-z0-9-]{1,80}$/.test(stream)) return `${checked(runId)}.${stream}`;
  throw new BatonError({
    class: 'structural',
    code: 'run_id',
    message: 'The name of the stream cannot name a folder.',
  });
}

function foldersOf(home: string, id: string): RunFolders {
  return { worktree: join(home, 'worktrees', id), side: join(home, 'workspaces', id) };
}
