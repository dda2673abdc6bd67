import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { AgentResult, AgentTask } from '../../src/domain/agent.ts';
import { verdicts } from '../../src/domain/approval.ts';
import { BatonError } from '../../src/domain/failure.ts';
import { emptyHandoff } from '../../src/domain/handoff.ts';
import type { Node } from '../../src/domain/workflow.ts';
import { patterns } from '../../src/patterns/all.ts';
import { Interpreter } from '../../src/patterns/interpreter.ts';
import { loop } from '../../src/patterns/loop.ts';
import type { Pattern } from '../../src/patterns/pattern.ts';
import { race } from '../../src/patterns/race.ts';
import { throwingFlow } from '../../src/patterns/throwing-flow.ts';
import { waitSignal } from '../../src/patterns/wait.ts';
import { runCommand } from '../../src/ports/activities.ts';
import { answer, approvalEffects, drive, failure, result, role } from './driver.ts';
import { chance, generated, pick, tree } from './trees.ts';

/** How often each pair of parent and child is made. */
const TIMES = 20;
/** Nodes run by one tree at most: over ten times what the largest was seen to need. */
const MOST_NODES = 1_000;

interface Ran {
  readonly ok: boolean;
  readonly nodes: number;
  /** Kinds that ran below which kind: "parent child". */
  readonly pairs: readonly string[];
}

/** Runs a tree whose agents, commands and people answer by chance. Throws when it is stuck or never ends. */
function run(root: Node, seed: number, of: readonly Pattern[]): Ran {
  const random = chance(seed + 1);
  const parents = parentsOf(root);
  const pairs: string[] = [];
  let nodes = 0;
  const counted = of.map(
    (pattern): Pattern => ({
      ...pattern,
      run(node, ...rest) {
        nodes += 1;
        if (nodes > MOST_NODES) throw failure('endless', 'structural');
        pairs.push(`${parents.get(node.id) ?? ''} ${node.kind}`);
        return pattern.run(node, ...rest);
      },
    }),
  );
  const interpreter = new Interpreter(counted);
  const driven = drive(
    function* (flow) {
      yield* interpreter.run(root, emptyHandoff, flow, {
        request: 'Add CSV export',
        stream: null,
        testCommand: random() < 0.8 ? ['npm', 'test'] : null,
        role: (name) => role(name, name === 'reviewer' ? 'review' : 'work'),
        runner: () => ({
          *run(task, inner) {
            yield* inner.sleep('works', task.node.startsWith('safe') ? 50 : Math.floor(random() * 100));
            const said = answerTo(task, random);
            if (said instanceof BatonError) throw said;
            return said;
          },
        }),
        *permit(_argv, _node, inner) {
          yield* inner.emit();
          return random() < 0.05 ? 'nobody allowed it' : null;
        },
        approved: () => {},
      });
      return null;
    },
    {
      effects: {
        'workspace.snapshot': (_input, key) => ({ commit: `c-${key}`, tree: `t-${key}` }),
        'workspace.command': (input) => {
          const passed = random() < 0.7;
          const argv = runCommand.input.parse(input).argv ?? [];
          const counts = passed ? { passed: 3, failed: 0 } : { passed: 2, failed: 1 };
          return { exitCode: passed ? 0 : 1, ended: null, output: '', durationMs: 1, argv, ...counts };
        },
        'event.publish': () => ({ event: 'evt_1' }),
        'event.listen': () => ({}),
        'event.unlisten': () => ({}),
        ...approvalEffects().effects,
      },
      signals: [
        ...Array.from({ length: 30 }, (_, at) =>
          answer(`a${at + 1}`, pick(random, 'request_changes', ...verdicts), at * 60_000),
        ),
        { name: waitSignal('go'), at: Math.floor(random() * 7_200_000), payload: { lines: 10 } },
      ],
    },
  );
  if (nodes > MOST_NODES) throw new Error(`${root.id} ran more than ${MOST_NODES} nodes`);
  expect(new Set(driven.keys).size, 'keys of operations').toBe(driven.keys.length);
  return { ok: driven.outcome.ok, nodes, pairs };
}

function answerTo(task: AgentTask, random: () => number): AgentResult | BatonError {
  if (task.node.startsWith('safe')) return { ...result, result: { lines: 1 } };
  const fate = random();
  if (fate < 0.08) return failure('broken');
  if (fate < 0.09) return failure('wrong', 'structural');
  const good = random() < 0.6;
  const quality = Math.floor(random() * 101);
  const one = (): string => task.options[Math.floor(random() * task.options.length)] ?? 'nobody';
  switch (task.output) {
    case 'vote':
      return { ...result, result: { summary: '', choice: one(), reason: '' } };
    case 'route':
      return { ...result, result: { summary: '', agent: one(), task: '', reason: '', done: random() < 0.3 } };
    case 'answer':
      return { ...result, result: { summary: '', answer: 'this', confidence: random(), reason: '' } };
    case 'review':
    case 'verdict':
      return { ...result, approved: good, quality, findings: good ? [] : ['not yet'] };
    case 'spec':
    case 'work':
    case 'items':
      return { ...result, result: { lines: quality, items: ['a', 'b'].slice(0, Math.floor(random() * 3)) } };
    default:
      return task.output satisfies never;
  }
}

const plain = new Interpreter(patterns);

function parentsOf(root: Node): ReadonlyMap<string, string> {
  const parents = new Map<string, string>();
  for (const node of plain.walk(root))
    for (const child of plain.find(node.kind)?.children(node) ?? []) parents.set(child.id, node.kind);
  return parents;
}

const kinds = plain.kinds;
/** Whether a node of this kind has none below it, as its small one shows. */
function isLeaf(kind: string): boolean {
  const probe = tree({ seed: 1, parent: kind, child: 'agent', leaves: ['agent'], kinds: ['agent'] });
  const found = [...plain.walk(probe)].find((node) => node.kind === kind);
  return found === undefined || (plain.find(kind)?.children(found) ?? []).length === 0;
}
function some(list: readonly string[]): [string, ...string[]] {
  const [first = 'agent', ...rest] = list;
  return [first, ...rest];
}
const leaves = kinds.filter(isLeaf);
const parents = kinds.filter((kind) => !leaves.includes(kind));

function made(parent: string, child: string, seed: number): Node {
  const root = tree({ seed, parent, child, leaves: some(leaves), kinds: some(kinds) });
  const all = [...plain.walk(root)];
  expect(new Set(all.map(({ id }) => id)).size, 'ids of nodes').toBe(all.length);
  for (const node of all) {
    const parsed = plain.find(node.kind)?.schema.safeParse(node);
    expect(parsed?.error?.issues ?? [], `${node.kind} as it is generated`).toEqual([]);
  }
  return root;
}

test('every kind that is registered is generated: a new one needs a small node in trees.ts', () => {
  expect([...generated].sort()).toEqual([...kinds].sort());
});

test('whatever is nested in whatever, it ends', { timeout: 60_000 }, () => {
  const builtPairs = new Map<string, number>();
  const ranPairs = new Map<string, number>();
  const ends = { completed: 0, failed: 0 };
  let most = 0;
  const note = (map: Map<string, number>, pair: string): void => void map.set(pair, (map.get(pair) ?? 0) + 1);
  fc.assert(
    fc.property(fc.integer(), (seed) => {
      for (const [p, parent] of parents.entries())
        for (const [c, child] of kinds.entries()) {
          const own = seed + p * 7_919 + c * 104_729;
          const root = made(parent, child, own);
          const above = parentsOf(root);
          for (const { id, kind } of plain.walk(root)) note(builtPairs, `${above.get(id) ?? ''} ${kind}`);
          const ran = run(root, own, patterns);
          for (const pair of new Set(ran.pairs)) note(ranPairs, pair);
          ends[ran.ok ? 'completed' : 'failed'] += 1;
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

test.each([
  ['a loop that never ends its rounds', endless, /more than/],
  ['a race that waits for losers', patient, /stuck/],
])('%s is caught', (_name, bad, message) => {
  const planted = patterns.map((pattern) => (pattern.kind === bad.kind ? bad : pattern));
  const all = (of: readonly Pattern[]): void => {
    for (let seed = 1; seed <= 10; seed += 1)
      for (const child of leaves) run(made(bad.kind, child, seed * 1_000), seed, of);
  };
  expect(() => all(patterns)).not.toThrow();
  expect(() => all(planted)).toThrow(message);
});
