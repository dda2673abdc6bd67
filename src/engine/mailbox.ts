import type { StoredSignal } from '../ports/journal.ts';

/** A signal, and the key of the operation that gets it. */
export interface Delivery {
  readonly signal: StoredSignal;
  readonly key: string;
}

/** Signals of one run that nobody has taken yet, in the order they were stored, and who waits for one, by its name. */
export class Mailbox {
  readonly #stored: StoredSignal[];
  /** Keys that wait, by signal name, oldest first. */
  readonly #waiting = new Map<string, Set<string>>();
  #last: number;

  constructor(stored: readonly StoredSignal[]) {
    this.#stored = [...stored];
    this.#last = stored.at(-1)?.id ?? 0;
  }

  /** Takes in what was stored since the last look; what it has seen before changes nothing. */
  arrived(signals: readonly StoredSignal[]): void {
    for (const signal of signals) {
      if (signal.id <= this.#last) continue;
      this.#last = signal.id;
      this.#stored.push(signal);
    }
  }

  wait(name: string, key: string): void {
    const keys = this.#waiting.get(name);
    if (keys === undefined) this.#waiting.set(name, new Set([key]));
    else keys.add(key);
  }

  unwait(name: string, key: string): void {
    const keys = this.#waiting.get(name);
    keys?.delete(key);
    if (keys?.size === 0) this.#waiting.delete(name);
  }

  isAwaited(name: string): boolean {
    return this.#waiting.has(name);
  }

  /** Takes out the first stored signal that somebody waits for, for the one who has waited longest. */
  next(): Delivery | null {
    if (this.#waiting.size === 0) return null;
    for (const [index, signal] of this.#stored.entries()) {
      const [key] = this.#waiting.get(signal.name) ?? [];
      if (key === undefined) continue;
      this.unwait(signal.name, key);
      this.#stored.splice(index, 1);
      return { signal, key };
    }
    return null;
  }
}
