import { z } from 'zod';

/** What a model server may be asked for: null is no limit of that kind. */
export const rateLimitSchema = z.strictObject({
  calls_per_minute: z.number().int().positive().nullable().default(60),
  tokens_per_minute: z.number().int().positive().nullable().default(null),
  concurrent: z.number().int().positive().nullable().default(8),
});
export type RateLimit = z.infer<typeof rateLimitSchema>;

export const noRateLimit: RateLimit = { calls_per_minute: null, tokens_per_minute: null, concurrent: null };

/** As `baton.yaml` has them: for every server, and where single ones differ, by host and port. */
export const limitsSchema = rateLimitSchema.extend({
  servers: z
    .record(
      z.string(),
      z.strictObject({
        calls_per_minute: z.number().int().positive().nullable().optional(),
        tokens_per_minute: z.number().int().positive().nullable().optional(),
        concurrent: z.number().int().positive().nullable().optional(),
      }),
    )
    .default({}),
});
export type Limits = z.infer<typeof limitsSchema>;

export function limitFor({ servers, ...limit }: Limits, host: string): RateLimit {
  const own = Object.hasOwn(servers, host) ? servers[host] : undefined;
  const { calls_per_minute: calls, tokens_per_minute: tokens, concurrent } = { ...own };
  return {
    calls_per_minute: calls === undefined ? limit.calls_per_minute : calls,
    tokens_per_minute: tokens === undefined ? limit.tokens_per_minute : tokens,
    concurrent: concurrent === undefined ? limit.concurrent : concurrent,
  };
}

export const WINDOW_MS = 60_000;

/** A call within the window: when it began, and the tokens it counts for. */
interface Call {
  readonly at: number;
  tokens: number;
}

/**
 * Calls of the last minute, exactly: in no stretch of a minute do more begin than the limit says. Tokens are guessed when
 * a call begins and put right when it ends. Time is monotonic milliseconds, and given.
 */
export class RateWindow {
  readonly #limit: RateLimit;
  readonly #calls: Call[] = [];
  #open = 0;
  #blockedUntil = Number.NEGATIVE_INFINITY;

  constructor(limit: RateLimit) {
    this.#limit = limit;
  }

  /** A call that began before, in another process: none of them may be younger than one that has begun here. */
  remember(at: number, tokens: number): void {
    this.#calls.push({ at, tokens });
  }

  /**
   * When a call of this size may begin: `now` or later; null when a call has to end first. One that is larger than the
   * whole limit waits for an empty window, rather than for ever.
   */
  nextAt(tokens: number, now: number): number | null {
    const { calls_per_minute: most, tokens_per_minute: budget, concurrent } = this.#limit;
    if (concurrent !== null && this.#open >= concurrent) return null;
    this.#forget(now);
    let at = Math.max(now, this.#blockedUntil);
    if (most !== null && this.#calls.length >= most)
      at = Math.max(at, (this.#calls[this.#calls.length - most]?.at ?? now) + WINDOW_MS);
    if (budget !== null) {
      let used = this.#calls.reduce((sum, call) => sum + call.tokens, 0);
      for (const call of this.#calls) {
        if (used === 0 || used + tokens <= budget) break;
        used -= call.tokens;
        at = Math.max(at, call.at + WINDOW_MS);
      }
    }
    return at;
  }

  /** A call begins; what is returned ends it, with the tokens it really took when they are known. */
  begin(tokens: number, now: number): (used: number | null) => void {
    const call: Call = { at: now, tokens };
    this.#calls.push(call);
    this.#open += 1;
    let open = true;
    return (used) => {
      if (!open) return;
      open = false;
      this.#open -= 1;
      if (used !== null) call.tokens = used;
    };
  }

  /** The server asked for a pause: nobody calls it before. */
  block(until: number): void {
    this.#blockedUntil = Math.max(this.#blockedUntil, until);
  }

  get open(): number {
    return this.#open;
  }

  /** Monotonic milliseconds; in the past, or never, where nothing is asked for. */
  get blockedUntil(): number {
    return this.#blockedUntil;
  }

  #forget(now: number): void {
    while (this.#calls[0] !== undefined && this.#calls[0].at + WINDOW_MS <= now) this.#calls.shift();
  }
}
