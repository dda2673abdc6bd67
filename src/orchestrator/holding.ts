import type { Clock } from '../ports/clock.ts';
import type { DecisionStore, NewDecision } from '../ports/decisions.ts';
import type { Engine } from '../ports/engine.ts';
import type { Store } from '../ports/store.ts';
import { byHand } from './steering-record.ts';

/** Choices of people that hold a run or have it go on. */
const CHOICES: ReadonlySet<string> = new Set(['pause', 'resume', 'retry', 'stop']);

export interface HoldingDeps {
  readonly engine: Pick<Engine, 'pause' | 'resume'>;
  readonly store: { readonly decisions: DecisionStore; readonly runs: Pick<Store['runs'], 'status'> };
  readonly clock: Clock;
}

/**
 * Pausing a run, and having it go on. What a person said is recorded before it is done: a step that waits for somebody to
 * go on looks whether somebody did, and a crash in between loses neither the record nor, with {@link carryThrough}, the deed.
 */
export class Holding {
  readonly #deps: HoldingDeps;

  constructor(deps: HoldingDeps) {
    this.#deps = deps;
  }

  /** No new step starts; what is under way finishes. */
  async pause(runId: string, why: NewDecision): Promise<void> {
    const { engine, store, clock } = this.#deps;
    await store.decisions.record(runId, why, clock.now());
    await engine.pause(runId, byHand());
  }

  async resume(runId: string, why: NewDecision): Promise<void> {
    const { engine, store, clock } = this.#deps;
    await store.decisions.record(runId, why, clock.now());
    await engine.resume(runId);
  }

  /**
   * What a word says that is delivered again: where its record is there and its deed is not, the deed is done now, unless
   * somebody has said otherwise since.
   * @param id of the decision it is recorded as
   * @returns whether there is such a record
   */
  async carryThrough(runId: string, id: string): Promise<boolean> {
    const { engine, store } = this.#deps;
    const said = (await store.decisions.ofRun(runId)).filter(({ choice }) => CHOICES.has(choice));
    const mine = said.find((each) => each.id === id);
    if (mine === undefined) return false;
    if (said.at(-1) !== mine) return true;
    const status = (await store.runs.status(runId))?.status;
    if (mine.choice === 'pause' && (status === 'running' || status === 'waiting'))
      await engine.pause(runId, byHand());
    if (mine.choice !== 'pause' && status === 'paused') await engine.resume(runId);
    return true;
  }
}
