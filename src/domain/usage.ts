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
