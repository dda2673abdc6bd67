/** Time as everything but `main.ts` sees it, so that tests can move it. */
export interface Clock {
  /** Milliseconds since the epoch; may jump. For what people see and what is stored. */
  now(): number;
  /** Milliseconds that never go back; for durations within one process. */
  monotonic(): number;
  /** Calls `fire` once, `ms` from now or later; the returned function cancels. */
  after(ms: number, fire: () => void): () => void;
}
