import { rmSync } from 'node:fs';
import { type Plant, plants } from './baton.ts';
import type { Expected } from './checks.ts';
import { createRandom } from './random.ts';
import { type PlannedKill, playRound } from './round.ts';

/** Rounds a bug may hide before the proof fails. */
const ROUNDS = 3;

/** Where to kill for a bug to show: anywhere would find it too, only later. */
function killsFor(plant: Plant, expected: Expected): PlannedKill[] {
  switch (plant) {
    case 'no-journal':
      return [{ at: expected.endMs * 0.5, aim: 'moment' }];
    case 'no-readback':
      return [{ at: expected.endMs * 0.4, aim: 'post' }];
    case 'no-dedupe':
      return [];
    default:
      return plant satisfies never;
  }
}

/** Plays Baton with each bug planted, and wants each found. @returns the exit code */
export async function prove(expected: Expected, seed: number): Promise<number> {
  let failed = 0;
  for (const plant of plants) {
    const found = await findBug(plant, expected, seed);
    if (!found) failed += 1;
  }
  console.log(`${plants.length - failed} passed, ${failed} failed`);
  return failed === 0 ? 0 : 1;
}

async function findBug(plant: Plant, expected: Expected, seed: number): Promise<boolean> {
  for (let index = 0; index < ROUNDS; index += 1) {
    const random = createRandom(seed + index);
    const { problems, home, ms } = await playRound({
      kills: killsFor(plant, expected),
      random,
      expected,
      plant,
      twice: plant === 'no-dedupe' ? 1 : 0,
    });
    rmSync(home, { recursive: true, force: true });
    if (problems.length === 0) continue;
    console.log(
      `ok   ${plant} was found after ${index + 1} rounds (${(ms / 1_000).toFixed(0)} s):\n       ${problems.slice(0, 4).join('\n       ')}`,
    );
    return true;
  }
  console.log(`FAIL ${plant} was not found in ${ROUNDS} rounds`);
  return false;
}
