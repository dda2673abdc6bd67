/**
 * What happens in each of the 43 control-flow patterns, in order. `> x` sends the signal x, with a payload if one follows;
 * everything else is told by the run: `+x` x begins, `x` it has ended, `-x` it was given up or left out, `@x` a machine came
 * to x, `join x: a, b of 3` a join was passed, `late a` what a brought no longer counted, `added x` an item came, `round 2
 * no` a loop's round was not enough, `!x` x failed, `= completed` the run's end. Nothing else may happen in between. What
 * begins, or is given up, at one moment has no order of its own.
 */
export const scripts: Readonly<Record<string, string>> = {
  '01-sequence': '+a; a; +b; b; +c; > c; c; = completed',
  // Both have begun before either ends, and either may end first.
  '02-parallel-split': '+a; +b; > b; b; > a; a; = completed',
  '03-synchronization': '+a; +b; > b; b; > a; a; +after; > after; after; = completed',
  // The second rule would match too.
  '04-exclusive-choice': '+ask; > ask {"lines": 60}; ask; +large; > large; large; = completed',
  '05-simple-merge':
    '+ask; > ask {"left": false}; ask; +right; > right; right; +after; > after; after; = completed',
  '06-multi-choice':
    '+ask; > ask {"page": true, "api": false, "docs": true}; ask; +page; +docs; > docs; docs; > page; page; = completed',
  // Two of three were chosen: the join waits for both of them, and for no third.
  '07-structured-synchronizing-merge':
    '+ask; > ask {"page": false, "api": true, "docs": true}; ask; +api; +docs; > api; api; > docs; docs; +after; > after; after; = completed',
  // The check runs for b while a is still under way, and once more for a.
  '08-multi-merge': '+a; +b; > b; b; +check; check; > a; a; +check; check; = completed',
  '09-structured-discriminator':
    '+a; +b; +c; > b; b; join some: b of 3; +next; > a; a; late a; > next; next; > c; c; late c; +after; > after; after; = completed',
  '10-arbitrary-cycles':
    '@design; +design; > design; design; @build; +build; > build {"unclear": true}; build; @design; +design; > design; design; ' +
    '@build; +build; > build {"unclear": false}; build; @review; +review; > review {"verdict": "build"}; review; ' +
    '@build; +build; > build {"unclear": false}; build; @review; +review; > review {"verdict": "good"}; review; @done; = completed',
  '11-implicit-termination': '+a; +c; > a; a; +b; > c; c; > b; b; = completed',
  // What follows begins before any letter has arrived.
  '12-instances-without-synchronization':
    '+letter; +letter; +letter; join root: none of 3; +next; > next; next; > letter; letter; late item-1; > letter; letter; late item-2; > letter; letter; late item-3; = completed',
  '13-instances-known-when-designed':
    '+work; +work; +work; > work; work; > work; work; > work; work; +after; > after; after; = completed',
  '14-instances-known-when-begun':
    '+plan; > plan {"files": ["a.ts", "b.ts"]}; plan; +work; +work; > work; work; > work; work; +after; > after; after; = completed',
  // Two more come while one is under way; with the last of them done no more can.
  '15-instances-not-known-before':
    '+work; > another "two"; added item-2; +work; > work; work; > another "three"; added item-3; +work; > work; work; > work; work; join many: item-1, item-2, item-3 of 3; +after; > after; after; = completed',
  // The customer's answer, which comes after the colleague's, is left untouched.
  '16-deferred-choice': '+root; > colleague; root; +note; > customer; > note; note; = completed',
  // Any two may follow each other, but the left ones keep their order, and so do the right ones.
  '17-interleaved-parallel-routing':
    '+l1; > l1; l1; +r1; > r1; r1; +l2; > l2; l2; +r2; > r2; r2; = completed',
  // Waits until it is open; what comes when it is shipped is too late.
  '18-milestone':
    '+open; +regret; > open; open; +shut; +change; > change; change; > shut; shut; +ship; > regret; regret; -change-late; > ship; ship; = completed',
  '19-cancel-task': '+search; +found; > found; found; -search; +after; > after; after; = completed',
  '20-cancel-case': '+a; +b; > a; a; ! stop; = cancelled',
  '21-structured-loop':
    '+attempt; > attempt {"works": false}; attempt; round 1 no; +attempt; > attempt {"works": false}; attempt; round 2 no; ' +
    '+attempt; > attempt {"works": true}; attempt; round 3 yes; +after; > after; after; = completed',
  // Each call sums up after those within it.
  '22-recursion':
    '+look; > look {"folders": 2}; look; +look-2; > look {"folders": 1}; look-2; +look-3; > look {"folders": 0}; look-3; ' +
    '+sum-3; sum-3; +sum-2; sum-2; +sum; sum; = completed',
  '23-transient-trigger': '+a; > knock; > a; a; note; +knock; > knock; knock; = completed',
  '24-persistent-trigger': '+a; > letter; > a; a; +letter; letter; = completed',
  // `sketch` is under way in the region; `paint`, behind it, never begins; `api` is none of it.
  '25-cancel-region':
    '+sketch; +copy; +api; +news; > news; news; -sketch; -page; -copy; > api; api; +after; > after; after; = completed',
  '26-cancel-instances':
    '+call; +call; +call; +stop; > call; call; > stop; stop; -call; -survey; +after; > after; after; = completed',
  // What was done is kept.
  '27-complete-instances':
    '+call; +call; +call; +deadline; > call; call; > call; call; > deadline; deadline; join survey: item-1, item-2 of 3; -item-3; +after; > after; after; = completed',
  // The second round begins with the last end of the first, not with the first.
  '28-blocking-discriminator':
    '+a; +b; > b; b; join some: b of 2; +next; next; > a; a; late a; +a; +b; > a; a; join some: a of 2; +next; next; > b; b; late b; = completed',
  '29-cancelling-discriminator':
    '+a; +b; +c; > b; b; join some: b of 3; -a; -c; +next; > next; next; +after; > after; after; = completed',
  '30-structured-partial-join':
    '+a; +b; +c; > b; b; > c; c; join some: b, c of 3; +next; > a; a; late a; > next; next; +after; > after; after; = completed',
  '31-blocking-partial-join':
    '+a; +b; +c; > b; b; > c; c; join some: b, c of 3; +next; next; > a; a; late a; +a; +b; +c; > a; a; > b; b; join some: a, b of 3; +next; next; > c; c; late c; = completed',
  '32-cancelling-partial-join':
    '+a; +b; +c; > b; b; > c; c; join some: b, c of 3; -a; +next; > next; next; +after; > after; after; = completed',
  // Two invoices come before the first delivery: the second is kept for its own pair.
  '33-generalised-and-join':
    '+invoice; +delivery; > invoice; invoice; > invoice; > delivery; delivery; +pay; pay; +invoice; +delivery; invoice; > delivery; delivery; +pay; pay; = completed',
  '34-static-partial-join-of-instances':
    '+work; +work; +work; > work; work; > work; work; join many: item-1, item-2 of 3; +next; > work; work; late item-3; > next; next; +after; > after; after; = completed',
  '35-cancelling-partial-join-of-instances':
    '+work; +work; +work; > work; work; > work; work; join many: item-1, item-2 of 3; -item-3; +next; > next; next; +after; > after; after; = completed',
  // The bad bid does not count; the fourth, asked for meanwhile, comes too late to.
  '36-dynamic-partial-join-of-instances':
    '+work; > another "two"; added item-2; +work; > another "three"; added item-3; +work; > work {"good": true}; work; > work {"good": false}; work; > another "four"; added item-4; +work; ' +
    '> work {"good": true}; work; join many: item-1, item-2, item-3 of 4; +next; > next; next; > work {"good": true}; work; late item-4; +after; > after; after; = completed',
  '37-local-synchronizing-merge':
    '+ask; +api; > ask {"header": true, "footer": false}; ask; +header; > api; api; > header; header; +after; > after; after; = completed',
  // Nothing was found, so the repair can never begin: known only when all else has ended.
  '38-general-synchronizing-merge':
    '+look; +other; > look {"found": false}; look; > other; other; -repair; +after; > after; after; = completed',
  // `a1` and `a2` are one section: `b1` waits for both.
  '39-critical-section':
    '+a; +b; > a; a; +a1; > b; b; > a1; a1; +a2; > a2; a2; +b1; > b1; b1; +b2; > b2; b2; = completed',
  '40-interleaved-routing':
    '+blood; +arrive; > arrive; arrive; > blood; blood; +heart; > heart; heart; +picture; > picture; picture; +after; > after; after; = completed',
  '41-thread-merge':
    '+thread; +thread; +thread; > thread; thread; > thread; thread; > thread; thread; join root: item-1, item-2, item-3 of 3; +report; > report; report; = completed',
  // One thread signs while the other still drafts.
  '42-thread-split':
    '+draft; +draft; > draft; draft; +sign; > sign; sign; > draft; draft; +sign; > sign; sign; = completed',
  '43-explicit-termination': '+advertise; +sold; > sold; sold; +over; over; -advertise; = completed',
};

/** The same file in other circumstances. */
export const others: readonly { readonly file: string; readonly of: string; readonly script: string }[] = [
  {
    file: '04-exclusive-choice',
    of: 'no rule matches',
    script: '+ask; > ask {"lines": 3}; ask; +small; > small; small; = completed',
  },
  {
    file: '05-simple-merge',
    of: 'the other way',
    script: '+ask; > ask {"left": true}; ask; +left; > left; left; +after; > after; after; = completed',
  },
  {
    file: '06-multi-choice',
    of: 'none was chosen',
    script: '+ask; > ask {"page": false}; ask; = completed',
  },
  {
    file: '10-arbitrary-cycles',
    of: 'round more often than it may',
    script: `${'@design; +design; > design; design; @build; +build; > build {"unclear": true}; build; '.repeat(5)}!root; = failed`,
  },
  {
    file: '18-milestone',
    of: 'both come in time',
    script:
      '+open; +regret; > regret; regret; > open; open; +shut; +change; +change-late; > change; change; > change-late; change-late; > shut; shut; +ship; > ship; ship; = completed',
  },
  {
    file: '38-general-synchronizing-merge',
    of: 'it was found, so the repair is waited for',
    script:
      '+look; +other; > look {"found": true}; look; +report; > other; other; > report; report; +repair; > repair; repair; +after; > after; after; = completed',
  },
  {
    file: '22-recursion',
    of: 'deeper than it may go',
    script:
      '+look; > look {"folders": 1}; look; +look-2; > look {"folders": 1}; look-2; +look-3; > look {"folders": 1}; look-3; ' +
      '+look-4; > look {"folders": 1}; look-4; !inside-4; = failed',
  },
];
