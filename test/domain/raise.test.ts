import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { budgetUnits, raiseTo } from '../../src/domain/budget.ts';
import { amountText, boundsText, isOffered, raiseOffer, readAmount } from '../../src/domain/raise.ts';

describe('an amount that people name', () => {
  test.each([
    ['usd', '12.50', 12.5],
    ['usd', ' $3 ', 3],
    ['usd', '$0.0051', 0.0051],
    ['usd', '12,50', null],
    ['usd', '-4', null],
    ['usd', '1e3', null],
    ['usd', '', null],
    ['usd', '5 dollars', null],
    ['tokens', '200 000', 200_000],
    ['tokens', '1,200,000', 1_200_000],
    ['tokens', '20 00', null],
    ['tokens', '1.5', null],
    ['turns', '40', 40],
    ['turns', '4.5', null],
    ['minutes', '90', 90],
    ['minutes', '2.5', 2.5],
    ['minutes', '1h', 60],
    ['minutes', '1 fortnight', null],
  ] as const)('of %s, "%s" is %s', (unit, text, amount) => {
    expect(readAmount(unit, text)).toBe(amount);
  });

  test('lies above what is used, and at most ten times what the button offers', () => {
    const offer = raiseOffer('usd', 4, 6, null);
    expect([3, 4, 4.01, 6, 60, 60.01].map((to) => isOffered(offer, to))).toEqual([
      false,
      false,
      true,
      true,
      true,
      false,
    ]);
    expect(boundsText(offer)).toBe('More than $4.00, which it has used, and at most $60.00');
  });

  test('does not go past where the policy begins to ask others', () => {
    const offer = raiseOffer('usd', 4, 6, 20);
    expect(isOffered(offer, 20)).toBe(true);
    expect(isOffered(offer, 20.01)).toBe(false);
  });

  test('is whole where what is counted is', () => {
    expect(isOffered(raiseOffer('turns', 4, 4.5, null), 5.5)).toBe(false);
    expect(isOffered(raiseOffer('turns', 4, 4.5, null), 5)).toBe(true);
  });

  test('what stands in the form already can always be submitted as it is', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...budgetUnits),
        fc.double({ min: 0.02, max: 1e7, noNaN: true }),
        fc.double({ min: 1, max: 3, noNaN: true }),
        (unit, some, over) => {
          const whole = unit === 'tokens' || unit === 'turns';
          const given = whole ? Math.ceil(some) : some;
          const used = whole ? Math.ceil(given * over) : given * over;
          const offer = raiseOffer(unit, used, raiseTo(given, used, null), null);
          const named = readAmount(unit, amountText(offer));
          expect(named).not.toBeNull();
          expect(isOffered(offer, named ?? 0)).toBe(true);
        },
      ),
    );
  });
});
