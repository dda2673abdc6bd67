import { Broken } from './broken.ts';
import { ESCALATE_AFTER, type Known, REMIND_AFTER } from './known.ts';
import type { Who } from './who.ts';
import type { Told } from './witness.ts';

/** The stage of escalation that a deed belongs to; every deputy is one of their own. */
function stageOf(told: Told): string {
  return told.as === 'deputy' ? `deputy ${told.to}` : told.type + (told.as ?? '');
}

const nameOf = ({ type, to, channel, group, moved }: Told): string =>
  `${type} ${to ?? ''}${channel ?? ''}${group ?? ''}${moved?.turn ?? ''}`;

/**
 * What was newly done so that a question reaches somebody: the reminder before all else, each deed once, one stage at a
 * look, in time, and asking only those who may answer (A7; and A2, A3 for whom).
 * @param certain whether it could be looked up who people are
 */
export function checkChased(
  one: Known,
  before: readonly Told[],
  now: readonly Told[],
  at: number,
  who: Who,
  certain: boolean,
): void {
  // What goes on to somebody else has been asked before: it keeps no distance from anything.
  const stages = new Set(now.filter(({ moved }) => moved === null).map(stageOf));
  if (stages.size > 1) throw new Broken('A7', `all at once: ${[...stages].join(', ')}`);
  for (const [i, told] of now.entries()) {
    if ([...before, ...now.slice(0, i)].some((each) => nameOf(each) === nameOf(told)))
      throw new Broken('A7', `${nameOf(told)} once more`);
    const isReminder = told.type === 'approval.reminded';
    if (!isReminder && before.length === 0) throw new Broken('A7', `${nameOf(told)} before any reminder`);
    // What goes on to somebody was asked in time; a clock that was put back since makes it no earlier.
    if (told.moved === null && at < one.requestedAt + (isReminder ? REMIND_AFTER : ESCALATE_AFTER))
      throw new Broken('A7', `${nameOf(told)} too early`);
    if (at >= one.expiresAt) throw new Broken('A7', `${nameOf(told)} after its time was up`);
    if (told.to !== null) checkAsked(one, told.to, told.inPlaceOf, who, certain);
  }
  if (certain && at < one.expiresAt) checkThere(one, [...before, ...now], who);
}

/** What somebody was asked is with whoever is there in their place, or with themselves once they are back (A7). */
function checkThere(one: Known, all: readonly Told[], who: Who): void {
  const holders = new Map(
    all.flatMap(({ to, inPlaceOf }): [string, string][] => (to === null ? [] : [[inPlaceOf ?? to, to]])),
  );
  for (const [owner, holder] of holders) {
    if (one.status !== 'pending' || who.hasSpoken(one, owner) || !who.maySpeak(one, owner, owner)) continue;
    const there = who.standIn(owner);
    const free = there !== undefined && !who.hasSpoken(one, there) && who.maySpeak(one, there, owner);
    const own = there !== undefined && who.maySpeak(one, there, there);
    if (free && holder !== there) throw new Broken('A7', `${there} is there for ${owner}, and was not told`);
    if (!free && !own && holder !== owner) throw new Broken('A7', `${owner} decides, and was not told`);
  }
}

function checkAsked(one: Known, to: string, inPlaceOf: string | null, who: Who, certain: boolean): void {
  if (inPlaceOf !== null && who.standIn(inPlaceOf) !== to)
    throw new Broken('A3', `${to} is asked in the place of ${inPlaceOf}, who said nothing of it`);
  if (who.hasSpoken(one, to)) throw new Broken('A7', `${to} is asked, who has answered`);
  if (!certain) return;
  const rule = who.barred(one, to);
  if (rule !== null) throw new Broken(rule, `${to} is asked, who may not decide`);
  if (!who.may(one, to) && !who.isNamed(to)) throw new Broken('A3', `${to} is asked for nothing`);
  const there = inPlaceOf === null ? who.standIn(to) : undefined;
  if (there !== undefined && !who.hasSpoken(one, there) && who.maySpeak(one, there, to))
    throw new Broken('A7', `${to} is asked, who is away; ${there} is there`);
}
