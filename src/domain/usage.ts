import { z } from 'zod';

/** What one effect used up. Cost is in US dollars; null means the price is unknown, never free. */
export const usageSchema = z.object({
  kind: z.enum(['model', 'tool', 'compute', 'human']),
  agent: z.string().nullable(),
  model: z.string().nullable(),
  inputTokens: z.number().int().nonnegative(),
  cachedTokens: z.number().int().nonnegative(),
  outputTokens: z.number().int().nonnegative(),
  reasoningTokens: z.number().int().nonnegative(),
  durationMs: z.number().nonnegative(),
  costUsd: z.number().nonnegative().nullable(),
});
export type Usage = z.infer<typeof usageSchema>;

/** A command's time on a machine. @param secondUsd what a second costs */
export function computeUsage(agent: string | null, ms: number, secondUsd: number): Usage {
  const durationMs = Math.max(0, ms);
  return {
    kind: 'compute',
    agent,
    model: null,
    inputTokens: 0,
    cachedTokens: 0,
    outputTokens: 0,
    reasoningTokens: 0,
    durationMs,
    costUsd: (durationMs / 1_000) * secondUsd,
  };
}

/** US dollars for time. What people's time costs is not known unless somebody says so. */
export const ratesSchema = z.strictObject({
  compute_second: z.number().nonnegative().default(0),
  human_minute: z.number().nonnegative().nullable().default(null),
});
export type Rates = z.infer<typeof ratesSchema>;
