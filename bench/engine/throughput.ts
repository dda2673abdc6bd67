import path from 'node:path';
import { cost, type Figure, processorTime, rate } from './figures.ts';
import { fill } from './filling.ts';
import { openWorkflowRate } from './openworkflow.ts';
import { rawWrites } from './raw.ts';
import { chain, fan, newIds, openWorld, parked, specOf, type World } from './world.ts';

const RUNS = 500;
const STEPS = 10;
const EVENTS = 1_000_000;
const ROUNDS = 5;
const WARM_UP = 8;

/**
 * Steps per second on a file that has been in use for a long time, round about with the same rows written by bare
 * statements and the same work done by openworkflow: all three meet the same moments of a shared machine.
 */
export async function throughput(folder: string): Promise<Figure[]> {
  const world = openWorld(path.join(folder, 'full.db'));
  fill(world.store.raw, EVENTS);
  const ours: number[] = [];
  const oursCpu: number[] = [];
  const raw: number[] = [];
  const rawCpu: number[] = [];
  const theirs: number[] = [];
  const spec = specOf(chain(STEPS));
  // For nothing: Baton runs for weeks, and V8 has compiled what is hot within the first seconds.
  for (let round = 0; round < WARM_UP; round += 1) await world.complete(newIds(RUNS), spec);
  for (let round = 0; round < ROUNDS; round += 1) {
    rawCpu.push(
      perSecond(
        await processorTime(() => raw.push(perSecond(rawWrites(world.store.raw, newIds(RUNS), STEPS)))),
      ),
    );
    oursCpu.push(
      perSecond(
        await processorTime(async () => ours.push(await timed(() => world.complete(newIds(RUNS), spec)))),
      ),
    );
    theirs.push(await openWorkflowRate(path.join(folder, `openworkflow-${round}.db`), STEPS));
  }
  const events = Number(world.store.raw.prepare('select count(*) from events').pluck().get());
  const figures = [
    rate('steps, 500 runs x 10', 'steps/s', ours, {
      promised: { least: 30_000 },
      note: `file of ${events.toLocaleString('en-GB')} events`,
    }),
    rate('  per second of processor time', 'steps/s', oursCpu),
    rate('  the same rows, bare better-sqlite3', 'steps/s', raw),
    rate('  the same, per second of processor time', 'steps/s', rawCpu),
    rate('  the same steps, openworkflow (SQLite)', 'steps/s', theirs),
    rate(
      '  times openworkflow',
      'x',
      ours.map((value, i) => value / (theirs[i] ?? Number.NaN)),
      { promised: { least: 20 } },
    ),
    ...(await small(world)),
  ];
  await world.stop();
  return figures;
}

function perSecond(ms: number): number {
  return ((RUNS * STEPS) / ms) * 1_000;
}

async function timed(work: () => Promise<void>): Promise<number> {
  const began = performance.now();
  await work();
  return perSecond(performance.now() - began);
}

/** What one run alone, one wide run, and many signals cost on the same file. */
async function small(world: World): Promise<Figure[]> {
  const alone: number[] = [];
  const wide: number[] = [];
  const signals: number[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    alone.push((await duration(() => world.complete(newIds(1), specOf(chain(500))))) / 500);
    wide.push(await duration(() => world.complete(newIds(1), specOf(fan(2_000)))));
    const ids = newIds(1_000);
    const waiting = world.reached('waiting', ids);
    await Promise.all(ids.map((id) => world.engine.start(id, specOf(parked))));
    await waiting;
    const ended = world.reached('completed', ids);
    signals.push(
      await duration(() => Promise.all(ids.map((id) => world.engine.signal(id, 'go', null, 'go')))),
    );
    await ended;
  }
  return [
    cost('a step alone, one after the other', 'ms', alone, { promised: { most: 0.4 } }),
    cost('fan-out of 2,000 steps in one run', 'ms', wide, { promised: { most: 150 } }),
    cost('1,000 signals accepted', 'ms', signals, { promised: { most: 200 } }),
  ];
}

async function duration(work: () => Promise<unknown>): Promise<number> {
  const began = performance.now();
  await work();
  return performance.now() - began;
}
