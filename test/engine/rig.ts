import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { EventLog } from '../../db/event-log.ts';
import { SqliteJournal } from '../../db/journal.ts';
import { type OpenStore, openStore } from '../../db/open.ts';
import type { RunEvent } from '../../src/domain/events.ts';
import type { RunSpec } from '../../src/domain/run.ts';
import { EmbeddedEngine } from '../../src/engine/engine.ts';
import type { Activity } from '../../src/ports/activity.ts';
import type { Clock } from '../../src/ports/clock.ts';
import type { Engine } from '../../src/ports/engine.ts';
import type { Program } from '../../src/ports/flow.ts';
import type { Journal, JournalWrite } from '../../src/ports/journal.ts';
import { VirtualClock } from '../support/virtual-clock.ts';

/** What the contract suite needs of an engine under test: its port, its death, its time and its record. */
export interface Rig {
  readonly engine: Engine;
  /** The process dies: nothing is told, and another takes its place on the same store. */
  crash(next?: Partial<RigOptions>): Promise<void>;
  /** A polite stop and a new start. */
  restart(next?: Partial<RigOptions>): Promise<void>;
  /** Moves time on and lets what is due happen. */
  advance(ms: number): Promise<void>;
  /** Lets the engine work until `reached` is true; fails when it never is. */
  until(reached: () => boolean | Promise<boolean>, what?: string): Promise<void>;
  /** Lets the engine work for a while, for what must not happen. */
  settle(): Promise<void>;
  status(runId: string): Promise<string>;
  events(runId: string): RunEvent[];
  /** A signal stored in a transaction of somebody else's, without the engine. */
  storeSignal(runId: string, name: string, payload: string): void;
  /** Every commit fails until it is told to work again. */
  breakStore(broken: boolean): void;
  readonly troubles: readonly unknown[];
  /** Runs in memory. */
  readonly loaded: number;
  close(): Promise<void>;
}

export interface RigOptions {
  readonly programs: readonly Program[];
  readonly activities: readonly Activity[];
  readonly maxStepsPerRun?: number;
  /** What stands beside the engine on the same store in each life of the process. */
  readonly beside?: (world: Beside) => {
    readonly activities: readonly Activity[];
    /** Called with the engine; what it returns is called when the process ends or dies. */
    readonly started: (engine: Engine) => () => void;
  };
}
export interface Beside {
  readonly store: OpenStore;
  readonly log: EventLog;
  readonly clock: Clock;
}

/** Turns of the event loop after which a wait is given up: far more than any test needs. */
const PATIENCE = 20_000;
const SETTLING = 60;

/** The embedded engine on a file of its own, with time that moves only when told. */
export function embeddedRig(options: RigOptions): Rig {
  const folder = mkdtempSync(path.join(tmpdir(), 'baton-engine-'));
  const clock = new VirtualClock();
  const troubles: unknown[] = [];
  let current = options;
  let life = begin(false);

  function begin(crashed: boolean) {
    const store = openStore(path.join(folder, 'baton.db'));
    const log = new EventLog(store.raw);
    const mortal = new MortalClock(clock);
    const journal = new BreakableJournal(new SqliteJournal(store.raw, log));
    const beside = current.beside?.({ store, log, clock: mortal });
    const engine = new EmbeddedEngine({
      ...current,
      activities: [...current.activities, ...(beside?.activities ?? [])],
      journal,
      clock: mortal,
      random: () => 0.5,
      crashed,
      onStoreTrouble: (error) => troubles.push(error),
    });
    engine.recover();
    const stopBeside = beside?.started(engine) ?? (() => undefined);
    return { store, log, mortal, journal, engine, stopBeside };
  }

  const until: Rig['until'] = async (reached, what = 'what was waited for') => {
    for (let turn = 0; turn < PATIENCE; turn += 1) {
      if (await reached()) return;
      await new Promise((resolve) => setImmediate(resolve));
    }
    throw new Error(`Never came: ${what}`);
  };
  const settle = async (): Promise<void> => {
    for (let turn = 0; turn < SETTLING; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  };

  return {
    get engine() {
      return life.engine;
    },
    async crash(next) {
      life.stopBeside();
      life.mortal.die();
      life.journal.dead = true;
      life.store.close();
      current = { ...current, ...next };
      life = begin(true);
    },
    async restart(next) {
      life.stopBeside();
      await life.engine.stop();
      life.store.close();
      current = { ...current, ...next };
      life = begin(false);
    },
    async advance(ms) {
      await settle();
      clock.advance(ms);
      await settle();
    },
    until,
    settle,
    async status(runId) {
      return (await life.engine.status(runId))?.status ?? 'unknown';
    },
    events: (runId) => life.log.after(runId, 0, 1_000_000).map(({ event }) => event),
    storeSignal: (runId, name, payload) => insertSignal(life.store, runId, name, payload),
    breakStore(broken) {
      life.journal.broken = broken;
    },
    troubles,
    get loaded() {
      return life.engine.loaded;
    },
    async close() {
      life.stopBeside();
      await life.engine.stop();
      life.store.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function insertSignal(store: OpenStore, runId: string, name: string, payload: string): void {
  store.raw
    .prepare('insert into signals (run_id, name, payload, idempotency_key, at) values (?, ?, ?, ?, 0)')
    .run(runId, name, payload, name);
}

/** The time of one process: when it dies, nothing of it fires any more. */
class MortalClock implements Clock {
  readonly #clock: Clock;
  #alive = true;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  now(): number {
    return this.#clock.now();
  }

  monotonic(): number {
    return this.#clock.monotonic();
  }

  after(ms: number, fire: () => void): () => void {
    return this.#clock.after(ms, () => {
      if (this.#alive) fire();
    });
  }

  die(): void {
    this.#alive = false;
  }
}

/** A journal whose disk can fill up, and whose process can be gone. */
export class BreakableJournal implements Journal {
  readonly #journal: Journal;
  broken = false;
  dead = false;

  constructor(journal: Journal) {
    this.#journal = journal;
  }

  commit(writes: readonly JournalWrite[]): readonly string[] {
    if (this.broken || this.dead) throw new Error('The disk is full');
    return this.#journal.commit(writes);
  }

  load(runId: string) {
    this.#alive();
    return this.#journal.load(runId);
  }

  signals(runId: string) {
    this.#alive();
    return this.#journal.signals(runId);
  }

  status(runId: string) {
    this.#alive();
    return this.#journal.status(runId);
  }

  recoverable(now: number) {
    return this.#journal.recoverable(now);
  }

  attempts(runId: string) {
    this.#alive();
    return this.#journal.attempts(runId);
  }

  due(now: number, limit: number) {
    this.#alive();
    return this.#journal.due(now, limit);
  }

  nextTimer() {
    this.#alive();
    return this.#journal.nextTimer();
  }

  openChildren(runId: string) {
    this.#alive();
    return this.#journal.openChildren(runId);
  }

  release(runId: string): void {
    if (!this.dead) this.#journal.release(runId);
  }

  #alive(): void {
    if (this.dead) throw new Error('This process is gone');
  }
}

/** A run of a program that takes its shape from its input. */
export function specOf(program: string, input: RunSpec['input'] = null, programVersion = 1): RunSpec {
  return { program, programVersion, definition: null, input, hash: 'test' };
}
