import { z } from 'zod';

/** What one effect used up. Cost is in US dollars; null means the price is unknown, never free. */
export const usageSchema = z.object({
  kind: z.enum(['model', 'tool', 'compute', 'human']),
  agent: z.string().nullable(),
  model: z.string().nullable(),
  /** The server a model was called at, with its port; absent where none was. */
  host: z.string().exactOptional(),
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

/** One call of a tool. @param costUsd null: a server's own, whose price nobody knows */
export function toolUsage(agent: string, tool: string, ms: number, costUsd: number | null): Usage {
  return { ...unmetered('tool', agent, tool, ms), costUsd };
}

/** Tokens of a call, as its server told them. `cached` is a part of `input`, `reasoning` of `output`. */
export interface TokensUsed {
  readonly input: number;
  readonly cached: number;
  readonly output: number;
  readonly reasoning: number;
}

/**
 * A call of a model by a program that plays an agent, or all it may have called where it tells nothing.
 * @param tokens null: nobody told
 * @param costUsd null: no price is known
 */
export function programUsage(
  agent: string,
  model: string,
  ms: number,
  tokens: TokensUsed | null,
  costUsd: number | null,
): Usage {
  return {
    ...unmetered('model', agent, model, ms),
    inputTokens: tokens?.input ?? 0,
    cachedTokens: tokens?.cached ?? 0,
    outputTokens: tokens?.output ?? 0,
    reasoningTokens: tokens?.reasoning ?? 0,
    costUsd,
  };
}

function unmetered(kind: Usage['kind'], agent: string, model: string, ms: number): Usage {
  return {
    kind,
    agent,
    model,
    inputTokens: 0,
    cachedTokens: 0,
    outputTokens: 0,
    reasoningTokens: 0,
    durationMs: Math.max(0, ms),
    costUsd: null,
  };
}

/** US dollars for time. What people's time costs is not known unless somebody says so. */
export const ratesSchema = z.strictObject({
  compute_second: z.number().nonnegative().default(0),
  human_minute: z.number().nonnegative().nullable().default(null),
});
export type Rates = z.infer<typeof ratesSchema>;
