import type { Plant } from './baton.ts';
import type { Expected } from './checks.ts';
import { MID_RUN, phases } from './phases.ts';
import { createRandom, type Random } from './random.ts';
import { type PlannedKill, playRound, type Round } from './round.ts';

/** Of the kills, at least so many have to land between Start and the run's end. */
const MID_RUN_SHARE = 0.8;
/** Fewer kills than this say nothing of a share. */
const SHARE_FROM = 50;
/** Share of rounds whose last kill comes while the approved work is put on its branch, or while the end is told. */
const ENDING_SHARE = 0.2;
/** Milliseconds from Approve within which those kills come. */
const ENDING_MS = 500;
/** Share of kills that wait for a post without an answer: the moment of which Baton can know least. */
const POST_SHARE = 0.15;
/** Share of further kills that hit the restart after the one before. */
const STARTING_SHARE = 0.2;
/** Milliseconds within which Baton is about to take up its work. */
const STARTING_MS = 1_500;
/** Share of envelopes that come twice. */
const TWICE = 0.3;

export interface Campaign {
  readonly expected: Expected;
  readonly seed: number;
  readonly rounds: number;
  readonly perRound: number;
  readonly lanes: number;
  readonly plant: Plant | null;
  readonly signal: AbortSignal;
}

/**
 * Undisturbed runs, as many at once as there are lanes: what they leave behind is what all others must. The shortest
 * gives the time in which kills are spread. Null when they went wrong or differ.
 */
export async function measure(seed: number, lanes: number, signal: AbortSignal): Promise<Expected | null> {
  const play = (expected: Expected | null) =>
    playRound({ kills: [], random: createRandom(seed), expected, plant: null, twice: 0, signal });
  const first = await play(null);
  const others =
    first.expected === null
      ? []
      : await Promise.all(Array.from({ length: lanes }, () => play(first.expected)));
  const all = [first, ...others];
  for (const { problems, home } of all.filter((round) => round.problems.length > 0)) {
    console.log(`An undisturbed run went wrong (kept in ${home}):\n  ${problems.join('\n  ')}`);
  }
  const runs = all.flatMap(({ expected }) => expected ?? []).sort((a, b) => a.endMs - b.endMs);
  const [expected] = runs;
  if (expected === undefined || all.some(({ problems }) => problems.length > 0)) return null;
  const ends = runs.map(({ endMs }) => (endMs / 1_000).toFixed(1)).join(', ');
  console.log(
    `Undisturbed runs end after ${ends} s, all is told after ${(expected.toldMs / 1_000).toFixed(1)} s; tree ${expected.tree.slice(0, 12)}, ${expected.thread.length} messages in the thread.`,
  );
  return expected;
}

/** Rounds with kills at random moments. @returns the exit code */
export async function campaign(options: Campaign): Promise<number> {
  const { expected, seed, rounds, perRound, lanes, plant, signal } = options;
  console.log(
    `${rounds} rounds, ${perRound} kills each, seed ${seed}${plant === null ? '' : `, planted: ${plant}`}.`,
  );
  const all: Round[] = [];
  let next = 0;
  const lane = async (): Promise<void> => {
    for (let index = next++; index < rounds && !signal.aborted; index = next++) {
      // Its own seed per round: which lane plays it changes nothing.
      const random = createRandom(seed * 1_000 + index);
      const kills = planned(random, expected, perRound);
      const round = await playRound({ kills, random, expected, plant, twice: TWICE, signal });
      all.push(round);
      console.log(lineOf(index, round, kills));
    }
  };
  await Promise.all(Array.from({ length: lanes }, lane));
  return report(all);
}

/** Moments in order, uniform over the run; a few at a post, a few while Baton starts, a few after Approve. */
export function planned(random: Random, expected: Expected, count: number): PlannedKill[] {
  const ending = random.chance(ENDING_SHARE);
  const moments = Array.from({ length: count }, () => random.between(0, expected.endMs)).sort(
    (a, b) => a - b,
  );
  return moments.map((at, index): PlannedKill => {
    if (ending && index === count - 1) return { at: random.between(0, ENDING_MS), aim: 'ending' };
    if (index > 0 && random.chance(STARTING_SHARE))
      return { at: random.between(0, STARTING_MS), aim: 'starting' };
    return { at, aim: random.chance(POST_SHARE) ? 'post' : 'moment' };
  });
}

function lineOf(index: number, round: Round, kills: readonly PlannedKill[]): string {
  const where = round.kills
    .map(({ phase, aim }) => (aim === 'moment' ? phase : `${phase} (${aim})`))
    .join(', ');
  const moments = kills.map(({ at }) => (at / 1_000).toFixed(2)).join(' ');
  const head = `${round.problems.length === 0 ? 'ok  ' : 'FAIL'} round ${index + 1}: ${(round.ms / 1_000).toFixed(0)} s, killed at ${moments}: ${where}`;
  if (round.problems.length === 0) return head;
  return [
    head,
    ...round.problems.slice(0, 12).map((problem) => `       ${problem}`),
    `       kept in ${round.home}`,
  ].join('\n');
}

/** The table, and the closing line. @returns the exit code */
export function report(all: readonly Round[]): number {
  const kills = all.flatMap((round) => round.kills);
  const total = Math.max(1, kills.length);
  console.log(
    `\n${'where the kill landed'.padEnd(24)}kills  of these at an unanswered post / while starting / after Approve`,
  );
  for (const phase of phases) {
    const here = kills.filter((kill) => kill.phase === phase);
    const aimed = (aim: PlannedKill['aim']): number => here.filter((kill) => kill.aim === aim).length;
    console.log(
      `${phase.padEnd(24)}${String(here.length).padStart(5)}  ${aimed('post')} / ${aimed('starting')} / ${aimed('ending')}`,
    );
  }
  const mid = kills.filter(({ phase }) => MID_RUN.includes(phase)).length;
  const share = mid / total;
  console.log(`${kills.length} kills, ${mid} of them in mid-run (${Math.round(share * 100)} %).`);
  const times = all.map(({ ms }) => ms / 1_000).sort((a, b) => a - b);
  const sum = (of: (round: Round) => number): number => all.reduce((so, round) => so + of(round), 0);
  console.log(
    `Per round ${times[Math.floor(times.length / 2)]?.toFixed(0) ?? '-'} s (median), ${times.at(-1)?.toFixed(0) ?? '-'} s at most. ${sum(({ redelivered }) => redelivered)} envelopes came twice, ${sum(({ limited }) => Object.values(limited).reduce((so, each) => so + each, 0))} calls were answered 429.`,
  );
  const starts = all.flatMap((round) => round.starts).sort((a, b) => a - b);
  console.log(
    `${starts.length} starts: ready after ${((starts[Math.floor(starts.length / 2)] ?? 0) / 1_000).toFixed(1)} s (median), ${((starts.at(-1) ?? 0) / 1_000).toFixed(1)} s at most.`,
  );
  const survivors = new Set(all.flatMap((round) => round.survivors));
  if (survivors.size > 0)
    console.log(
      `Processes that outlived a killed Baton for a moment:\n  ${[...survivors].slice(0, 5).join('\n  ')}`,
    );
  const failed = all.filter(({ problems }) => problems.length > 0).length;
  const enough = kills.length < SHARE_FROM || share >= MID_RUN_SHARE;
  if (!enough) console.log(`Too few kills landed in mid-run: at least ${MID_RUN_SHARE * 100} % should.`);
  console.log(`${all.length - failed} passed, ${failed} failed`);
  return failed === 0 && enough ? 0 : 1;
}
