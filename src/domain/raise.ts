import { z } from 'zod';
import { amount, type BudgetUnit, budgetUnits } from './budget.ts';
import { parseDuration } from './duration.ts';

/** What people may raise a budget to who name an amount of their own. */
export const raiseOfferSchema = z.object({
  unit: z.enum(budgetUnits),
  /** What is used already: it has to be more. */
  over: z.number(),
  /** The amount on the button. */
  to: z.number(),
  /** No more than this by this question. */
  most: z.number(),
});
export type RaiseOffer = z.infer<typeof raiseOfferSchema>;

/** How many times what the button offers may be named: beyond it an extra zero is likelier than a wish. */
const TIMES = 10;

/**
 * What may be named where the button offers `to`.
 * @param ceiling where the policy begins to ask others: who answers this question may not go past it; null: nowhere
 */
export function raiseOffer(unit: BudgetUnit, used: number, to: number, ceiling: number | null): RaiseOffer {
  const most = Math.min(to * TIMES, ceiling ?? Number.POSITIVE_INFINITY);
  return { unit, over: used, to, most: isWhole(unit) ? Math.floor(most) : most };
}

export function isOffered({ unit, over, most }: RaiseOffer, to: number): boolean {
  return to > over && to <= most && (!isWhole(unit) || Number.isInteger(to));
}

/** An amount as people type it: "$12.50", "200 000", "40", "90" or "1h". Null for anything else. */
export function readAmount(unit: BudgetUnit, text: string): number | null {
  switch (unit) {
    case 'usd':
      return numberIn(/^\$?\s*(\d{1,9}(?:\.\d{1,4})?)$/, text);
    case 'tokens':
    case 'turns':
      return numberIn(/^(\d{1,12})$/, text.replace(/(?<=\d)[ ,](?=\d{3}(?!\d))/g, ''));
    case 'minutes': {
      const ms = parseDuration(text);
      return ms === null ? numberIn(/^(\d{1,9}(?:\.\d)?)$/, text) : ms / 60_000;
    }
    default:
      return unit satisfies never;
  }
}

/** The amount on the button as {@link readAmount} reads it. */
export function amountText({ unit, to }: RaiseOffer): string {
  if (unit === 'usd') return to < 0.1 ? String(Math.ceil(to * 1e4) / 1e4) : to.toFixed(2);
  return String(isWhole(unit) ? Math.ceil(to) : Math.ceil(to * 10) / 10);
}

/** Between what an amount has to lie, for people. */
export function boundsText({ unit, over, most }: RaiseOffer): string {
  return `More than ${amount(unit, over)}, which it has used, and at most ${amount(unit, most)}`;
}

function isWhole(unit: BudgetUnit): boolean {
  return unit === 'tokens' || unit === 'turns';
}

function numberIn(shape: RegExp, text: string): number | null {
  const digits = shape.exec(text.trim())?.[1];
  return digits === undefined ? null : Number(digits);
}
