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
    void this.#carryOut(attempt);
  }

  async #carryOut(attempt: Attempt): Promise<void> {
    const { op } = attempt.step.pending;
    if (op.op !== 'step') return;
    this.#underWay += 1;
    const cancelTimeout = this.#options.clock.after(Math.min(op.timeoutMs, MAX_DELAY_MS), () => {
      this.#end(attempt, { ok: false, failure: timedOut(op.label, op.timeoutMs) });
      attempt.abort('Timed out');
    });
    const outcome = await this.#perform(op.activity, op.input, attempt);
    cancelTimeout();
    this.#underWay -= 1;
    this.#end(attempt, outcome);
    if (this.#underWay === 0) this.#idle?.();
  }

  async #perform(type: string, input: unknown, context: StepContext): Promise<Outcome> {
    try {
      const activity = this.#activities.get(type);
      if (activity === undefined) throw unknownActivity(type);
      return { ok: true, value: asJson(await activity.perform(input, context)) };
    } catch (error) {
      const failure = toFailure(error);
      return {
        ok: false,
        failure: { ...failure, message: this.#options.redact?.(failure.message) ?? failure.message },
      };
    }
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
    for (const attempt of this.#attempts.values()) attempt.abort('Baton is stopping');
    if (this.#underWay === 0) resolve();
    return promise;
  }
}

/** One attempt at a step: what its activity is given, and what it left. */
export class Attempt implements StepContext {
  readonly idempotencyKey: string;
  readonly attempt: number;
  run: LoadedRun;
  step: StepState;
  outcome: Outcome | null = null;
  readonly #events: RunEvent[] = [];
  readonly #usage: Usage[] = [];
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
    return { events: this.#events, usage: this.#usage };
  }

  /** Checked here, where a mistake fails one step; in the transaction it would fail everybody's. */
  emit(event: RunEvent): void {
    this.#events.push(runEventSchema.parse(event));
  }

  use(usage: Usage): void {
    this.#usage.push(usageSchema.parse(usage));
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
