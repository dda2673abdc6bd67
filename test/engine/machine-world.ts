import fc from 'fast-check';
import { z } from 'zod';
import { BatonError } from '../../src/domain/failure.ts';
import type { Json } from '../../src/domain/json.ts';
import { noRetry } from '../../src/domain/retry.ts';
import type { Outcome } from '../../src/domain/run.ts';
import { Machine } from '../../src/engine/machine.ts';
import { contract } from '../../src/ports/activity.ts';
import type { Flow, NamedBody, Operation } from '../../src/ports/flow.ts';

/** Random programs over all the kinds of operations. */
export type Tree =
  | { readonly kind: 'step' | 'now' | 'sleep' | 'signal' | 'random' | 'child'; readonly name: string }
  | { readonly kind: 'sequence'; readonly parts: readonly Tree[] }
  | { readonly kind: 'call' | 'guard'; readonly name: string; readonly body: Tree }
  | {
      readonly kind: 'all' | 'race' | 'most';
      readonly name: string;
      readonly limit: number;
      readonly parts: readonly Tree[];
    };

// Few names, so that they repeat.
const name = fc.constantFrom('a', 'b');
const leaf: fc.Arbitrary<Tree> = fc.record({
  kind: fc.constantFrom(
    'step' as const,
    'step' as const,
    'now' as const,
    'sleep' as const,
    'signal' as const,
    'random' as const,
    'child' as const,
  ),
  name,
});
export const tree: fc.Arbitrary<Tree> = fc.letrec<{ tree: Tree }>((tie) => {
  const parts = fc.array(tie('tree'), { minLength: 1, maxLength: 4 });
  return {
    tree: fc.oneof(
      { maxDepth: 4, depthSize: 'medium' },
      leaf,
      fc.record({ kind: fc.constant('sequence' as const), parts }),
      fc.record({ kind: fc.constantFrom('call' as const, 'guard' as const), name, body: tie('tree') }),
      fc.record({
        kind: fc.constantFrom('all' as const, 'race' as const, 'most' as const),
        name,
        limit: fc.integer({ min: 1, max: 3 }),
        parts,
      }),
    ),
  };
}).tree;

const effect = contract('effect', z.null(), z.number());
const anything = z.number();

/** What a tree does; its value is everything it saw, so that a difference anywhere is one in the result. */
export function* perform(flow: Flow, node: Tree): Operation<Json> {
  switch (node.kind) {
    case 'step':
      return yield* flow.step(node.name, effect, null, { retry: noRetry });
    case 'now':
      return yield* flow.now(node.name);
    case 'random':
      return yield* flow.random(node.name);
    case 'sleep':
      yield* flow.sleep(node.name, 1_000);
      return 'slept';
    case 'signal':
      return yield* flow.waitSignal(node.name, `signal-${node.name}`, anything);
    case 'child':
      return yield* flow.child(
        node.name,
        { program: 'p', programVersion: 1, definition: null, input: null, hash: '' },
        anything,
      );
    case 'sequence': {
      const seen: Json[] = [];
      for (const part of node.parts) seen.push(yield* perform(flow, part));
      yield* flow.emit({ type: 'note', text: JSON.stringify(seen) });
      return seen;
    }
    case 'call':
      return [yield* flow.call(node.name, (inner) => perform(inner, node.body))];
    case 'guard':
      try {
        return yield* flow.call(node.name, (inner) => perform(inner, node.body));
      } catch (error) {
        if (error instanceof BatonError) return `caught ${error.failure.code}`;
        throw error;
      }
    case 'all':
      return yield* flow.all(node.name, bodies(node.parts), node.limit);
    case 'race': {
      const { index, value } = yield* flow.race(node.name, bodies(node.parts));
      return { index, value };
    }
    case 'most': {
      // Enough when half have ended, whether well or badly.
      const until = (ends: readonly { readonly status: string }[]): boolean =>
        ends.filter(({ status }) => status !== 'cancelled').length * 2 >= ends.length;
      const ends = yield* flow.settle(node.name, bodies(node.parts), { limit: node.limit, until });
      return ends.map(({ status }) => status);
    }
    default:
      return node satisfies never;
  }
}

function bodies(parts: readonly Tree[]): NamedBody<Json>[] {
  return parts.map((part, i) => ({ name: `branch-${i}`, run: (inner) => perform(inner, part) }));
}

/** One entry of a run's journal, as the engine keeps it. */
export interface Entry {
  readonly key: string;
  readonly outcome: Outcome;
}

/** What anybody can see of a machine. */
export interface View {
  readonly result: Outcome | null;
  readonly pending: readonly string[];
}

export interface Run {
  readonly entries: readonly Entry[];
  /** The view before each entry, and after the last. */
  readonly views: readonly View[];
  readonly cancelled: number;
}

export type NewMachine = () => Machine;

export function view(machine: Machine): View {
  return {
    result: machine.result,
    pending: machine
      .pending()
      .map(({ key, op }) => `${op.op} ${key}`)
      .sort(),
  };
}

/**
 * Plays a tree to its end: each choice picks the pending operation that ends next, and whether well. The entries
 * are written as the engine writes them: only when the machine took them.
 */
export function play(node: Tree, choices: readonly number[], make: NewMachine = () => new Machine()): Run {
  const machine = make();
  machine.start((flow) => perform(flow, node));
  const entries: Entry[] = [];
  const views = [view(machine)];
  let cancelled = 0;
  for (let turn = 0; machine.result === null && turn < 10_000; turn += 1) {
    const pending = machine.pending();
    const choice = choices[turn % choices.length] ?? 0;
    const next = pending[choice % Math.max(1, pending.length)];
    if (next === undefined) throw new Error('The machine waits for nothing and has not ended');
    const outcome: Outcome =
      choice % 5 === 4
        ? { ok: false, failure: { class: 'terminal', code: `failed-${turn}`, message: 'chosen' } }
        : { ok: true, value: next.op.op === 'sleep' ? null : turn };
    if (!machine.settle(next.key, outcome)) throw new Error(`Not taken: ${next.key}`);
    cancelled += machine.take().cancelled.length;
    entries.push({ key: next.key, outcome });
    views.push(view(machine));
  }
  return { entries, views, cancelled };
}

/** A machine brought back from a journal, or the key at which it stopped being the same run. */
export function replay(
  node: Tree,
  entries: readonly Entry[],
  make: NewMachine = () => new Machine(),
): View | { readonly mismatch: string } {
  const machine = make();
  machine.start((flow) => perform(flow, node));
  for (const { key, outcome } of entries) if (!machine.settle(key, outcome)) return { mismatch: key };
  machine.take();
  return view(machine);
}
