import { parseArgs } from 'node:util';
import { z } from 'zod';
import { measure } from '../chaos/campaign.ts';
import { createRandom, type Random } from '../chaos/random.ts';
import { type PlannedKill, playRound } from '../chaos/round.ts';

/** Milliseconds between kills. */
const KILL_EVERY_MS = [5_000, 18_000] as const;
/** What one run takes when several share a channel: about a dozen messages, one per second. */
const RUN_MS = 14_000;
/** A batch of runs has to be over after this many times what it should take. */
const PATIENCE = 5;
/** Share of envelopes that come twice. */
const TWICE = 0.3;

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '20' },
    /** Epics at once in one repository. */
    runs: { type: 'string', default: '6' },
    seed: { type: 'string' },
  },
});
const number = z.coerce.number().positive();
const lengthMs = number.parse(values.minutes) * 60_000;
const runs = number.int().parse(values.runs);
const seed = values.seed === undefined ? Date.now() % 1_000_000 : number.int().parse(values.seed);

/** Kills again and again while the batch is under way. */
function killsOver(spanMs: number, random: Random): PlannedKill[] {
  const kills: PlannedKill[] = [];
  for (let at = random.between(0, KILL_EVERY_MS[1]); at < spanMs; at += random.between(...KILL_EVERY_MS)) {
    kills.push({ at, aim: random.chance(0.3) ? 'post' : 'moment' });
  }
  return kills;
}

let passed = 0;
let failed = 0;
let killed = 0;
const abort = new AbortController();
for (const name of ['SIGINT', 'SIGTERM'] as const)
  process.once(name, () => abort.abort(new Error('Stopped by hand')));
const { signal } = abort;
const expected = await measure(seed, 1, signal);
const until = performance.now() + lengthMs;
console.log(`Batches of ${runs} runs at once in one repository for ${values.minutes} minutes, seed ${seed}.`);
for (let batch = 0; expected !== null && !signal.aborted && performance.now() < until; batch += 1) {
  const random = createRandom(seed * 1_000 + batch);
  const span = runs * RUN_MS;
  const kills = killsOver(span, random);
  const round = await playRound({
    kills,
    random,
    expected,
    plant: null,
    twice: TWICE,
    signal,
    runs,
    limitMs: span * PATIENCE,
  });
  killed += round.kills.length;
  const seconds = (round.ms / 1_000).toFixed(0);
  if (round.problems.length === 0) passed += 1;
  else failed += 1;
  console.log(
    `${round.problems.length === 0 ? 'ok  ' : 'FAIL'} batch ${batch + 1}: ${runs} runs, ${round.kills.length} kills, ${seconds} s, answered 429: ${JSON.stringify(round.limited)}`,
  );
  for (const problem of round.problems.slice(0, 15)) console.log(`       ${problem}`);
  if (round.problems.length > 0) console.log(`       kept in ${round.home}`);
}
console.log(`${passed * runs} runs came through ${killed} kills.`);
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = expected !== null && failed === 0 && passed > 0 ? 0 : 1;
