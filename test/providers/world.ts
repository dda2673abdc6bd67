import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import Database from 'better-sqlite3';
import { z } from 'zod';
import type { Core } from '../../src/compose/core.ts';
import type { CoreOptions } from '../../src/compose/core-options.ts';
import { isTerminal, type RunStatus } from '../../src/domain/run.ts';
import type { Workflow } from '../../src/domain/workflow.ts';
import { EmbeddedEngine, type EngineOptions } from '../../src/engine/engine.ts';
import { SlackProjector } from '../../src/slack/projector.ts';
import { type Answer, type Api, type Asked, startModelServer } from '../agents/model-server.ts';
import { coreAt, type Ended, followRun, startRun, workflowOf } from '../support/core.ts';
import { VirtualClock } from '../support/virtual-clock.ts';

/** Half of what may be random in a wait: the waits of a step are 0.75, 1.5, 3 and 6 s. */
const RANDOM = 0.5;
/** Turns an agent of these tests may take. */
export const TURNS = 8;

const workflow: Workflow = workflowOf('work', {
  kind: 'agent',
  id: 'build',
  agent: 'backend',
  task: 'Work',
  limits: { turns: TURNS, tokens: 1e7, timeout: '100h' },
});

/** Time that says when somebody begins to wait for it. */
class TellingClock extends VirtualClock {
  onWait: () => void = () => undefined;

  override after(ms: number, fire: () => void): () => void {
    const cancel = super.after(ms, fire);
    this.onWait();
    return cancel;
  }
}

export interface ProviderWorld {
  readonly clock: VirtualClock;
  readonly core: Core;
  /** When the server was asked, by the clock, since the last look. */
  readonly calls: number[];
  answer: (asked: Asked, now: number) => Answer;
  start(intent: string): Promise<string>;
  /** Follows a run, the only one that works, until it pauses or ends; time moves on where nothing else is waited for. */
  follow(runId: string): Promise<Ended>;
  /** The same for several, of which each does nothing but wait for its turn whenever time moves on. @returns how each ended */
  followAll(runIds: readonly string[]): Promise<RunStatus[]>;
  /** Milliseconds for which the server keeps silent from now on, which is told once a call hangs. */
  hang(ms: number): void;
  /** When the store means to go on with what waits, as soon as so many steps do. */
  due(steps: number): Promise<number[]>;
  /** All that was told to people since the last look, as they read it. */
  told(): Promise<string>;
  filesAt(commit: string): string[];
  /** As when the process ends and another one begins. */
  restart(): Promise<void>;
  close(): Promise<void>;
}

/** A real core and a real server, over time that moves when nothing else is left to wait for. */
export async function providerWorld(api: Api, own: Partial<CoreOptions> = {}): Promise<ProviderWorld> {
  const home = mkdtempSync(path.join(tmpdir(), 'baton-provider-'));
  const clock = new TellingClock();
  const calls: number[] = [];
  let silence: number | null = null;
  let tell = (): void => undefined;
  const server = await startModelServer((asked) => {
    calls.push(clock.now());
    return world.answer(asked, clock.now());
  });
  clock.onWait = () => tell();
  const open = (): Promise<Core> =>
    coreAt(
      { home, url: server.url },
      {
        clock,
        rehearsal: false,
        model: { api, apiKey: 'key-1', baseUrl: server.url, model: 'big-1' },
        prices: { 'big-1': { input: 1, cached: 1, output: 1 } },
        extraWorkflows: [workflow],
        createEngine: (parts: EngineOptions) => new EmbeddedEngine({ ...parts, random: () => RANDOM }),
        ...own,
      },
    );
  let core = await open();
  core.engine.recover();
  const database = new Database(path.join(home, 'baton.db'), { readonly: true });
  const timers = database.prepare('select fire_at from timers order by fire_at').pluck();
  const words = database.prepare('select id, text, blocks from outbox where id > ? order by id');
  let read = 0;

  /** Whether time is all that a single run waits for; if so it moves to the next moment. */
  const moveOn = (): void => {
    const now = clock.now();
    if (silence !== null) {
      const ms = silence;
      silence = null;
      clock.advance(ms);
      return;
    }
    const at = z.number().optional().parse(timers.get()) ?? null;
    if (at !== null && at > now) {
      clock.advance(at - now);
      return;
    }
    const load = [...core.models.pool.load.values()];
    const next = clock.next();
    if (next !== null && load.some(({ open: begun, waiting }) => begun === 0 && waiting > 0))
      clock.advance(next - now);
  };

  const world: ProviderWorld = {
    clock,
    get core() {
      return core;
    },
    calls,
    answer: () => ({ status: 500 }),
    start: (intent) => startRun(core, 'work', intent),
    async follow(runId) {
      let over = false;
      let beat = Promise.withResolvers<void>();
      tell = () => beat.resolve();
      const off = core.engine.onCommit(tell);
      const following = followRun(core, runId).finally(() => {
        over = true;
        tell();
      });
      while (!over) {
        beat = Promise.withResolvers<void>();
        moveOn();
        await beat.promise;
        // What the beat set off is begun before the next look.
        await new Promise((resolve) => setImmediate(resolve));
      }
      off();
      tell = () => undefined;
      const ended = await following;
      if (ended === null) throw new Error('The core is gone');
      return ended;
    },
    async followAll(runIds) {
      const statuses = (): Promise<RunStatus[]> =>
        Promise.all(runIds.map(async (id) => (await core.store.runs.status(id))?.status ?? 'queued'));
      let beat = Promise.withResolvers<void>();
      tell = () => beat.resolve();
      const off = core.engine.onCommit(tell);
      for (;;) {
        beat = Promise.withResolvers<void>();
        const now = await statuses();
        const left = now.filter((status) => !isTerminal(status) && status !== 'paused').length;
        if (left === 0) {
          off();
          return now;
        }
        const load = [...core.models.pool.load.values()];
        const next = clock.next();
        if (next !== null && load.some(({ open: begun, waiting }) => begun === 0 && waiting === left))
          clock.advance(next - clock.now());
        await beat.promise;
        await new Promise((resolve) => setImmediate(resolve));
      }
    },
    hang(ms) {
      silence = ms;
      tell();
    },
    async due(steps) {
      for (;;) {
        const next = Promise.withResolvers<void>();
        const off = core.engine.onCommit(() => next.resolve());
        const found = z.array(z.number()).parse(timers.all());
        if (found.length === steps) {
          off();
          return found;
        }
        await next.promise;
        off();
      }
    },
    async told() {
      await new SlackProjector({
        store: core.store,
        rehearsal: false,
        now: () => clock.now(),
        queued: () => undefined,
      }).catchUp();
      const rows = z
        .array(z.object({ id: z.number(), text: z.string(), blocks: z.string() }))
        .parse(words.all(read));
      read = rows.at(-1)?.id ?? read;
      return rows.map(({ text, blocks }) => `${text}\n${blocks}`).join('\n');
    },
    filesAt: (commit) =>
      execFileSync('git', ['ls-tree', '-r', '--name-only', commit], {
        cwd: core.defaultRepository,
        encoding: 'utf8',
      }).split('\n'),
    async restart() {
      await core.stop();
      core = await open();
      core.engine.recover();
    },
    async close() {
      database.close();
      await core.stop();
      await server.close();
      rmSync(home, { recursive: true, force: true });
    },
  };
  return world;
}
