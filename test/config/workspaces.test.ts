import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readConfig } from '../../src/config/config.ts';

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'config-workspaces-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const OAUTH = {
  SLACK_CLIENT_ID: '1.2',
  SLACK_CLIENT_SECRET: 'secret-of-the-client',
  SLACK_SIGNING_SECRET: 'signing-secret',
  SLACK_STATE_SECRET: 'state-secret-of-the-test',
  BATON_TOKEN_KEYS: 'k1:x',
};
function read(text: string, environment: Readonly<Record<string, string>> = OAUTH) {
  const file = path.join(folder, 'baton.yaml');
  writeFileSync(file, text);
  return readConfig({ BATON_CONFIG: file, BATON_HOME: folder, ...environment });
}

describe('ids without a workspace', () => {
  test.each([
    ['workspaces: [T1, T2]', OAUTH, null],
    ['workspaces: [E1]', OAUTH, null],
    ['workspaces: []', OAUTH, null],
    ['workspaces: [T1]', { ...OAUTH, SLACK_BOT_TOKEN: 'xoxb-1' }, null],
    ['workspaces: [T1]', OAUTH, { of: 'T1' }],
    ['workspaces: [T1, T2]', {}, 'one'],
  ] as const)('%s: whose they are', (text, environment, bare) => {
    expect(read(text, environment).policy.bareIds).toEqual(bare);
  });

  test.each([
    ['people:\n  U1: { skills: [ui] }', 'people.U1'],
    ['flags:\n  channels:\n    C1: { fancy: true }', 'flags.channels.C1'],
    ['requests:\n  channels:\n    C1: { quality: high }', 'requests.channels.C1'],
    ['channels: { escalations: C1 }', 'channels.escalations'],
    ['channels: { escalations: [T1/C1, C2] }', 'channels.escalations'],
    [
      'subscriptions:\n  - { on: test-failed, workflow: fix, channel: C1, by: T1/U1 }',
      'subscriptions.0.channel',
    ],
    ['subscriptions:\n  - { on: test-failed, workflow: fix, channel: T1/C1, by: U1 }', 'subscriptions.0.by'],
  ])('%s: refused at the start with its line, where several may install', (text, key) => {
    const several = () => read(`workspaces: [T1, T2]\n${text}\n`);
    expect(several).toThrow(`${key}: There are several workspaces: write whose`);
    expect(several).toThrow(/baton\.yaml, line \d+: /);
    expect(() => read(`workspaces: [T1]\n${text}\n`)).not.toThrow();
  });

  test('each with its workspace is read', () => {
    const { policy, people } = read(
      `workspaces: [T1, T2]
people:
  T1/U1: { skills: [ui] }
flags:
  channels:
    T2/C1: { fancy: true }
requests:
  channels:
    E1:T2/C1: { quality: high }
channels: { escalations: [T1/C1, T2/C1] }
approvals: { people: [T1/U1] }
access: { admin: [T1/U1, E1/W1] }
`,
    );
    expect(policy).toMatchObject({ problem: null, raised: { channels: ['T1/C1', 'T2/C1'] } });
    expect(Object.keys(people)).toEqual(['T1/U1']);
  });

  test('one in `approvals` or `access` lets nobody decide, and is told with its line', () => {
    const { problem } = read('workspaces: [T1, T2]\naccess:\n  admin: [U1]\n').policy;
    expect(problem).toMatch(/^baton\.yaml, line 3: access\.admin\.0: There are several workspaces/);
  });
});
