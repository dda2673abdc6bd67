import { type Failure, toFailure } from '../domain/failure.ts';
import type { RunEvent } from '../domain/events.ts';
import { asJson, type Json } from '../domain/json.ts';
import { isTerminal, type Outcome, type RunSpec } from '../domain/run.ts';
import type { Usage } from '../domain/usage.ts';
import type { Activity, StepContext } from '../ports/activity.ts';
import type { Clock } from '../ports/clock.ts';
import type { Engine } from '../ports/engine.ts';
import type { Program } from '../ports/flow.ts';
import type { Journal, JournalWrite } from '../ports/journal.ts';
import { type LoadedRun, loadRun, type StepState } from './loaded-run.ts';
import { type Trace, Turn } from './turn.ts';

/** Steps of one run at once. A run that fans out wider queues the rest. */
const MAX_STEPS_PER_RUN = 32;
/** Runs woken per turn: large enough to share a commit, small enough to keep the event loop answering. */
const WAKE_CHUNK = 200;
/** Things applied per turn, for the same reason. */
const MAX_INPUTS = 2_000;
/** Waits before work is tried again after a commit failed (disk full, database locked). */
const STORE_RETRY_MS = 1_000;
/** How long running effects may take to notice that the process stops. */
const STOP_GRACE_MS = 3_000;

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
}

type Input = { readonly runId: string | null; readonly apply: (turn: Turn, run: LoadedRun | null) => void; readonly settle?: (error: unknown) => void };

/**
 * The embedded engine: one loop over runs in memory. Whatever happens (an effect ended, a signal, a timer, a
 * command) is queued; a turn applies all that is queued, commits it in one transaction, and only then starts
 * effects and answers callers. Turns run once per turn of Node's event loop, so one commit serves many runs.
 */
export class EmbeddedEngine implements Engine {
  readonly #options: EngineOptions;
  readonly #journal: Journal;
  readonly #programs: ReadonlyMap<string, Program>;
  readonly #activities: ReadonlyMap<string, Activity>;
  readonly #runs = new Map<string, LoadedRun>();
  readonly #listeners = new Set<(runIds: ReadonlySet<string>) => void>();
  readonly #inFlight = new Set<Promise<void>>();
  #inputs: Input[] = [];
  #scheduled = false;
  #stopped = false;
  #storeFailing = false;
  #recovering: Set<string> = new Set();
  #cancelTimer: (() => void) | null = null;

  constructor(options: EngineOptions) {
    this.#options = options;
    this.#journal = options.journal;
    this.#programs = new Map(options.programs.map((program) => [programKey(program.name, program.version), program]));
    this.#activities = new Map(options.activities.map((activity) => [activity.type, activity]));
  }

  /** Takes up every run with work to do. Returns how many. */
  recover(): number {
    const ids = this.#journal.recoverable(this.#options.clock.now());
    if (this.#options.crashed) this.#recovering = new Set(ids);
    for (const id of ids) this.wake(id);
    this.#armTimer();
    return ids.length;
  }

  start(id: string, spec: RunSpec): Promise<void> {
    const at = this.#options.clock.now();
    return this.#durably(null, (turn) => {
      turn.writes.push({ w: 'run', runId: id, spec, at });
      turn.touched.add(id);
      turn.wakes.add(id);
    });
  }

  signal(id: string, name: string, payload: Json, idempotencyKey: string): Promise<void> {
    const at = this.#options.clock.now();
    return this.#durably(null, (turn) => {
      turn.writes.push({ w: 'signal', runId: id, name, payload, idempotencyKey, at });
      turn.touched.add(id);
      turn.wakes.add(id);
    });
  }

  async cancel(id: string, reason: string): Promise<void> {
    for (const child of this.#journal.openChildren(id)) await this.cancel(child, reason);
    await this.#durably(id, (turn, run) => {
      if (run !== null) turn.cancel(run, reason);
    });
  }

  pause(id: string, failure: Failure): Promise<void> {
    return this.#durably(id, (turn, run) => {
      if (run !== null) turn.pause(run, failure);
    });
  }

  resume(id: string): Promise<void> {
    return this.#durably(id, (turn, run) => {
      if (run === null) return;
      turn.resume(run);
      // Timers of a paused run do not fire; those that came due meanwhile do now.
      fireDue(turn, run, this.#options.clock.now());
    });
  }

  async status(id: string) {
    return this.#journal.status(id);
  }

  wake(id: string): void {
    this.#push({
      runId: id,
      apply: (turn, run) => {
        if (run !== null) turn.signalsArrived(run, this.#journal.signals(id));
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
    this.#cancelTimer?.();
    for (const run of this.#runs.values()) for (const step of run.steps.values()) step.abort?.abort(new Error('Baton is stopping'));
    const { promise, resolve } = Promise.withResolvers<void>();
    const cancel = this.#options.clock.after(STOP_GRACE_MS, resolve);
    await Promise.race([Promise.allSettled(this.#inFlight), promise]);
    cancel();
    for (const input of this.#inputs) input.settle?.(new Error('Baton is stopping'));
    this.#inputs = [];
  }

  /** Applies and commits what is queued. True when there was something. Tests call it; the loop does otherwise. */
  tick(): boolean {
    if (this.#stopped || this.#inputs.length === 0) return false;
    const inputs = this.#inputs.splice(0, MAX_INPUTS);
    if (this.#inputs.length > 0) this.#schedule();
    const turn = new Turn({
      now: this.#options.clock.now(),
      random: this.#options.random,
      maxPerRun: this.#options.maxStepsPerRun ?? MAX_STEPS_PER_RUN,
    });
    try {
      this.#applyAndCommit(turn, inputs);
    } catch (error) {
      this.#commitFailed(turn, inputs, error);
      return true;
    }
    if (this.#storeFailing) {
      this.#storeFailing = false;
      this.#options.onStoreTrouble?.(null);
    }
    this.#afterCommit(turn, inputs);
    return true;
  }

  #applyAndCommit(turn: Turn, inputs: readonly Input[]): void {
    for (const input of inputs) input.apply(turn, input.runId === null ? null : this.#load(turn, input.runId));
    const parked: string[] = [];
    for (const id of turn.touched) {
      const run = this.#runs.get(id);
      if (run !== undefined && turn.park(run)) parked.push(id);
    }
    if (turn.writes.length > 0) this.#journal.commit(turn.writes);
    for (const id of parked) {
      this.#runs.delete(id);
      this.#journal.release(id);
    }
  }

  /** Nothing of the turn was kept: forget the runs it touched, and bring them back from the journal. */
  #commitFailed(turn: Turn, inputs: readonly Input[], error: unknown): void {
    this.#storeFailing = true;
    this.#options.onStoreTrouble?.(error);
    const again = new Set<string>();
    for (const input of inputs) {
      input.settle?.(error);
      if (input.runId !== null) again.add(input.runId);
    }
    for (const id of [...turn.touched, ...again]) {
      const run = this.#runs.get(id);
      for (const step of run?.steps.values() ?? []) step.abort?.abort(new Error('The journal could not be written'));
      this.#runs.delete(id);
      this.#journal.release(id);
      again.add(id);
    }
    this.#options.clock.after(STORE_RETRY_MS, () => {
      for (const id of again) this.wake(id);
    });
  }

  #afterCommit(turn: Turn, inputs: readonly Input[]): void {
    for (const abort of turn.aborts) abort.abort(new Error('Cancelled'));
    for (const { run, step } of turn.launches) if (step.phase === 'running') this.#launch(run, step);
    for (const input of inputs) input.settle?.(undefined);
    for (const id of turn.wakes) this.wake(id);
    // The parent's journal no longer waits for them; a crash before this leaves a child to run on, which harms nobody.
    for (const id of turn.orphans) void this.cancel(id, 'No longer needed').catch(() => undefined);
    if (turn.writes.some(({ w }) => w === 'timer')) this.#armTimer();
    if (turn.touched.size > 0) for (const listener of this.#listeners) listener(turn.touched);
  }

  #load(turn: Turn, id: string): LoadedRun | null {
    const known = this.#runs.get(id);
    if (known !== undefined) return known;
    const stored = this.#journal.load(id);
    if (stored === null || isTerminal(stored.status)) return null;
    const { program, programVersion } = stored.spec;
    const loaded = loadRun(stored, this.#programs.get(programKey(program, programVersion)));
    if (!loaded.ok) {
      if (stored.status !== 'paused') turn.writes.push(...pausedBy(id, loaded.failure, this.#options.clock.now()));
      turn.touched.add(id);
      return null;
    }
    this.#runs.set(id, loaded.run);
    turn.begin(loaded.run, loaded.fresh, stored.open, this.#recovering.delete(id));
    return loaded.run;
  }

  #launch(run: LoadedRun, step: StepState): void {
    const { op, key } = step.pending;
    if (op.op !== 'step') return;
    const abort = new AbortController();
    step.abort = abort;
    const events: RunEvent[] = [];
    const usage: Usage[] = [];
    const context: StepContext = {
      runId: run.id,
      key,
      attempt: step.attempt,
      idempotencyKey: `${run.id}/${key}`,
      signal: abort.signal,
      emit: (event) => void events.push(event),
      use: (used) => void usage.push(used),
    };
    let over = false;
    const end = (outcome: Outcome): void => {
      if (over) return;
      over = true;
      cancelTimeout();
      this.#attemptEnded(run, step, outcome, { events, usage });
    };
    const cancelTimeout = this.#options.clock.after(op.timeoutMs, () => {
      end({ ok: false, failure: { class: 'transient', code: 'step_timeout', message: `"${op.label}" took longer than ${Math.round(op.timeoutMs / 1_000)} s` } });
      abort.abort(new Error('Timed out'));
    });
    const flight: Promise<void> = this.#perform(op.activity, op.input, context).then(end);
    this.#inFlight.add(flight);
    void flight.finally(() => this.#inFlight.delete(flight));
  }

  async #perform(type: string, input: unknown, context: StepContext): Promise<Outcome> {
    const activity = this.#activities.get(type);
    if (activity === undefined) return { ok: false, failure: { class: 'structural', code: 'activity_unknown', message: `Nothing here performs "${type}"` } };
    try {
      return { ok: true, value: asJson(await activity.perform(input, context)) };
    } catch (error) {
      const failure = toFailure(error);
      return { ok: false, failure: { ...failure, message: this.#options.redact?.(failure.message) ?? failure.message } };
    }
  }

  #attemptEnded(run: LoadedRun, step: StepState, outcome: Outcome, trace: Trace): void {
    this.#push({
      runId: run.id,
      // The run may have been dropped and loaded anew since: then this attempt's end no longer counts.
      apply: (turn, current) => {
        if (current === run) turn.attemptEnded(run, step, outcome, trace);
      },
    });
  }

  #armTimer(): void {
    this.#cancelTimer?.();
    this.#cancelTimer = null;
    const next = this.#journal.nextTimer();
    if (next === null || this.#stopped) return;
    const wait = Math.min(Math.max(0, next - this.#options.clock.now()), 2 ** 31 - 1);
    this.#cancelTimer = this.#options.clock.after(wait, () => this.#timersDue());
  }

  #timersDue(): void {
    const now = this.#options.clock.now();
    const due = this.#journal.due(now, WAKE_CHUNK);
    for (const id of due) this.#push({ runId: id, apply: (turn, run) => fireDue(turn, run, now) });
    // After these, the next turn looks for more: many timers at once must not hold up the event loop.
    this.#push({ runId: null, apply: () => undefined, settle: () => this.#armTimer() });
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

function fireDue(turn: Turn, run: LoadedRun | null, now: number): void {
  if (run === null) return;
  const due = [...run.timers].filter(([, fireAt]) => fireAt <= now).sort(([, a], [, b]) => a - b);
  for (const [key] of due) turn.timerFired(run, key);
}

function pausedBy(runId: string, failure: Failure, at: number): JournalWrite[] {
  return [
    { w: 'status', runId, status: 'paused', outcome: { ok: false, failure }, at },
    { w: 'event', runId, event: { type: 'run.status', status: 'paused', failure }, at },
  ];
}

function programKey(name: string, version: number): string {
  return `${name}@${version}`;
}
