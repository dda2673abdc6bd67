import path from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { cost, type Figure, rounds } from './figures.ts';
import { newIds, openWorld, parked, specOf } from './world.ts';

const RUNS = 5_000;

/** Memory that 5,000 runs waiting for a signal hold, in a process that has parked as many before. */
export async function parking(folder: string): Promise<Figure[]> {
  const world = openWorld(path.join(folder, 'parked.db'));
  const collect = collector();
  const park = async (): Promise<number> => {
    collect();
    const before = process.memoryUsage();
    const ids = newIds(RUNS);
    const waiting = world.reached('waiting', ids);
    await Promise.all(ids.map((id) => world.engine.start(id, specOf(parked))));
    await waiting;
    collect();
    const after = process.memoryUsage();
    return (after.heapUsed - before.heapUsed + after.external - before.external) / 2 ** 20;
  };
  await park();
  const grown = await rounds(park);
  const note = `${world.engine.loaded} in memory`;
  await world.stop();
  return [cost('5,000 parked runs', 'MiB', grown, { promised: { most: 5 }, note })];
}

/** The engine's garbage collector, without a flag on the command line. */
function collector(): () => void {
  setFlagsFromString('--expose-gc');
  const gc: unknown = runInNewContext('gc');
  return () => {
    if (typeof gc === 'function') gc();
  };
}
