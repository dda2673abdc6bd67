/**
 * One piece of work in each turn of the event loop. Starting a process holds the loop up for as long as the kernel
 * takes to copy our page tables, five milliseconds with 200 MB resident: twenty runs that begin together would start
 * dozens one after the other, and nobody's command would be acknowledged meanwhile.
 */
export class Turns {
  readonly #waiting: (() => void)[] = [];

  /** Resolves in a turn of its own, in the order in which it was asked for. */
  next(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#waiting.push(resolve);
    if (this.#waiting.length === 1) setImmediate(() => this.#pass());
    return promise;
  }

  #pass(): void {
    this.#waiting.shift()?.();
    if (this.#waiting.length > 0) setImmediate(() => this.#pass());
  }
}
