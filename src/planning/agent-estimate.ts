import type { Estimate } from '../domain/workflow.ts';

/** Tokens and time of one agent's task until a team's own history says better: rough, and shown as a range. */
const TYPICAL = {
  ms: { low: 30_000, mid: 90_000, high: 300_000 },
  input: { low: 15_000, mid: 60_000, high: 250_000 },
  output: { low: 1_500, mid: 5_000, high: 16_000 },
} as const;
/** The rehearsal's scripted turns. */
const REHEARSAL: Estimate = {
  ms: { low: 1_000, mid: 3_000, high: 10_000 },
  usd: { low: 0, mid: 0, high: 0 },
  asks: 0,
};

const PER_MILLION = 1_000_000;

/** What one task of an agent may take. Prices in dollars per million tokens; a model without one: cost unknown. */
export function agentEstimate(options: {
  readonly rehearsal: boolean;
  readonly model: string;
  readonly prices: Readonly<Record<string, { readonly input: number; readonly output: number }>>;
}): Estimate {
  if (options.rehearsal) return REHEARSAL;
  const price = Object.hasOwn(options.prices, options.model) ? options.prices[options.model] : undefined;
  const usd = (size: 'low' | 'mid' | 'high'): number =>
    price === undefined
      ? 0
      : (TYPICAL.input[size] * price.input + TYPICAL.output[size] * price.output) / PER_MILLION;
  return {
    ms: TYPICAL.ms,
    usd: price === undefined ? null : { low: usd('low'), mid: usd('mid'), high: usd('high') },
    asks: 0,
  };
}
