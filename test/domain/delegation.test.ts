import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Approval, policyDefaults, type Voter } from '../../src/domain/approval.ts';
import { decide, missing, requirementsOf, take } from '../../src/domain/approval-rules.ts';
import { holds } from '../../src/domain/delegation.ts';
import { Clocks } from '../../src/domain/local-time.ts';
import { readUntil } from '../../src/domain/until.ts';

const NOW = 1_800_000_000_000;

function voter(id: string, more: Partial<Voter> = {}): Voter {
  const plain = { isBot: false, isGuest: false, isStranger: false, isAdmin: false, allowedOutsider: false };
  return { id, team: 'T1', groups: [], mayApprove: true, ...plain, ...more };
}

function question(policy: Partial<Approval['policy']> = {}, lastEditor?: string): Approval {
  return {
    id: 'a',
    nonce: 'n',
    runId: 'r',
    key: 'k',
    team: 'T1',
    requester: 'UALICE',
    status: 'pending',
    subject: {
      title: 't',
      why: 'w',
      risk: '',
      payload: '{}',
      digest: 'd',
      excerpt: '',
      excerptCut: false,
      ...(lastEditor === undefined ? {} : { lastEditor }),
    },
    policy: { ...policyDefaults, people: ['UBOB'], ...policy },
    votes: [],
    breakGlass: null,
    requestedAt: NOW,
    expiresAt: NOW + 1_000,
    decidedBy: null,
    decidedAt: null,
    comment: null,
    voidReason: null,
    executeBy: null,
    takenBy: null,
    takenAt: null,
    auditHash: null,
  };
}

const say = (approval: Approval, by: Voter, verdict: 'approve' | 'reject' = 'approve') =>
  decide(approval, { by, verdict, comment: null, digest: 'd', now: NOW + 1 });
const forBob = (id: string, more: Partial<Voter> = {}) => voter(id, { standsFor: [voter('UBOB')], ...more });

describe('deciding in the place of somebody who is away', () => {
  test('counts as theirs, and says so', () => {
    const result = say(question(), forBob('UCAROL'));
    expect(result).toMatchObject({ ok: true, approval: { status: 'approved', decidedBy: 'UCAROL' } });
    expect(result.approval.votes).toMatchObject([{ by: 'UCAROL', inPlaceOf: 'UBOB', counts: [0] }]);
    expect(say(question(), voter('UCAROL'))).toMatchObject({ ok: false, refusal: 'not_eligible' });
    expect(say(question(), forBob('UCAROL'), 'reject').approval.status).toBe('rejected');
  });

  test.each<[string, Approval, Voter, string]>([
    [
      'the requester does not come in through it',
      question({ fourEyes: true }),
      forBob('UALICE'),
      'requester',
    ],
    ['nor does who last changed it', question({}, 'UCAROL'), forBob('UCAROL'), 'last_editor'],
    ['who has no role gets none', question(), forBob('UCAROL', { mayApprove: false }), 'no_role'],
    ['a guest stays one', question(), forBob('UCAROL', { isGuest: true }), 'guest'],
    ['a stranger stays one', question(), forBob('UCAROL', { isStranger: true }), 'stranger'],
    ['a bot stays one', question(), forBob('UCAROL', { isBot: true }), 'not_a_person'],
    [
      'the requester lends nobody a right they do not have',
      question({ fourEyes: true, people: ['UALICE'] }),
      voter('UCAROL', { standsFor: [voter('UALICE')] }),
      'not_eligible',
    ],
    ['nor does who last changed it lend it', question({}, 'UBOB'), forBob('UCAROL'), 'not_eligible'],
    [
      'nor somebody who lost the role',
      question(),
      voter('UCAROL', { standsFor: [voter('UBOB', { mayApprove: false })] }),
      'not_eligible',
    ],
    [
      'nor somebody who left',
      question(),
      voter('UCAROL', { standsFor: [voter('UBOB', { isBot: true })] }),
      'not_eligible',
    ],
    [
      'it is not passed on',
      question(),
      voter('UERIN', { standsFor: [voter('UCAROL', { standsFor: [voter('UBOB')] })] }),
      'not_eligible',
    ],
  ])('%s', (_name, approval, by, refusal) => {
    expect(say(approval, by)).toMatchObject({ ok: false, refusal });
  });

  test('two on one seat are one yes; whoever is back speaks for themselves', () => {
    const two = question({ people: ['UBOB', 'UDAVE'], count: 2 });
    const first = say(two, forBob('UCAROL')).approval;
    expect(first).toMatchObject({ status: 'pending' });
    expect(say(first, forBob('UERIN'))).toMatchObject({ ok: false, refusal: 'already_voted' });
    const own = say(first, voter('UBOB')).approval;
    expect(own).toMatchObject({ status: 'pending' });
    expect(own.votes.map(({ by }) => by)).toEqual(['UBOB']);
    expect(say(own, forBob('UCAROL'))).toMatchObject({ ok: false, refusal: 'already_voted' });
    expect(say(own, voter('UDAVE')).approval.status).toBe('approved');
  });

  test('looked at again when it begins: it has to hold still', () => {
    const approved = say(question(), forBob('UCAROL')).approval;
    const begin = (by: Voter) => take(approved, { key: 'k', digest: 'd', voters: [by], now: NOW + 2 });
    expect(begin(forBob('UCAROL'))).toMatchObject({ ok: true });
    expect(begin(voter('UCAROL'))).toMatchObject({ ok: false, why: 'right_lost' });
    const wide = question({ people: ['UBOB', 'UDAVE'] });
    const forDave = voter('UCAROL', { standsFor: [voter('UDAVE')] });
    expect(
      take(say(wide, forBob('UCAROL')).approval, { key: 'k', digest: 'd', voters: [forDave], now: NOW + 2 }),
      'in another place than the one in which it was said',
    ).toMatchObject({ ok: false, why: 'right_lost' });
    expect(begin(forBob('UCAROL', { mayApprove: false }))).toMatchObject({ ok: false, why: 'right_lost' });
    expect(begin(voter('UCAROL', { standsFor: [voter('UBOB', { isBot: true })] }))).toMatchObject({
      ok: false,
      why: 'right_lost',
    });
  });
});

const PEOPLE = ['UALICE', 'UBOB', 'UCAROL', 'UDAVE', 'UERIN'];
const someone = fc.constantFrom(...PEOPLE);
const some = fc.uniqueArray(someone, { maxLength: 1 });

test('whoever stands in for whom: every yes that counts is of a person who may, on a seat of one who may', () => {
  const reached = { approved: 0, stoodIn: 0, refused: 0 };
  fc.assert(
    fc.property(
      fc.record({
        people: fc.uniqueArray(someone, { minLength: 1, maxLength: 3 }),
        count: fc.integer({ min: 1, max: 3 }),
        fourEyes: fc.boolean(),
        lastEditor: fc.option(someone, { nil: undefined }),
        noRole: some,
        gone: some,
        pairs: fc.array(fc.tuple(someone, someone), { minLength: 2, maxLength: 9 }),
        clicks: fc.array(someone, { minLength: 1, maxLength: 8 }),
      }),
      ({ people, count, fourEyes, lastEditor, noRole, gone, pairs, clicks }) => {
        const plain = (id: string): Voter =>
          voter(id, { mayApprove: !noRole.includes(id), isBot: gone.includes(id) });
        const now = (id: string): Voter => ({
          ...plain(id),
          standsFor: pairs.filter(([from, to]) => to === id && from !== id).map(([from]) => plain(from)),
        });
        let approval = question({ people, count, fourEyes }, lastEditor);
        for (const id of clicks) {
          const result = say(approval, now(id));
          if (!result.ok) reached.refused += 1;
          approval = result.approval;
        }
        const may = (id: string): boolean =>
          !(noRole.includes(id) || gone.includes(id) || id === lastEditor || (fourEyes && id === 'UALICE'));
        const seats = approval.votes.map(({ by, inPlaceOf }) => inPlaceOf ?? by);
        for (const { by, inPlaceOf } of approval.votes) {
          expect(may(by)).toBe(true);
          expect(may(inPlaceOf ?? by)).toBe(true);
          expect(people).toContain(inPlaceOf ?? by);
          if (inPlaceOf === undefined) continue;
          reached.stoodIn += 1;
          expect(pairs.some(([from, to]) => from === inPlaceOf && to === by)).toBe(true);
        }
        expect(new Set(seats).size).toBe(seats.length);
        expect(new Set(approval.votes.map(({ by }) => by)).size).toBe(seats.length);
        expect(approval.status === 'approved').toBe(seats.length >= count);
        if (approval.status !== 'approved') return;
        reached.approved += 1;
        expect(missing(approval.policy, approval.votes)).toEqual([]);
        expect(requirementsOf(approval.policy)).toHaveLength(1);
      },
    ),
    { numRuns: 3_000 },
  );
  expect(reached.approved).toBeGreaterThan(300);
  expect(reached.stoodIn).toBeGreaterThan(200);
  expect(reached.refused).toBeGreaterThan(1_000);
});

describe('until when', () => {
  const clocks = new Clocks();
  // A Wednesday, 23:30 in Berlin and 17:30 in New York.
  const now = Date.UTC(2027, 0, 13, 22, 30);
  test.each([
    ['friday', 'Europe/Berlin', Date.UTC(2027, 0, 15, 23)],
    ['Friday 12:00', 'Europe/Berlin', Date.UTC(2027, 0, 15, 11)],
    ['fri at 12:00', 'America/New_York', Date.UTC(2027, 0, 15, 17)],
    ['wednesday', 'Europe/Berlin', Date.UTC(2027, 0, 13, 23)],
    ['today', 'America/New_York', Date.UTC(2027, 0, 14, 5)],
    ['tomorrow', 'Europe/Berlin', Date.UTC(2027, 0, 14, 23)],
    ['23:45', 'Europe/Berlin', Date.UTC(2027, 0, 13, 22, 45)],
    ['17:00', 'Europe/Berlin', Date.UTC(2027, 0, 14, 16)],
    ['2027-03-28', 'Europe/Berlin', Date.UTC(2027, 2, 28, 22)],
    ['2027-01-20 08:00', 'Asia/Tokyo', Date.UTC(2027, 0, 19, 23)],
    ['3d', 'Asia/Tokyo', now + 3 * 86_400_000],
    ['2027-02-30', 'UTC', null],
    ['someday', 'UTC', null],
    ['fr', 'UTC', null],
    ['25:00', 'UTC', null],
    ['', 'UTC', null],
  ])('%s in %s', (said, zone, at) => {
    expect(readUntil(said, now, zone, clocks)).toBe(at);
  });

  test('it holds from its beginning to before its end, and not once it was taken back', () => {
    const one = { id: 'd', team: 'T', from: 'UA', to: 'UB', since: 10, until: 20, endedAt: null };
    expect([9, 10, 19, 20].map((at) => holds(one, at))).toEqual([false, true, true, false]);
    expect([14, 15].map((at) => holds({ ...one, endedAt: 15 }, at))).toEqual([true, false]);
  });
});
