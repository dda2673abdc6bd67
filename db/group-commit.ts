import type { EventLog } from './event-log.ts';
import type { Db } from './open.ts';
import { atomically, type Tx } from './transaction.ts';

interface Work {
  readonly run: (tx: Tx) => void;
  readonly done: () => void;
  readonly failed: (error: unknown) => void;
}

/**
 * One durable commit for everything asked for within a turn of the event loop: fifty deliveries that arrive
 * together cost one write to the disk, not fifty. Each piece is a savepoint, so one that fails takes nothing with it.
 */
export class GroupCommit {
  readonly #db: Db;
  readonly #log: EventLog;
  #queue: Work[] = [];

  constructor(db: Db, log: EventLog) {
    this.#db = db;
    this.#log = log;
  }

  /** Resolves with what `work` returned once it is on the disk. */
  run<T>(work: (tx: Tx) => T): Promise<T> {
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    let result: { readonly value: T } | null = null;
    this.#queue.push({
      run: (tx) => {
        result = { value: tx.transaction(work) };
      },
      done: () => {
        if (result !== null) resolve(result.value);
      },
      failed: reject,
    });
    if (this.#queue.length === 1) setImmediate(() => this.#flush());
    return promise;
  }

  #flush(): void {
    const queue = this.#queue;
    this.#queue = [];
    const kept: Work[] = [];
    try {
      atomically(this.#db, this.#log, (tx) => {
        for (const work of queue) {
          try {
            work.run(tx);
            kept.push(work);
          } catch (error) {
            this.#log.forget();
            work.failed(error);
          }
        }
      });
    } catch (error) {
      for (const work of kept) work.failed(error);
      return;
    }
    for (const work of kept) work.done();
  }
}
