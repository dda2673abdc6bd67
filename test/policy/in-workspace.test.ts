import { describe, expect, test } from 'vitest';
import { asVoter, hasRole, isLetIn } from '../../src/domain/access.ts';
import type { Approval, ApprovalPolicy, Voter } from '../../src/domain/approval.ts';
import { policyDefaults } from '../../src/domain/approval.ts';
import { decide, missing } from '../../src/domain/approval-rules.ts';
import { idsIn } from '../../src/domain/slack-id.ts';
import { Findings } from '../../src/orchestrator/findings.ts';
import { readPolicy } from '../../src/policy/approval-settings.ts';
import { addUp } from '../../src/policy/requirements.ts';

/** Settings as they are read where there are several workspaces. */
const read = (approvals: unknown, access: unknown = {}, channels: string[] = []) =>
  readPolicy(approvals, access, channels, undefined, null);
const here = (approvals: unknown, team: string, channels: string[] = []) => {
  const settings = read(approvals, {}, channels);
  expect(settings.problem).toBeNull();
  return new Findings(settings).here(settings.base, team);
};
const asked = (policy: ApprovalPolicy): Approval => ({
  id: 'apr_1',
  nonce: 'n',
  runId: 'run_1',
  key: 'k',
  team: 'T',
  requester: 'U0',
  status: 'pending',
  subject: { title: '', why: '', risk: '', payload: '', digest: 'd', excerpt: '', excerptCut: false },
  policy,
  votes: [],
  breakGlass: null,
  requestedAt: 0,
  expiresAt: 10,
  decidedBy: null,
  decidedAt: null,
  comment: null,
  voidReason: null,
  executeBy: null,
  takenBy: null,
  takenAt: null,
  auditHash: null,
});
const yes = (id: string) => {
  const who = { id, team: 'T', isBot: false, isGuest: false, isStranger: false, groups: [] };
  const by: Voter = { ...who, mayApprove: true, isAdmin: false, allowedOutsider: false };
  return { by, verdict: 'approve', comment: null, digest: 'd', now: 1 } as const;
};
const same = (rule: string, repository: string) => rule === repository;

describe('with several workspaces', () => {
  test.each([
    [{ people: ['U1'] }, {}, 'approvals.people.0'],
    [{ groups: ['T1/S1', 'S2'] }, {}, 'approvals.groups.1'],
    [{ escalate_to: ['W1'] }, {}, 'approvals.escalate_to.0'],
    [{ owners: { '@acme/dba': 'S1' } }, {}, 'approvals.owners.@acme/dba'],
    [{ owners: { '@acme/dba': ['T1/S1', 'U1'] } }, {}, 'approvals.owners.@acme/dba.1'],
    [{ escalation: { channel: 'C1' } }, {}, 'approvals.escalation.channel'],
    [{ escalation: { on_call: 'S1' } }, {}, 'approvals.escalation.on_call'],
    [{ triggers: [{ when: 'deploy', people: ['U1'] }] }, {}, 'approvals.triggers.0.people.0'],
    [{ triggers: [{ when: 'deploy', groups: ['S1'] }] }, {}, 'approvals.triggers.0.groups.0'],
    [{ triggers: [{ when: 'deploy', escalate_to: ['U1'] }] }, {}, 'approvals.triggers.0.escalate_to.0'],
    [{}, { admin: ['U1'] }, 'access.admin.0'],
    [{}, { viewer: ['U1'] }, 'access.viewer.0'],
    [{}, { requester: ['S1'] }, 'access.requester.0'],
    [{}, { approver: ['S1'] }, 'access.approver.0'],
    [{}, { guests: ['U1'] }, 'access.guests.0'],
    [{}, { strangers: ['U1'] }, 'access.strangers.0'],
    [{}, { rules: [{ environment: 'STAGING', approver: ['U1'] }] }, 'access.rules.0.approver.0'],
  ])(
    'an id without its workspace lets nobody decide, and it is told what to write: %j %j',
    (approvals, access, key) => {
      const { problem } = read(approvals, access);
      expect(problem).toContain(`${key}: There are several workspaces: write whose`);
      expect(problem).toMatch(/such as T0123ABCD\/[A-Z]/);
      // With one workspace it is what it always was.
      expect(readPolicy(approvals, access, []).problem).toBeNull();
    },
  );

  test('what is no id is none: patterns, environments, repositories', () => {
    const triggers = [{ when: 'files', patterns: ['SRC', 'U1'], people: ['T1/U1'], environment: 'U1' }];
    expect(read({ triggers }, { rules: [{ repository: 'U1', environment: 'STAGING' }] }).problem).toBeNull();
  });

  test('people, groups and deputies are those of the workspace it is asked in', () => {
    const approvals = { people: ['T1/U1', 'T2/U2'], groups: ['T2/S1'], escalate_to: ['T1/U3', 'T2/U4'] };
    expect(here(approvals, 'T1')).toMatchObject({ people: ['U1'], groups: [], escalateTo: ['U3'] });
    expect(here(approvals, 'E1:T2')).toMatchObject({ people: ['U2'], groups: ['S1'], escalateTo: ['U4'] });
  });

  test('where all who are named belong to others, nobody may decide, rather than anybody', () => {
    for (const count of [1, 2]) {
      let approval = asked(here({ people: ['T1/U1'], groups: ['T1/S1'], count }, 'T2'));
      for (const id of ['U1', 'U2', 'U3']) approval = decide(approval, yes(id)).approval;
      expect(approval.status).toBe('pending');
      expect(missing(approval.policy, approval.votes)).not.toEqual([]);
      // In the workspace they belong to they can.
      let theirs = asked(here({ people: ['T1/U1', 'T1/U2'], count }, 'T1'));
      for (const id of ['U1', 'U2']) theirs = decide(theirs, yes(id)).approval;
      expect(theirs.status).toBe('approved');
    }
  });

  test('a trigger that names people of another workspace is nobody here, and not anybody', () => {
    const settings = read({
      triggers: [{ when: 'deploy', people: ['T1/U1'], escalate_to: ['T1/U3', 'T2/U4'] }],
    });
    const [trigger] = settings.triggers;
    if (trigger === undefined) throw new Error('unreachable');
    const match = { trigger, findings: [{ path: '', why: 'deploys' }] };
    const inTeam = (team: string) =>
      addUp(policyDefaults, settings, [match], null, (written) => idsIn(written, team, null)).requirements;
    expect(inTeam('T1')).toMatchObject([{ anyone: false, people: ['U1'], deputies: ['U3'] }]);
    expect(inTeam('T2')).toMatchObject([{ anyone: false, people: [], deputies: ['U4'] }]);
  });

  test('code owners are those of the workspace', () => {
    const settings = read({
      triggers: [{ when: 'files', patterns: ['db/'], code_owners: true }],
      owners: { '@acme/dba': ['T1/S1', 'T2/U2'] },
    });
    const [trigger] = settings.triggers;
    if (trigger === undefined) throw new Error('unreachable');
    const owners = { ok: true, rules: [{ pattern: 'db/', owners: ['@acme/dba'] }] } as const;
    const match = { trigger, findings: [{ path: 'db/a', why: 'guarded' }] };
    const inTeam = (team: string) =>
      addUp(policyDefaults, settings, [match], owners, (written) => idsIn(written, team, null)).requirements;
    expect(inTeam('T1')).toMatchObject([{ anyone: false, people: [], groups: ['S1'] }]);
    expect(inTeam('T2')).toMatchObject([{ anyone: false, people: ['U2'], groups: [] }]);
    expect(inTeam('T3')).toMatchObject([{ anyone: false, people: [], groups: [] }]);
  });

  test('each has its own channel for what waits, and its own group on call', () => {
    const channels = ['T1/C1', 'T2/C2'];
    expect(here({ escalation: { on_call: ['T2/S2', 'T1/S1'] } }, 'T1', channels).escalation).toMatchObject({
      channel: 'C1',
      onCall: 'S1',
    });
    expect(here({ escalation: { channel: 'T2/C9' } }, 'T2', channels).escalation).toMatchObject({
      channel: 'C9',
      onCall: null,
    });
    expect(here({}, 'T3', channels).escalation).toMatchObject({ channel: null });
  });

  test('a role is had where it was given, by whoever has the id there', () => {
    const { access } = read(
      {},
      { admin: ['T1/U1'], approver: ['T1/U1', 'T1/U2'], guests: ['T1/U7'], strangers: ['T1/U8'] },
    );
    const at = (team: string) => ({ team, repository: '', environment: null });
    const is = (role: 'admin' | 'approver' | 'requester', id: string, team: string) =>
      hasRole(access, role, { id, groups: [] }, at(team), same);
    expect([is('admin', 'U1', 'T1'), is('approver', 'U2', 'T1'), is('requester', 'U9', 'T2')]).toEqual([
      true,
      true,
      true,
    ]);
    expect([is('admin', 'U1', 'T2'), is('approver', 'U1', 'T2'), is('approver', 'U2', 'T2')]).toEqual([
      false,
      false,
      false,
    ]);
    expect([isLetIn(access, 'guests', 'U7', 'T1'), isLetIn(access, 'guests', 'U7', 'T2')]).toEqual([
      true,
      false,
    ]);
    expect([isLetIn(access, 'strangers', 'U8', 'T1'), isLetIn(access, 'strangers', 'U8', 'T2')]).toEqual([
      true,
      false,
    ]);
    const by = { id: 'U7', team: 'T2', isBot: false, isGuest: true, isStranger: false };
    const voter: Voter = asVoter(access, by, [], at('T2'), same);
    expect(voter).toMatchObject({ mayApprove: false, isAdmin: false, allowedOutsider: false });
  });
});
