import { restored, stateOf } from '../domain/circuit.ts';
import type { Clock } from '../ports/clock.ts';
import type { HealthKind, HealthStore } from '../ports/health.ts';

/** Milliseconds between two looks at what may have come back. */
const EVERY_MS = 60_000;
/** Milliseconds for one look. */
const LOOK_MS = 10_000;

/** Something that can be looked at without work or money: whether it is there. */
export interface Checked {
  /** Of a runner no health is kept: it is there or not. */
  readonly kind: HealthKind | 'runner';
  /** As its health is kept. */
  readonly name: string;
  /** Resolves when it answers; throws an error that says why not. */
  readonly look: (signal: AbortSignal) => Promise<void>;
}

interface CheckResult {
  readonly kind: Checked['kind'];
  readonly name: string;
  /** Null: it answers. */
  readonly problem: string | null;
}

interface HealthCheckDependencies {
  readonly checked: readonly Checked[];
  readonly health: HealthStore;
  readonly clock: Clock;
  readonly redact: (text: string) => string;
  /** Told where something is no longer as it was at the last look. */
  readonly changed: (result: CheckResult) => void;
}

/**
 * Looks whether model servers answer: all at the start, and from then on each minute those that rest or did not answer.
 * One that rests and answers again is used at once, instead of after its rest. That one answers a look says nothing of
 * what it answers to work, so nothing but a rest is changed; what a person took out of use stays out.
 */
export class HealthChecks {
  readonly #deps: HealthCheckDependencies;
  readonly #last = new Map<string, string | null>();
  #stop: () => void = () => undefined;
  #ended = false;
  #looking: Promise<unknown> = Promise.resolve();

  constructor(deps: HealthCheckDependencies) {
    this.#deps = deps;
  }

  /** What was seen last, by name; absent: not looked at yet. */
  problemOf(name: string): string | null | undefined {
    return this.#last.get(name);
  }

  start(): void {
    this.#looking = this.#round(() => true);
  }

  /** One look at each that `wanted` names, beside each other. */
  async look(wanted: (checked: Checked) => boolean = () => true): Promise<CheckResult[]> {
    return Promise.all(this.#deps.checked.filter(wanted).map((one) => this.#lookAt(one)));
  }

  async #round(wanted: (checked: Checked) => boolean): Promise<void> {
    await this.look(wanted);
    if (this.#ended) return;
    const resting = await this.#resting();
    if (this.#ended) return;
    this.#stop = this.#deps.clock.after(EVERY_MS, () => {
      this.#looking = this.#round(
        ({ name }) => resting.has(name) || (this.#last.get(name) ?? null) !== null,
      ).catch(() => undefined);
    });
  }

  async #resting(): Promise<ReadonlySet<string>> {
    const { health, clock } = this.#deps;
    const all = await health.all();
    return new Set(
      all.filter(({ circuit }) => stateOf(circuit, clock.now()) !== 'closed').map(({ name }) => name),
    );
  }

  async #lookAt({ kind, name, look }: Checked): Promise<CheckResult> {
    const { clock, health, redact, changed } = this.#deps;
    const late = new AbortController();
    const stop = clock.after(LOOK_MS, () => late.abort(new Error('no answer in time')));
    let problem: string | null = null;
    try {
      await look(late.signal);
    } catch (error) {
      problem = redact(error instanceof Error ? error.message : String(error)).slice(0, 300);
    } finally {
      stop();
    }
    if (problem === null && kind !== 'runner')
      await health.change(kind, name, (circuit) =>
        stateOf(circuit, clock.now()) === 'open' ? restored(circuit, 'check') : circuit,
      );
    const result = { kind, name, problem };
    const before = this.#last.get(name);
    this.#last.set(name, problem);
    // A first look that finds all well tells nobody anything.
    if ((before ?? null) !== problem) changed(result);
    return result;
  }

  async stop(): Promise<void> {
    this.#ended = true;
    this.#stop();
    await this.#looking.catch(() => undefined);
  }
}
