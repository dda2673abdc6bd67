import fc from 'fast-check';
import { Broken } from './broken.ts';
import { deeds } from './deeds.ts';
import { Model } from './model.ts';
import { type Faults, openWorld } from './world.ts';

/** Plays until a rule breaks, on a few worlds; "nothing" when none did. */
export async function firstBroken(faults: Faults): Promise<string> {
  for (let seed = 1; seed <= 6; seed += 1) {
    const w = openWorld(faults);
    const model = new Model(w);
    try {
      for (let part = 0; part < 8; part += 1) {
        for (const deed of fc.sample(deeds, { seed: seed * 100 + part, numRuns: 300 }))
          await model.play(deed);
        await model.play({ do: 'restart' });
      }
      await model.end();
    } catch (error) {
      if (error instanceof Broken) return error.rule;
      throw error;
    } finally {
      w.close();
    }
  }
  return 'nothing';
}
