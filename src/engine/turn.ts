import { createHash } from 'node:crypto';
import type { RunEvent } from '../domain/events.ts';
import type { Failure } from '../domain/failure.ts';
import type { Json } from '../domain/json.ts';
import { nextRetry } from '../domain/retry.ts';
import { isTerminal, type Outcome, outcomeSchema, type RunStatus } from '../domain/run.ts';
import type { Usage } from '../domain/usage.ts';
import type { JournalWrite, OpKind, StoredSignal } from '../ports/journal.ts';
import type { LoadedRun, StepState } from './loaded-run.ts';
import type { Pending } from './machine.ts';

/** A step that a crash ended this often is not tried again by itself: it may be what brings the process down. */
export const MAX_CRASHES = 3;
/** Node's timers overflow above this. */
const MAX_SLEEP_MS = 2 ** 31 - 1;

/** What an effect left behind. */
export interface Trace {
  readonly events: readonly RunEvent[];
  readonly usage: readonly Usage[];
}

/**
 * One turn of the engine: everything that happened since the last, applied to runs in memory and collected as
 * writes of a single transaction. Effects to start and runs touched are read from it after the commit.
 */
export class Turn {
  readonly writes: JournalWrite[] = [];
  readonly touched = new Set<string>();
  /** Steps whose attempt was counted in this turn and whose effect may start once it is durable. */
  readonly launches: { readonly run: LoadedRun; readonly step: StepState }[] = [];
  readonly aborts: AbortController[] = [];
  readonly wakes = new Set<string>();
  /** Child runs that nobody waits for any more. */
  readonly orphans: string[] = [];
  readonly #now: number;
  readonly #random: () => number;
  readonly #maxPerRun: number;

  constructor(options: { readonly now: number; readonly random: () => number; readonly maxPerRun: number }) {
    this.#now = options.now;
    this.#random = options.random;
    this.#maxPerRun = options.maxPerRun;
  }

  /** Begins a queued run, or takes a recovered one up where it was. */
  begin(run: LoadedRun, fresh: boolean, open: ReadonlyMap<string, { readonly attempt: number; readonly crashes: number }>, crashed: boolean): void {
    this.touched.add(run.id);
    if (fresh) {
      this.setStatus(run, 'running', null);
      this.#absorb(run);
      return;
    }
    for (const pending of run.machine.pending()) this.#readopt(run, pending, open.get(pending.key), crashed);
    this.#absorb(run);
  }

  #readopt(run: LoadedRun, pending: Pending, open: { readonly attempt: number; readonly crashes: number } | undefined, crashed: boolean): void {
    const { op, key } = pending;
    if (op.op !== 'step' || open === undefined) {
      this.#issue(run, pending);
      return;
    }
    const waiting = run.timers.has(key);
    const stalled = run.status === 'paused';
    const crashes = open.crashes + (crashed && !waiting && !stalled ? 1 : 0);
    const phase = waiting ? 'retry' : stalled ? 'stalled' : 'ready';
    const step: StepState = { pending, attempt: open.attempt, crashes, phase, abort: null };
    run.steps.set(key, step);
    if (phase !== 'ready') return;
    if (crashes >= MAX_CRASHES) {
      this.#stall(run, step, {
        class: 'structural',
        code: 'poison_step',
        message: `Baton stopped ${crashes} times while "${op.label}" was under way, so it is not tried again by itself`,
        hint: 'Press Retry to try it once more, or cancel the run.',
      });
    } else run.ready.push(step);
  }

  /** The end of an attempt. */
  attemptEnded(run: LoadedRun, step: StepState, outcome: Outcome, trace: Trace): void {
    if (run.steps.get(step.pending.key) !== step || step.phase !== 'running') return;
    this.touched.add(run.id);
    run.running -= 1;
    step.abort = null;
    const { key } = step.pending;
    for (const usage of trace.usage) this.writes.push({ w: 'usage', runId: run.id, key, usage, at: this.#now });
    if (outcome.ok) {
      for (const event of trace.events) this.#event(run, event);
      this.#settleStep(run, step, outcome);
    } else this.#attemptFailed(run, step, outcome.failure);
    this.#absorb(run);
  }

  #attemptFailed(run: LoadedRun, step: StepState, failure: Failure): void {
    const { op, key } = step.pending;
    if (op.op !== 'step') return;
    const decision = nextRetry(failure, step.attempt, op.retry, this.#random());
    if (decision.kind === 'retry') {
      step.phase = 'retry';
      this.#event(run, { type: 'step.failed', key, attempt: step.attempt, failure, retryInMs: decision.delayMs });
      this.#setTimer(run, key, decision.delayMs);
      return;
    }
    const needsHelp = failure.class === 'needs_person' || failure.class === 'budget' || failure.class === 'transient' || failure.class === 'structural';
    if (needsHelp && op.giveUp === 'pause') this.#stall(run, step, failure);
    else this.#settleStep(run, step, { ok: false, failure });
  }

  #stall(run: LoadedRun, step: StepState, failure: Failure): void {
    step.phase = 'stalled';
    this.#event(run, { type: 'step.failed', key: step.pending.key, attempt: step.attempt, failure });
    this.setStatus(run, 'paused', failure);
  }

  #settleStep(run: LoadedRun, step: StepState, outcome: Outcome): void {
    const { key } = step.pending;
    run.steps.delete(key);
    const event: RunEvent = outcome.ok
      ? { type: 'step.completed', key }
      : { type: 'step.failed', key, attempt: step.attempt, failure: outcome.failure };
    this.#settle(run, key, 'step', true, outcome, event);
  }

  /** A timer of the run is due: a sleep ends, or a failed step is tried again. */
  timerFired(run: LoadedRun, key: string): void {
    if (!run.timers.delete(key)) return;
    this.touched.add(run.id);
    this.writes.push({ w: 'untimer', runId: run.id, key });
    const step = run.steps.get(key);
    if (step === undefined) this.#settle(run, key, 'sleep', false, { ok: true, value: null }, { type: 'timer.fired', key });
    else {
      step.phase = 'ready';
      step.attempt += 1;
      run.ready.push(step);
    }
    this.#absorb(run);
  }

  /** Signals that were stored since the run last looked. */
  signalsArrived(run: LoadedRun, signals: readonly StoredSignal[]): void {
    for (const signal of signals) {
      if (signal.id <= run.lastSignal) continue;
      run.lastSignal = signal.id;
      run.inbox.push(signal);
    }
    this.touched.add(run.id);
    this.#absorb(run);
  }

  pause(run: LoadedRun, failure: Failure): void {
    if (isTerminal(run.status) || run.status === 'paused') return;
    this.touched.add(run.id);
    this.setStatus(run, 'paused', failure);
  }

  resume(run: LoadedRun): void {
    if (run.status !== 'paused') return;
    this.touched.add(run.id);
    this.setStatus(run, 'running', null);
    for (const step of run.steps.values()) {
      if (step.phase !== 'stalled') continue;
      // A fresh set of attempts: what stopped it was somebody's to mend.
      step.phase = 'ready';
      step.attempt = 1;
      step.crashes = 0;
      run.ready.push(step);
    }
    this.#absorb(run);
  }

  cancel(run: LoadedRun, reason: string): void {
    if (isTerminal(run.status)) return;
    this.touched.add(run.id);
    for (const step of run.steps.values()) this.#drop(run, step.pending.key);
    for (const key of run.timers.keys()) this.writes.push({ w: 'untimer', runId: run.id, key });
    run.timers.clear();
    run.steps.clear();
    run.ready.length = 0;
    const failure: Failure = { class: 'cancelled', code: 'cancelled', message: reason };
    this.setStatus(run, 'cancelled', failure);
    this.#tellParent(run, { ok: false, failure });
  }

  /** A run with nothing under way leaves memory; it is `waiting` unless it was paused or has ended. */
  park(run: LoadedRun): boolean {
    if (run.running > 0 || (run.status === 'running' && run.ready.length > 0)) return false;
    if (run.status === 'running') this.setStatus(run, 'waiting', null);
    return true;
  }

  setStatus(run: LoadedRun, status: RunStatus, failure: Failure | null): void {
    run.status = status;
    const outcome: Outcome | null = failure === null ? null : { ok: false, failure };
    this.#writeStatus(run, status, outcome);
  }

  #writeStatus(run: LoadedRun, status: RunStatus, outcome: Outcome | null): void {
    this.writes.push({ w: 'status', runId: run.id, status, outcome, at: this.#now });
    const failure = outcome !== null && !outcome.ok ? outcome.failure : undefined;
    this.#event(run, { type: 'run.status', status, ...(failure === undefined ? {} : { failure }) });
  }

  /** Turns what the machine brought about into writes, until it asks for nothing that can be answered at once. */
  #absorb(run: LoadedRun): void {
    for (;;) {
      const { issued, cancelled, events } = run.machine.take();
      for (const event of events) this.#event(run, event);
      for (const key of cancelled) this.#drop(run, key);
      for (const pending of issued) this.#issue(run, pending);
      if (issued.length === 0 && cancelled.length === 0 && events.length === 0 && !this.#deliver(run)) break;
    }
    const { result } = run.machine;
    if (result !== null && !isTerminal(run.status)) this.#finish(run, result);
    this.fill(run);
  }

  #issue(run: LoadedRun, pending: Pending): void {
    const { key, op } = pending;
    switch (op.op) {
      case 'step': {
        const step: StepState = { pending, attempt: 1, crashes: 0, phase: 'ready', abort: null };
        run.steps.set(key, step);
        run.ready.push(step);
        return;
      }
      case 'sleep':
        if (!run.timers.has(key)) this.#setTimer(run, key, op.ms);
        return;
      case 'signal':
        this.#wait(run, op.signal, key);
        return;
      case 'now':
        this.#settle(run, key, 'value', false, { ok: true, value: this.#now }, { type: 'step.completed', key });
        return;
      case 'random':
        this.#settle(run, key, 'value', false, { ok: true, value: this.#random() }, { type: 'step.completed', key });
        return;
      case 'child': {
        const childId = childRunId(run.id, key);
        run.children.set(childId, key);
        this.writes.push({ w: 'run', runId: childId, spec: { ...op.spec, parent: { runId: run.id, key } }, at: this.#now });
        this.#wait(run, childSignal(childId), key);
        this.wakes.add(childId);
        return;
      }
      default:
        op satisfies never;
    }
  }

  #wait(run: LoadedRun, signal: string, key: string): void {
    const keys = run.waits.get(signal);
    if (keys === undefined) run.waits.set(signal, [key]);
    else keys.push(key);
  }

  /** Hands the first stored signal that somebody waits for to the one who waited longest. */
  #deliver(run: LoadedRun): boolean {
    for (const [index, signal] of run.inbox.entries()) {
      const keys = run.waits.get(signal.name);
      const key = keys?.shift();
      if (keys === undefined || key === undefined) continue;
      if (keys.length === 0) run.waits.delete(signal.name);
      run.inbox.splice(index, 1);
      this.writes.push({ w: 'consume', signalId: signal.id, key });
      const child = signal.name.startsWith(CHILD_PREFIX);
      const outcome: Outcome = child ? childOutcome(signal.payload) : { ok: true, value: signal.payload };
      this.#settle(run, key, child ? 'child' : 'signal', false, outcome, { type: 'signal.consumed', key, name: signal.name });
      return true;
    }
    return false;
  }

  #settle(run: LoadedRun, key: string, kind: OpKind, opened: boolean, outcome: Outcome, event: RunEvent): void {
    this.writes.push({ w: 'settle', runId: run.id, key, kind, opened, outcome, event, at: this.#now });
    run.machine.settle(key, outcome);
  }

  #setTimer(run: LoadedRun, key: string, ms: number): void {
    const fireAt = this.#now + Math.min(Math.max(0, ms), MAX_SLEEP_MS);
    run.timers.set(key, fireAt);
    this.writes.push({ w: 'timer', runId: run.id, key, fireAt });
    this.#event(run, { type: 'timer.set', key, fireAt });
  }

  #drop(run: LoadedRun, key: string): void {
    if (run.timers.delete(key)) this.writes.push({ w: 'untimer', runId: run.id, key });
    for (const [name, keys] of run.waits) {
      const at = keys.indexOf(key);
      if (at < 0) continue;
      keys.splice(at, 1);
      if (keys.length === 0) run.waits.delete(name);
    }
    for (const [childId, childKey] of run.children) if (childKey === key) this.orphans.push(childId);
    const step = run.steps.get(key);
    if (step === undefined) return;
    run.steps.delete(key);
    const queued = run.ready.indexOf(step);
    if (queued >= 0) run.ready.splice(queued, 1);
    if (step.phase === 'running') {
      run.running -= 1;
      if (step.abort !== null) this.aborts.push(step.abort);
    }
    this.writes.push({ w: 'cancel', runId: run.id, key });
    this.#event(run, { type: 'step.cancelled', key });
  }

  #finish(run: LoadedRun, result: Outcome): void {
    run.status = result.ok ? 'completed' : 'failed';
    this.#writeStatus(run, run.status, result);
    this.#tellParent(run, result);
  }

  #tellParent(run: LoadedRun, result: Outcome): void {
    const { parent } = run.spec;
    if (parent === undefined) return;
    const name = childSignal(run.id);
    this.writes.push({ w: 'signal', runId: parent.runId, name, payload: outcomeAsJson(result), idempotencyKey: name, at: this.#now });
    this.wakes.add(parent.runId);
  }

  /** Starts ready steps while the run has places, counting each attempt before its effect. */
  fill(run: LoadedRun): void {
    if (run.status === 'waiting' && run.ready.length > 0) this.setStatus(run, 'running', null);
    while (run.status === 'running' && run.running < this.#maxPerRun) {
      const step = run.ready.shift();
      if (step === undefined) return;
      const { key, node, op } = step.pending;
      if (op.op !== 'step') continue;
      step.phase = 'running';
      run.running += 1;
      this.writes.push({ w: 'attempt', runId: run.id, key, attempt: step.attempt, crashes: step.crashes, at: this.#now });
      this.#event(run, { type: 'step.started', key, label: op.label, attempt: step.attempt, ...(node === undefined ? {} : { node }) });
      this.launches.push({ run, step });
    }
  }

  #event(run: LoadedRun, event: RunEvent): void {
    this.writes.push({ w: 'event', runId: run.id, event, at: this.#now });
  }
}

const CHILD_PREFIX = 'child:';

export function childSignal(childId: string): string {
  return `${CHILD_PREFIX}${childId}`;
}

/** A child's id follows from its parent's and the key: a replay finds the same child. */
function childRunId(parentId: string, key: string): string {
  return `${parentId}.${createHash('sha256').update(key).digest('hex').slice(0, 10)}`;
}

function outcomeAsJson(outcome: Outcome): Json {
  return JSON.parse(JSON.stringify(outcome));
}

function childOutcome(payload: Json): Outcome {
  return outcomeSchema.parse(payload);
}

