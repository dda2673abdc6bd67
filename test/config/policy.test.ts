import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { readConfig } from '../../src/config/config.ts';
import { Roles } from '../../src/orchestrator/roles.ts';
import { triggerKeys, triggerKinds } from '../../src/policy/approval-settings.ts';
import { openDoor } from '../approvals/door.ts';
import { everybody } from '../support/directory.ts';

const folder = mkdtempSync(path.join(tmpdir(), 'policy-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function read(text: string) {
  const file = path.join(folder, 'baton.yaml');
  writeFileSync(file, text);
  return readConfig({ BATON_CONFIG: file, BATON_HOME: folder }).policy;
}

const wrong: readonly (readonly [what: string, text: string, line: number, words: RegExp])[] = [
  ['a trigger that is none', 'approvals:\n  triggers:\n    - when: deployy\n', 3, /when/],
  ['a key that is none', 'approvals:\n  four_eyse: true\n', 2, /four_eyse/],
  [
    'a key that is none in a trigger',
    'approvals:\n  triggers:\n    - when: deploy\n    - { when: files, patterns: [a], peple: [U1] }\n',
    4,
    /peple/,
  ],
  ['a time without a unit', 'steering: mention\napprovals:\n  expire_after: 24\n', 3, /expire_after/],
  ['too many', 'approvals:\n  count: 999\n', 2, /count/],
  ['nobody', 'approvals:\n  count: 0\n', 2, /count/],
  ['a name where an id belongs', 'approvals:\n  people:\n    - U1\n    - ada\n', 4, /id of a member/],
  ['a group among people', 'approvals:\n  people: [S0123]\n', 2, /id of a member/],
  ['a person among groups', 'approvals:\n  groups: [U0123]\n', 2, /id of a user group/],
  ['a name for an owner', 'approvals:\n  owners:\n    "@org/team": ada\n', 3, /owners/],
  ['a list where words belong', 'approvals: [deploy]\n', 1, /approvals/],
  ['words where a list belongs', 'approvals: yes please\n', 1, /approvals/],
  [
    'files without patterns',
    'approvals:\n  triggers:\n    - when: deploy\n    - when: files\n',
    4,
    /needs patterns/,
  ],
  ['costs without an amount', 'approvals:\n  triggers:\n    - when: cost\n', 3, /needs above/],
  ['a timeout that would do it', 'approvals:\n  on_timeout: approve\n', 2, /on_timeout/],
  ['a role that is none', 'access:\n  approvers: [U1]\n', 2, /approvers/],
  ['somebody without an id', 'access:\n  admin: ["@ada"]\n', 2, /admin/],
  ['a rule that is none', 'approvals: {}\naccess:\n  rules:\n    - { repo: x, approver: [U1] }\n', 4, /repo/],
];

test('the example holds as it is, and with all it shows of triggers, owners and roles', () => {
  const example = readFileSync(new URL('../../docs/baton.example.yaml', import.meta.url), 'utf8');
  expect(read(example).problem).toBeNull();
  const from = example.indexOf('\napprovals:');
  const to = example.indexOf('\n# Where things are told beside');
  const shown = example
    .slice(from, to)
    .replace(/^(\s+(?:triggers|owners|rules):) (\[\]|\{\})\n#/gm, '$1\n#')
    .replace(/^#( {2,})/gm, '$1');
  const { problem, triggers, owners, access } = read(shown);
  expect(problem).toBeNull();
  // Every kind is shown; the one that is switched off is not among those that hold.
  expect(triggers.map(({ when }) => when).sort()).toEqual(
    triggerKinds.filter((kind) => kind !== 'rollback').sort(),
  );
  expect([...owners.keys()]).toEqual(['@acme/backend', '@ada']);
  expect(access.rules).toHaveLength(2);
  expect(access.admin).toEqual(['U0123ABCD']);
});

test('the page on approvals tells every trigger and every key of one', () => {
  const page = readFileSync(new URL('../../docs/approvals.md', import.meta.url), 'utf8');
  for (const kind of triggerKinds) expect(page).toContain(`| \`${kind}\` |`);
  for (const key of triggerKeys) expect(page, key).toContain(`\`${key}\``);
  expect(triggerKeys.length).toBeGreaterThan(12);
});

describe('a part of baton.yaml that cannot be read', () => {
  test.each(wrong)('%s: nobody passes, and the line is named', async (_what, text, line, words) => {
    const { problem, base, access } = read(text);
    expect(problem).toContain(`baton.yaml, line ${line}: `);
    expect(problem).toMatch(words);
    expect(base.problem).toBe(problem);
    const door = await openDoor(access);
    try {
      const approval = await door.ask({ ...base, expireAfterMs: 60_000, executeWithinMs: 60_000 });
      for (const user of ['UALICE', 'UBOB', 'UADMIN']) await door.click(user, approval.nonce);
      await door.settled();
      expect((await door.store.approvals.byId(approval.id))?.status).toBe('pending');
      for (const { text: told } of door.answers()) expect(told).toContain(`baton.yaml, line ${line}`);
      expect(door.answers().map(({ user }) => user)).toEqual(['UALICE', 'UBOB', 'UADMIN']);
      expect(door.audit(approval.id).filter(({ detail }) => detail.includes('policy_error'))).toHaveLength(3);
      // Nor by breaking the glass: whoever would be an admin is part of what cannot be read.
      const by = { id: 'UADMIN', team: 'T1', isBot: false, isGuest: false, isStranger: false };
      const glass = await door.approvals.breakGlass({ nonce: approval.nonce, by, place: 'C1' }, 'it burns');
      expect(glass).toMatchObject({ ok: false, refusal: 'policy_error' });
    } finally {
      await door.close();
    }
  });

  test('who may do what is nobody, rather than everybody, while it cannot be read', async () => {
    const roles = new Roles({ access: read('access:\n  requester: [ada]\n').access, directory: everybody });
    const by = { id: 'UBOB', team: 'T1', isBot: false, isGuest: false, isStranger: false };
    expect(roles.outsider(by)).toBe('unreadable');
    expect(await roles.has('requester', by, '/x')).toBe(false);
    expect(await roles.looks(by, null)).toBe('unreadable');
  });

  test('another wrong part of the file stops the start, as it did', () => {
    expect(() => read('steering: nobody\n')).toThrow(/steering/);
    expect(() => read('approvals: [\n')).toThrow(/line|flow/i);
    expect(() => read('approvals: {}\napprovals: {}\n')).toThrow(/unique/i);
  });

  test('a good one has no problem', () => {
    const { problem } = read(
      'approvals:\n  people: [U1]\n  triggers:\n    - { when: files, patterns: ["a/"], groups: [S1] }\n',
    );
    expect(problem).toBeNull();
  });
});
