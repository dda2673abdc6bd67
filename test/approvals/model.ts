import { verifyAudit } from '../../db/audit.ts';
import type { Verdict } from '../../src/domain/approval.ts';
import { approvalCard } from '../../src/slack/builders/approval.ts';
import { refusalWords } from '../../src/slack/words.ts';
import {
  chase,
  comeBack,
  delegate,
  demote,
  glass,
  move,
  nameOf,
  type Stage,
  settle,
  stranger,
} from './around.ts';
import { Broken } from './broken.ts';
import type { Deed } from './deeds.ts';
import { boundTo, ESCALATE_AFTER, type Known, QUESTIONS, REMIND_AFTER, STANDS } from './known.ts';
import { Who } from './who.ts';
import { type Row, Witness } from './witness.ts';
import { hash, idOf, type Name, newApproval, PEOPLE, personOf, TEAM, type World } from './world.ts';

/** The newest are the ones that deeds are about: the others have ended, and are only looked at now and then. */
const WINDOW = 12;
const RUNS = 97;
/** Deeds that trouble lasts. */
const TROUBLE = 6;

/** What came to pass, so that a test that reaches nothing shows. */
export type Reached = Map<string, number>;

export class Model {
  readonly #w: World;
  readonly #witness: Witness;
  readonly #who: Who;
  readonly #stage: Stage;
  readonly #known: Known[] = [];
  readonly reached: Reached = new Map();
  #trouble = 0;

  constructor(w: World) {
    this.#w = w;
    this.#witness = new Witness(w);
    this.#who = new Who(w);
    this.#stage = {
      w,
      who: this.#who,
      witness: this.#witness,
      note: (what) => this.#note(what),
      read: (one) => this.#read(one),
      look: (one) => this.#look(one),
      said: 0,
    };
  }

  async play(deed: Deed): Promise<void> {
    const w = this.#w;
    // Trouble passes: a world in which nobody ever answers reaches nothing.
    if (this.#trouble > 0 && --this.#trouble === 0) {
      w.outside.directoryDown = false;
      w.outside.contentDown = false;
    }
    switch (deed.do) {
      case 'open':
        return this.#open(deed.policy, deed.text);
      case 'say':
        return this.#say(deed);
      case 'take':
        return this.#take(deed.which, deed.key);
      case 'glass':
        return glass(this.#stage, this.#pick(deed.which), deed);
      case 'edit': {
        const one = this.#pick(deed.which);
        if (one?.kind === 'rollback') return move(this.#stage, one, { what: 'files', value: 1 });
        if (one !== undefined) w.outside.content.set(one.id, `${one.id} ${deed.text}`);
        return;
      }
      case 'chase': {
        const one = this.#pick(deed.which);
        const waiting = this.#known.slice(-WINDOW).filter(isChased);
        for (const each of new Set([...waiting, ...(one === undefined ? [] : [one])]))
          await chase(this.#stage, each);
        return;
      }
      case 'delegate':
        return delegate(this.#stage, deed);
      case 'return':
        return comeBack(this.#stage, deed);
      case 'instead': {
        const own = deed.who % 3 === 0;
        const asked = ({ status, kind }: Known) => status === 'pending' && (!own || kind !== 'plain');
        const one = this.#pick(deed.which, asked);
        if (one === undefined) return;
        const able = PEOPLE.filter((each) => this.#who.isAble(one, idOf(each), own));
        const name = able[deed.who % Math.max(1, able.length)];
        return name === undefined ? undefined : this.#hear(one, name, 'approve', TEAM);
      }
      case 'move': {
        const one = this.#pick(deed.which, ({ kind }) => kind === 'rollback');
        return one === undefined ? undefined : move(this.#stage, one, deed);
      }
      case 'settle': {
        const one = this.#pick(deed.which, ({ kind }) => kind === 'budget');
        return one === undefined ? undefined : settle(this.#stage, one);
      }
      case 'wait':
        return w.clock.advance(deed.ms);
      case 'back':
        // Never further than what was not there yet: expiries that were noted must stay.
        return w.clock.advance(-deed.ms);
      case 'expire': {
        // Older ones, too: their time is up.
        const one = this.#known.at(-1 - (deed.which % 60));
        if (one === undefined || w.clock.now() < one.expiresAt) return;
        await w.approvals.expire(one.id, w.clock.now());
        return this.#look(one, 'A7', false);
      }
      case 'sweep':
        await w.approvals.expireDue(w.clock.now());
        for (const one of this.#known.slice(-WINDOW)) this.#look(one, 'A7', false);
        return;
      case 'group': {
        const id = idOf(nameOf(deed.who));
        if (!w.outside.group.delete(id)) w.outside.group.add(id);
        return;
      }
      case 'demote':
        return demote(w, idOf(nameOf(deed.who)));
      case 'trouble':
        if (deed.what === 'directory') w.outside.directoryDown = true;
        else w.outside.contentDown = true;
        this.#trouble = TROUBLE;
        return;
      case 'nonce':
        return stranger(this.#stage, deed.who);
      case 'restart':
        w.restart();
        for (const one of this.#known.slice(-WINDOW)) this.#look(one, 'A10');
        return;
      default:
        deed satisfies never;
    }
  }

  /** Everything at once, at the end: the whole audit, and what each approval has become. */
  async end(): Promise<void> {
    const w = this.#w;
    w.log.audit.publish();
    const { problem, rows, outside } = verifyAudit(w.raw, w.file);
    if (problem !== null) throw new Broken('A12', `row ${problem.seq}: ${problem.problem}`);
    if (outside !== rows) throw new Broken('A12', `${rows} rows, of which ${outside} are outside`);
    for (const one of this.#known) this.#look(one);
  }

  #pick(which: number, among: (one: Known) => boolean = () => true): Known | undefined {
    const recent = this.#known.slice(-WINDOW).filter(among);
    return recent[which % Math.max(1, recent.length)];
  }

  #note(what: string): void {
    this.reached.set(what, (this.reached.get(what) ?? 0) + 1);
  }

  async #open(policy: number, text: string): Promise<void> {
    const w = this.#w;
    const number = this.#known.length;
    const { kind, policy: openedWith } = QUESTIONS[policy % QUESTIONS.length] ?? {
      kind: 'plain',
      policy: {},
    };
    const content = kind === 'rollback' ? await boundTo(w, `apr_${number}`, STANDS) : `apr_${number} ${text}`;
    const times = { remindAfterMs: REMIND_AFTER, escalateAfterMs: ESCALATE_AFTER };
    const made = newApproval(number, content, w.clock.now(), { ...times, ...openedWith });
    // Runs ask little: what was done about a question is found among all that its run told.
    const wanted = { ...made, runId: `run_${number % RUNS}` };
    w.outside.content.set(wanted.id, content);
    const stored = await w.approvals.open(wanted);
    // What people are shown, they are shown with the digest of all of it; a button carries the nonce and nothing else.
    const card = approvalCard({
      approval: stored,
      epicTitle: 'Epic',
      askedBy: null,
      costUsd: null,
      rehearsal: false,
    });
    const values = [...JSON.stringify(card.blocks).matchAll(/"value":"([^"]*)"/g)].map(([, value]) => value);
    if (values.some((value) => value !== wanted.nonce))
      throw new Broken('A8', `a button carries ${values.join(', ')}`);
    if (/apr_|run_|UALICE/.test(wanted.nonce)) throw new Broken('A8', 'the nonce tells what it is for');
    if (!card.text.includes(hash(content).slice(0, 4)))
      throw new Broken('A6', 'the card does not show the digest of what is hashed');
    this.#known.push({
      id: wanted.id,
      number,
      runId: wanted.runId,
      nonce: wanted.nonce,
      kind,
      shown: hash(content),
      openedWith,
      stand: STANDS,
      requestedAt: wanted.requestedAt,
      expiresAt: wanted.expiresAt,
      status: 'pending',
      decidedBy: null,
      yes: new Map(),
      acted: 0,
      glass: false,
    });
  }

  async #say({ who, which, verdict, team }: Extract<Deed, { do: 'say' }>): Promise<void> {
    const one = this.#pick(which);
    if (one !== undefined) await this.#hear(one, nameOf(who), verdict, team ? TEAM : 'T2');
  }

  async #hear(one: Known, name: Name, verdict: Verdict, team: string): Promise<void> {
    const w = this.#w;
    const id = idOf(name);
    const before = this.#read(one);
    const down = w.outside.directoryDown;
    // The click carries who they were told to be when Slack last answered; groups and content are asked about now.
    const by = personOf(id, team, { ...w.outside, directoryDown: false });
    const result = await w.service.decide({ nonce: one.nonce, by, place: 'C1' }, verdict, null);
    const after = this.#read(one);
    if (result === null) throw new Broken('A10', 'an old button is not known');
    if (!result.ok) {
      const words = refusalWords(result.refusal, result.approval);
      if (words.trim().length < 20) throw new Broken('A9', `refused as ${result.refusal} without a word`);
      this.#note(`refused ${result.refusal}`);
      if (result.refusal === 'requester' && this.#who.placesOf(id).length > 0)
        this.#note('the requester stands in, and is refused');
      if (result.refusal === 'content_changed' && one.kind === 'rollback') this.#note('a rollback moved on');
      if (result.refusal === 'already_decided' && one.kind === 'budget')
        this.#note('a budget answered twice');
      const recorded = result.refusal === 'content_changed' || result.refusal === 'expired';
      if (before.status !== 'pending' && before.status !== after.status && after.status !== 'lapsed')
        throw new Broken('A1', `${before.status} became ${after.status} by a refused click`);
      if (!recorded && JSON.stringify(after) !== JSON.stringify(before))
        throw new Broken('A9', `refused as ${result.refusal}, and something changed`);
      return this.#look(one);
    }
    if (before.status !== 'pending') throw new Broken('A1', `${name} decided what was ${before.status}`);
    if (w.clock.now() >= one.expiresAt) throw new Broken('A7', `${name} decided after the end`);
    this.#mayDecide(one, name, by.team);
    if (needsGroup(one) && down)
      throw new Broken('A13', 'decided while nobody could say who is in the group');
    if (w.outside.contentDown) throw new Broken('A13', 'decided while nobody could say what it is about');
    if (hash(w.outside.content.get(one.id) ?? '') !== one.shown)
      throw new Broken('A5', `${verdict} on content that had changed`);
    this.#unmoved(one);
    if (verdict === 'approve') this.#said(one, id, after);
    if (verdict !== 'approve' && after.status === 'pending') throw new Broken('A4', 'a no did not end it');
    this.#note(after.status === 'pending' ? 'vote' : after.status);
    return this.#look(one);
  }

  /** What the policy, as the test wrote it, says of this person; not what the parts made of it. */
  #mayDecide(one: Known, name: Name, team: string): void {
    const id = idOf(name);
    const rule = this.#who.barred(one, id);
    if (rule !== null) throw new Broken(rule, `${name} decided`);
    if (team !== TEAM) throw new Broken('A3', `${name} decided from elsewhere`);
    if (one.openedWith.problem != null) throw new Broken('A13', 'decided under a policy that cannot be read');
    if (!this.#who.may(one, id)) throw new Broken('A3', `${name} is not among those who decide`);
  }

  /** A yes was accepted: from which seat, and whether it was enough. */
  #said(one: Known, id: string, after: Row): void {
    const who = this.#who;
    const seat = this.#witness.seatOf(after, id);
    if (seat === undefined) throw new Broken('A12', `${id} said yes, and nothing says so`);
    if (seat !== id && !who.placesOf(id).includes(seat))
      throw new Broken('A3', `${id} spoke for ${seat}, who never said so`);
    if (seat !== id && this.#w.outside.directoryDown)
      throw new Broken('A13', `${id} spoke for ${seat} while nobody could say who that is`);
    if (!who.maySpeak(one, id, seat)) throw new Broken('A4', `${id} spoke from the seat of ${seat}`);
    if (seat !== id && [...one.yes.values()].some((yes) => yes.seat === seat))
      throw new Broken('A4', `the seat of ${seat} has spoken before`);
    if (seat !== id) this.#note('vote in the place of somebody');
    // Whoever is back speaks for themselves: what was said in their place counts no more.
    for (const [other, yes] of one.yes) if (yes.seat === id) one.yes.delete(other);
    one.yes.set(id, { seat, needs: who.needsMetBy(one, seat) });
    const enough = who.isEnough(one, one.yes.values());
    if (!enough && after.status !== 'pending') throw new Broken('A4', `${one.yes.size} yes are not enough`);
    if (enough && after.status === 'pending') throw new Broken('A4', 'enough said yes, and it is still open');
  }

  /** A run that is to be taken back stands as it did when it was shown. */
  #unmoved({ kind, stand }: Known): void {
    if (kind === 'rollback' && Object.values(stand).some((value) => value !== 0))
      throw new Broken('A5', `a yes to a rollback counts, and the run moved on: ${JSON.stringify(stand)}`);
  }

  async #take(which: number, key: number): Promise<void> {
    const w = this.#w;
    const one = this.#pick(which);
    if (one === undefined) return;
    const before = this.#read(one);
    const content = w.outside.content.get(one.id) ?? '';
    const mine = `run/keep-${key}`;
    let result: Awaited<ReturnType<World['service']['take']>>;
    try {
      result = await w.service.take(one.id, mine, w.digest(one.id));
    } catch {
      this.#note('take in trouble');
      return this.#look(one);
    }
    if (!result.ok) {
      this.#note(`not taken ${result.why}`);
      if (result.why === 'content_changed' && one.kind === 'rollback') this.#note('not taken: it moved on');
      if (result.why === 'right_lost' && [...one.yes].some(([id, { seat }]) => id !== seat))
        this.#note('not taken: a place was lost');
      return this.#look(one, 'A11');
    }
    if (!result.again) one.acted += 1;
    if (one.acted > 1) throw new Broken('A11', 'one yes was used twice');
    if (result.again && before.takenBy !== mine) throw new Broken('A11', 'another action was let through');
    if (result.again) return;
    if (before.status !== 'approved') throw new Broken('A11', `taken while ${before.status}`);
    if (w.clock.now() >= (before.executeBy ?? 0)) throw new Broken('A7', 'carried out after its time');
    if (hash(content) !== one.shown) throw new Broken('A5', 'something else was carried out than was shown');
    this.#unmoved(one);
    if (w.outside.contentDown || (w.outside.directoryDown && before.votes !== '[]'))
      throw new Broken('A13', 'carried out in trouble');
    if (before.breakGlass === null && !this.#who.isEnough(one, this.#who.standing(one)))
      throw new Broken('A3', 'carried out for somebody who lost the right');
    this.#note('taken');
    return this.#look(one);
  }

  #read(one: Known): Row {
    return this.#witness.approval(one.id);
  }

  /**
   * Compares what is stored with what is known: an end is one, and stays.
   * @param byPerson whether what became of it may be somebody's decision
   */
  #look(one: Known, rule = 'A1', byPerson = true): void {
    const now = this.#read(one);
    if (!byPerson && one.status === 'pending' && now.decidedBy !== null)
      throw new Broken('A7', `time ran out, and ${now.decidedBy} is said to have ${now.status} it`);
    if (now.nonce !== one.nonce) throw new Broken('A10', 'the old button is another now');
    const from = one.status;
    const goesOn =
      from === 'pending' ||
      (from === 'approved' && ['taken', 'lapsed', 'voided', 'approved'].includes(now.status));
    if (now.status !== from && !goesOn) throw new Broken(rule, `${from} became ${now.status}`);
    if (one.decidedBy !== null && now.decidedBy !== one.decidedBy)
      throw new Broken(rule, 'another one is said to have decided');
    if (now.status === 'expired' && now.decidedBy !== null)
      throw new Broken('A7', 'a timeout is said to be somebody’s');
    if (now.status === 'rejected' && now.decidedBy === null)
      throw new Broken('A7', 'a rejection is nobody’s');
    if (now.breakGlass === null && one.glass) throw new Broken('A14', 'the broken glass is forgotten');
    if (now.status !== from && now.status !== 'pending') {
      this.#witness.readOn();
      const decided = now.status === 'expired' ? this.#witness.decision(`dec_${one.id}`) : null;
      if (decided !== null && (decided?.choice !== 'timeout' || decided.actorKind !== 'clock'))
        throw new Broken('A7', `a timeout is recorded as ${JSON.stringify(decided)}`);
      if (!this.#witness.audited(one.id, `approval.${now.status}`))
        throw new Broken('A12', `${now.status} is not in the audit`);
      this.#note(`ended ${now.status}`);
      if (now.status === 'expired' && this.#witness.deeds(one.id).length > 0)
        this.#note('expired after people were asked');
    }
    one.status = now.status;
    one.decidedBy = now.decidedBy;
  }
}

/** A question that waits, and is brought to people one after the other: of the others only one now and then. */
function isChased({ status, openedWith }: Known): boolean {
  return status === 'pending' && openedWith.escalation !== undefined;
}

function needsGroup(one: Known): boolean {
  return (one.openedWith.groups ?? []).length > 0;
}
