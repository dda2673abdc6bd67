import { Broken } from './broken.ts';
import { checkChased } from './chased.ts';
import type { Deed } from './deeds.ts';
import { boundTo, type Known } from './known.ts';
import type { Who } from './who.ts';
import type { Row, Witness } from './witness.ts';
import { idOf, PEOPLE, personOf, TEAM, type World } from './world.ts';

/** What deeds have to do with: the world, who may do what in it, and what is seen of it. */
export interface Stage {
  readonly w: World;
  readonly who: Who;
  readonly witness: Witness;
  readonly note: (what: string) => void;
  readonly read: (one: Known) => Row;
  readonly look: (one: Known) => void;
  /** How often people were said to be away, so that each time has a name of its own. */
  said: number;
}

/** Somebody looks whether the question is to be brought to somebody's notice again. */
export async function chase(stage: Stage, one: Known): Promise<void> {
  const { w, who, witness, note, read } = stage;
  const before = JSON.stringify(read(one));
  witness.readOn();
  const told = witness.deeds(one.id);
  const now = w.clock.now();
  const next = await w.chaser.chase(one.id, now);
  if (JSON.stringify(read(one)) !== before) throw new Broken('A9', 'asking again changed the question');
  witness.readOn();
  const more = witness.deeds(one.id).slice(told.length);
  if (more.length > 0 && read(one).status !== 'pending')
    throw new Broken('A7', `people are asked about what is ${read(one).status}`);
  if (next !== null && next <= now) throw new Broken('A7', 'the next look was due already');
  checkChased(one, told, more, now, who, !w.outside.directoryDown);
  for (const each of more) {
    if (each.moved !== null) note(each.inPlaceOf === null ? 'came back' : 'went on');
    else note(each.as === null ? each.type : `${each.type} ${each.as}`);
    if (each.inPlaceOf !== null && each.moved === null) note('asked in the place of somebody');
  }
}

export async function delegate(stage: Stage, deed: Extract<Deed, { do: 'delegate' }>): Promise<void> {
  const { w, who, note } = stage;
  const { outside } = w;
  const [from, to] = [idOf(nameOf(deed.who)), idOf(nameOf(deed.to))];
  const until = w.clock.now() + deed.ms;
  stage.said += 1;
  let result: Awaited<ReturnType<World['absences']['delegate']>>;
  try {
    const by = personOf(from, TEAM, { ...outside, directoryDown: false });
    result = await w.absences.delegate(by, to, until, `said ${stage.said}`);
  } catch {
    if (!outside.directoryDown) throw new Broken('A13', 'nobody can be named, and nothing is wrong');
    return note('delegation in trouble');
  }
  if (!result.ok) return note(`delegation ${result.refusal}`);
  if (outside.directoryDown) throw new Broken('A13', 'named while nobody could say who that is');
  for (const id of [from, to])
    if (['UBOT', 'UGUEST', 'USTRANGER'].includes(id) || outside.demoted.has(id))
      throw new Broken('A3', `${id} lends or is lent a place`);
  if (from === to || deed.ms <= 0) throw new Broken('A3', 'a place is lent to its owner, or for no time');
  who.delegated(from, to, until);
  note(who.placesOf(from).includes(to) ? 'delegation back and forth' : 'delegation');
}

export async function comeBack({ w, who }: Stage, deed: Extract<Deed, { do: 'return' }>): Promise<void> {
  const away = PEOPLE.map(idOf).filter((each) => who.standIn(each) !== undefined);
  const id = away[deed.who % Math.max(1, away.length)] ?? idOf(nameOf(deed.who));
  await w.absences.back(TEAM, id);
  who.returned(id);
}

/** Somebody becomes a guest, or a member again. */
export function demote({ outside: { demoted } }: World, id: string): void {
  if (demoted.delete(id)) return;
  // Never most of them: a world in which nobody may do anything reaches nothing.
  const [longest] = demoted;
  if (demoted.size >= 2 && longest !== undefined) demoted.delete(longest);
  demoted.add(id);
}

/** A run that somebody wants taken back goes on: what the yes would be for is another thing now. */
export async function move(
  { w, note }: Stage,
  one: Known,
  { what, value }: Pick<Extract<Deed, { do: 'move' }>, 'what' | 'value'>,
): Promise<void> {
  if (one.kind !== 'rollback') return;
  one.stand = { ...one.stand, [what]: value };
  w.outside.content.set(one.id, await boundTo(w, one.id, one.stand));
  note(`moved ${what}`);
}

/** What follows from the answer about a budget comes to pass, perhaps for the second time. */
export async function settle({ w, witness, note, read }: Stage, one: Known): Promise<void> {
  if (one.kind !== 'budget') return;
  const { status, decidedBy } = read(one);
  const raise = status === 'approved' || status === 'taken';
  w.outside.told.length = 0;
  await w.settle(one.id, one.runId, 1_000 + one.number);
  witness.readOn();
  const raised = witness.raised(1_000 + one.number);
  if (raised > 1) throw new Broken('A11', 'one yes raised a budget twice');
  if (raised === 1 && !raise)
    throw new Broken(decidedBy === null ? 'A7' : 'A1', `raised, and the question is ${status}`);
  if (raised === 0 && raise) throw new Broken('A10', 'a yes to a budget is lost');
  const decision = witness.decision(`dec_budget_${one.id}`);
  if (decision !== undefined && (decision.actor !== decidedBy || decision.actorKind !== 'person'))
    throw new Broken('A12', `what was done about a budget is said to be ${decision.actor}’s`);
  const told = w.outside.told.join();
  const wanted =
    status === 'rejected'
      ? `stop ${one.runId} ${decidedBy}`
      : status === 'changes_requested'
        ? `deliver ${one.runId}`
        : '';
  if (told !== wanted) throw new Broken('A1', `${status}, and its run is told "${told}"`);
  note(raise ? 'budget raised' : `budget ${status}`);
}

/** An admin's way past who may decide. */
export async function glass(
  { w, witness, note, look }: Stage,
  one: Known | undefined,
  { who, reason }: Extract<Deed, { do: 'glass' }>,
): Promise<void> {
  if (one === undefined) return;
  const name = nameOf(who);
  const by = personOf(idOf(name), TEAM, { ...w.outside, directoryDown: false });
  const result = await w.service.breakGlass({ nonce: one.nonce, by, place: 'C1' }, reason ? 'it burns' : ' ');
  if (result === null) throw new Broken('A10', 'an old button is not known');
  if (!result.ok) return look(one);
  if (name !== 'admin') throw new Broken('A14', `${name} broke the glass`);
  if (!reason) throw new Broken('A14', 'the glass was broken without a reason');
  one.glass = true;
  witness.readOn();
  const loud = witness.told(result.approval.runId, 'approval.broke_glass', one.id);
  const row = witness.audited(one.id, 'approval.broke_glass', idOf(name));
  if (!loud || !row || result.approval.breakGlass?.by !== idOf(name))
    throw new Broken('A14', 'the glass was broken quietly');
  note('glass');
  return look(one);
}

/** Somebody guesses what a button might carry. */
export async function stranger({ w }: Stage, who: number): Promise<void> {
  const by = personOf(idOf(nameOf(who)), TEAM, {
    ...w.outside,
    directoryDown: false,
  });
  for (const guess of [`apr_${who}`, `run_${who}`, '', 'approve'])
    if ((await w.service.decide({ nonce: guess, by, place: 'C1' }, 'approve', null)) !== null)
      throw new Broken('A8', `"${guess}" was taken for a button`);
}

export function nameOf(who: number): (typeof PEOPLE)[number] {
  return PEOPLE[who % PEOPLE.length] ?? 'bob';
}
