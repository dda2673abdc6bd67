import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type Access, openAccess } from '../../src/domain/access.ts';
import { type ApprovalPolicy, policyDefaults } from '../../src/domain/approval.ts';
import { type Door, openDoor } from './door.ts';
import type { Member } from './members.ts';
import { GROUP } from './world.ts';

/** A group of approvers for one repository's production; everywhere else every member has the role. */
const access: Access = {
  ...openAccess,
  rules: [{ environment: 'production', approver: ['UCAROL'] }],
};

let door: Door;
beforeAll(async () => {
  door = await openDoor(access);
});
beforeEach(() => {
  door.members.people.clear();
  door.members.groups.clear();
  door.members.groups.set(GROUP, ['UBOB', 'UCAROL']);
  door.members.state.down = false;
  // What was believed of somebody is forgotten by then.
  door.clock.advance(31_000);
});
afterAll(() => door.close());

interface Turned {
  readonly policy?: Partial<ApprovalPolicy>;
  readonly by?: string;
  readonly member?: Member;
  readonly group?: readonly string[] | null;
  readonly down?: boolean;
  readonly refusal: string;
  readonly told: RegExp;
}

const grouped = { groups: [GROUP] };
const turned: Record<string, Turned> = {
  'nobody is in the group any more': {
    policy: grouped,
    group: [],
    refusal: 'not_eligible',
    told: /Only .* can decide this/,
  },
  'the group is gone': {
    policy: grouped,
    group: null,
    refusal: 'not_eligible',
    told: /Only .* can decide this/,
  },
  'they were taken out of the group': {
    policy: grouped,
    group: ['UCAROL'],
    refusal: 'not_eligible',
    told: /Only .* can decide this/,
  },
  'somebody who is not named': {
    policy: { people: ['UCAROL'] },
    refusal: 'not_eligible',
    told: /Only .*UCAROL.* can decide/,
  },
  'the approver asked for it': {
    policy: { fourEyes: true, people: ['UALICE'] },
    by: 'UALICE',
    refusal: 'requester',
    told: /You asked for this work/,
  },
  'they made the last change': { by: 'UERIN', refusal: 'last_editor', told: /You made the last change/ },
  'an account that was closed': { member: { deleted: true }, refusal: 'not_a_person', told: /Only a person/ },
  'a bot': { member: { is_bot: true }, refusal: 'not_a_person', told: /Only a person/ },
  'a guest': { member: { is_restricted: true }, refusal: 'guest', told: /Guests cannot decide/ },
  'a guest of one channel': {
    member: { is_ultra_restricted: true },
    refusal: 'guest',
    told: /Guests cannot decide/,
  },
  'a stranger over Slack Connect': {
    member: { is_stranger: true },
    refusal: 'stranger',
    told: /Only members of the workspace/,
  },
  'somebody of another workspace': {
    member: { team_id: 'T9' },
    refusal: 'stranger',
    told: /Only members of the workspace/,
  },
  'a guest who is named': {
    policy: { people: ['UBOB'] },
    member: { is_restricted: true },
    refusal: 'guest',
    told: /Guests cannot decide/,
  },
  'somebody without the role there': {
    policy: { environment: 'production' },
    refusal: 'no_role',
    told: /not among those who may approve/,
  },
  'Slack does not say who they are in': {
    policy: grouped,
    down: true,
    refusal: 'unchecked',
    told: /could not be checked/,
  },
  'the policy cannot be read': {
    policy: { problem: 'baton.yaml, line 7: approvals.count: Too small' },
    refusal: 'policy_error',
    told: /Nobody can decide at the moment: baton\.yaml, line 7: .*has to put baton\.yaml right/,
  },
};

describe('whose click changes nothing', () => {
  test.each(Object.entries(turned))(
    '%s',
    async (_what, { policy = {}, by = 'UBOB', member, group, down, refusal, told }) => {
      const approval = await door.ask({
        ...policyDefaults,
        ...policy,
        expireAfterMs: 60_000,
        executeWithinMs: 60_000,
      });
      if (member !== undefined) door.members.people.set(by, member);
      if (group === null) door.members.groups.delete(GROUP);
      else if (group !== undefined) door.members.groups.set(GROUP, group);
      if (down === true) {
        // Who somebody is was told with an earlier click; which groups they are in is asked about with this one.
        await door.click(by, (await door.ask()).nonce);
        await door.settled();
        door.members.state.down = true;
      }
      const since = door.answers().length;
      await door.click(by, approval.nonce);
      await door.settled();

      const { auditHash: _now, ...now } = (await door.store.approvals.byId(approval.id)) ?? approval;
      const { auditHash: _then, ...then } = approval;
      expect(now).toEqual(then);
      const answers = door.answers(since);
      expect(answers.map(({ user }) => user)).toEqual([by]);
      expect(answers[0]?.text).toMatch(told);
      expect(answers[0]?.text).toMatch(/changed nothing|Nothing was/);
      const rows = door.audit(approval.id).filter(({ kind }) => kind === 'approval.refused');
      expect(rows.map(({ actor, detail }) => [actor, refusalOf(detail)])).toEqual([[by, refusal]]);
    },
  );

  test.each([
    ['another workspace’s', (nonce: string) => nonce, { team: 'T9' }],
    ['one that was never made', () => 'f'.repeat(32), {}],
    ['an approval’s id', () => 'apr_1', {}],
    ['a run’s id', () => 'run_1', {}],
    ['one in other letters', (nonce: string) => nonce.toUpperCase(), {}],
    ['one with something behind it', (nonce: string) => `${nonce}\u0000`, {}],
    ['nothing', () => '', {}],
    ['very much', () => 'x'.repeat(100_000), {}],
    ['SQL', () => "' or 1=1 --", {}],
  ])('a button of %s: told that it is gone, and in the audit', async (_what, value, more) => {
    const approval = await door.ask();
    const since = door.answers().length;
    const away = door.audit(null).length;
    await door.click('UBOB', value(approval.nonce), more);
    await door.settled();
    expect((await door.store.approvals.byId(approval.id))?.status).toBe('pending');
    expect(
      door.answers(since).map(({ user, text }) => [user, /not known here|no longer/.test(text)]),
    ).toEqual([['UBOB', true]]);
    const kept = [
      ...door.audit(approval.id).filter(({ kind }) => kind === 'approval.refused'),
      ...door.audit(null).slice(away),
    ];
    expect(kept.map(({ actor }) => actor)).toEqual(['UBOB']);
    expect(kept[0]?.detail.length).toBeLessThan(500);
  });

  test('the same with nothing amiss counts: none of the above is idle', async () => {
    const approval = await door.ask(grouped);
    await door.click('UBOB', approval.nonce);
    await door.settled();
    expect((await door.store.approvals.byId(approval.id))?.status).toBe('approved');
  });
});

describe('whoever lost the right between the click and the doing', () => {
  test.each<[string, () => void]>([
    ['was taken out of the group', () => door.members.groups.set(GROUP, ['UCAROL'])],
    ['left a group that is empty now', () => door.members.groups.set(GROUP, [])],
    ['is a guest now', () => door.members.people.set('UBOB', { is_restricted: true })],
    ['has left', () => door.members.people.set('UBOB', { deleted: true })],
    ['is of another workspace now', () => door.members.people.set('UBOB', { team_id: 'T9' })],
  ])('%s', async (_what, change) => {
    const approval = await door.ask(grouped);
    await door.click('UBOB', approval.nonce);
    await door.settled();
    change();
    const taken = await door.approvals.take(approval.id, 'run/1', approval.subject.digest);
    expect(taken).toMatchObject({ ok: false, why: 'right_lost' });
    expect(await door.store.approvals.byId(approval.id)).toMatchObject({
      status: 'voided',
      voidReason: 'right_lost',
    });
    expect(door.audit(approval.id).map(({ kind }) => kind)).toContain('approval.voided');
    // Back again, the yes stays void.
    door.members.groups.set(GROUP, ['UBOB', 'UCAROL']);
    door.members.people.clear();
    expect(await door.approvals.take(approval.id, 'run/1', approval.subject.digest)).toMatchObject({
      ok: false,
    });
  });

  test('when nobody can say, it is not done, and may be done later', async () => {
    const approval = await door.ask(grouped);
    await door.click('UBOB', approval.nonce);
    await door.settled();
    door.members.state.down = true;
    await expect(door.approvals.take(approval.id, 'run/1', approval.subject.digest)).rejects.toThrow();
    expect((await door.store.approvals.byId(approval.id))?.status).toBe('approved');
    door.members.state.down = false;
    expect(await door.approvals.take(approval.id, 'run/1', approval.subject.digest)).toMatchObject({
      ok: true,
    });
  });
});

function refusalOf(detail: string): unknown {
  const read: unknown = JSON.parse(detail);
  return read !== null && typeof read === 'object' && 'refusal' in read ? read.refusal : undefined;
}
