import type { Clock } from '../../src/ports/clock.ts';

export interface FakeClock extends Clock {
  /** Moves time and fires what falls due, in order. */
  advance(ms: number): void;
  /** Milliseconds until the next timer; null when none is set. */
  next(): number | null;
}

/** Time that stands still until a test moves it. */
export function fakeClock(start = 1_800_000_000_000): FakeClock {
  let mono = 0;
  const timers = new Set<{ readonly at: number; readonly fire: () => void }>();
  const earliest = () => [...timers].sort((a, b) => a.at - b.at)[0];
  return {
    now: () => start + mono,
    monotonic: () => mono,
    after(ms, fire) {
      const timer = { at: mono + ms, fire };
      timers.add(timer);
      return () => timers.delete(timer);
    },
    advance(ms) {
      const until = mono + ms;
      for (let due = earliest(); due !== undefined && due.at <= until; due = earliest()) {
        timers.delete(due);
        mono = Math.max(mono, due.at);
        due.fire();
      }
      mono = until;
    },
    next() {
      const due = earliest();
      return due === undefined ? null : Math.max(0, due.at - mono);
    },
  };
}
