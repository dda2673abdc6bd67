import { spawn } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { BatonError } from '../domain/failure.ts';
import type { Clock } from '../ports/clock.ts';

/** How long a desk or cast may take to come up before the person is told. */
const START_LIMIT_MS = 15_000;
const LOOK_AGAIN_MS = 25;

/** As in bin/baton.mjs. */
const COMPILE_CACHE = fileURLToPath(new URL('../../node_modules/.cache/baton', import.meta.url));

/** As in bin/baton.mjs, too. */
const LOADER = new URL('../../bin/load-stripped.mjs', import.meta.url).href;

export const deskFileSchema = z.object({
  url: z.string(),
  pid: z.number(),
  apiUrl: z.string(),
  botToken: z.string(),
  appToken: z.string(),
});
export const castFileSchema = z.object({ url: z.string(), pid: z.number() });

export interface ServiceOptions<T> {
  readonly name: string;
  /** The entry, relative to the project. */
  readonly entry: string;
  /** Written by the service once it listens. */
  readonly file: string;
  readonly schema: z.ZodType<T & { readonly pid: number; readonly url: string }>;
  readonly environment: Readonly<Record<string, string>>;
  readonly logs: string;
  /** Answers 2xx while the service lives. */
  readonly health: (url: string) => string;
}

/**
 * Finds a service that an earlier start left running, or starts it as a process of its own, which outlives this
 * one. `started` says whether it was this call that started it.
 * @throws BatonError `service_failed` with the end of its log
 */
export async function ensureService<T>(
  options: ServiceOptions<T>,
): Promise<{ readonly info: T & { readonly pid: number; readonly url: string }; readonly started: boolean }> {
  const running = await find(options);
  if (running !== null) return { info: running, started: false };
  rmSync(options.file, { force: true });
  mkdirSync(options.logs, { recursive: true, mode: 0o700 });
  const logFile = path.join(options.logs, `${options.name}.log`);
  const log = openSync(logFile, 'a', 0o600);
  const entry = fileURLToPath(new URL(`../../${options.entry}`, import.meta.url));
  const child = spawn(process.execPath, ['--import', LOADER, entry], {
    detached: true,
    stdio: ['ignore', log, log],
    env: {
      PATH: '/usr/bin:/bin',
      NODE_NO_WARNINGS: '1',
      NODE_COMPILE_CACHE: COMPILE_CACHE,
      ...options.environment,
    },
  });
  closeSync(log);
  child.unref();
  let ended = false;
  child.once('exit', () => {
    ended = true;
  });
  for (const limit = performance.now() + START_LIMIT_MS; performance.now() < limit && !ended; ) {
    const info = existsSync(options.file) ? await find(options) : null;
    if (info !== null) return { info, started: true };
    await new Promise((resolve) => setTimeout(resolve, LOOK_AGAIN_MS));
  }
  const words = readFileSync(logFile, 'utf8').trim().split('\n').slice(-3).join('\n');
  throw new BatonError({
    class: 'terminal',
    code: 'service_failed',
    message: `The ${options.name} did not start: ${words}`,
    hint: `Its log is ${logFile}.`,
  });
}

/** How often one that runs and does not answer in two seconds is asked, before it is taken not to run. */
const ASKS = 4;

/** How often a service of ours is looked at; short enough that a model call's own retries bridge a restart. */
const WATCH_MS = 2_000;

/**
 * Brings a service back when its process has gone, until the returned function is called. `again` starts it where it
 * was, so that whoever knows its address finds it there.
 */
export function keepAlive(
  clock: Clock,
  first: { readonly pid: number },
  again: () => Promise<{ readonly info: { readonly pid: number }; readonly started: boolean }>,
  tell: (pid: number | null, error: unknown) => void,
): () => void {
  let { pid } = first;
  let stopped = false;
  let cancel = clock.after(WATCH_MS, look);
  function look(): void {
    if (isRunning(pid)) arm();
    else
      again().then(
        ({ info }) => {
          pid = info.pid;
          if (stopped) endService(pid);
          else tell(pid, null);
          arm();
        },
        (error: unknown) => {
          tell(null, error);
          arm();
        },
      );
  }
  function arm(): void {
    if (!stopped) cancel = clock.after(WATCH_MS, look);
  }
  return () => {
    stopped = true;
    cancel();
  };
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** Ends a service by its process id, politely. */
export function endService(pid: number): void {
  try {
    process.kill(pid, 'SIGTERM');
  } catch {
    // It has ended already.
  }
}

/** What a service left in its file, where it runs and answers. One that runs and is slow is asked again, not doubled. */
async function find<T>(options: ServiceOptions<T>) {
  try {
    const info = options.schema.parse(JSON.parse(readFileSync(options.file, 'utf8')));
    for (let ask = 0; ask < ASKS && isRunning(info.pid); ask += 1) {
      const answer = await asked(options.health(info.url));
      if (answer !== 'late') return answer ? info : null;
    }
    return null;
  } catch {
    // No file, half a file, no such process, no answer: it does not run.
    return null;
  }
}

async function asked(url: string): Promise<boolean | 'late'> {
  try {
    const answer = await fetch(url, { signal: AbortSignal.timeout(2_000) });
    await answer.body?.cancel();
    return answer.ok;
  } catch (error) {
    if (error instanceof Error && error.name === 'TimeoutError') return 'late';
    throw error;
  }
}
