import { playDeeds } from '../approvals/play-deeds.ts';

/** A million deeds over approvals: what the normal suite plays, ten times as many, with another seed each time. */
const DEEDS = 1_000_000;
const WORLDS = 50;

const seed = Date.now() % 1_000_000;
console.log(`${DEEDS} deeds over approvals, seed ${seed}.`);
for (let world = 0; world < WORLDS; world += 1) {
  const reached = await playDeeds(seed + world * 10_000, DEEDS / WORLDS, 1_000);
  const sum = [...reached.values()].reduce((all, count) => all + count, 0);
  console.log(`ok   world ${world + 1} of ${WORLDS}: ${sum} ends, votes and refusals`);
}
