import type { Clock } from './clock.ts';

/** Slack's published tiers: calls per minute, per method. */
const PER_MINUTE = { tier1: 1, tier2: 20, tier3: 50, tier4: 100, special: 600 } as const;
export type Tier = keyof typeof PER_MINUTE;

const WINDOW_MS = 60_000;
/** Slack takes about one message per second and channel. */
const POST_INTERVAL_MS = 1_000;
/** Posts a sender spaced by exactly a second may arrive this much closer together; erring this way spares a fair sender. */
const POST_JITTER_MS = 50;

/** Zero when the call may pass, otherwise the whole seconds to wait (as in `Retry-After`). */
type Wait = number;

export type Limits = Readonly<{
  /** Counts one call of `method` in a sliding minute. A refused call is not counted. */
  call(method: string, tier: Tier): Wait;
  /** One message per second and channel, no burst. */
  post(channel: string): Wait;
}>;

/** Counts calls as Slack limits them. Time comes from the monotonic clock, so a changed wall clock frees nothing. */
export function createLimits(clock: Clock): Limits {
  const calls = new Map<string, number[]>();
  /** When the next post of each channel is due. */
  const posts = new Map<string, number>();
  return {
    call(method, tier) {
      const now = clock.monotonic();
      const recent = (calls.get(method) ?? []).filter((at) => at > now - WINDOW_MS);
      calls.set(method, recent);
      const oldest = recent[0];
      if (oldest !== undefined && recent.length >= PER_MINUTE[tier]) {
        return Math.max(1, Math.ceil((oldest + WINDOW_MS - now) / 1000));
      }
      recent.push(now);
      return 0;
    },
    post(channel) {
      const now = clock.monotonic();
      const due = posts.get(channel) ?? now;
      if (now < due - POST_JITTER_MS) return Math.max(1, Math.ceil((due - now) / 1000));
      // Counting on from when the post was due, not from when it came, a sender that is always early gains nothing.
      posts.set(channel, Math.max(due, now) + POST_INTERVAL_MS);
      return 0;
    },
  };
}
