import { BatonError } from '../domain/failure.ts';
import type {
  CommandResult,
  Program,
  ProgramRequest,
  ResourceClass,
  RunCommand,
  Workspace,
} from '../ports/workspace.ts';
import { baseText, changedFiles } from './changed-files.ts';
import { createFiles } from './files/files.ts';
import { MAX_SEARCH_BYTES, type Ripgrep, SEARCH_TIMEOUT_MS } from './files/search.ts';
import type { Git } from './git/git.ts';
import { createLine } from './line.ts';
import type { KeyedMutex } from './mutex.ts';
import { BOUNDS, boundsFor, type ClassBounds, programBounds } from './sandbox/bounds.ts';
import type { Extras } from './sandbox/bubblewrap.ts';
import { commandGroup } from './sandbox/cgroups.ts';
import { type CommandCall, contain, runCommand } from './sandbox/command.ts';
import type { DiskBounds } from './sandbox/disk-watch.ts';
import { type Sandbox, wrapCommand } from './sandbox/sandbox.ts';
import { isThere } from './sandbox/toolchain.ts';
import { commitBranch, commitsOf, diffFrom, gathered, restoreSnapshot, takeSnapshot } from './snapshots.ts';
import type { OpenedWorktree } from './worktree.ts';

/** Where the system keeps it; the sandbox shows /usr. */
const RIPGREP = '/usr/bin/rg';
/** How much more the watcher allows where a group holds the memory. */
const SHARED_TWICE = 4;

/** What all workspaces of one home share. */
export interface Context {
  readonly git: Git;
  readonly home: string;
  readonly mutex: KeyedMutex;
  readonly sandbox: Sandbox;
  readonly monotonic: () => number;
  readonly memoryBytes: number | null;
  readonly programMemoryBytes: number | undefined;
  readonly disk: DiskBounds;
  /** Programs under way by worktree. */
  readonly programs: Map<string, Set<{ readonly end: () => void; readonly done: Promise<CommandResult> }>>;
}

interface Place {
  /** The worktree's own id, that of what it began from, null for a run's own, and those of streams of the same run. */
  readonly id: string;
  readonly parentId: string | null;
  readonly idOf: (stream: string) => string;
  readonly resources: ResourceClass;
}

/** A worktree that is open, as the rest of Baton knows it. */
export async function workspaceOf(
  context: Context,
  opened: OpenedWorktree,
  { id, parentId, idOf, resources }: Place,
): Promise<Workspace> {
  const bounds = boundsFor(resources, context.memoryBytes);
  const { git, mutex, sandbox } = context;
  const { files, settle } = createFiles(git, opened, mutex, await ripgrepFor(context, opened));
  await settle();
  // The private index and the branch have one writer at a time.
  const alone = <T>(work: () => Promise<T>) => mutex.run(`snapshots:${id}`, work);
  return {
    get info() {
      return {
        path: opened.worktree,
        branch: opened.branch,
        base: opened.base,
        sandbox: sandbox.kind,
        ...(opened.restoredFrom === null ? {} : { restoredFrom: opened.restoredFrom }),
      };
    },
    files,
    line: createLine({
      git,
      opened,
      id,
      idOf,
      parentId,
      alone: (work) => alone(() => mutex.run(`files:${opened.worktree}`, work)),
    }),
    run: (command) => run(context, opened, bounds, command),
    restore: (tree) => alone(() => restoreSnapshot(git, opened, tree)),
    start: (program) =>
      start(context, opened, programBounds(bounds, context.programMemoryBytes), id, program),
    snapshot: (label, at) => alone(() => takeSnapshot(git, opened, { id, label, at })),
    diff: (tree, maxPatchChars) => diffFrom(git, opened, tree, maxPatchChars),
    changes: async (maxPatchChars) => {
      const { tree } = await alone(() => gathered(git, opened));
      return diffFrom(git, opened, tree, maxPatchChars);
    },
    log: (path, count) => commitsOf(git, opened, path, count),
    changedFiles: (tree) => changedFiles(git, opened, tree),
    readBase: (path) => baseText(git, opened, path),
    commit: async (input) => {
      if (opened.stream !== null) throw unknownBranch(opened.stream);
      return alone(() => commitBranch(git, opened, input));
    },
  };
}

function unknownBranch(stream: string): BatonError {
  return new BatonError({
    class: 'structural',
    code: 'stream_ahead',
    message: `The stream ${stream} has no branch of its own; its work is merged where it began.`,
  });
}

/** Shut in like a command, so that a link which is turned while it looks leads nowhere; null where it cannot be. */
async function ripgrepFor({ sandbox, monotonic }: Context, opened: OpenedWorktree): Promise<Ripgrep> {
  if (sandbox.kind !== 'bubblewrap' || !(await isThere(RIPGREP))) return null;
  return async (args) => {
    const extras = { environment: {}, reads: [], readOnly: true };
    const wrapped = await wrapCommand(
      sandbox,
      opened,
      [RIPGREP, ...args],
      SEARCH_TIMEOUT_MS,
      BOUNDS.sequence,
      extras,
    );
    const chunks: Buffer[] = [];
    let size = 0;
    const over = new AbortController();
    const { input, done } = contain({
      ...wrapped,
      cwd: opened.worktree,
      timeoutMs: SEARCH_TIMEOUT_MS,
      signal: over.signal,
      monotonic,
      group: null,
      residentBytes: BOUNDS.sequence.memoryBytes,
      talk: (chunk) => {
        size += chunk.length;
        if (size <= MAX_SEARCH_BYTES) chunks.push(chunk);
        else over.abort();
      },
    });
    input?.end();
    const { exitCode, ended } = await done;
    return { stdout: Buffer.concat(chunks), cut: ended !== null, exitCode };
  };
}

async function run(
  context: Context,
  opened: OpenedWorktree,
  bounds: ClassBounds,
  command: RunCommand,
): Promise<CommandResult> {
  return runCommand(await commandCall(context, opened, bounds, command, undefined));
}

async function start(
  context: Context,
  opened: OpenedWorktree,
  bounds: ClassBounds,
  id: string,
  request: ProgramRequest,
): Promise<Program> {
  const over = new AbortController();
  const signal = AbortSignal.any([request.signal, over.signal]);
  const call = await commandCall(context, opened, bounds, { ...request, signal }, request);
  const { input, done } = contain({ ...call, talk: request.hear });
  const here = context.programs.get(id) ?? new Set();
  context.programs.set(id, here);
  const entry = { end: () => over.abort(), done };
  here.add(entry);
  const gone = () => here.delete(entry);
  done.then(gone, gone);
  return { say: (text) => void input?.write(text), finish: () => void input?.end(), done };
}

/** Ends the programs of a worktree; when this returns nothing of them lives. */
export async function endPrograms({ programs }: Context, id: string): Promise<void> {
  const here = [...(programs.get(id) ?? [])];
  programs.delete(id);
  for (const { end } of here) end();
  await Promise.allSettled(here.map(({ done }) => done));
}

async function commandCall(
  { sandbox, monotonic, disk }: Context,
  opened: OpenedWorktree,
  bounds: ClassBounds,
  command: RunCommand,
  extras: Extras | undefined,
): Promise<CommandCall> {
  if (sandbox.kind === 'none' && !command.allowUnsandboxed) {
    throw new BatonError({
      class: 'needs_person',
      code: 'sandbox_missing',
      message: `The command was not run: there is no sandbox on this machine. ${sandbox.reason}`,
      hint: 'Give this machine a sandbox (`baton doctor` says how) and restart Baton, or allow the command to run without one.',
    });
  }
  const { argv, timeoutMs, signal } = command;
  const wrapped = await wrapCommand(sandbox, opened, argv, timeoutMs, bounds, extras);
  const group = signal.aborted
    ? null
    : await commandGroup(sandbox.cgroups, bounds).catch((error: unknown) => {
        wrapped.release?.();
        throw error;
      });
  // Where groups count memory they are exact; the watcher counts what is shared several times over.
  const watched = sandbox.cgroups.folders.has('memory') ? SHARED_TWICE : 1;
  const residentBytes = bounds.memoryBytes * watched;
  return { ...wrapped, cwd: opened.worktree, timeoutMs, signal, monotonic, group, residentBytes, disk };
}
