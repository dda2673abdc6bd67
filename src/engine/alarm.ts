import type { Clock } from '../ports/clock.ts';

/** Node's timers overflow above this (about 25 days) and fire at once. */
export const MAX_DELAY_MS = 2 ** 31 - 1;

/** One timer of the process for the earliest of all durable timers. */
export class Alarm {
  readonly #clock: Clock;
  readonly #fire: () => void;
  #at: number | null = null;
  #cancel: (() => void) | null = null;

  constructor(clock: Clock, fire: () => void) {
    this.#clock = clock;
    this.#fire = fire;
  }

  /** Fires at `at` (milliseconds since the epoch) or, when that is very far, before: whoever is called looks again. */
  set(at: number | null): void {
    if (at === this.#at) return;
    this.#cancel?.();
    this.#at = at;
    this.#cancel = at === null ? null : this.#clock.after(delay(at - this.#clock.now()), () => this.#due());
  }

  #due(): void {
    this.#at = null;
    this.#cancel = null;
    this.#fire();
  }
}

function delay(ms: number): number {
  return Math.min(Math.max(0, ms), MAX_DELAY_MS);
}
