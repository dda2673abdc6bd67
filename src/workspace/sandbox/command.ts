import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import type { Writable } from 'node:stream';
import { BatonError } from '../../domain/failure.ts';
import type { CommandResult } from '../../ports/workspace.ts';
import { hasCode } from '../durable-file.ts';
import type { CommandGroup } from './cgroups.ts';
import { DISK, type DiskBounds, watchDisk } from './disk-watch.ts';
import { createOutputBuffer } from './output-buffer.ts';
import { carrying, descendants, signalQuietly } from './process-tree.ts';

/** Bytes of output after which a command is ended: a flood that tells nothing, at the cost of a CPU. */
export const MAX_OUTPUT_BYTES = 16 * 1024 * 1024;
/** Bytes that a program may say over its whole life: hours of work, told in detail. */
const MAX_TALK_BYTES = 256 * 1024 * 1024;
/** Milliseconds between asking a command to end and ending it. */
const GRACE_MS = 2_000;
/** Milliseconds for output still in the pipes after the command has ended; a survivor may hold them open for ever. */
const DRAIN_MS = 500;
/** Milliseconds for a sandbox to take down what is in it. */
const TEARDOWN_MS = 5_000;
/** Looks for survivors without a sandbox; each also waits for those killed before. */
const MAX_SWEEPS = 50;
/** Milliseconds between looks at how many processes and how much memory there are. */
export const WATCH_MS = 250;
/** A process limit does not bind for root, so a watcher counts. Large test suites start some dozens. */
export const MAX_PROCESSES = 512;

export interface CommandCall {
  /** The whole command, with whatever wraps it. */
  readonly argv: readonly string[];
  readonly cwd: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  /** Whether the command keeps descriptor 3 open for as long as anything of it lives. */
  readonly sync: boolean;
  /** Resident bytes over all its processes at which the watcher ends it. */
  readonly residentBytes: number;
  /** What it may leave on the disk; where nothing is said, `DISK`. */
  readonly disk?: DiskBounds;
  /** Called once, when nothing of it lives any more. */
  readonly release?: () => void;
  /** The control group it runs in; null where there are none. */
  readonly group: CommandGroup | null;
  /** Milliseconds that never go back. */
  readonly monotonic: () => number;
  /**
   * For a program that is talked to: its standard output goes here instead of into the result, and its standard input
   * is open.
   */
  readonly talk?: (chunk: Buffer) => void;
}

type Ended = CommandResult['ended'];

/** A command under way. */
export interface Contained {
  /** Its standard input; null where it is closed. */
  readonly input: Writable | null;
  /** When nothing of it lives any more. */
  readonly done: Promise<CommandResult>;
}

/** Runs a command in a process group of its own and takes the whole group down with it. Standard input is closed. */
export async function runCommand(call: CommandCall): Promise<CommandResult> {
  if (call.signal.aborted) {
    call.release?.();
    return { exitCode: null, ended: 'cancelled', output: '', durationMs: 0 };
  }
  return await contain(call).done;
}

/** Starts a command in a process group of its own, to be taken down as a whole. */
export function contain(call: CommandCall): Contained {
  const [program, ...args] = [...(call.group?.enter ?? []), ...call.argv];
  if (program === undefined) {
    throw new BatonError({ class: 'terminal', code: 'command_empty', message: 'The command is empty.' });
  }
  const mark = randomUUID();
  const child = spawn(program, args, {
    cwd: call.cwd,
    env: { ...call.environment, BATON_COMMAND: mark },
    stdio: [call.talk === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe', call.sync ? 'pipe' : 'ignore'],
    detached: true,
  });
  // Whoever ends early closes its end: what it had not read is of no interest then.
  child.stdin?.on('error', () => undefined);
  return { input: child.stdin, done: supervise(call, child, program, mark) };
}

async function supervise(
  call: CommandCall,
  child: ChildProcess,
  program: string,
  mark: string,
): Promise<CommandResult> {
  const started = call.monotonic();
  const output = createOutputBuffer();
  let ended: Ended = null;
  const exit = Promise.withResolvers<number | null>();
  const closed = Promise.withResolvers<void>();
  child.once('error', (error) => exit.reject(startFailure(program, error)));
  child.once('exit', (code) => exit.resolve(code));
  child.once('close', () => closed.resolve());

  let killTimer: NodeJS.Timeout | undefined;
  const end = (why: NonNullable<Ended>, words?: string) => {
    if (ended !== null) return;
    ended = why;
    if (words !== undefined) output.add(Buffer.from(`\n[Baton ended this command: ${words}.]\n`));
    if (child.pid === undefined) return;
    const group = -child.pid;
    signalQuietly(group, 'SIGTERM');
    killTimer = setTimeout(() => signalQuietly(group, 'SIGKILL'), GRACE_MS);
  };
  const take = (chunk: Buffer) => {
    output.add(chunk);
    if (output.total() > MAX_OUTPUT_BYTES) end('output_limit');
  };
  let talked = 0;
  const hear = (chunk: Buffer) => {
    talked += chunk.length;
    if (talked > MAX_TALK_BYTES) end('output_limit');
    else call.talk?.(chunk);
  };
  child.stdout?.on('data', call.talk === undefined ? take : hear);
  child.stderr?.on('data', take);
  child.stdio[3]?.on('data', () => undefined);
  const onAbort = () => end('cancelled');
  if (call.signal.aborted) onAbort();
  call.signal.addEventListener('abort', onAbort, { once: true });
  const timer = setTimeout(() => end('timeout'), call.timeoutMs);
  const watcher =
    child.pid === undefined ? null : watch(child.pid, call, (words) => end('resource_limit', words));

  try {
    const exitCode = await exit.promise;
    await killLeftovers(child.pid, mark);
    if ((await call.group?.close())?.outOfMemory === true) ended ??= 'resource_limit';
    const drained = await Promise.race([
      closed.promise.then(() => true),
      delay(call.sync ? TEARDOWN_MS : DRAIN_MS),
    ]);
    if (!drained) {
      for (const stream of child.stdio) stream?.destroy();
    }
    return {
      exitCode: ended === null ? exitCode : null,
      ended,
      output: output.text(),
      durationMs: call.monotonic() - started,
    };
  } finally {
    clearTimeout(timer);
    clearTimeout(killTimer);
    // Once more, for what failed on the way; an empty group is gone already.
    await call.group?.close();
    watcher?.();
    call.release?.();
    call.signal.removeEventListener('abort', onAbort);
  }
}

/** Whoever outlives the command: the group, then those that left the group, known by a word in their environment. */
async function killLeftovers(pid: number | undefined, mark: string): Promise<void> {
  if (pid === undefined) return;
  signalQuietly(-pid, 'SIGKILL');
  for (let sweep = 0; sweep < MAX_SWEEPS; sweep += 1) {
    const survivors = await carrying(`BATON_COMMAND=${mark}`);
    if (survivors.length === 0) return;
    for (const survivor of survivors) signalQuietly(survivor, 'SIGKILL');
  }
}

/** Looks again and again until stopped, or until something is too much; looks never overlap. */
function watch(
  pid: number,
  { residentBytes, cwd, disk = DISK }: CommandCall,
  tooMuch: (words: string) => void,
): () => void {
  let timer: NodeJS.Timeout;
  let stopped = false;
  const diskWatch = watchDisk(cwd, disk, Date.now());
  // What the disk has before anything is written.
  void diskWatch.look([]);
  const look = async () => {
    const rows = await descendants(pid);
    const resident = rows.reduce((sum, row) => sum + row.residentBytes, 0);
    const words =
      rows.length > MAX_PROCESSES
        ? `it had more than ${MAX_PROCESSES} processes`
        : resident > residentBytes
          ? `it took more than ${Math.round(residentBytes / 1024 ** 2)} MB of memory`
          : await diskWatch.look(rows.map((row) => row.pid));
    if (words !== null) tooMuch(words);
    else if (!stopped) timer = setTimeout(() => void look(), WATCH_MS);
  };
  timer = setTimeout(() => void look(), WATCH_MS);
  return () => {
    stopped = true;
    clearTimeout(timer);
  };
}

function delay(ms: number): Promise<false> {
  return new Promise((resolve) => {
    setTimeout(() => resolve(false), ms).unref();
  });
}

function startFailure(program: string, error: Error): BatonError {
  const missing = hasCode(error, 'ENOENT');
  return new BatonError(
    {
      class: 'terminal',
      code: 'command_missing',
      message: missing
        ? `The program ${program} was not found.`
        : `${program} could not be started: ${error.message}.`,
    },
    error,
  );
}
