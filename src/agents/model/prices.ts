import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { worstCase } from '../../domain/budget.ts';
import { BatonError } from '../../domain/failure.ts';
import { describeIssues } from '../json-schema.ts';
import type { Tokens } from '../transcript.ts';

/** US dollars per million tokens. */
const priceSchema = z.object({
  input: z.number().nonnegative(),
  cached: z.number().nonnegative(),
  output: z.number().nonnegative(),
});

/** By the model's name as configured. */
export const priceTableSchema = z.record(z.string(), priceSchema);
export type PriceTable = z.infer<typeof priceTableSchema>;

const PER_MILLION = 1_000_000;

/**
 * What a call cost in US dollars; null when the model's price is not known (never 0: unknown is not free).
 * A dated name (`gpt-4.1-2025-04-14`) falls back on the undated one unless it has a price of its own.
 */
export function priceOf(model: string, tokens: Tokens, table: PriceTable): number | null {
  const undated = model.replace(/-20\d{2}-\d{2}-\d{2}$/, '');
  const price = Object.hasOwn(table, model)
    ? table[model]
    : Object.hasOwn(table, undated)
      ? table[undated]
      : undefined;
  if (price === undefined) return null;
  const fresh = Math.max(0, tokens.input - tokens.cached);
  return (fresh * price.input + tokens.cached * price.cached + tokens.output * price.output) / PER_MILLION;
}

/** What a call of unknown price counts for where a cap has to hold: as much as the dearest model that is known. */
export function dearest(tokens: Tokens, table: PriceTable): number {
  const { input, output } = worstCase({ unmetered_call: 0, unmetered_tool: 0 }, table);
  return (tokens.input * input + tokens.output * output) / PER_MILLION;
}

/**
 * Reads the kept table and lays the configured one over it. Throws a structural failure that names the file.
 * @param overrides from the configuration, wins per model
 */
export function loadPrices(file: string, overrides: PriceTable): PriceTable {
  const kept = z.object({ models: priceTableSchema }).safeParse(JSON.parse(readFileSync(file, 'utf8')));
  if (!kept.success) {
    throw new BatonError({
      class: 'structural',
      code: 'prices_invalid',
      message: `${file}: ${describeIssues(kept.error)}`,
      hint: 'Correct the file; prices are dollars per million tokens.',
    });
  }
  return { ...kept.data.models, ...overrides };
}
