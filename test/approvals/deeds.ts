import fc from 'fast-check';
import type { Verdict } from '../../src/domain/approval.ts';
import { MOVES, type Move } from './known.ts';

/** One thing that somebody or something does. Numbers choose among what there is. */
export type Deed =
  | { readonly do: 'open'; readonly policy: number; readonly text: string }
  | {
      readonly do: 'say';
      readonly who: number;
      readonly which: number;
      readonly verdict: Verdict;
      readonly team: boolean;
    }
  | { readonly do: 'take'; readonly which: number; readonly key: number }
  | { readonly do: 'edit'; readonly which: number; readonly text: string }
  | { readonly do: 'glass'; readonly who: number; readonly which: number; readonly reason: boolean }
  | { readonly do: 'wait'; readonly ms: number }
  | { readonly do: 'back'; readonly ms: number }
  | { readonly do: 'expire'; readonly which: number }
  | { readonly do: 'sweep' }
  | { readonly do: 'group'; readonly who: number }
  | { readonly do: 'demote'; readonly who: number }
  | { readonly do: 'trouble'; readonly what: 'directory' | 'content' }
  | { readonly do: 'nonce'; readonly who: number }
  /** Of each question that waits, and of one more: looks whether somebody is to be asked again. */
  | { readonly do: 'chase'; readonly which: number }
  | { readonly do: 'delegate'; readonly who: number; readonly to: number; readonly ms: number }
  /** One of those who are away is back. */
  | { readonly do: 'return'; readonly who: number }
  /** Somebody who may says yes: in the place of whom they stand in for, or to a budget or a rollback. */
  | { readonly do: 'instead'; readonly who: number; readonly which: number }
  /** The run that somebody wants taken back goes on in one respect, or comes back to where it was. */
  | { readonly do: 'move'; readonly which: number; readonly what: Move; readonly value: number }
  /** What follows from the answer about a budget. */
  | { readonly do: 'settle'; readonly which: number }
  | { readonly do: 'restart' };

const n = fc.nat({ max: 999 });
/** Mostly one of those who may decide something. */
const member = fc.oneof({ weight: 5, arbitrary: fc.nat({ max: 5 }) }, { weight: 1, arbitrary: n });
export const deeds: fc.Arbitrary<Deed> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({ do: fc.constant('open' as const), policy: n, text: fc.string({ maxLength: 8 }) }),
  },
  {
    weight: 30,
    arbitrary: fc.record({
      do: fc.constant('say' as const),
      who: n,
      which: n,
      verdict: fc.constantFrom<Verdict>(
        'approve',
        'approve',
        'approve',
        'approve',
        'reject',
        'request_changes',
      ),
      team: fc.constantFrom(true, true, true, true, true, true, true, false),
    }),
  },
  {
    weight: 16,
    arbitrary: fc.record({ do: fc.constant('take' as const), which: n, key: fc.nat({ max: 1 }) }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constant('edit' as const), which: n, text: fc.string({ maxLength: 8 }) }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('glass' as const),
      who: fc.oneof(fc.constant(5), n),
      which: n,
      reason: fc.boolean(),
    }),
  },
  {
    weight: 5,
    // Now and then as long as a yes may wait for its action.
    arbitrary: fc.record({
      do: fc.constant('wait' as const),
      ms: fc.oneof(...Array.from({ length: 14 }, () => fc.nat({ max: 120 })), fc.constant(1_001)),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('back' as const), ms: fc.nat({ max: 300 }) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('expire' as const), which: n }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('sweep' as const) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('group' as const), who: n }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('demote' as const), who: n }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('trouble' as const),
      what: fc.constantFrom('directory' as const, 'content' as const),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('nonce' as const), who: n }) },
  { weight: 5, arbitrary: fc.record({ do: fc.constant('chase' as const), which: n }) },
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('delegate' as const),
      who: member,
      to: member,
      ms: fc.integer({ min: -20, max: 1_500 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('return' as const), who: n }) },
  { weight: 5, arbitrary: fc.record({ do: fc.constant('instead' as const), who: n, which: n }) },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('move' as const),
      which: n,
      what: fc.constantFrom(...MOVES),
      value: fc.nat({ max: 1 }),
    }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('settle' as const), which: n }) },
);
