import fc from 'fast-check';
import { deeds } from './deeds.ts';
import { Model, type Reached } from './model.ts';
import { openWorld, type World } from './world.ts';

/** Plays `count` random deeds on one world, with a restart now and then. @returns what came to pass */
export async function playDeeds(
  seed: number,
  count: number,
  restartEvery: number,
  w: World = openWorld(),
): Promise<Reached> {
  const model = new Model(w);
  try {
    let left = count;
    for (let part = 0; left > 0; part += 1) {
      const size = Math.min(left, restartEvery);
      for (const deed of fc.sample(deeds, { seed: seed + part, numRuns: size })) await model.play(deed);
      await model.play({ do: 'restart' });
      left -= size;
    }
    await model.end();
    return model.reached;
  } finally {
    w.close();
  }
}
