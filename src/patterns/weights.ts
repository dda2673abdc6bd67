import { WEIGHT_TOLERANCE } from '../domain/vote.ts';

export interface Weighing {
  /** Those that need a weight. */
  readonly names: readonly string[];
  /** What each of them does, as "votes", and what somebody else does not, as "does not vote". */
  readonly does: string;
  readonly doesNot: string;
  /** The key in which they are listed. */
  readonly listed: string;
}

/** Says what is wrong with weights by name, each with what to write instead: they sum to 1, and everybody has one. */
export function checkWeights(
  weights: Readonly<Record<string, number>>,
  { names, does, doesNot, listed }: Weighing,
  say: (message: string) => void,
): void {
  const sum = Object.values(weights).reduce((total, weight) => total + weight, 0);
  if (Math.abs(sum - 1) > WEIGHT_TOLERANCE)
    say(
      `The weights sum to ${Number(sum.toFixed(6))}; they must sum to 1. Write ${scaled(sum > 0 ? weights : equal(names))}.`,
    );
  for (const name of names)
    if (weights[name] === undefined)
      say(
        `"${name}" ${does} but has no weight. Write one for it, such as \`${name}: ${round(1 / names.length)}\`, so that all of them sum to 1.`,
      );
  for (const name of Object.keys(weights))
    if (!names.includes(name))
      say(`"${name}" has a weight but ${doesNot}. Name it in \`${listed}\`, or take its weight out.`);
}

/** The same weights, scaled to sum to 1: as they can be written into the file, the last one taking what rounding left. */
export function scaled(weights: Readonly<Record<string, number>>): string {
  const given = Object.entries(weights);
  const sum = given.reduce((total, [, weight]) => total + weight, 0);
  let left = 1;
  const written = given.map(([name, weight], at) => {
    const share = at === given.length - 1 ? round(left) : round(weight / sum);
    left -= share;
    return `${name}: ${share}`;
  });
  return `\`weights: { ${written.join(', ')} }\``;
}

export function equal(names: readonly string[]): Record<string, number> {
  return Object.fromEntries(names.map((name) => [name, 1]));
}

function round(share: number): number {
  return Number(share.toFixed(4));
}
