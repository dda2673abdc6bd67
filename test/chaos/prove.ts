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
export async function prove(expected: Expected, seed: number, signal: AbortSignal): Promise<number> {
  let failed = 0;
  for (const plant of plants) {
    const found = await findBug(plant, expected, seed, signal);
    if (!found) failed += 1;
  }
  console.log(`${plants.length - failed} passed, ${failed} failed`);
  return failed === 0 ? 0 : 1;
}

async function findBug(
  plant: Plant,
  expected: Expected,
  seed: number,
  signal: AbortSignal,
): Promise<boolean> {
  const play = async (index: number, kills: readonly PlannedKill[], twice: number) => {
    const round = await playRound({
      kills,
      random: createRandom(seed + index),
      expected,
      plant,
      twice,
      signal,
    });
    rmSync(round.home, { recursive: true, force: true });
    return round;
  };
  // Left in peace the bug must not show: else it would be found without any kill, and would prove nothing of them.
  const peace = await play(0, [], 0);
  if (peace.problems.length > 0) {
    console.log(
      `FAIL ${plant} shows without being disturbed:\n       ${peace.problems.slice(0, 4).join('\n       ')}`,
    );
    return false;
  }
  for (let index = 1; index <= ROUNDS; index += 1) {
    const { problems, ms } = await play(index, killsFor(plant, expected), plant === 'no-dedupe' ? 1 : 0);
    if (problems.length === 0) continue;
    const shown = problems.slice(0, 4).join('\n       ');
    console.log(
      `ok   ${plant} was found after ${index} rounds (${(ms / 1_000).toFixed(0)} s):\n       ${shown}`,
    );
    return true;
  }
  console.log(`FAIL ${plant} was not found in ${ROUNDS} rounds`);
  return false;
}
