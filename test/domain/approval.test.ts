import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  type Approval,
  refusals as allRefusals,
  approvalStatuses,
  EXECUTE_WITHIN_MS,
  policyDefaults,
  type Refusal,
  type Voter,
  verdicts,
} from '../../src/domain/approval.ts';
import { decide, expire, raisedTo } from '../../src/domain/approval-rules.ts';

const NOW = 1_800_000_000_000;
const pending: Approval = {
  id: 'apr_1',
  nonce: 'n',
  runId: 'run_1',
  key: 'keep/open',
  team: 'T1',
  requester: 'U-alice',
  status: 'pending',
  subject: { title: 't', why: 'w', risk: 'r', payload: '{}', digest: 'd1', excerpt: '', excerptCut: false },
  policy: {
    ...policyDefaults,
    remindAfterMs: 1,
    escalateAfterMs: 2,
    expireAfterMs: 1_000,
    escalateTo: [],
  },
  votes: [],
  breakGlass: null,
  voidReason: null,
  executeBy: null,
  takenBy: null,
  takenAt: null,
  auditHash: null,
  requestedAt: NOW - 500,
  expiresAt: NOW + 500,
  decidedBy: null,
  decidedAt: null,
  comment: null,
};
const bob: Voter = {
  id: 'U-bob',
  team: 'T1',
  isBot: false,
  isGuest: false,
  isStranger: false,
  groups: [],
  mayApprove: true,
  isAdmin: false,
  allowedOutsider: false,
};
const click = { by: bob, verdict: 'approve', comment: null, digest: 'd1', now: NOW } as const;
const policy = (more: Partial<Approval['policy']>): Approval => ({
  ...pending,
  policy: { ...pending.policy, ...more },
});

const lost = { trigger: 'files', why: '', anyone: false, people: [], groups: [], count: 1 };
const conflict = (edit: Approval['subject']['edit']): Approval => ({
  ...pending,
  subject: { ...pending.subject, edit },
});
const money = { ...pending.subject, raise: { unit: 'usd' as const, over: 4, to: 6, most: 60 } };
const refusals: readonly (readonly [Refusal, string, Approval, Partial<Parameters<typeof decide>[1]>])[] = [
  ['already_decided', 'approved before', { ...pending, status: 'approved' }, {}],
  ['already_decided', 'rejected before', { ...pending, status: 'rejected' }, {}],
  ['already_decided', 'sent back before', { ...pending, status: 'changes_requested' }, {}],
  ['already_decided', 'withdrawn', { ...pending, status: 'voided' }, {}],
  ['expired', 'expired before', { ...pending, status: 'expired' }, {}],
  ['expired', 'in the very moment', pending, { now: pending.expiresAt }],
  ['expired', 'long after, and nobody noted it yet', pending, { now: pending.expiresAt + 1 }],
  ['not_eligible', 'somebody else', policy({ people: ['U-carol'] }), {}],
  ['requester', 'four eyes', policy({ fourEyes: true }), { by: { ...bob, id: 'U-alice' } }],
  [
    'requester',
    'four eyes, though named',
    policy({ fourEyes: true, people: ['U-alice'] }),
    { by: { ...bob, id: 'U-alice' } },
  ],
  ['not_a_person', 'a bot', pending, { by: { ...bob, isBot: true } }],
  ['not_a_person', 'a bot, though named', policy({ people: ['U-bob'] }), { by: { ...bob, isBot: true } }],
  ['guest', 'a guest, though named', policy({ people: ['U-bob'] }), { by: { ...bob, isGuest: true } }],
  [
    'stranger',
    'a stranger, though named',
    policy({ people: ['U-bob'] }),
    { by: { ...bob, isStranger: true } },
  ],
  ['other_team', 'another workspace', pending, { by: { ...bob, team: 'T2' } }],
  [
    'other_team',
    'another workspace, which learns nothing of the state',
    { ...pending, status: 'approved' },
    { by: { ...bob, team: 'T2' } },
  ],
  ['content_changed', 'another digest', pending, { digest: 'd2' }],
  ['no_role', 'not among those who approve', pending, { by: { ...bob, mayApprove: false } }],
  [
    'last_editor',
    'whoever made the last change',
    { ...pending, subject: { ...pending.subject, lastEditor: 'U-bob' } },
    {},
  ],
  ['policy_error', 'a policy that cannot be read', policy({ problem: 'approvals.triggers: nonsense' }), {}],
  ['not_eligible', 'nobody named is known', policy({ requirements: [lost] }), {}],
  ['not_eligible', 'another group', policy({ groups: ['S1'] }), { by: { ...bob, groups: ['S2'] } }],
  ['amount', 'of a question that is about none', pending, { amount: 5 }],
  ['amount', 'no more than is used', { ...pending, subject: money }, { amount: 4 }],
  ['amount', 'more than is offered', { ...pending, subject: money }, { amount: 60.01 }],
  ['amount', 'with a no', { ...pending, subject: money }, { amount: 6, verdict: 'reject' }],
  ['not_editable', 'what is no conflict', pending, { verdict: 'request_changes', edited: 'e' }],
  [
    'not_editable',
    'a file that is no text',
    conflict({ why: 'it is binary' }),
    { verdict: 'request_changes', edited: 'e' },
  ],
  ['not_editable', 'with a side', conflict({ text: 't' }), { edited: 'e' }],
  [
    'already_voted',
    'one person, twice',
    {
      ...policy({ count: 2 }),
      votes: [{ by: 'U-bob', verdict: 'approve', comment: null, at: NOW, shown: 'd1', counts: [0] }],
    },
    {},
  ],
];

describe('what somebody writes of a conflict', () => {
  test('settles it alone, as the second side does, and is kept with their word', () => {
    const two = { ...policy({ count: 2 }), subject: conflict({ text: 't' }).subject };
    const result = decide(two, { ...click, verdict: 'request_changes', edited: 'e1' });
    expect(result).toMatchObject({
      ok: true,
      approval: { status: 'changes_requested', decidedBy: 'U-bob', votes: [{ edited: 'e1' }] },
    });
    const taken = decide(two, { ...click, verdict: 'request_changes' });
    expect(taken.approval.votes).toHaveLength(1);
    expect(taken.approval.votes[0]).not.toHaveProperty('edited');
  });
});

describe('an amount that is named', () => {
  const two = { ...policy({ count: 2 }), subject: money };
  const say = (approval: Approval, id: string, amount?: number): Approval => {
    const result = decide(approval, { ...click, by: { ...bob, id }, amount });
    if (!result.ok) throw new Error(result.refusal);
    return result.approval;
  };

  test('counts as it was named, and what the button offers where none was', () => {
    expect(raisedTo(say({ ...pending, subject: money }, 'U-bob', 12.5))).toBe(12.5);
    expect(raisedTo(say({ ...pending, subject: money }, 'U-bob'))).toBe(6);
    expect(raisedTo(say(pending, 'U-bob'))).toBeNull();
  });

  test('of several the smallest counts: no more was allowed by each of them', () => {
    expect(raisedTo(say(say(two, 'U-bob', 50), 'U-carol', 9))).toBe(9);
    expect(raisedTo(say(say(two, 'U-bob', 9), 'U-carol'))).toBe(6);
  });
});

describe('decide', () => {
  test.each(refusals)('%s: %s', (refusal, _name, approval, more) => {
    expect(decide(approval, { ...click, ...more })).toEqual({ ok: false, refusal, approval });
  });

  test('every refusal there is stands in the table, or with what else may be refused', () => {
    const elsewhere: Refusal[] = ['unchecked', 'not_admin', 'no_reason'];
    expect(new Set([...refusals.map(([refusal]) => refusal), ...elsewhere])).toEqual(new Set(allRefusals));
  });

  test.each([
    ['approve', 'approved'],
    ['reject', 'rejected'],
    ['request_changes', 'changes_requested'],
  ] as const)('%s makes it %s, with who, when and why', (verdict, status) => {
    const result = decide(pending, { ...click, verdict, comment: 'because' });
    expect(result).toEqual({
      ok: true,
      approval: {
        ...pending,
        status,
        decidedBy: 'U-bob',
        decidedAt: NOW,
        comment: 'because',
        executeBy: verdict === 'approve' ? NOW + EXECUTE_WITHIN_MS : null,
        votes: [{ by: 'U-bob', verdict, comment: 'because', at: NOW, shown: 'd1', counts: [0] }],
      },
    });
  });

  test('the requester may decide unless four eyes are wanted', () => {
    expect(decide(pending, { ...click, by: { ...bob, id: 'U-alice' } }).ok).toBe(true);
  });
});

describe('expire', () => {
  test('a pending one is a timeout, nobody’s rejection', () => {
    expect(expire(pending, NOW)).toEqual({ ...pending, status: 'expired', decidedBy: null, decidedAt: NOW });
  });
  test.each(approvalStatuses.filter((status) => status !== 'pending'))(
    'one that is %s stays so',
    (status) => {
      expect(expire({ ...pending, status }, NOW)).toBeNull();
    },
  );
});

const person = fc.record({
  id: fc.constantFrom('U-alice', 'U-bob', 'U-carol'),
  team: fc.constantFrom('T1', 'T1', 'T1', 'T2'),
  isBot: fc.constantFrom(false, false, false, true),
  isGuest: fc.constantFrom(false, false, false, true),
  isStranger: fc.constantFrom(false, false, false, true),
  groups: fc.constant([]),
  mayApprove: fc.constant(true),
  isAdmin: fc.constant(false),
  allowedOutsider: fc.constant(false),
});
const step = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('click' as const),
      by: person,
      verdict: fc.constantFrom(...verdicts),
      digest: fc.constantFrom('d1', 'd1', 'd1', 'd2'),
      wait: fc.integer({ min: 0, max: 200 }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('clock' as const), wait: fc.integer({ min: 0, max: 400 }) }),
  },
);
const rules = fc.record({
  people: fc.constantFrom<string[]>([], [], ['U-bob'], ['U-alice', 'U-carol']),
  fourEyes: fc.boolean(),
});

describe('any clicks and ticks of the clock', () => {
  test('at most one end, which stays; nobody decides who may not; nothing revives', () => {
    const ends = new Map<string, number>();
    fc.assert(
      fc.property(rules, fc.array(step, { minLength: 1, maxLength: 12 }), (own, steps) => {
        const first = policy(own);
        let approval = first;
        let now = NOW;
        let changes = 0;
        for (const each of steps) {
          now += each.wait;
          const before = approval;
          if (each.kind === 'clock')
            approval = now >= approval.expiresAt ? (expire(approval, now) ?? approval) : approval;
          else {
            const result = decide(approval, {
              by: each.by,
              verdict: each.verdict,
              comment: null,
              digest: each.digest,
              now,
            });
            expect(result.ok || result.approval === approval).toBe(true);
            approval = result.approval;
            if (result.ok) {
              const { by } = each;
              expect(before.status).toBe('pending');
              expect(now).toBeLessThan(first.expiresAt);
              expect([by.team, by.isBot, by.isGuest, by.isStranger, each.digest]).toEqual([
                'T1',
                false,
                false,
                false,
                'd1',
              ]);
              expect(own.people.length === 0 || own.people.includes(by.id)).toBe(true);
              expect(own.fourEyes && by.id === 'U-alice').toBe(false);
            }
          }
          if (approval.status !== before.status) {
            changes += 1;
            expect(before.status).toBe('pending');
            expect(approval).toEqual({
              ...first,
              status: approval.status,
              decidedBy: approval.decidedBy,
              decidedAt: now,
              comment: null,
              votes: approval.votes,
              executeBy: approval.executeBy,
            });
            expect(approval.decidedBy === null).toBe(approval.status === 'expired');
          } else expect(approval).toEqual(before);
        }
        expect(changes).toBe(approval.status === 'pending' ? 0 : 1);
        ends.set(approval.status, (ends.get(approval.status) ?? 0) + 1);
      }),
      { numRuns: 500 },
    );
    for (const status of ['pending', 'approved', 'rejected', 'changes_requested', 'expired'])
      expect(ends.get(status) ?? 0).toBeGreaterThan(3);
  });
});
