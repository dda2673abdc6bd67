import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Ballot } from '../../src/domain/events.ts';
import { countVotes, type VoteMethod } from '../../src/domain/vote.ts';

const ballot = (choice: string | null, weight = 1): Ballot => ({ agent: 'a', weight, choice, reason: '' });
const rules = (method: VoteMethod, threshold: number, quorum = 0.5) => ({ method, threshold, quorum });

const table: readonly [string, Ballot[], ReturnType<typeof rules>, string | null][] = [
  [
    "the documents' architecture vote: 0.4 + 0.2 + 0.2 of 1 at 0.75",
    [ballot('x', 0.4), ballot('x', 0.2), ballot('x', 0.2), ballot('y', 0.2)],
    rules('weighted', 0.75),
    'x',
  ],
  [
    'the architect alone does not reach 0.75',
    [ballot('x', 0.4), ballot('y', 0.2), ballot('y', 0.2), ballot('y', 0.2)],
    rules('weighted', 0.75),
    null,
  ],
  [
    'exactly the threshold is reached',
    [ballot('x', 0.4), ballot('x', 0.2), ballot('y', 0.4)],
    rules('weighted', 0.6),
    'x',
  ],
  [
    'abstaining does not make others heavier',
    [ballot('x', 0.4), ballot('x', 0.2), ballot(null, 0.4)],
    rules('weighted', 0.75),
    null,
  ],
  ['two of three are a majority', [ballot('x'), ballot('x'), ballot('y')], rules('majority', 0.5), 'x'],
  ['half against half is none', [ballot('x'), ballot('y')], rules('majority', 0.5), null],
  [
    'a majority is of the votes cast',
    [ballot('x'), ballot('x'), ballot(null), ballot(null)],
    rules('majority', 0.5),
    'x',
  ],
  ['too few voted', [ballot('x'), ballot(null), ballot(null)], rules('majority', 0.5), null],
  ['all must agree', [ballot('x'), ballot('x')], rules('unanimous', 1), 'x'],
  ['one abstention is no unanimity', [ballot('x'), ballot(null)], rules('unanimous', 1), null],
  ['nobody voted', [ballot(null)], rules('majority', 0.5, 0), null],
];

describe('votes', () => {
  test.each(table)('%s', (_name, ballots, how, winner) => {
    expect(countVotes(ballots, how).winner).toBe(winner);
  });

  test('a winner always leads alone, reaches the threshold and had a quorum; order does not matter', () => {
    let won = 0;
    const ballots = fc.array(
      fc.record({ choice: fc.constantFrom('x', 'y', 'z', null), weight: fc.constantFrom(0, 0.1, 0.2, 0.5) }),
      { minLength: 1, maxLength: 9 },
    );
    fc.assert(
      fc.property(
        ballots,
        fc.constantFrom<VoteMethod>('majority', 'unanimous', 'weighted'),
        fc.double({ min: 0.5, max: 1, noNaN: true }),
        (given, method, threshold) => {
          const all = given.map(({ choice, weight }) => ballot(choice, weight));
          const count = countVotes(all, rules(method, threshold));
          expect(countVotes([...all].reverse(), rules(method, threshold)).winner).toBe(count.winner);
          if (count.winner === null) return;
          won += 1;
          expect(count.leaders).toEqual([count.winner]);
          expect(count.share).toBeGreaterThanOrEqual(threshold - 1e-6);
          expect(all.filter(({ choice }) => choice !== null).length * 2).toBeGreaterThanOrEqual(all.length);
        },
      ),
    );
    expect(won).toBeGreaterThan(5);
  });
});
