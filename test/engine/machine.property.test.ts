import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Outcome } from '../../src/domain/run.ts';
import { type Changes, Machine } from '../../src/engine/machine.ts';
import { type NewMachine, perform, play, replay, type Tree, tree } from './machine-world.ts';

const choices = fc.array(fc.nat(1_000), { minLength: 1, maxLength: 40 });
const RUNS = 400;

/** Whether a run, played on one machine, comes back the same on another from every prefix of its journal. */
function comesBack(node: Tree, picks: readonly number[], live?: NewMachine, later?: NewMachine): boolean {
  const run = play(node, picks, live);
  return run.views.every((seen, length) => {
    const again = replay(node, run.entries.slice(0, length), later);
    return JSON.stringify(again) === JSON.stringify(seen);
  });
}

describe('the machine', () => {
  test('comes back the same from every prefix of its journal', () => {
    const seen = { entries: 0, cancelled: 0, failed: 0, numbered: 0, deep: 0 };
    fc.assert(
      fc.property(tree, choices, (node, picks) => {
        const run = play(node, picks);
        seen.entries += run.entries.length;
        seen.cancelled += run.cancelled;
        if (run.views.at(-1)?.result?.ok === false) seen.failed += 1;
        if (run.entries.some(({ key }) => key.includes('#2'))) seen.numbered += 1;
        if (run.entries.some(({ key }) => key.split('/').length > 4)) seen.deep += 1;
        return comesBack(node, picks);
      }),
      { numRuns: RUNS },
    );
    // Not vacuous: runs were long, raced, failed, repeated names and nested.
    expect(seen.entries).toBeGreaterThan(RUNS * 2);
    for (const count of [seen.cancelled, seen.failed, seen.numbered, seen.deep])
      expect(count).toBeGreaterThan(RUNS / 20);
  });

  test('gives every operation a key of its own', () => {
    fc.assert(
      fc.property(tree, choices, (node, picks) => {
        const { entries } = play(node, picks);
        return new Set(entries.map(({ key }) => key)).size === entries.length;
      }),
      { numRuns: RUNS },
    );
  });

  test('ends with nothing pending, and every operation issued has ended or been given up', () => {
    fc.assert(
      fc.property(tree, choices, (node, picks) => {
        const watched = new Watched();
        const run = play(node, picks, () => watched);
        const ended = new Set([...run.entries.map(({ key }) => key), ...watched.given]);
        return run.views.at(-1)?.pending.length === 0 && watched.issued.every((key) => ended.has(key));
      }),
      { numRuns: RUNS },
    );
  });

  test('depends on the order of the journal: swapping two entries is seen somewhere', () => {
    let noticed = 0;
    fc.assert(
      fc.property(tree, choices, (node, picks) => {
        const { entries, views } = play(node, picks);
        const swapped = entries.toReversed();
        if (JSON.stringify(replay(node, swapped)) !== JSON.stringify(views.at(-1))) noticed += 1;
      }),
      { numRuns: RUNS },
    );
    expect(noticed).toBeGreaterThan(RUNS / 4);
  });
});

describe('planted bugs', () => {
  const planted: { readonly name: string; readonly live?: NewMachine; readonly later?: NewMachine }[] = [
    { name: 'a replay that feeds outcomes in another order', later: () => new Swapping() },
    { name: 'a replay that answers late', later: () => new Late() },
    { name: 'a cancel that is dropped', later: () => new Clinging() },
    { name: 'a counter of repeated names that starts again', live: () => new Uncounted() },
    { name: 'a failure replayed as a value', later: () => new Optimist() },
  ];
  for (const { name, live, later } of planted) {
    test(`${name} is caught`, () => {
      const checked = fc.check(
        fc.property(tree, choices, (node, picks) => comesBack(node, picks, live, later)),
        { numRuns: 2_000 },
      );
      expect(checked.failed).toBe(true);
    });
  }

  test('a machine that forgets to tell of a cancel is caught', () => {
    const checked = fc.check(
      fc.property(tree, choices, (node, picks) => {
        const watched = new Secretive();
        const run = play(node, picks, () => watched);
        const ended = new Set([...run.entries.map(({ key }) => key), ...watched.given]);
        return watched.issued.every((key) => ended.has(key));
      }),
      { numRuns: 2_000 },
    );
    expect(checked.failed).toBe(true);
  });
});

test('a thousand levels, and two thousand branches, take no stack and no quadratic time', () => {
  let deep: Tree = { kind: 'step', name: 'a' };
  for (let level = 0; level < 1_000; level += 1) deep = { kind: 'call', name: 'b', body: deep };
  expect(play(deep, [0]).entries).toHaveLength(1);

  const time = (width: number): number => {
    const parts: Tree[] = Array.from({ length: width }, () => ({ kind: 'step', name: 'a' }));
    const best = [1, 2, 3, 4, 5].map(() => {
      const machine = new Machine();
      const began = process.cpuUsage();
      machine.start((flow) => perform(flow, { kind: 'race', name: 'r', limit: width, parts }));
      machine.settle('r/branch-0/a', { ok: true, value: 1 });
      const { user, system } = process.cpuUsage(began);
      expect(machine.take().cancelled).toHaveLength(width - 1);
      return user + system;
    });
    return Math.min(...best);
  };
  time(2_000);
  // Eight times the width: linear is 8, quadratic 64; collecting garbage adds to both.
  expect(time(16_000)).toBeLessThan(45 * time(2_000));
});

class Watched extends Machine {
  readonly issued: string[] = [];
  readonly given: string[] = [];

  override take(): Changes {
    const changes = super.take();
    this.issued.push(...changes.issued.map(({ key }) => key));
    this.given.push(...changes.cancelled.map(({ pending }) => pending.key));
    return changes;
  }
}

class Secretive extends Watched {
  override take(): Changes {
    const changes = super.take();
    this.given.pop();
    return changes;
  }
}

/** Holds each outcome back until the next one. */
class Swapping extends Machine {
  #held: { readonly key: string; readonly outcome: Outcome } | null = null;

  override settle(key: string, outcome: Outcome): boolean {
    const held = this.#held;
    this.#held = { key, outcome };
    return held === null ? true : super.settle(held.key, held.outcome);
  }
}

class Late extends Machine {
  readonly #held: { readonly key: string; readonly outcome: Outcome }[] = [];

  override settle(key: string, outcome: Outcome): boolean {
    this.#held.push({ key, outcome });
    return true;
  }

  override take(): Changes {
    for (const { key, outcome } of this.#held.toReversed()) super.settle(key, outcome);
    return super.take();
  }
}

/** Still shows what was given up. */
class Clinging extends Machine {
  readonly #given: ReturnType<Machine['pending']>[number][] = [];

  override settle(key: string, outcome: Outcome): boolean {
    const before = this.pending();
    const taken = super.settle(key, outcome);
    this.#given.push(...before.filter((each) => each.key !== key && !this.isPending(each.key)));
    return taken;
  }

  override pending(): ReturnType<Machine['pending']> {
    return [...super.pending(), ...(this.#given ?? [])];
  }
}

/** Tells everybody the first name of a repeated operation. */
class Uncounted extends Machine {
  readonly #real = new Map<string, string>();

  override pending(): ReturnType<Machine['pending']> {
    return super.pending().map((each) => {
      const key = each.key.replace(/#\d+/g, '');
      this.#real?.set(key, each.key);
      return { ...each, key };
    });
  }

  override settle(key: string, outcome: Outcome): boolean {
    return super.settle(this.#real.get(key) ?? key, outcome);
  }
}

class Optimist extends Machine {
  override settle(key: string, outcome: Outcome): boolean {
    return super.settle(key, outcome.ok ? outcome : { ok: true, value: 0 });
  }
}
