import { z } from 'zod';
import { createLeaseStore } from '../../db/leases.ts';
import type { AgentTask } from '../../src/domain/agent.ts';
import { BatonError } from '../../src/domain/failure.ts';
import { emptyHandoff, handoffSchema } from '../../src/domain/handoff.ts';
import { asJson, type Json, jsonSchema } from '../../src/domain/json.ts';
import { type Inventory, inventorySchema } from '../../src/domain/resources.ts';
import { type Node, nodeSchema } from '../../src/domain/workflow.ts';
import { pathBelow } from '../../src/engine/keys.ts';
import { LeaseKeeper } from '../../src/orchestrator/lease-keeper.ts';
import { patterns } from '../../src/patterns/all.ts';
import { Interpreter } from '../../src/patterns/interpreter.ts';
import { HOLDER_TIMER } from '../../src/patterns/uses.ts';
import { takeSnapshot } from '../../src/ports/activities.ts';
import { type Activity, contract, implement } from '../../src/ports/activity.ts';
import type { Clock } from '../../src/ports/clock.ts';
import type { Program } from '../../src/ports/flow.ts';
import type { Lease, LeaseStore } from '../../src/ports/leases.ts';
import { embeddedRig, type Rig } from '../engine/rig.ts';
import { result, role } from './driver.ts';

const work = contract('test.work', z.object({ node: z.string() }), jsonSchema);

function specOfTree(node: Node, input: Json) {
  return { program: 'tree', programVersion: 1, definition: asJson(node), input, hash: 'h' };
}

/** Runs a tree as a whole run: the interpreter on the engine, each agent one step. */
export const treeProgram: Program = {
  name: 'tree',
  version: 1,
  *run(definition, input, flow) {
    return asJson(
      yield* new Interpreter(patterns).run(
        nodeSchema.parse(definition),
        handoffSchema.parse(input ?? emptyHandoff),
        flow,
        {
          request: 'Add CSV export',
          stream: null,
          testCommand: ['npm', 'test'],
          role: (name) => role(name),
          runner: () => ({
            *run(task: AgentTask, inner) {
              return { ...result, result: yield* inner.step('work', work, { node: task.node }) };
            },
          }),
          *permit(_argv, _node, inner) {
            yield* inner.emit();
            return null;
          },
          approved: () => undefined,
          child: (node, handoff, inner) =>
            inner.child('run', specOfTree(node, asJson(handoff)), handoffSchema),
        },
      ),
    );
  },
};

export interface WholeOptions {
  readonly resources?: object;
  /** How long an agent works at a node, in milliseconds; a failure fails it. */
  readonly ms?: (node: string) => number | BatonError;
  readonly programs?: readonly Program[];
  readonly activities?: (clock: Clock) => readonly Activity[];
}

export interface Whole extends Rig {
  start(id: string, node: Node): Promise<void>;
  leases(): Promise<readonly Lease[]>;
  /** Nodes that agents began and ended, in order: "+a", "-a". */
  readonly done: readonly string[];
}

/** Whole runs on the real engine and the real store, with time that moves when told. */
export function wholeRuns(options: WholeOptions = {}): Whole {
  const inventory: Inventory = inventorySchema.parse(options.resources ?? {});
  const done: string[] = [];
  const now: { leases: LeaseStore | null } = { leases: null };
  const rig = embeddedRig({
    programs: options.programs ?? [treeProgram],
    activities: [implement(takeSnapshot, async () => ({ commit: 'c', tree: 't' }))],
    beside({ store, log, clock }) {
      const leases = createLeaseStore(store.db, log, inventory);
      now.leases = leases;
      const keeper = new LeaseKeeper({
        leases,
        inventory,
        clock,
        timerOf: (holder) => pathBelow(holder, HOLDER_TIMER),
        onTrouble: (error) => {
          throw error;
        },
      });
      return {
        activities: [keeper.activity, ...(options.activities?.(clock) ?? []), working(done, clock, options)],
        started: (engine) => keeper.start(engine),
      };
    },
  });
  return Object.assign(rig, {
    done,
    start: (id: string, node: Node) => rig.engine.start(id, specOfTree(node, null)),
    leases: async () => (await now.leases?.all()) ?? [],
  });
}

function working(done: string[], clock: Clock, { ms }: WholeOptions): Activity {
  return implement(work, async ({ node }, { signal }) => {
    const time = ms?.(node) ?? 0;
    if (time instanceof BatonError) throw time;
    done.push(`+${node}`);
    if (time > 0)
      await new Promise<void>((resolve, reject) => {
        const cancel = clock.after(time, resolve);
        signal.addEventListener('abort', () => {
          cancel();
          reject(new Error('aborted'));
        });
      });
    done.push(`-${node}`);
    return node;
  });
}
