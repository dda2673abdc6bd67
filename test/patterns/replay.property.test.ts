import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { RunEvent } from '../../src/domain/events.ts';
import type { Outcome } from '../../src/domain/run.ts';
import type { Node } from '../../src/domain/workflow.ts';
import { Machine } from '../../src/engine/machine.ts';
import { agent } from '../../src/patterns/agent.ts';
import { patterns } from '../../src/patterns/all.ts';
import { loop } from '../../src/patterns/loop.ts';
import { parallel } from '../../src/patterns/parallel.ts';
import type { Pattern } from '../../src/patterns/pattern.ts';
import type { Driven } from './driver.ts';
import { randomBody, randomRun } from './random-run.ts';
import { kinds, made, parents } from './random-tree.ts';

const TREES = 12;

interface Resumed {
  /** The first recorded operation that the machine did not ask for, if any. */
  readonly refused: string | null;
  readonly outcome: Outcome | null;
  /** What came about, in the prefix and after it. */
  readonly events: readonly RunEvent[];
  readonly after: readonly RunEvent[];
}

/** Brings a run back from the first `count` outcomes of its journal, then feeds it the others. */
function resumed(root: Node, seed: number, of: readonly Pattern[], live: Driven, count: number): Resumed {
  const machine = new Machine();
  machine.start(randomBody(root, seed, of));
  const events: RunEvent[] = [];
  const after: RunEvent[] = [];
  for (const [index, { key, outcome }] of live.settled.entries()) {
    // As the engine does: what the replay brings about was written when it happened.
    if (index === count) events.push(...machine.take().events);
    if (!machine.settle(key, outcome)) return { refused: key, outcome: null, events, after };
    if (index >= count) after.push(...machine.take().events);
  }
  return { refused: null, outcome: machine.result, events, after };
}

function check(root: Node, seed: number, of: readonly Pattern[], step: number): number {
  const live = randomRun(root, seed, of);
  let prefixes = 0;
  for (let count = 0; count < live.settled.length; count += step) {
    const again = resumed(root, seed, of, live, count);
    expect(again.refused, `after ${count} of ${live.settled.length}`).toBe(null);
    expect(again.outcome).toEqual(live.outcome);
    const before = live.settled[count]?.events ?? 0;
    expect(again.events).toEqual(live.events.slice(0, before));
    expect(again.after).toEqual(live.events.slice(before));
    prefixes += 1;
  }
  return prefixes;
}

test('from any prefix of its journal a run comes to the same end by the same events', {
  timeout: 240_000,
}, () => {
  let prefixes = 0;
  fc.assert(
    fc.property(fc.integer(), (seed) => {
      for (const [p, parent] of parents.entries()) {
        const own = seed + p * 7_919;
        const child = kinds[Math.abs(own) % kinds.length] ?? 'agent';
        // Every prefix of short journals; of long ones every few, or the longest would be most of the test.
        const root = made(parent, child, own);
        prefixes += check(root, own, patterns, 1 + (Math.abs(own) % 4));
      }
    }),
    { numRuns: TREES, endOnFailure: true },
  );
  expect(prefixes).toBeGreaterThan(TREES * parents.length);
});

let uses = 0;
/** Counts across runs, as a pattern with a variable outside its generator would. */
const forgetful: Pattern = {
  ...agent,
  *run(node, input, flow, context) {
    uses += 1;
    yield* flow.sleep(`nap-${uses}`, 1);
    return yield* agent.run(node, input, flow, context);
  },
};
/** Goes round once more or not, by what no journal knows. */
const moody: Pattern = {
  ...loop,
  *run(node, input, flow, context) {
    uses += 1;
    if (uses % 2 === 0) yield* flow.emit({ type: 'note', text: 'in a mood' });
    return yield* loop.run(node, input, flow, context);
  },
};
/** Begins its branches in an order of its own each time. */
const shuffled: Pattern = {
  ...parallel,
  run(node, input, flow, context) {
    uses += 1;
    const branches =
      uses % 2 === 0
        ? node['branches']
        : Array.isArray(node['branches'])
          ? [...node['branches']].reverse()
          : [];
    return parallel.run({ ...node, branches }, input, flow, context);
  },
};

test.each([
  ['a name that is never the same', forgetful],
  ['an event that is told only sometimes', moody],
  ['an order that changes', shuffled],
])('%s is caught', (_name, bad) => {
  const planted = patterns.map((pattern) => (pattern.kind === bad.kind ? bad : pattern));
  const all = (of: readonly Pattern[]): void => {
    for (let seed = 1; seed <= 10; seed += 1)
      check(made(bad.kind === 'agent' ? 'sequence' : bad.kind, 'agent', seed * 1_000), seed, of, 1);
  };
  expect(() => all(patterns)).not.toThrow();
  expect(() => all(planted)).toThrow();
});
