import { mkdir, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { BatonError } from '../domain/failure.ts';
import type { Clock } from '../ports/clock.ts';
import type { RunCommand, Workspace, Workspaces } from '../ports/workspace.ts';
import { runCommand } from './command.ts';
import { createFiles } from './files.ts';
import { createGit, type Git } from './git.ts';
import { inspectRepository } from './inspect.ts';
import { createKeyedMutex, type KeyedMutex } from './mutex.ts';
import { addressOf, locate } from './repository.ts';
import { type Sandbox, SYSTEM_PATH, wrapCommand } from './sandbox.ts';
import { commitBranch, diffFrom, takeSnapshot } from './snapshots.ts';
import { closeWorktree, commonOf, type OpenedWorktree, openWorktree, type RunFolders } from './worktree.ts';

export interface WorkspacesSettings {
  /** BATON_HOME. Worktrees lie in `worktrees/`, per-run files in `workspaces/`, fetched copies in `repositories/`. */
  readonly home: string;
  /** From `probeSandbox()`, once per process. */
  readonly sandbox: Sandbox;
  readonly clock?: Pick<Clock, 'monotonic'>;
  /** Where git and ssh are looked for. */
  readonly searchPath?: string;
  /** Passed to git for fetches over ssh, never to commands. */
  readonly sshAuthSock?: string | undefined;
}

interface Context {
  readonly git: Git;
  readonly home: string;
  readonly mutex: KeyedMutex;
  readonly sandbox: Sandbox;
  readonly monotonic: () => number;
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
    const git = createGit({ home: join(home, 'git-home'), path, sshAuthSock: settings.sshAuthSock });
    return { git, home, mutex, sandbox: settings.sandbox, monotonic };
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
    async inspect(location) {
      const here = await context();
      return oneFetch(location, () => inspectRepository(here, location));
    },
    async open(input) {
      const here = await context();
      const folders = foldersOf(here.home, input.runId);
      const located = await oneFetch(input.location, () => locate(here, input.location, false));
      if ('problem' in located) {
        throw new BatonError({
          class: 'needs_person',
          code: 'repository_unusable',
          message: located.problem,
          hint: 'Nothing was changed. Put it right, then choose Retry.',
        });
      }
      const { repository } = located;
      const opened = await mutex.run(`repository:${repository.common}`, () =>
        openWorktree(here.git, repository, folders, input),
      );
      return workspaceOf(here, opened, input.runId);
    },
    async close(runId) {
      const here = await context();
      const folders = foldersOf(here.home, runId);
      const common = await commonOf(folders);
      await mutex.run(`repository:${common ?? runId}`, () => closeWorktree(folders));
    },
    sandbox: () => ({ kind: settings.sandbox.kind, reason: settings.sandbox.reason }),
  };
}

function foldersOf(home: string, runId: string): RunFolders {
  if (!/^[A-Za-z0-9_-]{1,100}$/.test(runId)) {
    throw new BatonError({
      class: 'structural',
      code: 'run_id',
      message: 'The id of the run cannot name a folder.',
    });
  }
  return { worktree: join(home, 'worktrees', runId), side: join(home, 'workspaces', runId) };
}

async function workspaceOf(context: Context, opened: OpenedWorktree, runId: string): Promise<Workspace> {
  const { git, mutex, sandbox } = context;
  const { files, settle } = createFiles(git, opened, mutex);
  await settle();
  // The private index and the branch have one writer at a time.
  const alone = <T>(work: () => Promise<T>) => mutex.run(`snapshots:${runId}`, work);
  return {
    info: {
      path: opened.worktree,
      branch: opened.branch,
      base: opened.base,
      sandbox: sandbox.kind,
      ...(opened.restoredFrom === null ? {} : { restoredFrom: opened.restoredFrom }),
    },
    files,
    run: (command) => run(context, opened, command),
    snapshot: (label, at) => alone(() => takeSnapshot(git, opened, { runId, label, at })),
    diff: (tree, maxPatchChars) => diffFrom(git, opened, tree, maxPatchChars),
    commit: (input) => alone(() => commitBranch(git, opened, input)),
  };
}

async function run(context: Context, opened: OpenedWorktree, command: RunCommand) {
  if (context.sandbox.kind === 'none' && !command.allowUnsandboxed) {
    throw new BatonError({
      class: 'needs_person',
      code: 'sandbox_missing',
      message: `The command was not run: there is no sandbox on this machine. ${context.sandbox.reason}`,
      hint: 'Install bubblewrap and restart Baton, or allow the command to run without a sandbox.',
    });
  }
  const wrapped = await wrapCommand(context.sandbox, opened, command.argv, command.timeoutMs);
  return runCommand({
    ...wrapped,
    cwd: opened.worktree,
    timeoutMs: command.timeoutMs,
    signal: command.signal,
    monotonic: context.monotonic,
  });
}
