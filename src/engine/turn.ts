import type { RunEvent } from '../domain/events.ts';
import type { Failure } from '../domain/failure.ts';
import { nextRetry } from '../domain/retry.ts';
import { isTerminal, type Outcome, type RunSpec, type RunStatus } from '../domain/run.ts';
import type { Usage } from '../domain/usage.ts';
import type { Attempted, JournalWrite, OpKind, StoredSignal } from '../ports/journal.ts';
import { childRunId, childSignal, isChildSignal, outcomeOf, outcomePayload } from './children.ts';
import { cancelledBy, noDuration, pauses, poisoned } from './failures.ts';
import type { LoadedRun, StepState } from './loaded-run.ts';
import type { Pending } from './machine.ts';

/** A step that a crash ended this often is not tried again by itself: it may be what brings the process down. */
export const MAX_CRASHES = 3;

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
  /** Idempotency keys of steps whose effects, if any, are to end. */
  readonly aborts: string[] = [];
  /** Runs to look at after the commit, because it stored something for them. */
  readonly wakes = new Set<string>();
  /** Runs that this turn stores, if they are new; they can be loaded only after it. */
  readonly created = new Map<string, RunSpec>();
  /** Child runs that nobody waits for any more: to be cancelled in this same turn. */
  readonly orphans: string[] = [];
  /** Whether the earliest timer may have changed. */
  rearm = false;
  readonly #now: number;
  readonly #random: () => number;
  readonly #maxPerRun: number;

  constructor(options: { readonly now: number; readonly random: () => number; readonly maxPerRun: number }) {
    this.#now = options.now;
    this.#random = options.random;
    this.#maxPerRun = options.maxPerRun;
  }

  /** Stores a run; it begins when it is looked at after the commit. */
  create(runId: string, spec: RunSpec): void {
    this.writes.push({ w: 'run', runId, spec, at: this.#now });
    this.touched.add(runId);
    this.created.set(runId, spec);
    this.wakes.add(runId);
  }

  /** Begins a queued run. */
  begin(run: LoadedRun): void {
    this.touched.add(run.id);
    this.#setStatus(run, 'running', null);
    this.#absorb(run);
  }

  /**
   * Begins a queued run that goes on from where another one was: what was under way there is asked for anew, its parts
   * included, since theirs were the other run's.
   */
  branchOff(run: LoadedRun): void {
    this.touched.add(run.id);
    this.#setStatus(run, 'running', null);
    for (const pending of run.machine.pending()) this.#issue(run, pending);
    this.#absorb(run);
  }

  /** Takes a run up where it was. `attempts` are those at steps that have begun, by key. */
  takeUp(run: LoadedRun, attempts: ReadonlyMap<string, Attempted>, crashed: boolean): void {
    this.touched.add(run.id);
    for (const pending of run.machine.pending())
      this.#readopt(run, pending, attempts.get(pending.key), crashed);
    this.#absorb(run);
  }

  #readopt(run: LoadedRun, pending: Pending, open: Attempted | undefined, crashed: boolean): void {
    const { op, key } = pending;
    // A child was stored in the transaction that asked for it: only the wait is taken up again.
    if (op.op === 'child') run.mailbox.wait(childSignal(childRunId(run.id, key)), key);
    else if (op.op === 'step' && open !== undefined) this.#reopen(run, pending, op.label, open, crashed);
    else this.#issue(run, pending);
  }

  #reopen(run: LoadedRun, pending: Pending, label: string, open: Attempted, crashed: boolean): void {
    const retrying = run.timers.has(pending.key);
    const stalled = run.status === 'paused';
    const crashes = open.crashes + (crashed && !retrying && !stalled ? 1 : 0);
    const phase = retrying ? 'retry' : stalled ? 'stalled' : 'ready';
    const step: StepState = { pending, attempt: open.attempt, crashes, phase };
    run.steps.set(pending.key, step);
    if (phase !== 'ready') return;
    if (crashes < MAX_CRASHES) run.ready.push(step);
    else this.#stall(run, step, poisoned(label, crashes));
  }

  /** The end of an attempt. */
  attemptEnded(run: LoadedRun, step: StepState, outcome: Outcome, trace: Trace): void {
    if (step.phase !== 'running') return;
    this.touched.add(run.id);
    run.running -= 1;
    const { key } = step.pending;
    for (const usage of trace.usage)
      this.writes.push({ w: 'usage', runId: run.id, key, usage, at: this.#now });
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
      const retryInMs = decision.delayMs;
      this.#event(run, { type: 'step.failed', key, attempt: step.attempt, failure, retryInMs });
      this.#setTimer(run, key, retryInMs);
    } else if (pauses(failure, op.giveUp)) this.#stall(run, step, failure);
    else this.#settleStep(run, step, { ok: false, failure });
  }

  #stall(run: LoadedRun, step: StepState, failure: Failure): void {
    step.phase = 'stalled';
    this.#event(run, { type: 'step.failed', key: step.pending.key, attempt: step.attempt, failure });
    this.#setStatus(run, 'paused', failure);
  }

  #settleStep(run: LoadedRun, step: StepState, outcome: Outcome): void {
    const { key } = step.pending;
    run.steps.delete(key);
    step.phase = 'dropped';
    const event: RunEvent = outcome.ok
      ? { type: 'step.completed', key }
      : { type: 'step.failed', key, attempt: step.attempt, failure: outcome.failure };
    this.#settle(run, key, 'step', outcome, event, step.attempt);
  }

  /** Ends sleeps that are due and tries failed steps again, earliest first. */
  timersDue(run: LoadedRun): void {
    const due = [...run.timers].filter(([, fireAt]) => fireAt <= this.#now).sort(([, a], [, b]) => a - b);
    // A timer may be gone by its turn: an earlier one may have ended a race it stood in.
    for (const [key] of due) if (run.timers.delete(key)) this.#fire(run, key);
  }

  #fire(run: LoadedRun, key: string): void {
    this.touched.add(run.id);
    this.writes.push({ w: 'untimer', runId: run.id, key });
    const step = run.steps.get(key);
    if (step === undefined)
      this.#settle(run, key, 'sleep', { ok: true, value: null }, { type: 'timer.fired', key });
    else {
      step.phase = 'ready';
      step.attempt += 1;
      run.ready.push(step);
    }
    this.#absorb(run);
  }

  /** Signals that were stored since the run last looked. */
  signalsArrived(run: LoadedRun, signals: readonly StoredSignal[]): void {
    run.mailbox.arrived(signals);
    this.touched.add(run.id);
    this.#absorb(run);
  }

  pause(run: LoadedRun, failure: Failure): void {
    if (isTerminal(run.status) || run.status === 'paused') return;
    this.touched.add(run.id);
    this.#setStatus(run, 'paused', failure);
  }

  resume(run: LoadedRun): void {
    if (run.status !== 'paused') return;
    this.touched.add(run.id);
    this.#setStatus(run, 'running', null);
    for (const step of run.steps.values()) {
      if (step.phase !== 'stalled') continue;
      // A fresh set of attempts: what stopped it was somebody's to mend.
      step.phase = 'ready';
      step.attempt = 1;
      step.crashes = 0;
      run.ready.push(step);
    }
    this.#absorb(run);
    // Timers of a paused run do not fire; those that came due meanwhile do now, the others count again.
    this.timersDue(run);
    this.rearm = true;
  }

  cancel(run: LoadedRun, reason: string): void {
    if (isTerminal(run.status)) return;
    this.touched.add(run.id);
    for (const pending of run.machine.pending()) this.#drop(run, pending, reason);
    run.ready.clear();
    const failure = cancelledBy(reason);
    this.#setStatus(run, 'cancelled', failure);
    this.#tellParent(run.id, run.spec, { ok: false, failure });
  }

  /** Cancels a run that is not in memory and cannot be: stored a moment ago, or begun by another version. */
  cancelUnloaded(runId: string, spec: RunSpec | null, reason: string): void {
    const failure = cancelledBy(reason);
    this.created.delete(runId);
    this.writeStatus(runId, 'cancelled', { ok: false, failure });
    if (spec !== null) this.#tellParent(runId, spec, { ok: false, failure });
  }

  /** A run with nothing under way leaves memory; it is `waiting` unless it was paused or has ended. */
  park(run: LoadedRun): boolean {
    if (run.running > 0 || (run.status === 'running' && run.ready.size > 0)) return false;
    if (run.status === 'running') this.#setStatus(run, 'waiting', null);
    return true;
  }

  #setStatus(run: LoadedRun, status: RunStatus, failure: Failure | null): void {
    run.status = status;
    this.writeStatus(run.id, status, failure === null ? null : { ok: false, failure });
  }

  writeStatus(runId: string, status: RunStatus, outcome: Outcome | null): void {
    this.touched.add(runId);
    this.writes.push({ w: 'status', runId, status, outcome, at: this.#now });
    const event: RunEvent =
      outcome === null || outcome.ok
        ? { type: 'run.status', status }
        : { type: 'run.status', status, failure: outcome.failure };
    this.writes.push({ w: 'event', runId, event, at: this.#now });
  }

  /** Turns what the machine brought about into writes, until it asks for nothing that can be answered at once. */
  #absorb(run: LoadedRun): void {
    const { machine } = run;
    do {
      const { issued, cancelled: given, events } = machine.take();
      for (const event of events) this.#event(run, event);
      for (const { pending, why } of given) this.#drop(run, pending, why);
      // Answering one at once may end the race that another stands in.
      for (const pending of issued) if (machine.isPending(pending.key)) this.#issue(run, pending);
    } while (machine.changed || this.#deliver(run));
    if (machine.result !== null && !isTerminal(run.status)) this.#finish(run, machine.result);
    this.#fill(run);
  }

  #issue(run: LoadedRun, pending: Pending): void {
    const { key, op } = pending;
    switch (op.op) {
      case 'step': {
        const step: StepState = { pending, attempt: 1, crashes: 0, phase: 'ready' };
        run.steps.set(key, step);
        run.ready.push(step);
        return;
      }
      case 'sleep':
        if (Number.isNaN(op.ms))
          this.#settle(run, key, 'sleep', noDuration(key), { type: 'timer.fired', key });
        else if (!run.timers.has(key)) this.#setTimer(run, key, op.ms);
        return;
      case 'signal':
        run.mailbox.wait(op.signal, key);
        return;
      case 'now':
        this.#settle(run, key, 'value', { ok: true, value: this.#now }, { type: 'step.completed', key });
        return;
      case 'random':
        this.#settle(run, key, 'value', { ok: true, value: this.#random() }, { type: 'step.completed', key });
        return;
      case 'child': {
        const childId = childRunId(run.id, key);
        this.create(childId, { ...op.spec, parent: { runId: run.id, key } });
        run.mailbox.wait(childSignal(childId), key);
        return;
      }
      default:
        op satisfies never;
    }
  }

  /** Hands over the next signal that somebody waits for. */
  #deliver(run: LoadedRun): boolean {
    const delivery = run.mailbox.next();
    if (delivery === null) return false;
    const { key, signal } = delivery;
    const { id, name, payload } = signal;
    this.writes.push({ w: 'consume', signalId: id, key });
    const child = isChildSignal(name);
    const outcome: Outcome = child ? outcomeOf(payload) : { ok: true, value: payload };
    this.#settle(run, key, child ? 'child' : 'signal', outcome, { type: 'signal.consumed', key, name });
    return true;
  }

  /** Only what the machine accepts is written: a row it did not ask for would stop every later replay. */
  #settle(run: LoadedRun, key: string, kind: OpKind, outcome: Outcome, event: RunEvent, attempt = 1): void {
    if (!run.machine.settle(key, outcome)) return;
    this.writes.push({
      w: 'settle',
      runId: run.id,
      key,
      kind,
      outcome,
      attempt,
      event,
      at: this.#now,
    });
  }

  /** Any length of time: what Node's own timers cannot hold is their keeper's concern. */
  #setTimer(run: LoadedRun, key: string, ms: number): void {
    const fireAt = Math.min(this.#now + Math.max(0, Math.ceil(ms)), Number.MAX_SAFE_INTEGER);
    run.timers.set(key, fireAt);
    this.writes.push({ w: 'timer', runId: run.id, key, fireAt });
    this.#event(run, { type: 'timer.set', key, fireAt });
    this.rearm = true;
  }

  /** Gives up what nobody waits for any more. */
  #drop(run: LoadedRun, { key, op }: Pending, why: string): void {
    if (run.timers.delete(key)) this.writes.push({ w: 'untimer', runId: run.id, key });
    if (op.op === 'signal') run.mailbox.unwait(op.signal, key);
    if (op.op === 'child') {
      const childId = childRunId(run.id, key);
      // One that was asked for and given up within the same advance never came to be.
      if (run.mailbox.isAwaited(childSignal(childId))) this.orphans.push(childId);
      run.mailbox.unwait(childSignal(childId), key);
    }
    const step = run.steps.get(key);
    if (step === undefined) return;
    run.steps.delete(key);
    if (step.phase === 'running') run.running -= 1;
    step.phase = 'dropped';
    this.aborts.push(`${run.id}/${key}`);
    this.#event(run, { type: 'step.cancelled', key, why });
  }

  #finish(run: LoadedRun, result: Outcome): void {
    run.status = result.ok ? 'completed' : 'failed';
    this.writeStatus(run.id, run.status, result);
    this.#tellParent(run.id, run.spec, result);
  }

  #tellParent(childId: string, { parent }: RunSpec, result: Outcome): void {
    if (parent === undefined) return;
    const name = childSignal(childId);
    const { runId } = parent;
    this.writes.push({
      w: 'signal',
      runId,
      name,
      payload: outcomePayload(result),
      idempotencyKey: name,
      at: this.#now,
    });
    this.wakes.add(runId);
  }

  /** Starts ready steps while the run has places, counting each attempt before its effect. */
  #fill(run: LoadedRun): void {
    while ((run.status === 'running' || run.status === 'waiting') && run.running < this.#maxPerRun) {
      const step = run.ready.shift();
      if (step === undefined) return;
      const { key, node, op } = step.pending;
      if (step.phase !== 'ready' || op.op !== 'step') continue;
      if (run.status === 'waiting') this.#setStatus(run, 'running', null);
      step.phase = 'running';
      run.running += 1;
      this.#event(run, started(key, op.label, node, step));
      this.launches.push({ run, step });
    }
  }

  #event(run: LoadedRun, event: RunEvent): void {
    this.writes.push({ w: 'event', runId: run.id, event, at: this.#now });
  }
}

function started(
  key: string,
  label: string,
  node: string | undefined,
  { attempt, crashes }: StepState,
): RunEvent {
  const event: RunEvent = { type: 'step.started', key, label, attempt };
  if (node === undefined && crashes === 0) return event;
  return { ...event, ...(node === undefined ? {} : { node }), ...(crashes === 0 ? {} : { crashes }) };
}
