import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  type Claim,
  type Grants,
  grants,
  type Inventory,
  impossible,
  inventorySchema,
  measure,
  opensAt,
  type Uses,
  usesSchema,
} from '../../src/domain/resources.ts';

const MONDAY_10 = Date.UTC(2026, 0, 5, 10);
const HOUR = 3_600_000;
const NAMES = ['api', 'db', 'gpu'] as const;

/** What a table of leases goes through: somebody asks, a holder or a waiter ends or crashes, the table settles. */
type Act = { readonly ask: Uses } | { readonly end: number };
const usesArbitrary = fc
  .tuple(
    fc.subarray([...NAMES], { minLength: 1 }),
    fc.array(fc.integer({ min: 1, max: 3 }), { minLength: 3, maxLength: 3 }),
  )
  .map(([names, sizes]): Uses => Object.fromEntries(names.map((name, at) => [name, sizes[at] ?? 1])));
const actArbitrary: fc.Arbitrary<Act> = fc.oneof(
  usesArbitrary.map((ask) => ({ ask })),
  fc.nat(20).map((end) => ({ end })),
);
const inventoryArbitrary = fc
  .array(fc.integer({ min: 3, max: 5 }), { minLength: 3, maxLength: 3 })
  .map((sizes) => inventorySchema.parse(Object.fromEntries(NAMES.map((name, at) => [name, sizes[at] ?? 3]))));

type Rule = (claims: readonly Claim[], inventory: Inventory, now: number) => Grants;

/** Plays the acts, then lets everybody end; throws when a promise is broken. Returns how many had to wait. */
function play(rule: Rule, inventory: Inventory, acts: readonly Act[]): number {
  let claims: Claim[] = [];
  let count = 0;
  let waited = 0;
  const settle = (): void => {
    const { grant } = rule(claims, inventory, 0);
    claims = claims.map((claim) => (grant.includes(claim.id) ? { ...claim, held: true } : claim));
    for (const name of NAMES) {
      const used = claims
        .filter(({ held }) => held)
        .reduce(
          (sum, { wants }) => sum + measure(wants[name] ?? 1).size * (wants[name] === undefined ? 0 : 1),
          0,
        );
      if (used > measure(inventory[name]?.amount ?? 0).size) throw new Error(`more ${name} than there is`);
    }
    for (const [at, claim] of claims.entries()) {
      const before = claims.slice(0, at).filter(({ held }) => !held);
      const overtaken = before.find(({ wants }) => Object.keys(wants).some((name) => name in claim.wants));
      if (claim.held && grant.includes(claim.id) && overtaken !== undefined) throw new Error('overtaken');
    }
  };
  for (const act of acts) {
    if ('ask' in act) {
      count += 1;
      claims.push({ id: `c${count}`, wants: act.ask, held: false });
    } else if (claims.length > 0) claims.splice(act.end % claims.length, 1);
    settle();
    waited += claims.filter(({ held }) => !held).length;
  }
  // Whoever holds ends sooner or later; then whoever waits must come to hold.
  for (let rounds = 0; claims.length > 0; rounds += 1) {
    if (rounds > count) throw new Error('somebody starves');
    claims = claims.filter(({ held }) => !held);
    settle();
  }
  return waited;
}

describe('who may begin', () => {
  test('never more than there is, first come first served, and nobody starves', () => {
    let waited = 0;
    fc.assert(
      fc.property(inventoryArbitrary, fc.array(actArbitrary, { maxLength: 40 }), (inventory, acts) => {
        waited += play(grants, inventory, acts);
      }),
      { numRuns: 500 },
    );
    expect(waited, 'cases in which somebody had to wait').toBeGreaterThan(500);
  });

  const holding = (claims: readonly Claim[]): number =>
    claims.filter(({ held }) => held).reduce((sum, { wants }) => sum + Number(wants['api'] ?? 0), 0);
  test.each<[string, Rule, RegExp]>([
    [
      'one that forgets what is held',
      (claims, inventory, now) =>
        grants(
          claims.filter(({ held }) => !held),
          inventory,
          now,
        ),
      /more \w+ than there is/,
    ],
    [
      'one that serves whoever fits',
      (claims, inventory, now) => ({
        grant: claims
          .filter(({ held }) => !held)
          .flatMap((claim) => grants([...claims.filter(({ held }) => held), claim], inventory, now).grant)
          .slice(0, 1),
        refuse: [],
        nextAt: null,
      }),
      /overtaken/,
    ],
    [
      'one that grants nothing while somebody holds three',
      (claims, inventory, now) =>
        claims.some(({ held }) => !held) && holding(claims) === 0 && claims.length > 2
          ? { grant: [], refuse: [], nextAt: null }
          : grants(claims, inventory, now),
      /starves/,
    ],
  ])('%s is caught', (_name, rule, words) => {
    const found = fc.check(
      fc.property(inventoryArbitrary, fc.array(actArbitrary, { maxLength: 40 }), (inventory, acts) => {
        play(rule, inventory, acts);
      }),
      { numRuns: 2_000 },
    );
    expect(found.failed).toBe(true);
    expect(String(found.errorInstance)).toMatch(words);
  });
});

describe('time windows', () => {
  test.each([
    ['mon-fri 09:00-17:00', 0],
    ['mon-fri 11:00-17:00', HOUR],
    ['mon-fri 07:00-10:00', 21 * HOUR],
    ['sat 10:00-11:00', 5 * 24 * HOUR],
    ['22:00-06:00', 12 * HOUR],
    ['09:00-10:01', 0],
    ['sun 22:00-12:00', 0],
    ['fri-mon 12:00-13:00', 2 * HOUR],
  ])('%s on a Monday at ten opens in %d ms', (window, ms) => {
    expect(opensAt([window], MONDAY_10) - MONDAY_10).toBe(ms);
  });

  test('a claim that waits for its window keeps nobody waiting, and says when to look again', () => {
    const inventory = inventorySchema.parse({ ada: { amount: 1, open: ['11:00-12:00'] }, db: 1 });
    const claims = [
      { id: 'first', wants: { ada: 1, db: 1 }, held: false },
      { id: 'second', wants: { db: 1 }, held: false },
    ];
    expect(grants(claims, inventory, MONDAY_10)).toEqual({
      grant: ['second'],
      refuse: [],
      nextAt: MONDAY_10 + HOUR,
    });
    expect(grants(claims, inventory, MONDAY_10 + HOUR).grant).toEqual(['first']);
  });
});

describe('what is written', () => {
  test.each([
    ['nobody has it', { gpu: 1 }, /no resource "gpu"/],
    ['more than there is', { db: 3 }, /3 of "db" are wanted and there are 2/],
    ['pieces of a throughput', { api: 1 }, /counted as a throughput/],
    ['too much throughput', { api: '2/s' }, /wanted/],
    ['fits', { db: 2, api: '1/s' }, null],
    ['a name that every object has', { constructor: 1 }, /no resource "constructor"/],
  ])('%s', (_name, uses, why) => {
    const inventory = inventorySchema.parse({ db: 2, api: '60/min' });
    const said = impossible(uses, inventory);
    if (why === null) expect(said).toBeNull();
    else expect(said).toMatch(why);
  });

  test.each([{}, { db: 0 }, { db: '5/week' }, { DB: 1 }, { db: 1.5 }])('%j is refused', (uses) => {
    expect(usesSchema.safeParse(uses).success).toBe(false);
  });
  test.each(['someday', 'mon 25:00-26:00', '9:00-17:00'])('a window "%s" is refused', (open) => {
    expect(inventorySchema.safeParse({ ada: { amount: 1, open: [open] } }).success).toBe(false);
  });
});
