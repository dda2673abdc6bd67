import { z } from 'zod';
import type { Failure } from './failure.ts';

/** `tries` counts the first one. Waits are `baseMs * 2^(n-1)`, capped, with jitter (see {@link nextRetry}). */
export const retryPolicySchema = z.object({
  tries: z.number().int().min(1).max(20),
  baseMs: z.number().int().min(0),
  maxMs: z.number().int().min(0),
});
export type RetryPolicy = z.infer<typeof retryPolicySchema>;

/** Three tries and 2^n seconds: what the source documents ask for. */
export const defaultRetry: RetryPolicy = { tries: 3, baseMs: 1_000, maxMs: 60_000 };
export const noRetry: RetryPolicy = { tries: 1, baseMs: 0, maxMs: 0 };

export type RetryDecision =
  | { readonly kind: 'retry'; readonly delayMs: number }
  | { readonly kind: 'give_up' };

/**
 * Whether a failed attempt is tried again, and after how long.
 * @param attempt the attempt that failed, from 1
 * @param random in [0, 1); "equal jitter": half of the wait is fixed, half random, so that retries neither
 *   pile up nor come at once
 */
export function nextRetry(
  failure: Failure,
  attempt: number,
  policy: RetryPolicy,
  random: number,
): RetryDecision {
  if (failure.class !== 'transient' || attempt >= policy.tries) return { kind: 'give_up' };
  const full = Math.min(policy.maxMs, policy.baseMs * 2 ** (attempt - 1));
  const jittered = full / 2 + (full / 2) * random;
  return { kind: 'retry', delayMs: Math.max(Math.round(jittered), failure.retryAfterMs ?? 0) };
}
