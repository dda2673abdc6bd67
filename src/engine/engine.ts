import type { Failure } from '../domain/failure.ts';
import type { Json } from '../domain/json.ts';
import type { Outcome, RunSpec } from '../domain/run.ts';
import type { Activity } from '../ports/activity.ts';
import type { Clock } from '../ports/clock.ts';
import type { Engine } from '../ports/engine.ts';
import type { Program } from '../ports/flow.ts';
import type { Attempted, Journal } from '../ports/journal.ts';
import { Alarm } from './alarm.ts';
import { type Attempt, Effects } from './effects.ts';
import type { LoadedRun } from './loaded-run.ts';
import { Loader } from './loader.ts';
import { Queue } from './queue.ts';
import { Turn } from './turn.ts';

/** Steps of one run at once. A run that fans out wider queues the rest. */
const MAX_STEPS_PER_RUN = 32;
/** Runs whose timers are asked for at once; the rest follow in the next turns. */
const DUE_CHUNK = 200;
/** A turn takes no more up after this, so that the event loop keeps answering however much has piled up. */
const TURN_BUDGET_MS = 20;
/** The same bound as a count, for clocks that stand still: what one commit is worth sharing among. */
const MAX_INPUTS = 2_000;
/** Waits before work is tried again after a commit failed (disk full, database locked). */
const STORE_RETRY_MS = 1_000;
/** How long running effects may take to notice that the process stops. */
const STOP_GRACE_MS = 3_000;
const NO_LONGER_NEEDED = 'No longer needed';

export interface EngineOptions {
  readonly journal: Journal;
  readonly programs: readonly Program[];
  readonly activities: readonly Activity[];
  readonly clock: Clock;
  readonly random: () => number;
  /** Whether the previous process ended without stopping politely: attempts under way then count as crashes. */
  readonly crashed: boolean;
  readonly maxStepsPerRun?: number;
  /** Passes over the words of failures before they are kept; what activities return they redact themselves. */
  readonly redact?: (text: string) => string;
  /** Called when a commit fails and once more (with null) when commits work again. */
  readonly onStoreTrouble?: (error: unknown) => void;
  /**
   * Whether this process still has the journal, asked between a commit and the effects it leads to: a process that was
   * stopped just there, for long enough that another took over, starts none of them. Always, unless given.
   */
  readonly isOurs?: () => boolean;
}

/** Something that happened, to be applied in a turn. */
interface Input {
  readonly runId: string | null;
  /** `run` is null when it has ended, is unknown, or cannot be loaded; `loaded` is true when it was just now. */
  readonly apply: (turn: Turn, run: LoadedRun | null, loaded: boolean) => void;
  /** Called after the commit; with the error when there was none. */
  readonly settle?: (error: unknown) => void;
}

/**
 * The embedded engine: one loop over runs in memory. Whatever happens (an effect ended, a signal, a timer, a
 * command) is queued; a turn applies what is queued, commits it in one transaction, and only then starts
 * effects and answers callers. Turns run once per turn of Node's event loop, so one commit serves many runs.
 */
export class EmbeddedEngine implements Engine {
  readonly #options: EngineOptions;
  readonly #journal: Journal;
  readonly #loader: Loader;
  readonly #effects: Effects;
  readonly #alarm: Alarm;
  readonly #runs = new Map<string, LoadedRun>();
  readonly #listeners = new Set<(runIds: ReadonlySet<string>) => void>();
  readonly #inputs = new Queue<Input>();
  #scheduled = false;
  #stopped = false;
  #storeFailing = false;

  constructor(options: EngineOptions) {
    this.#options = options;
    this.#journal = options.journal;
    this.#loader = new Loader(options.journal, options.programs);
    this.#effects = new Effects({
      ...options,
      onEnd: (attempt, outcome) => this.#attemptEnded(attempt, outcome),
    });
    this.#alarm = new Alarm(options.clock, () => this.#timersDue());
  }

  /** Takes up every run with work to do. Returns how many. */
  recover(): number {
    const ids = this.#journal.recoverable(this.#options.clock.now());
    if (this.#options.crashed) this.#loader.noteCrash(ids);
    for (const id of ids) this.wake(id);
    this.#rearm();
    return ids.length;
  }

  start(id: string, spec: RunSpec): Promise<void> {
    return this.#durably(null, (turn) => turn.create(id, spec));
  }

  signal(id: string, name: string, payload: Json, idempotencyKey: string): Promise<void> {
    const at = this.#options.clock.now();
    return this.#durably(null, (turn) => {
      turn.writes.push({ w: 'signal', runId: id, name, payload, idempotencyKey, at });
      turn.touched.add(id);
      turn.wakes.add(id);
    });
  }

  cancel(id: string, reason: string): Promise<void> {
    return this.#durably(id, (turn, run) => this.#cancelIn(turn, id, run, reason));
  }

  pause(id: string, failure: Failure): Promise<void> {
    return this.#durably(id, (turn, run) => {
      if (run !== null) turn.pause(run, failure);
    });
  }

  resume(id: string): Promise<void> {
    return this.#durably(id, (turn, run) => {
      if (run !== null) turn.resume(run);
      else this.#sayWhyNot(turn, id);
    });
  }

  async status(id: string) {
    return this.#journal.status(id);
  }

  wake(id: string): void {
    this.#push({
      runId: id,
      apply: (turn, run, loaded) => {
        // A run that was loaded just now brought its signals along.
        if (run !== null && !loaded) turn.signalsArrived(run, this.#journal.signals(id));
      },
    });
  }

  onCommit(listener: (runIds: ReadonlySet<string>) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Runs in memory; a parked run is not. */
  get loaded(): number {
    return this.#runs.size;
  }

  /** Stops taking work and ends running effects; what they would have recorded is done again after the next start. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#alarm.set(null);
    const { promise, resolve } = Promise.withResolvers<void>();
    const cancel = this.#options.clock.after(STOP_GRACE_MS, resolve);
    await Promise.race([this.#effects.stop(), promise]);
    cancel();
    for (let input = this.#inputs.shift(); input !== undefined; input = this.#inputs.shift()) {
      input.settle?.(new Error('Baton is stopping'));
    }
  }

  /** Applies and commits what is queued. True when there was something. Tests call it; the loop does otherwise. */
  tick(): boolean {
    if (this.#stopped || this.#inputs.size === 0) return false;
    const turn = new Turn({
      now: this.#options.clock.now(),
      random: this.#options.random,
      maxPerRun: this.#options.maxStepsPerRun ?? MAX_STEPS_PER_RUN,
    });
    const taken: Input[] = [];
    try {
      this.#apply(turn, taken);
      this.#commit(turn);
    } catch (error) {
      this.#commitFailed(turn, taken, error);
      return true;
    }
    this.#afterCommit(turn, taken);
    if (this.#inputs.size > 0) this.#schedule();
    return true;
  }

  #apply(turn: Turn, taken: Input[]): void {
    const { clock } = this.#options;
    const later: Input[] = [];
    const until = clock.monotonic() + TURN_BUDGET_MS;
    while (taken.length < MAX_INPUTS && (taken.length % 16 > 0 || clock.monotonic() <= until)) {
      const input = this.#inputs.shift();
      if (input === undefined) break;
      // Stored by this very turn: it can be loaded, and what happens to it applied, once that is committed.
      if (input.runId !== null && turn.created.has(input.runId)) later.push(input);
      else this.#applyOne(turn, input, taken);
    }
    for (const input of later) this.#inputs.push(input);
    // Cancelling one may orphan others: the list grows while it is read.
    for (const id of turn.orphans) {
      if (turn.created.has(id)) turn.cancelUnloaded(id, null, NO_LONGER_NEEDED);
      else this.#cancelIn(turn, id, this.#load(turn, id), NO_LONGER_NEEDED);
    }
  }

  #applyOne(turn: Turn, input: Input, taken: Input[]): void {
    taken.push(input);
    if (input.runId === null) {
      input.apply(turn, null, false);
      return;
    }
    const known = this.#runs.get(input.runId);
    input.apply(turn, known ?? this.#load(turn, input.runId), known === undefined);
  }

  /** Cancels a run with its children, whether or not this version can load it. */
  #cancelIn(turn: Turn, id: string, run: LoadedRun | null, reason: string): void {
    if (run !== null) {
      turn.cancel(run, reason);
      return;
    }
    const stored = this.#loader.load(id);
    if (stored.kind !== 'unloadable') return;
    turn.cancelUnloaded(id, stored.spec, reason);
    turn.orphans.push(...this.#journal.openChildren(id));
  }

  #commit(turn: Turn): void {
    const parked: string[] = [];
    for (const id of turn.touched) {
      const run = this.#runs.get(id);
      if (run !== undefined && turn.park(run)) parked.push(id);
    }
    if (turn.writes.length > 0) {
      const newborn = this.#journal.commit(turn.writes);
      this.#loader.noteNewborn(newborn, turn.created);
      this.#trouble(null);
    }
    // Not before the commit: until then the journal could not bring them back.
    for (const id of parked) this.#forget(id);
  }

  #forget(id: string): void {
    this.#runs.delete(id);
    this.#journal.release(id);
  }

  /** Nothing of the turn was kept: forget the runs it touched, and bring them back from the journal. */
  #commitFailed(turn: Turn, taken: readonly Input[], error: unknown): void {
    this.#trouble(error);
    const again = new Set(turn.touched);
    for (const { runId } of taken) if (runId !== null) again.add(runId);
    for (const id of again) this.#forget(id);
    this.#options.clock.after(STORE_RETRY_MS, () => {
      for (const id of again) this.wake(id);
      this.#schedule();
    });
    for (const input of taken) input.settle?.(error);
  }

  #trouble(error: unknown): void {
    if (error === null && !this.#storeFailing) return;
    this.#storeFailing = error !== null;
    this.#options.onStoreTrouble?.(error);
  }

  #afterCommit(turn: Turn, taken: readonly Input[]): void {
    for (const id of turn.aborts) this.#effects.abort(id);
    if (turn.launches.length > 0 && (this.#options.isOurs?.() ?? true))
      for (const { run, step } of turn.launches)
        if (step.phase === 'running') this.#effects.launch(run, step);
    for (const input of taken) input.settle?.(undefined);
    for (const id of turn.wakes) this.wake(id);
    if (turn.rearm) this.#rearm();
    if (turn.touched.size > 0) for (const listener of this.#listeners) listener(turn.touched);
  }

  #load(turn: Turn, id: string): LoadedRun | null {
    const known = this.#runs.get(id);
    if (known !== undefined) return known;
    const loaded = this.#loader.load(id);
    if (loaded.kind === 'gone') return null;
    if (loaded.kind === 'unloadable') {
      // Said once; whoever looks again finds it paused.
      if (loaded.status !== 'paused') turn.writeStatus(id, 'paused', { ok: false, failure: loaded.failure });
      return null;
    }
    this.#runs.set(id, loaded.run);
    if (loaded.fresh && loaded.run.spec.forkedFrom === undefined) turn.begin(loaded.run);
    else if (loaded.fresh) turn.branchOff(loaded.run);
    else turn.takeUp(loaded.run, this.#attemptsAt(loaded.run), loaded.crashed);
    return loaded.run;
  }

  /** A run that only waits has begun no step that matters any more. */
  #attemptsAt({ id, machine }: LoadedRun): ReadonlyMap<string, Attempted> {
    const within = machine.pending().some(({ op }) => op.op === 'step');
    return within ? this.#journal.attempts(id) : new Map();
  }

  #attemptEnded(attempt: Attempt, outcome: Outcome): void {
    const { run, step } = attempt;
    this.#push({
      runId: run.id,
      // The run may have been forgotten and loaded anew since: then its step asks for this outcome by itself.
      apply: (turn, current) => {
        if (current === run) turn.attemptEnded(run, step, outcome, attempt.trace);
      },
      settle: (error) => {
        if (error === undefined && attempt.run === run) this.#effects.forget(attempt);
      },
    });
  }

  #rearm(): void {
    if (this.#stopped) return;
    try {
      this.#alarm.set(this.#journal.nextTimer());
    } catch (error) {
      this.#trouble(error);
      this.#alarm.set(this.#options.clock.now() + STORE_RETRY_MS);
    }
  }

  /** A run that still cannot be loaded tells the person who asked it to go on. */
  #sayWhyNot(turn: Turn, id: string): void {
    const loaded = this.#loader.load(id);
    if (loaded.kind === 'unloadable') turn.writeStatus(id, 'paused', { ok: false, failure: loaded.failure });
  }

  #timersDue(): void {
    if (this.#stopped) return;
    let due: readonly string[] = [];
    try {
      due = this.#journal.due(this.#options.clock.now(), DUE_CHUNK);
    } catch (error) {
      this.#trouble(error);
    }
    for (const runId of due) this.#push({ runId, apply: (turn, run) => run !== null && turn.timersDue(run) });
    // The rest follow after these: many timers at once must not hold up the event loop.
    const look = (error: unknown): void => {
      if (error === undefined) this.#rearm();
      else this.#alarm.set(this.#options.clock.now() + STORE_RETRY_MS);
    };
    this.#push({ runId: null, apply: () => undefined, settle: look });
  }

  #durably(runId: string | null, apply: Input['apply']): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#push({ runId, apply, settle: (error) => (error === undefined ? resolve() : reject(error)) });
    return promise;
  }

  #push(input: Input): void {
    if (this.#stopped) {
      input.settle?.(new Error('Baton is stopping'));
      return;
    }
    this.#inputs.push(input);
    this.#schedule();
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      this.tick();
    });
  }
}
