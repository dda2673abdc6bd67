/** One thing at a time per key, in the order of asking. */
export interface KeyedMutex {
  run<T>(key: string, work: () => Promise<T>): Promise<T>;
}

/** A mutex within one process; Baton's lock on its home folder keeps other processes out. */
export function createKeyedMutex(): KeyedMutex {
  const tails = new Map<string, Promise<void>>();
  return {
    async run(key, work) {
      const before = tails.get(key) ?? Promise.resolve();
      const { promise: mine, resolve: release } = Promise.withResolvers<void>();
      tails.set(key, mine);
      await before;
      try {
        return await work();
      } finally {
        if (tails.get(key) === mine) tails.delete(key);
        release();
      }
    },
  };
}
