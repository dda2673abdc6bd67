import fc from 'fast-check';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { createLeaseStore } from '../../db/leases.ts';
import { BatonError } from '../../src/domain/failure.ts';
import { asJson } from '../../src/domain/json.ts';
import { inventorySchema } from '../../src/domain/resources.ts';
import { type Node, nodeSchema } from '../../src/domain/workflow.ts';
import { pathBelow } from '../../src/engine/keys.ts';
import { LeaseKeeper } from '../../src/orchestrator/lease-keeper.ts';
import { patterns } from '../../src/patterns/all.ts';
import { HOLDER_TIMER } from '../../src/patterns/uses.ts';
import type { Activity } from '../../src/ports/activity.ts';
import type { Program } from '../../src/ports/flow.ts';
import type { LeaseStore } from '../../src/ports/leases.ts';
import { embeddedRig } from '../engine/rig.ts';
import { randomBody, randomEffects, randomSignals } from './random-run.ts';
import { kinds, made, parents, plain } from './random-tree.ts';
import { chance } from './trees.ts';

const RUNS = 60;
/** Turns of the event loop that a run gets at most before it is cancelled where it stands. */
const MOST_TURNS = 400;
const inventory = inventorySchema.parse({ desk: 1 });

const programs: readonly Program[] = [
  {
    name: 'random',
    version: 1,
    run(definition, input, flow) {
      const { seed } = z.object({ seed: z.number() }).parse(input);
      return randomBody(nodeSchema.parse(definition), seed, patterns)(flow);
    },
  },
];

/** Some nodes of the tree use the one desk there is. */
function withDesks(root: Node, seed: number): Node {
  const random = chance(seed);
  const uses = { uses: { desk: 1 } };
  const chosen = new Set(
    [...plain.walk(root)]
      .filter((node) => (plain.find(node.kind)?.children(node) ?? []).length === 0)
      .filter(() => random() < 0.5)
      .map(({ id }) => id),
  );
  return nodeSchema.parse(
    JSON.parse(JSON.stringify(root), (_key, value: unknown) => {
      const node = nodeSchema.safeParse(value);
      return node.success && chosen.has(node.data.id) ? { ...node.data, ...uses } : value;
    }),
  );
}

interface Left {
  /** How far the run had come: events before it was cancelled. */
  readonly events: number;
  readonly status: string;
  readonly wasRunning: number;
  readonly wasHolding: number;
  readonly running: number;
  readonly loaded: number;
  readonly leases: number;
  readonly timers: number;
  /** Events and effects after the end. */
  readonly later: number;
}

/** Runs a tree, cancels it after so many events, and tells what is left of it, also after a restart a day later. */
async function cancelled(root: Node, seed: number, after: number, releases: boolean): Promise<Left> {
  const running = new Set<string>();
  let performed = 0;
  // In every other run effects take for ever at some point, so that the end meets them under way.
  const stuckAfter = seed % 2 === 0 ? Number.POSITIVE_INFINITY : after / 12;
  const held: { leases: LeaseStore | null; timers: () => number } = { leases: null, timers: () => 0 };
  const activities = Object.entries(randomEffects(seed)).map(
    ([type, effect]): Activity => ({
      type,
      async perform(input, { key, idempotencyKey, signal }) {
        performed += 1;
        running.add(idempotencyKey);
        try {
          const turns = performed > stuckAfter ? Number.POSITIVE_INFINITY : 3 + (key.length % 5);
          for (let turn = 0; turn < turns; turn += 1) {
            await new Promise((resolve) => setImmediate(resolve));
            if (signal.aborted) throw new Error('aborted');
          }
          const said = effect(input, key, 0);
          if (said instanceof BatonError) throw said;
          return said;
        } finally {
          running.delete(idempotencyKey);
        }
      },
    }),
  );
  const rig = embeddedRig({
    programs,
    activities,
    beside({ store, log, clock }) {
      const leases = createLeaseStore(store.db, log, inventory);
      held.leases = releases
        ? leases
        : { ...leases, settle: async () => ({ wake: [], nextAt: null, open: 0 }) };
      held.timers = () => z.number().parse(store.raw.prepare('select count(*) from timers').pluck().get());
      const keeper = new LeaseKeeper({
        leases: held.leases,
        inventory,
        clock,
        timerOf: (holder) => pathBelow(holder, HOLDER_TIMER),
        onTrouble: (error) => {
          throw error;
        },
      });
      return { activities: [keeper.activity], started: (engine) => keeper.start(engine) };
    },
  });
  try {
    for (const { name, payload } of randomSignals(seed).slice(0, 5))
      await rig.engine.signal('r', name, payload, name);
    await rig.engine.start('r', {
      program: 'random',
      programVersion: 1,
      definition: asJson(root),
      input: { seed },
      hash: 'h',
    });
    const reached = (): boolean => rig.events('r').length >= after || performed > stuckAfter + 1;
    for (let turn = 0; turn < MOST_TURNS && !reached(); turn += 1) {
      if (['completed', 'failed'].includes(await rig.status('r'))) break;
      if (turn % 9 === 8) await rig.advance(60_000);
      else await new Promise((resolve) => setImmediate(resolve));
    }
    const before = {
      events: rig.events('r').length,
      wasRunning: running.size,
      wasHolding: (await held.leases?.all())?.length ?? 0,
    };
    await rig.engine.cancel('r', 'because');
    await rig.settle();
    const ended = { events: rig.events('r').length, performed };
    const status = await rig.status('r');
    await rig.advance(86_400_000);
    await rig.restart();
    await rig.advance(86_400_000);
    return {
      ...before,
      status,
      running: running.size,
      loaded: rig.loaded,
      leases: (await held.leases?.all())?.length ?? 0,
      timers: held.timers(),
      later: rig.events('r').length - ended.events + (performed - ended.performed),
    };
  } finally {
    await rig.close();
  }
}

/** Plays many trees, cancelled at many moments; tells what was seen on the way. */
async function playMany(runs: number, releases: boolean) {
  const seen = { mid: 0, running: 0, holding: 0 };
  await fc.assert(
    fc.asyncProperty(fc.integer(), fc.integer({ min: 1, max: 60 }), async (seed, after) => {
      const parent = parents[Math.abs(seed) % parents.length] ?? 'sequence';
      const child = kinds[Math.abs(seed >> 5) % kinds.length] ?? 'agent';
      const root = withDesks(made(parent, child, seed), seed);
      const left = await cancelled(root, seed, after, releases);
      if (left.status === 'cancelled') seen.mid += 1;
      if (left.wasRunning > 0) seen.running += 1;
      if (left.wasHolding > 0) seen.holding += 1;
      expect(['cancelled', 'completed', 'failed']).toContain(left.status);
      expect(left).toMatchObject({ running: 0, loaded: 0, leases: 0, timers: 0, later: 0 });
    }),
    { numRuns: runs, endOnFailure: true },
  );
  return seen;
}

test('a run cancelled at any event leaves no step running, no lease, no timer, and never moves again', {
  timeout: 180_000,
}, async () => {
  const seen = await playMany(RUNS, true);
  expect(seen.mid).toBeGreaterThan(RUNS / 4);
  expect(seen.running).toBeGreaterThan(2);
  expect(seen.holding).toBeGreaterThan(1);
});

test('leases that are never taken back are caught', { timeout: 180_000 }, async () => {
  await expect(playMany(RUNS, false)).rejects.toThrow();
});
