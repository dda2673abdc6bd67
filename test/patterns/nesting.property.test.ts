import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Node } from '../../src/domain/workflow.ts';
import { patterns } from '../../src/patterns/all.ts';
import { loop } from '../../src/patterns/loop.ts';
import { parallel } from '../../src/patterns/parallel.ts';
import type { Pattern } from '../../src/patterns/pattern.ts';
import { race } from '../../src/patterns/race.ts';
import { throwingFlow } from '../../src/patterns/throwing-flow.ts';
import { failure } from './driver.ts';
import { MOST_NODES, randomRun } from './random-run.ts';
import { kinds, leaves, made, parents, parentsOf, plain } from './random-tree.ts';
import { formOf, generated, kindOf } from './trees.ts';

/** How often each pair of parent and child is made. */
const TIMES = 20;
interface Ran {
  readonly ok: boolean;
  readonly nodes: number;
  /** Kinds that ran below which kind: "parent child". */
  readonly pairs: readonly string[];
  readonly streams: { readonly opened: number; readonly merged: number; readonly conflicts: number };
}

/** Runs a tree and counts what ran below what. Throws when it is stuck or never ends. */
function run(root: Node, seed: number, of: readonly Pattern[]): Ran {
  const parents = parentsOf(root);
  const pairs: string[] = [];
  let nodes = 0;
  const counted = of.map(
    (pattern): Pattern => ({
      ...pattern,
      run(node, ...rest) {
        nodes += 1;
        if (nodes > MOST_NODES) throw failure('endless', 'structural');
        pairs.push(`${parents.get(node.id) ?? ''} ${formOf(node)}`);
        return pattern.run(node, ...rest);
      },
    }),
  );
  const driven = randomRun(root, seed, counted);
  expect(driven.streams.problems, 'work in worktrees that are not there').toEqual([]);
  if (nodes > MOST_NODES) throw new Error(`${root.id} ran more than ${MOST_NODES} nodes`);
  expect(new Set(driven.keys).size, 'keys of operations').toBe(driven.keys.length);
  return { ok: driven.outcome.ok, nodes, pairs, streams: driven.streams.counts };
}

test('every kind that is registered is generated: a new one needs a small node in trees.ts', () => {
  expect([...new Set(generated.map(kindOf))].sort()).toEqual([...plain.kinds].sort());
});

test('whatever is nested in whatever, it ends', { timeout: 400_000 }, () => {
  const builtPairs = new Map<string, number>();
  const ranPairs = new Map<string, number>();
  const ends = { completed: 0, failed: 0 };
  const streams = { opened: 0, merged: 0, conflicts: 0 };
  let most = 0;
  const note = (map: Map<string, number>, pair: string): void => void map.set(pair, (map.get(pair) ?? 0) + 1);
  fc.assert(
    fc.property(fc.integer(), (seed) => {
      for (const [p, parent] of parents.entries())
        for (const [c, child] of kinds.entries()) {
          const own = seed + p * 7_919 + c * 104_729;
          const root = made(parent, child, own);
          const above = parentsOf(root);
          for (const node of plain.walk(root))
            note(builtPairs, `${above.get(node.id) ?? ''} ${formOf(node)}`);
          const ran = run(root, own, patterns);
          for (const pair of new Set(ran.pairs)) note(ranPairs, pair);
          ends[ran.ok ? 'completed' : 'failed'] += 1;
          streams.opened += ran.streams.opened;
          streams.merged += ran.streams.merged;
          streams.conflicts += ran.streams.conflicts;
          most = Math.max(most, ran.nodes);
        }
    }),
    { numRuns: TIMES, endOnFailure: true },
  );
  const wanted = parents.flatMap((parent) => kinds.map((child) => `${parent} ${child}`));
  expect(wanted.length).toBeGreaterThanOrEqual(160);
  expect(wanted.filter((pair) => (builtPairs.get(pair) ?? 0) < TIMES)).toEqual([]);
  // Made is not run: what comes before may fail. None is left out altogether.
  expect(wanted.filter((pair) => !ranPairs.has(pair))).toEqual([]);
  expect(Math.min(ends.completed, ends.failed)).toBeGreaterThan(300);
  expect(Math.min(streams.opened, streams.merged, streams.conflicts)).toBeGreaterThan(300);
  expect(most).toBeLessThan(MOST_NODES / 2);
});

/** A loop that has lost its end. */
const endless: Pattern = {
  ...loop,
  *run(node, input, flow, context) {
    let handoff = input;
    for (;;) for (const child of loop.children(node)) handoff = yield* context.run(child, handoff, flow);
  },
};
/** A race that waits for those who lost. */
const patient: Pattern = {
  ...race,
  run: (node, input, flow, context) =>
    race.run(
      node,
      input,
      { ...throwingFlow(flow), settle: (name, bodies) => flow.settle(name, bodies) },
      context,
    ),
};

/** Streams whose work goes on in worktrees that nobody made. */
const lost: Pattern = {
  ...parallel,
  run: (node, input, flow, context) =>
    parallel.run(node, input, flow, {
      ...context,
      run: (child, handoff, inner, stream) =>
        context.run(child, handoff, inner, stream === undefined ? undefined : `${stream}-elsewhere`),
    }),
};

test.each([
  ['a loop that never ends its rounds', endless, /more than/],
  ['a race that waits for losers', patient, /stuck/],
  ['work in a worktree that is not there', lost, /not there/],
])('%s is caught', (_name, bad, message) => {
  const planted = patterns.map((pattern) => (pattern.kind === bad.kind ? bad : pattern));
  const all = (of: readonly Pattern[]): void => {
    for (let seed = 1; seed <= 10; seed += 1)
      for (const parent of parents.filter((form) => kindOf(form) === bad.kind))
        for (const child of leaves) run(made(parent, child, seed * 1_000), seed, of);
  };
  expect(() => all(patterns)).not.toThrow();
  expect(() => all(planted)).toThrow(message);
});
