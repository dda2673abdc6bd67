import { z } from 'zod';
import type { Usage } from './usage.ts';

/** What a run's use is counted in. `minutes` are of work (models, tools, commands), added up over all agents; waiting for people is none. */
export const budgetUnits = ['usd', 'tokens', 'turns', 'minutes'] as const;
export type BudgetUnit = (typeof budgetUnits)[number];

/** How much a run may use before it pauses and asks. What is not named has no bound. */
export const budgetSchema = z.strictObject({
  /** US dollars, parts of the run and calls of unknown price included. */
  usd: z.number().positive().optional(),
  /** Tokens in and out, cached ones included. */
  tokens: z.number().int().positive().optional(),
  /** Calls of models. */
  turns: z.number().int().positive().optional(),
  minutes: z.number().positive().optional(),
});
export type Budget = z.infer<typeof budgetSchema>;

/** The budget of runs that name none, and how it is counted. */
export const budgetSettingsSchema = budgetSchema.extend({
  /** Percent of it at which people are told, once. */
  warn_at: z.number().min(1).max(99).default(80),
  /** Dollars per million tokens that count where a model's price is not known; the dearest known model's unless given. */
  unknown_price: z
    .strictObject({ input: z.number().nonnegative(), output: z.number().nonnegative() })
    .optional(),
  /** Dollars that count for a call that tells neither its price nor its tokens, such as a program that plays an agent. */
  unmetered_call: z.number().nonnegative().default(1),
  /** Dollars that count for a call of a server's tool, whose price nobody knows. */
  unmetered_tool: z.number().nonnegative().default(0.01),
});
export type BudgetSettings = z.infer<typeof budgetSettingsSchema>;

/** What a run and its parts used so far, in every unit. */
export interface Used extends Readonly<Record<BudgetUnit, number>> {
  /** The part of `usd` that was assumed, since no price is known, and for how many calls. */
  readonly assumedUsd: number;
  readonly assumed: number;
}

/** What counts where nobody knows a price, in US dollars: per million tokens, for a call without tokens, for a tool. */
export interface WorstCase {
  readonly input: number;
  readonly output: number;
  readonly call: number;
  readonly tool: number;
}

const PER_MILLION = 1_000_000;

/** What one entry counts for in dollars: its cost, or, where nobody knows a price, as much as it may be at worst. */
export function dollarsOf(
  entry: Pick<Usage, 'kind' | 'inputTokens' | 'outputTokens' | 'costUsd'>,
  worst: WorstCase,
): { readonly usd: number; readonly assumed: boolean } {
  const { kind, inputTokens, outputTokens, costUsd } = entry;
  if (costUsd !== null) return { usd: costUsd, assumed: false };
  // People's time without a price is theirs; nobody spends it by calling a model.
  if (kind === 'human') return { usd: 0, assumed: false };
  if (inputTokens + outputTokens === 0)
    return { usd: kind === 'tool' ? worst.tool : worst.call, assumed: true };
  return { usd: (inputTokens * worst.input + outputTokens * worst.output) / PER_MILLION, assumed: true };
}

/** The configured worst case, or else the dearest price that is known. */
export function worstCase(
  settings: Pick<BudgetSettings, 'unknown_price' | 'unmetered_call' | 'unmetered_tool'>,
  prices: Readonly<Record<string, { readonly input: number; readonly output: number }>>,
): WorstCase {
  const known = Object.values(prices);
  const { input, output } = settings.unknown_price ?? {
    input: Math.max(0, ...known.map((price) => price.input)),
    output: Math.max(0, ...known.map((price) => price.output)),
  };
  return { input, output, call: settings.unmetered_call, tool: settings.unmetered_tool };
}

/** The first unit in which all that was given is used up; null while there is some of each left. */
export function usedUp(budget: Budget, used: Used): BudgetUnit | null {
  return budgetUnits.find((unit) => used[unit] >= (budget[unit] ?? Number.POSITIVE_INFINITY)) ?? null;
}

/** The units of which no more than the last part is left. @param percent from which it counts as the last part */
export function nearlyUsedUp(budget: Budget, used: Used, percent: number): BudgetUnit[] {
  return budgetUnits.filter(
    (unit) => used[unit] * 100 >= (budget[unit] ?? Number.POSITIVE_INFINITY) * percent,
  );
}

/**
 * How much to ask for: what was used and what the rest is expected to take, at least half as much again as there was, rounded up to
 * something that is easily read.
 * @param rest what the rest is expected to take; null: unknown
 */
export function raiseTo(given: number, used: number, rest: number | null): number {
  const wanted = Math.max(given * 1.5, used + (rest ?? 0), used * 1.1);
  const step = 10 ** Math.floor(Math.log10(wanted)) / 2;
  const cents = Math.round(Math.ceil(wanted / step) * step * 100);
  return cents / 100 > used ? cents / 100 : wanted;
}

/** "$5.00", "200 000 tokens", "40 model calls", "25 minutes of work". */
export function amount(unit: BudgetUnit, n: number): string {
  const whole = String(Math.round(n)).replace(/\B(?=(\d{3})+$)/g, ' ');
  switch (unit) {
    case 'usd':
      return `$${n > 0 && n < 0.1 ? n.toFixed(4) : n.toFixed(2)}`;
    case 'tokens':
      return `${whole} tokens`;
    case 'turns':
      return `${whole} model calls`;
    case 'minutes':
      return `${n < 10 ? Number(n.toFixed(1)) : whole} minutes of work`;
    default:
      return unit satisfies never;
  }
}
