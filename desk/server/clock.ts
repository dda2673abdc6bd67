import { performance } from 'node:perf_hooks';

/** Time as the desk sees it; tests pass a clock they move by hand. All values are milliseconds. */
export type Clock = Readonly<{
  /** Wall clock, since the Unix epoch. */
  now(): number;
  /** Never goes back; only differences mean something. */
  monotonic(): number;
  /** Runs `run` once after `ms`; the returned function cancels it. */
  after(ms: number, run: () => void): () => void;
}>;

/** The clock of this machine. Its timers do not keep the process alive. */
export function systemClock(): Clock {
  return {
    now: () => Date.now(),
    monotonic: () => performance.now(),
    after(ms, run) {
      const timer = setTimeout(run, ms);
      timer.unref();
      return () => clearTimeout(timer);
    },
  };
}
