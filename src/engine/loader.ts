import { BatonError, type Failure } from '../domain/failure.ts';
import { asJson } from '../domain/json.ts';
import { isTerminal, type RunSpec, type RunStatus } from '../domain/run.ts';
import type { Program } from '../ports/flow.ts';
import type { Journal, StoredRun } from '../ports/journal.ts';
import { type LoadedRun, loadRun } from './loaded-run.ts';

export type Loaded =
  /** Unknown, or ended. */
  | { readonly kind: 'gone' }
  | {
      readonly kind: 'loaded';
      readonly run: LoadedRun;
      readonly fresh: boolean;
      /** Whether the attempts that are open were ended by a crash. */
      readonly crashed: boolean;
    }
  /** Begun by a version that this one cannot continue, or damaged. Nothing of it is changed. */
  | {
      readonly kind: 'unloadable';
      readonly status: RunStatus | null;
      readonly spec: RunSpec | null;
      readonly failure: Failure;
    };

/** Brings runs back from the journal. */
export class Loader {
  readonly #journal: Journal;
  readonly #programs: ReadonlyMap<string, Program>;
  readonly #newborn = new Map<string, RunSpec>();
  #crashed: Set<string> = new Set();

  constructor(journal: Journal, programs: readonly Program[]) {
    this.#journal = journal;
    this.#programs = new Map(programs.map((program) => [nameOf(program.name, program.version), program]));
  }

  /** Notes runs that were under way when a process crashed: each first load says so. */
  noteCrash(ids: readonly string[]): void {
    this.#crashed = new Set(ids);
  }

  /** Keeps the specs of runs that were stored a moment ago, so that their first load asks nobody. */
  noteNewborn(ids: readonly string[], specs: ReadonlyMap<string, RunSpec>): void {
    for (const id of ids) {
      const spec = specs.get(id);
      if (spec !== undefined) this.#newborn.set(id, spec);
    }
  }

  load(id: string): Loaded {
    let stored: StoredRun | null;
    try {
      stored = this.#takeNewborn(id) ?? this.#journal.load(id);
    } catch (error) {
      // Trouble with the store itself is everybody's; a run that cannot be read is its own.
      if (!(error instanceof BatonError)) throw error;
      return { kind: 'unloadable', status: this.#statusOf(id), spec: null, failure: error.failure };
    }
    if (stored === null || isTerminal(stored.status)) return { kind: 'gone' };
    const { spec, status } = stored;
    const result = loadRun(stored, this.#programs.get(nameOf(spec.program, spec.programVersion)));
    if (!result.ok) return { kind: 'unloadable', status, spec, failure: result.failure };
    return { kind: 'loaded', run: result.run, fresh: result.fresh, crashed: this.#crashed.delete(id) };
  }

  #takeNewborn(id: string): StoredRun | null {
    const spec = this.#newborn.get(id);
    if (spec === undefined) return null;
    this.#newborn.delete(id);
    // What the first turn sees is what every later one will read.
    const kept = { ...spec, definition: asJson(spec.definition), input: asJson(spec.input) };
    return { id, status: 'queued', spec: kept, settled: [], timers: new Map(), signals: [] };
  }

  #statusOf(id: string): RunStatus | null {
    try {
      return this.#journal.status(id)?.status ?? null;
    } catch {
      return null;
    }
  }
}

function nameOf(program: string, version: number): string {
  return `${program}@${version}`;
}
