import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Config } from '../config/config.ts';
import { castFileSchema, deskFileSchema, ensureService } from '../ops/local-services.ts';

/**
 * What is not configured is played on this machine: a desk for Slack, a cast for a model, each in a process of its own
 * that outlives this one if it is killed. This file loads little, so that both come up while the rest is still read.
 */
/** The desk's usual port, when PORT says nothing. */
const DESK_PORT = 4_390;

/** Process ids of desk and cast. */
export interface Services {
  readonly running: number[];
  /** Those of them that this start brought up. */
  readonly startedHere: number[];
}

export interface Local {
  readonly services: Services;
  readonly ready: Promise<{ readonly desk: LocalDesk | null; readonly cast: LocalCast | null }>;
}

/** Begins to bring up what is not configured. */
export function beginLocal(config: Config): Local {
  const logs = path.join(config.home, 'logs');
  const services: Services = { running: [], startedHere: [] };
  const ready = both(localDesk(config, logs, services), localCast(config, logs, services)).then(
    ([desk, cast]) => ({ desk, cast }),
  );
  // Whoever waits for it hears of a failure; until then it is not unhandled.
  ready.catch(() => undefined);
  return { services, ready };
}

/** Like `Promise.all`, but when one fails the other has ended too, so that it can be cleared away. */
async function both<A, B>(first: Promise<A>, second: Promise<B>): Promise<[A, B]> {
  await Promise.allSettled([first, second]);
  return [await first, await second];
}

function noteService(services: Services, pid: number, startedHere: boolean): void {
  services.running.push(pid);
  if (startedHere) services.startedHere.push(pid);
}

export interface LocalCast {
  readonly pid: number;
  readonly url: string;
  /** Starts it once more, at the same address. */
  readonly again: () => Promise<{ readonly info: { readonly pid: number }; readonly started: boolean }>;
}

export interface LocalDesk {
  readonly pid: number;
  readonly url: string;
  readonly apiUrl: string;
  readonly botToken: string;
  readonly appToken: string;
}

async function localDesk(config: Config, logs: string, services: Services): Promise<LocalDesk | null> {
  if (config.slack.mode !== 'desk') return null;
  const home = path.join(config.home, 'desk');
  const { info, started } = await ensureService({
    name: 'desk',
    entry: 'desk/main.ts',
    file: path.join(home, 'desk.json'),
    schema: deskFileSchema,
    environment: {
      DESK_HOME: home,
      DESK_PORT: String(config.port ?? DESK_PORT),
      DESK_MANIFEST: fileURLToPath(new URL('../../manifest.yml', import.meta.url)),
    },
    logs,
    health: (url) => `${url}/desk/stats`,
  });
  noteService(services, info.pid, started);
  return info;
}

async function localCast(config: Config, logs: string, services: Services): Promise<LocalCast | null> {
  if (config.model.mode !== 'rehearsal') return null;
  const home = path.join(config.home, 'cast');
  const start = (port: string) => ensureService(castService(config, home, logs, port));
  const { info, started } = await start('0');
  noteService(services, info.pid, started);
  return { ...info, again: () => start(new URL(info.url).port) };
}

function castService(config: Config, home: string, logs: string, port: string) {
  return {
    name: 'cast',
    entry: 'src/cast/main.ts',
    file: path.join(home, 'cast.json'),
    schema: castFileSchema,
    environment: {
      CAST_HOME: home,
      CAST_PORT: port,
      ...(config.castDelayMs === null ? {} : { CAST_DELAY_MS: String(config.castDelayMs) }),
    },
    logs,
    health: (url: string) => `${url}/health`,
  };
}
