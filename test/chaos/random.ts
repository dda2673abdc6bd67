/** A sequence of numbers in [0, 1) that the same seed always gives: a failing round can be run again. */
export interface Random {
  next(): number;
  /** In [low, high). */
  between(low: number, high: number): number;
  chance(share: number): boolean;
}

/** Mulberry32: small, and even enough for choosing moments. */
export function createRandom(seed: number): Random {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  return { next, between: (low, high) => low + (high - low) * next(), chance: (share) => next() < share };
}
