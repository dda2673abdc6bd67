import { type ChildProcess, type StdioOptions, spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { signal } from './processes.ts';
import { until } from './waiting.ts';

const PROJECT = fileURLToPath(new URL('../..', import.meta.url));
/** What a start may take on a machine that is busy with other things. */
const START_LIMIT_MS = 60_000;
const STOP_LIMIT_MS = 15_000;

/** Bugs built in on purpose; see planted-main.ts. */
export const plants = ['no-journal', 'no-readback', 'no-dedupe'] as const;
export type Plant = (typeof plants)[number];

const deskFileSchema = z.object({ url: z.string(), pid: z.number() }).loose();
const pidFileSchema = z.object({ pid: z.number() });

export interface Desk {
  readonly url: string;
  readonly pid: number;
  /** Where Baton finds it, as an earlier start would have left it. */
  pointBatonAt(apiUrl: string): void;
}

/** The desk of one home, started as Baton would start it, so that what lies between the two can be chosen. */
export async function startDesk(home: string): Promise<Desk> {
  const folder = path.join(home, 'desk');
  mkdirSync(folder, { recursive: true });
  const file = path.join(folder, 'desk.json');
  const log = openSync(path.join(home, 'desk.log'), 'a');
  const environment = {
    DESK_HOME: folder,
    DESK_PORT: '0',
    DESK_MANIFEST: path.join(PROJECT, 'manifest.yml'),
  };
  launch(['desk/main.ts'], environment, ['ignore', log, log]).unref();
  closeSync(log);
  const info = await until(() => deskFileSchema.safeParse(read(file)).data ?? null, START_LIMIT_MS);
  if (info === null) throw new Error(`The desk of ${home} did not start`);
  return {
    url: info.url,
    pid: info.pid,
    pointBatonAt: (apiUrl) => writeFileSync(file, JSON.stringify({ ...info, apiUrl })),
  };
}

export interface Baton {
  readonly pid: number;
  /** False when it ended before it was ready. */
  readonly ready: Promise<boolean>;
  readonly ended: Promise<number | null>;
  /** kill -9, at once. */
  kill(): void;
  /** Asks it to stop; its exit code, or null when it had to be killed. */
  stop(): Promise<number | null>;
  output(): string;
}

/** One process of Baton on a home. */
export function startBaton(
  home: string,
  options: { readonly castDelayMs: number; readonly plant: Plant | null },
): Baton {
  const entry =
    options.plant === null ? ['bin/baton.mjs', 'start'] : ['test/chaos/planted-main.ts', options.plant, home];
  const child = launch(
    entry,
    { BATON_HOME: home, PORT: '0', CAST_DELAY_MS: String(options.castDelayMs) },
    ['ignore', 'pipe', 'pipe'],
    home,
  );
  let output = '';
  const { promise: ready, resolve: isReady } = Promise.withResolvers<boolean>();
  const { promise: ended, resolve: hasEnded } = Promise.withResolvers<number | null>();
  const take = (chunk: Buffer): void => {
    output += chunk.toString();
    if (output.includes('Baton is ready')) isReady(true);
  };
  child.stdout?.on('data', take);
  child.stderr?.on('data', take);
  child.once('exit', (code) => {
    isReady(false);
    hasEnded(code);
  });
  const pid = child.pid ?? 0;
  const limit = setTimeout(() => isReady(false), START_LIMIT_MS);
  void ready.then(() => clearTimeout(limit));
  return {
    pid,
    ready,
    ended,
    kill: () => signal(pid, 'SIGKILL'),
    output: () => output,
    stop: async () => {
      signal(pid, 'SIGTERM');
      const timer = setTimeout(() => signal(pid, 'SIGKILL'), STOP_LIMIT_MS);
      const code = await ended;
      clearTimeout(timer);
      return code;
    },
  };
}

/** Process ids of the desk and the cast of a home, as they wrote them down. */
export function servicesOf(home: string): number[] {
  return ['desk/desk.json', 'cast/cast.json'].flatMap(
    (file) => pidFileSchema.safeParse(read(path.join(home, file))).data?.pid ?? [],
  );
}

function launch(
  args: readonly string[],
  environment: Readonly<Record<string, string>>,
  stdio: StdioOptions,
  cwd = PROJECT,
): ChildProcess {
  const [entry = '', ...rest] = args;
  return spawn(process.execPath, [path.join(PROJECT, entry), ...rest], {
    cwd,
    env: {
      PATH: `${path.join(PROJECT, 'node_modules/.bin')}:/usr/local/bin:/usr/bin:/bin`,
      NODE_NO_WARNINGS: '1',
      ...environment,
    },
    stdio,
  });
}

function read(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return null;
  }
}
