import fc from 'fast-check';
import type { Verdict } from '../../src/domain/approval.ts';

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
  | { readonly do: 'restart' };

const n = fc.nat({ max: 999 });
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
);
