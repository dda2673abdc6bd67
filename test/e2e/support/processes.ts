import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { z } from 'zod';
import { deskFileSchema } from './desk-file.ts';
import { ROOT } from './environment.ts';
import { until } from './wait.ts';

const READY = /Baton is ready\.|Baton is connected to/;
const pidSchema = z.object({ pid: z.number() });

export interface Started {
  readonly pid: number;
  /** Everything it printed so far. */
  readonly output: () => string;
  /** Its exit code once it has ended; null: by a signal. */
  readonly ended: Promise<number | null>;
  /** Sends a signal and waits for the end. */
  readonly end: (signal: NodeJS.Signals) => Promise<number | null>;
}

export interface StartOptions {
  readonly program?: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** A process group of its own, as a terminal gives: signals go to the whole group. */
  readonly group?: boolean;
}

/** The processes and folders of one test. `clear` ends the ones and removes the others, whatever happened before. */
export class World {
  readonly root = mkdtempSync(path.join(tmpdir(), 'baton-e2e-'));
  readonly #children: {
    readonly child: ChildProcess;
    readonly group: boolean;
    readonly ended: Promise<number | null>;
  }[] = [];
  readonly #homes: string[] = [];

  folder(name: string): string {
    const folder = path.join(this.root, name);
    mkdirSync(folder, { recursive: true });
    return folder;
  }

  /** Runs a program with an environment of its own: nothing of this machine's settings leaks in. */
  run({ program = process.execPath, args, env = {}, cwd = ROOT, group = false }: StartOptions): Started {
    const child = spawn(program, args, {
      cwd,
      detached: group,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        PATH: `${path.join(ROOT, 'node_modules', '.bin')}:/usr/local/bin:/usr/bin:/bin`,
        HOME: this.folder('person'),
        ...env,
      },
    });
    let text = '';
    const read = (chunk: unknown): void => {
      text += String(chunk);
    };
    child.stdout.on('data', read);
    child.stderr.on('data', read);
    const ended = new Promise<number | null>((resolve, reject) => {
      child.once('close', (code) => resolve(code));
      child.once('error', reject);
    });
    this.#children.push({ child, group, ended });
    const { pid } = child;
    if (pid === undefined) throw new Error(`${program} could not be started`);
    return {
      pid,
      output: () => text,
      ended,
      end: (signal) => {
        send(group ? -pid : pid, signal);
        return ended;
      },
    };
  }

  /** `baton start` with a home; settles when Baton says that it is ready. @throws Error with its words when it ends before */
  async baton(home: string, env: Readonly<Record<string, string>> = {}): Promise<Started> {
    const started = this.start(home, env);
    await ready(started);
    return started;
  }

  /** `baton start`, not waited for. */
  start(home: string, env: Readonly<Record<string, string>> = {}): Started {
    this.keepsServices(home);
    return this.run({ args: ['bin/baton.mjs', 'start'], env: { BATON_HOME: home, PORT: '0', ...env } });
  }

  /** Tells that Baton leaves desk and cast running under this home. */
  keepsServices(home: string): void {
    if (!this.#homes.includes(home)) this.#homes.push(home);
  }

  /** The desk alone, as `npm run desk` starts it. */
  async desk(name: string, env: Readonly<Record<string, string>> = {}) {
    const home = this.folder(name);
    const started = this.run({
      args: ['bin/baton.mjs', 'desk'],
      env: { DESK_HOME: home, DESK_PORT: '0', DESK_MANIFEST: path.join(ROOT, 'manifest.yml'), ...env },
    });
    await until(
      'The desk',
      () => /SLACK_SIGNING_SECRET=/.test(started.output()) || null,
      undefined,
      started.output,
    );
    return { started, file: deskFileSchema.parse(readJson(path.join(home, 'desk.json'))) };
  }

  /** The cast alone: an OpenAI-compatible server. @param port 0 picks one */
  async cast(name: string, port = 0): Promise<{ readonly started: Started; readonly url: string }> {
    const home = this.folder(name);
    const started = this.run({
      args: ['src/cast/main.ts'],
      env: { CAST_HOME: home, CAST_PORT: String(port), CAST_DELAY_MS: '0', NODE_NO_WARNINGS: '1' },
    });
    await until('The cast', () => /ready at/.test(started.output()) || null, undefined, started.output);
    return { started, url: z.object({ url: z.string() }).parse(readJson(path.join(home, 'cast.json'))).url };
  }

  /** Ends every process by its id and removes the folders. */
  async clear(): Promise<void> {
    for (const { child, group } of this.#children) {
      if (child.pid !== undefined && (group || (child.exitCode === null && child.signalCode === null)))
        send(group ? -child.pid : child.pid, 'SIGKILL');
    }
    await Promise.allSettled(this.#children.map(({ ended }) => ended));
    for (const home of this.#homes) {
      for (const file of ['desk/desk.json', 'cast/cast.json']) {
        const found = pidSchema.safeParse(readJson(path.join(home, file)));
        if (found.success) await gone(found.data.pid);
      }
    }
    rmSync(this.root, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  }
}

/** Waits until Baton says that it is ready. @throws Error with its words when it ends before */
export async function ready(started: Started): Promise<void> {
  const over = { yes: false };
  const end = (): void => {
    over.yes = true;
  };
  started.ended.then(end, end);
  await until(
    'Baton',
    () => {
      if (READY.test(started.output())) return true;
      if (over.yes) throw new Error(`Baton ended before it was ready:\n${started.output()}`);
      return null;
    },
    undefined,
    started.output,
  );
}

/** Whether a process of this id is there. */
export function alive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

async function gone(pid: number): Promise<void> {
  send(pid, 'SIGKILL');
  await until(`The end of process ${pid}`, () => !alive(pid) || null, 5_000).catch(() => undefined);
}

function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It has ended already.
  }
}

function readJson(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return null;
  }
}
