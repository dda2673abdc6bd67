import fc from 'fast-check';
import { afterEach, expect, test } from 'vitest';
import { z } from 'zod';
import { contract, implement } from '../../src/ports/activity.ts';
import { program } from './lab.ts';
import { perform, type Tree, tree } from './machine-world.ts';
import { embeddedRig, type Rig, specOf } from './rig.ts';

const effect = contract('effect', z.null(), z.number());
const RUNS = 60;
const SIGNALS = 60;

/** Long enough to be killed in the middle. */
const long: fc.Arbitrary<Tree> = fc.record({
  kind: fc.constant('sequence' as const),
  parts: fc.array(tree, { minLength: 3, maxLength: 5 }),
});

let rig: Rig | null = null;
afterEach(async () => rig?.close());

/** Plays a tree on the whole engine, killing it at the given turns of the event loop. */
async function live(node: Tree, crashes: readonly number[]) {
  const counts = new Map<string, number>();
  const activity = implement(effect, async (_, { idempotencyKey, attempt }) => {
    counts.set(idempotencyKey, (counts.get(idempotencyKey) ?? 0) + 1);
    // Some end at once, some a few turns later.
    for (let turn = 0; turn < idempotencyKey.length % 3; turn += 1)
      await new Promise((resolve) => setImmediate(resolve));
    return attempt;
  });
  const programs = [program('root', (flow) => perform(flow, node)), program('p', (flow) => flow.random('r'))];
  const made = embeddedRig({ programs, activities: [activity] });
  rig = made;
  for (let n = 0; n < SIGNALS; n += 1) {
    const name = n % 2 === 0 ? 'signal-a' : 'signal-b';
    await made.engine.signal('r', name, n, `s${n}`);
  }
  await made.engine.start('r', specOf('root'));
  const killAt = new Set(crashes);
  let killed = 0;
  let status = '';
  for (let turn = 0; turn < 3_000; turn += 1) {
    status = await made.status('r');
    if (['completed', 'failed', 'paused'].includes(status)) break;
    if (killAt.has(turn)) {
      killed += 1;
      await made.crash();
    }
    // Time goes on too, for those that sleep.
    if (turn % 5 === 4) await made.advance(1_000);
    else await new Promise((resolve) => setImmediate(resolve));
  }
  await made.settle();
  const events = made.events('r').map(({ type }) => type);
  await made.close();
  rig = null;
  return { status, killed, most: Math.max(0, ...counts.values()), steps: counts.size, events };
}

test('whatever a run does, and wherever the process is killed, the run ends and nothing runs more often than it was killed', async () => {
  const seen = { killed: 0, steps: 0, again: 0 };
  await fc.assert(
    // Two kills: the third would put a step in quarantine, as it should.
    fc.asyncProperty(
      long,
      fc.uniqueArray(fc.nat(8), { minLength: 1, maxLength: 2 }),
      async (node, crashes) => {
        const run = await live(node, crashes);
        seen.killed += run.killed;
        seen.steps += run.steps;
        if (run.most > 1) seen.again += 1;
        expect(['completed', 'failed']).toContain(run.status);
        expect(run.most).toBeLessThanOrEqual(1 + run.killed);
        expect(run.events.filter((type) => type === 'run.created')).toHaveLength(1);
      },
    ),
    { numRuns: RUNS },
  );
  // Not vacuous: processes were killed in the middle of steps.
  expect(seen.killed).toBeGreaterThan(RUNS / 4);
  expect(seen.steps).toBeGreaterThan(RUNS / 2);
  expect(seen.again).toBeGreaterThan(0);
}, 60_000);
