import fc from 'fast-check';
import { verifyAudit } from '../../db/audit.ts';
import type { ApprovalPolicy, ApprovalStatus } from '../../src/domain/approval.ts';
import { approvalCard } from '../../src/slack/builders/approval.ts';
import { refusalWords } from '../../src/slack/words.ts';
import { Broken } from './broken.ts';
import { type Deed, deeds } from './deeds.ts';
import { type Row, Witness } from './witness.ts';
import {
  GROUP,
  hash,
  idOf,
  type Name,
  newApproval,
  openWorld,
  PEOPLE,
  personOf,
  TEAM,
  type World,
} from './world.ts';

const POLICIES: readonly Partial<ApprovalPolicy>[] = [
  {},
  { fourEyes: true },
  { count: 2 },
  { groups: [GROUP] },
  { groups: [GROUP], count: 2, fourEyes: true },
  { people: ['UBOB', 'UALICE'], fourEyes: true },
  {
    requirements: [{ trigger: 'files', why: 'w', anyone: false, people: ['UDAVE'], groups: [], count: 1 }],
    groups: [GROUP],
  },
  { requirements: [{ trigger: 'deploy', why: 'w', anyone: false, people: [], groups: [], count: 1 }] },
  { problem: 'approvals.triggers: nonsense' },
  { executeWithinMs: 0 },
];
/** The newest are the ones that deeds are about: the others have ended, and are only looked at now and then. */
const WINDOW = 12;
/** Deeds that trouble lasts. */
const TROUBLE = 6;

/** What the test knows on its own of an approval, to compare with what the parts made of it. */
interface Known {
  readonly id: string;
  readonly nonce: string;
  readonly shown: string;
  readonly openedWith: Partial<ApprovalPolicy>;
  readonly expiresAt: number;
  status: ApprovalStatus;
  decidedBy: string | null;
  /** Everybody whose yes was accepted. */
  readonly yes: Set<string>;
  acted: number;
  glass: boolean;
}

/** What came to pass, so that a test that reaches nothing shows. */
export type Reached = Map<string, number>;

export class Model {
  readonly #w: World;
  readonly #witness: Witness;
  readonly #known: Known[] = [];
  readonly reached: Reached = new Map();
  #trouble = 0;

  constructor(w: World) {
    this.#w = w;
    this.#witness = new Witness(w);
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
        return this.#glass(deed);
      case 'edit': {
        const one = this.#pick(deed.which);
        if (one !== undefined) w.outside.content.set(one.id, `${one.id} ${deed.text}`);
        return;
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
        return this.#look(one);
      }
      case 'sweep':
        await w.approvals.expireDue(w.clock.now());
        for (const one of this.#known.slice(-WINDOW)) this.#look(one);
        return;
      case 'group': {
        const id = idOf(PEOPLE[deed.who % PEOPLE.length] ?? 'bob');
        if (!w.outside.group.delete(id)) w.outside.group.add(id);
        return;
      }
      case 'demote': {
        const id = idOf(PEOPLE[deed.who % PEOPLE.length] ?? 'bob');
        if (!w.outside.demoted.delete(id)) w.outside.demoted.add(id);
        return;
      }
      case 'trouble':
        if (deed.what === 'directory') w.outside.directoryDown = true;
        else w.outside.contentDown = true;
        this.#trouble = TROUBLE;
        return;
      case 'nonce':
        return this.#stranger(deed.who);
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

  #pick(which: number): Known | undefined {
    const recent = this.#known.slice(-WINDOW);
    return recent[which % Math.max(1, recent.length)];
  }

  #note(what: string): void {
    this.reached.set(what, (this.reached.get(what) ?? 0) + 1);
  }

  async #open(policy: number, text: string): Promise<void> {
    const w = this.#w;
    const number = this.#known.length;
    const content = `apr_${number} ${text}`;
    const openedWith = POLICIES[policy % POLICIES.length] ?? {};
    const wanted = newApproval(number, content, w.clock.now(), openedWith);
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
      nonce: wanted.nonce,
      shown: hash(content),
      openedWith,
      expiresAt: wanted.expiresAt,
      status: 'pending',
      decidedBy: null,
      yes: new Set(),
      acted: 0,
      glass: false,
    });
  }

  async #say({ who, which, verdict, team }: Extract<Deed, { do: 'say' }>): Promise<void> {
    const w = this.#w;
    const one = this.#pick(which);
    if (one === undefined) return;
    const name = PEOPLE[who % PEOPLE.length] ?? 'bob';
    const id = idOf(name);
    const before = this.#read(one);
    const down = w.outside.directoryDown;
    // The click carries who they were told to be when Slack last answered; groups and content are asked about now.
    const by = personOf(id, team ? TEAM : 'T2', { ...w.outside, directoryDown: false });
    const result = await w.service.decide({ nonce: one.nonce, by, place: 'C1' }, verdict, null);
    const after = this.#read(one);
    if (result === null) throw new Broken('A10', 'an old button is not known');
    if (!result.ok) {
      const words = refusalWords(result.refusal, result.approval);
      if (words.trim().length < 20) throw new Broken('A9', `refused as ${result.refusal} without a word`);
      this.#note(`refused ${result.refusal}`);
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
    if (verdict === 'approve') one.yes.add(id);
    if (verdict === 'approve' && after.status !== 'pending' && one.yes.size < (one.openedWith.count ?? 1))
      throw new Broken('A4', `${one.yes.size} yes where ${one.openedWith.count} are needed`);
    if (verdict !== 'approve' && after.status === 'pending') throw new Broken('A4', 'a no did not end it');
    this.#note(after.status === 'pending' ? 'vote' : after.status);
    return this.#look(one);
  }

  /** What the policy, as the test wrote it, says of this person; not what the parts made of it. */
  #mayDecide(one: Known, name: Name, team: string): void {
    const { fourEyes, people = [], groups = [], problem } = one.openedWith;
    const id = idOf(name);
    const { outside } = this.#w;
    if (name === 'bot') throw new Broken('A2', 'the bot decided');
    if (name === 'erin') throw new Broken('A2', 'the last editor decided');
    if (name === 'alice' && fourEyes === true) throw new Broken('A2', 'the requester decided');
    if (team !== TEAM || name === 'guest' || name === 'stranger' || outside.demoted.has(id))
      throw new Broken('A3', `${name} decided`);
    if (problem != null) throw new Broken('A13', 'decided under a policy that cannot be read');
    const extra = (one.openedWith.requirements ?? []).flatMap((each) => each.people);
    const named = [...people, ...extra];
    const inGroup = groups.length > 0 && outside.group.has(id);
    const open = people.length === 0 && groups.length === 0 && one.openedWith.requirements === undefined;
    if (!open && !named.includes(id) && !inGroup)
      throw new Broken('A3', `${name} is not among those who decide`);
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
      return this.#look(one, 'A11');
    }
    if (!result.again) one.acted += 1;
    if (one.acted > 1) throw new Broken('A11', 'one yes was used twice');
    if (result.again && before.takenBy !== mine) throw new Broken('A11', 'another action was let through');
    if (result.again) return;
    if (before.status !== 'approved') throw new Broken('A11', `taken while ${before.status}`);
    if (w.clock.now() >= (before.executeBy ?? 0)) throw new Broken('A7', 'carried out after its time');
    if (hash(content) !== one.shown) throw new Broken('A5', 'something else was carried out than was shown');
    if (w.outside.contentDown || (w.outside.directoryDown && before.votes !== '[]'))
      throw new Broken('A13', 'carried out in trouble');
    if (before.breakGlass === null && !this.#standing(one))
      throw new Broken('A3', 'carried out for somebody who lost the right');
    this.#note('taken');
    return this.#look(one);
  }

  /** Whether enough of those who said yes could still say it. */
  #standing(one: Known): boolean {
    const { groups = [], people = [], count = 1 } = one.openedWith;
    const { outside } = this.#w;
    const still = [...one.yes].filter((id) => !outside.demoted.has(id));
    const grouped =
      groups.length === 0 ? still : still.filter((id) => outside.group.has(id) || people.includes(id));
    return grouped.length >= count;
  }

  async #glass({ who, which, reason }: Extract<Deed, { do: 'glass' }>): Promise<void> {
    const w = this.#w;
    const one = this.#pick(which);
    if (one === undefined) return;
    const name = PEOPLE[who % PEOPLE.length] ?? 'bob';
    const by = personOf(idOf(name), TEAM, { ...w.outside, directoryDown: false });
    const result = await w.service.breakGlass(
      { nonce: one.nonce, by, place: 'C1' },
      reason ? 'it burns' : ' ',
    );
    if (result === null) throw new Broken('A10', 'an old button is not known');
    if (!result.ok) return this.#look(one);
    if (name !== 'admin') throw new Broken('A14', `${name} broke the glass`);
    if (!reason) throw new Broken('A14', 'the glass was broken without a reason');
    one.glass = true;
    this.#witness.readOn();
    const loud = this.#witness.told(result.approval.runId, 'approval.broke_glass', one.id);
    const row = this.#witness.audited(one.id, 'approval.broke_glass', idOf(name));
    if (!loud || !row || result.approval.breakGlass?.by !== idOf(name))
      throw new Broken('A14', 'the glass was broken quietly');
    this.#note('glass');
    return this.#look(one);
  }

  async #stranger(who: number): Promise<void> {
    const by = personOf(idOf(PEOPLE[who % PEOPLE.length] ?? 'bob'), TEAM, {
      ...this.#w.outside,
      directoryDown: false,
    });
    for (const guess of [`apr_${who}`, `run_${who}`, '', 'approve'])
      if ((await this.#w.service.decide({ nonce: guess, by, place: 'C1' }, 'approve', null)) !== null)
        throw new Broken('A8', `"${guess}" was taken for a button`);
  }

  #read(one: Known): Row {
    return this.#witness.approval(one.id);
  }

  /** Compares what is stored with what is known: an end is one, and stays. */
  #look(one: Known, rule = 'A1'): void {
    const now = this.#read(one);
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
    }
    one.status = now.status;
    one.decidedBy = now.decidedBy;
  }
}

function needsGroup(one: Known): boolean {
  return (one.openedWith.groups ?? []).length > 0;
}

/** Plays `count` random deeds on one world, with a restart now and then. @returns what came to pass */
export async function playDeeds(
  seed: number,
  count: number,
  restartEvery: number,
  w: World = openWorld(),
): Promise<Reached> {
  const model = new Model(w);
  try {
    let left = count;
    for (let part = 0; left > 0; part += 1) {
      const size = Math.min(left, restartEvery);
      for (const deed of fc.sample(deeds, { seed: seed + part, numRuns: size })) await model.play(deed);
      await model.play({ do: 'restart' });
      left -= size;
    }
    await model.end();
    return model.reached;
  } finally {
    w.close();
  }
}
