import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { z } from 'zod';
import { EventLog } from '../../db/event-log.ts';
import { SqliteJournal } from '../../db/journal.ts';
import { type OpenStore, openStore } from '../../db/open.ts';
import { noEstimate } from '../../src/domain/estimate.ts';
import { emptyHandoff } from '../../src/domain/handoff.ts';
import { timeOrderedId } from '../../src/domain/ids.ts';
import { asJson } from '../../src/domain/json.ts';
import { noRetry } from '../../src/domain/retry.ts';
import type { RunSpec } from '../../src/domain/run.ts';
import { type Node, nodeSchema } from '../../src/domain/workflow.ts';
import { EmbeddedEngine } from '../../src/engine/engine.ts';
import { patterns } from '../../src/patterns/all.ts';
import { Interpreter } from '../../src/patterns/interpreter.ts';
import { definePattern } from '../../src/patterns/pattern.ts';
import { type Activity, contract, implement } from '../../src/ports/activity.ts';
import type { Program } from '../../src/ports/flow.ts';
import { systemClock } from '../../src/system-clock.ts';

/** A step that does nothing. */
export const nothing = contract('noop', z.object({ n: z.number() }), z.object({ n: z.number() }));

/** A leaf whose step does nothing: what is left is what the engine itself costs. */
const noop = definePattern({
  kind: 'noop',
  schema: nodeSchema.extend({ kind: z.literal('noop') }),
  *run(node, input, flow) {
    const out = yield* flow.step('do', nothing, { n: 1 }, { retry: noRetry, label: node.id });
    return { ...input, result: out.n };
  },
  estimate: () => noEstimate,
  describe: () => 'nothing',
});

/** A leaf that waits for the signal `go`. */
const wait = definePattern({
  kind: 'wait',
  schema: nodeSchema.extend({ kind: z.literal('wait') }),
  *run(_node, input, flow) {
    yield* flow.waitSignal('go', 'go', z.null());
    return input;
  },
  estimate: () => noEstimate,
  describe: () => 'a wait',
});

/** Runs a tree of nodes through the real interpreter with the patterns that ship, and the two above. */
export function treeProgram(): Program {
  const interpreter = new Interpreter([...patterns, noop, wait]);
  return {
    name: 'tree',
    version: 1,
    *run(definition, _input, flow) {
      const end = yield* interpreter.run(nodeSchema.parse(definition), emptyHandoff, flow, {
        request: '',
        testCommand: null,
        stream: null,
        role: unused,
        runner: unused,
        *permit(_argv, _node, inner) {
          yield* inner.emit();
          return null;
        },
        approved: () => undefined,
      });
      return asJson(end);
    },
  };
}

function unused(): never {
  throw new Error('No agent takes part in a benchmark');
}

export function specOf(tree: Node): RunSpec {
  return { program: 'tree', programVersion: 1, definition: asJson(tree), input: null, hash: 'bench' };
}

/** `count` no-op steps, one after the other. */
export function chain(count: number): Node {
  return { kind: 'sequence', id: 'root', stages: leaves(count) };
}

/** `count` no-op steps side by side, `limit` at once as far as the engine's own limit goes. */
export function fan(count: number, limit = 1_000): Node {
  return { kind: 'parallel', id: 'root', limit, branches: leaves(count) };
}

export const parked: Node = { kind: 'wait', id: 'root' };

function leaves(count: number): Node[] {
  return Array.from({ length: count }, (_, i) => ({ kind: 'noop', id: `s${i}` }));
}

/** Ids as Baton gives them, in order. */
export function newIds(count: number): string[] {
  const now = Date.now();
  return Array.from({ length: count }, (_, i) => timeOrderedId('run', now + i, Math.random));
}

export interface World {
  readonly engine: EmbeddedEngine;
  readonly store: OpenStore;
  readonly log: EventLog;
  /** Starts runs of the same tree at once; resolves when all have completed. */
  complete(ids: readonly string[], spec: RunSpec): Promise<void>;
  /** Resolves when `count` of the runs reach the status. Must be asked before they can. */
  reached(status: 'waiting' | 'completed', ids: readonly string[]): Promise<void>;
  stop(): Promise<void>;
}

/** An engine on a store file, as Baton opens it. */
export function openWorld(
  file: string,
  options: { readonly crashed?: boolean; readonly activities?: readonly Activity[] } = {},
): World {
  const store = openStore(file);
  const log = new EventLog(store.raw);
  const engine = new EmbeddedEngine({
    journal: new SqliteJournal(store.raw, log),
    programs: [treeProgram()],
    activities: options.activities ?? [implement(nothing, async (input) => input)],
    clock: systemClock,
    random: Math.random,
    crashed: options.crashed ?? false,
  });
  const statusOf = store.raw.prepare('select status from runs where id = ?').pluck();
  const reached = (status: string, ids: readonly string[]): Promise<void> => {
    const left = new Set(ids);
    const { promise, resolve } = Promise.withResolvers<void>();
    const off = engine.onCommit(() => {
      // The last one started is the last to get there, more or less: asking for one run per commit keeps the
      // measuring out of what is measured.
      for (const id of left) {
        if (statusOf.get(id) !== status) return;
        left.delete(id);
      }
      off();
      resolve();
    });
    return promise;
  };
  return {
    engine,
    store,
    log,
    reached,
    async complete(ids, spec) {
      const end = reached('completed', ids);
      await Promise.all(ids.map((id) => engine.start(id, spec)));
      await end;
    },
    async stop() {
      await engine.stop();
      store.close();
    },
  };
}

/** A folder that is gone afterwards. */
export async function withFolder<T>(work: (folder: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(path.join(tmpdir(), 'baton-bench-'));
  try {
    return await work(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
