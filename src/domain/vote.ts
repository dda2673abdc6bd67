import type { Ballot } from './events.ts';

export const voteMethods = ['majority', 'unanimous', 'weighted'] as const;
export type VoteMethod = (typeof voteMethods)[number];

/** Weights are written with a few decimals; their sum is 1 within this. */
export const WEIGHT_TOLERANCE = 1e-6;
/** Sums of weights such as 0.4 + 0.2 + 0.2 miss their value in the last binary digits. */
const SHARE_TOLERANCE = 1e-9;

export interface Count {
  /** Null when nobody reached the threshold, or too few voted. */
  readonly winner: string | null;
  /** Who leads when nobody won; more than one is a tie. */
  readonly leaders: readonly string[];
  /** The part the leaders have: of votes cast (majority, unanimous), of all weight (weighted). */
  readonly share: number;
  readonly quorum: boolean;
}

/**
 * Counts ballots. Majority: of the votes cast, with a quorum; unanimous: every voter, nobody abstaining; weighted:
 * of the whole weight, so that abstaining does not make others heavier. Reached means at or above the threshold.
 * @param threshold 0 to 1; for a majority, more than half is needed where it is 0.5
 */
export function countVotes(
  ballots: readonly Ballot[],
  rules: { readonly method: VoteMethod; readonly threshold: number; readonly quorum: number },
): Count {
  const { method, threshold } = rules;
  const cast = ballots.filter(({ choice }) => choice !== null);
  const quorum = cast.length > 0 && cast.length + SHARE_TOLERANCE >= rules.quorum * ballots.length;
  const weightOf = (ballot: Ballot): number => (method === 'weighted' ? ballot.weight : 1);
  const whole =
    method === 'majority' ? cast.length : ballots.reduce((sum, ballot) => sum + weightOf(ballot), 0);
  const totals = new Map<string, number>();
  for (const ballot of cast)
    if (ballot.choice !== null)
      totals.set(ballot.choice, (totals.get(ballot.choice) ?? 0) + weightOf(ballot));
  const most = Math.max(0, ...totals.values());
  const share = whole === 0 ? 0 : most / whole;
  const leaders = [...totals]
    .filter(([, total]) => Math.abs(total - most) <= SHARE_TOLERANCE)
    .map(([choice]) => choice);
  const needed = method === 'unanimous' ? 1 : threshold;
  // Half against half is no majority, however many halves there are.
  const reached =
    share + SHARE_TOLERANCE >= needed &&
    (method !== 'majority' || share > 0.5 + SHARE_TOLERANCE || needed < 0.5);
  const [leader] = leaders;
  const winner = quorum && reached && leaders.length === 1 && leader !== undefined ? leader : null;
  return { winner, leaders, share, quorum };
}
