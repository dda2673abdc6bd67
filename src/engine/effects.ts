import { type RunEvent, runEventSchema } from '../domain/events.ts';
import { BatonError, type Failure, toFailure } from '../domain/failure.ts';
import { asJson } from '../domain/json.ts';
import type { Outcome } from '../domain/run.ts';
import { type Usage, usageSchema } from '../domain/usage.ts';
import type { Activity, StepContext } from '../ports/activity.ts';
import type { Clock } from '../ports/clock.ts';
import { MAX_DELAY_MS } from './alarm.ts';
import type { LoadedRun, StepState } from './loaded-run.ts';
import type { Trace } from './turn.ts';

export interface EffectsOptions {
  readonly activities: readonly Activity[];
  readonly clock: Clock;
  readonly redact?: (text: string) => string;
  readonly onEnd: (attempt: Attempt, outcome: Outcome) => void;
}

/**
 * The side effects under way. An attempt stays here until its outcome is durable: when a commit fails and the run
 * is loaded anew, the step finds its effect still running, or its outcome, and money is not spent twice.
 */
export class Effects {
  readonly #options: EffectsOptions;
  readonly #activities: ReadonlyMap<string, Activity>;
  readonly #attempts = new Map<string, Attempt>();
  #underWay = 0;
  #nextSweep = Number.POSITIVE_INFINITY;
  #cancelSweep: (() => void) | null = null;
  #idle: (() => void) | null = null;

  constructor(options: EffectsOptions) {
    this.#options = options;
    this.#activities = new Map(options.activities.map((activity) => [activity.type, activity]));
  }

  launch(run: LoadedRun, step: StepState): void {
    const id = `${run.id}/${step.pending.key}`;
    const known = this.#attempts.get(id);
    if (known?.attempt === step.attempt && !known.aborted) {
      known.run = run;
      known.step = step;
      if (known.outcome !== null) this.#options.onEnd(known, known.outcome);
      return;
    }
    const attempt = new Attempt(id, run, step);
    this.#attempts.set(id, attempt);
    this.#carryOut(attempt);
  }

  // Promise callbacks rather than async functions: this is done for every step, and half as much memory matters.
  #carryOut(attempt: Attempt): void {
    const { op } = attempt.step.pending;
    if (op.op !== 'step') return;
    this.#underWay += 1;
    this.#limit(attempt, op.timeoutMs);
    this.#perform(op.activity, op.input, attempt).then(
      (value) => this.#over(attempt, this.#outcome(value)),
      (error: unknown) => this.#over(attempt, this.#failure(error)),
    );
  }

  #perform(type: string, input: unknown, context: StepContext): Promise<unknown> {
    const activity = this.#activities.get(type);
    if (activity === undefined) return Promise.reject(unknownActivity(type));
    try {
      return activity.perform(input, context);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  #over(attempt: Attempt, outcome: Outcome): void {
    this.#underWay -= 1;
    this.#end(attempt, outcome);
    if (this.#underWay === 0) this.#rest();
  }

  #outcome(value: unknown): Outcome {
    try {
      return { ok: true, value: asJson(value) };
    } catch (error) {
      return this.#failure(error);
    }
  }

  #failure(error: unknown): Outcome {
    const failure = toFailure(error);
    const message = this.#options.redact?.(failure.message) ?? failure.message;
    return { ok: false, failure: { ...failure, message } };
  }

  /** One timer for all: most attempts end long before their time, and a timer for each would be most of their cost. */
  #limit(attempt: Attempt, timeoutMs: number): void {
    const { clock } = this.#options;
    attempt.deadline = clock.monotonic() + timeoutMs;
    if (attempt.deadline >= this.#nextSweep) return;
    this.#nextSweep = attempt.deadline;
    this.#cancelSweep?.();
    this.#cancelSweep = clock.after(Math.min(timeoutMs, MAX_DELAY_MS), () => this.#sweep());
  }

  #sweep(): void {
    const now = this.#options.clock.monotonic();
    this.#nextSweep = Number.POSITIVE_INFINITY;
    // A copy is not needed: whatever joins while it is walked has its whole time before it.
    for (const attempt of this.#attempts.values()) {
      const { op } = attempt.step.pending;
      if (attempt.outcome !== null || op.op !== 'step') continue;
      if (attempt.deadline > now) this.#limit(attempt, attempt.deadline - now);
      else {
        this.#end(attempt, { ok: false, failure: timedOut(op.label, op.timeoutMs) });
        attempt.abort('Timed out');
      }
    }
  }

  /** Nothing is under way: no timer holds the process. */
  #rest(): void {
    this.#cancelSweep?.();
    this.#cancelSweep = null;
    this.#nextSweep = Number.POSITIVE_INFINITY;
    this.#idle?.();
  }

  #end(attempt: Attempt, outcome: Outcome): void {
    if (attempt.outcome !== null) return;
    attempt.outcome = outcome;
    this.#options.onEnd(attempt, outcome);
  }

  /** The outcome is durable, or nobody wants it any more. */
  forget(attempt: Attempt): void {
    if (this.#attempts.get(attempt.idempotencyKey) === attempt) this.#attempts.delete(attempt.idempotencyKey);
  }

  /** Ends an effect that was cancelled. */
  abort(id: string): void {
    const attempt = this.#attempts.get(id);
    if (attempt === undefined) return;
    this.#attempts.delete(id);
    attempt.abort('Cancelled');
  }

  /** Tells every effect to end; resolves when all have. */
  stop(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#idle = resolve;
    this.#cancelSweep?.();
    for (const attempt of this.#attempts.values()) attempt.abort('Baton is stopping');
    if (this.#underWay === 0) this.#rest();
    return promise;
  }
}

const NO_TRACE: Trace = { events: [], usage: [] };

/** One attempt at a step: what its activity is given, and what it left. */
export class Attempt implements StepContext {
  readonly idempotencyKey: string;
  readonly attempt: number;
  run: LoadedRun;
  step: StepState;
  outcome: Outcome | null = null;
  /** On the monotonic clock, in milliseconds. */
  deadline = Number.POSITIVE_INFINITY;
  // Most attempts leave neither.
  #events: RunEvent[] | null = null;
  #usage: Usage[] | null = null;
  // Made only for activities that look at the signal: it costs more than all else of an attempt together.
  #controller: AbortController | null = null;
  #reason: string | null = null;

  constructor(idempotencyKey: string, run: LoadedRun, step: StepState) {
    this.idempotencyKey = idempotencyKey;
    this.attempt = step.attempt;
    this.run = run;
    this.step = step;
  }

  get runId(): string {
    return this.run.id;
  }

  get key(): string {
    return this.step.pending.key;
  }

  get signal(): AbortSignal {
    this.#controller ??= new AbortController();
    if (this.#reason !== null && !this.#controller.signal.aborted)
      this.#controller.abort(new Error(this.#reason));
    return this.#controller.signal;
  }

  get aborted(): boolean {
    return this.#reason !== null;
  }

  get trace(): Trace {
    if (this.#events === null && this.#usage === null) return NO_TRACE;
    return { events: this.#events ?? [], usage: this.#usage ?? [] };
  }

  /** Checked here, where a mistake fails one step; in the transaction it would fail everybody's. */
  emit(event: RunEvent): void {
    const checked = runEventSchema.parse(event);
    if (this.#events === null) this.#events = [checked];
    else this.#events.push(checked);
  }

  use(usage: Usage): void {
    const checked = usageSchema.parse(usage);
    if (this.#usage === null) this.#usage = [checked];
    else this.#usage.push(checked);
  }

  abort(reason: string): void {
    this.#reason ??= reason;
    this.#controller?.abort(new Error(this.#reason));
  }
}

function timedOut(label: string, ms: number): Failure {
  const message = `"${label}" took longer than ${Math.round(ms / 1_000)} s`;
  return { class: 'transient', code: 'step_timeout', message };
}

function unknownActivity(type: string): BatonError {
  const message = `Nothing here performs "${type}"`;
  return new BatonError({ class: 'structural', code: 'activity_unknown', message });
}
