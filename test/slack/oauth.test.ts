import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { Installation } from '@slack/bolt';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import type { InstallationRow, InstallationStore } from '../../src/ports/installations.ts';
import { createClients } from '../../src/slack/clients.ts';
import { SCOPES } from '../../src/slack/oauth/install-door.ts';
import { Installations } from '../../src/slack/oauth/installations.ts';
import { KeyRing } from '../../src/slack/oauth/seal.ts';
import { createTransport } from '../../src/slack/out/transport.ts';
import { Workspaces } from '../../src/slack/workspaces.ts';
import { VirtualClock } from '../support/virtual-clock.ts';

const key = (id: string): string => `${id}:${randomBytes(32).toString('base64')}`;
function ring(text: string): KeyRing {
  const found = KeyRing.parse(text);
  if (found === null) throw new Error('unreadable');
  return found;
}

describe('sealing', () => {
  test('opens for its owner with its key, and for nothing else, whatever byte was changed', () => {
    const [k1, k2] = [key('k1'), key('k2')];
    const keys = ring(`${k1},${k2}`);
    const other = ring(k1.replace(/:.*/, `:${randomBytes(32).toString('base64')}`));
    fc.assert(
      fc.property(
        fc.string(),
        fc.string(),
        fc.nat(),
        fc.integer({ min: 1, max: 255 }),
        (text, owner, at, flip) => {
          const sealed = keys.seal(text, owner);
          expect(sealed.keyId).toBe('k1');
          expect(keys.open(sealed, owner)).toBe(text);
          expect(keys.seal(text, owner).sealed).not.toBe(sealed.sealed);
          expect(() => keys.open(sealed, `${owner}x`)).toThrow();
          expect(() => keys.open({ ...sealed, keyId: 'k2' }, owner)).toThrow();
          expect(() => keys.open({ ...sealed, keyId: 'k3' }, owner)).toThrow();
          expect(() => other.open(sealed, owner)).toThrow();
          const bytes = Buffer.from(sealed.sealed, 'base64');
          const place = at % bytes.length;
          bytes[place] = (bytes[place] ?? 0) ^ flip;
          expect(() => keys.open({ ...sealed, sealed: bytes.toString('base64') }, owner)).toThrow();
          const cut = bytes.subarray(0, place).toString('base64');
          expect(() => keys.open({ ...sealed, sealed: cut }, owner)).toThrow();
        },
      ),
    );
  });

  test.each([
    '',
    'k1',
    'k1:',
    'k1:c2hvcnQ=',
    `${key('a')},${key('a')}`,
    `a b:${randomBytes(32).toString('base64')}`,
  ])('what is no key is refused: %j', (text) => expect(KeyRing.parse(text)).toBeNull());
});

test('the installer asks for what the manifest asks for', () => {
  const manifest = z
    .object({ oauth_config: z.object({ scopes: z.object({ bot: z.array(z.string()) }) }) })
    .parse(parse(readFileSync(new URL('../../manifest.yml', import.meta.url), 'utf8')));
  expect([...SCOPES].sort()).toEqual([...manifest.oauth_config.scopes.bot].sort());
});

describe('installations', () => {
  function setUp(allowed: readonly string[], keys = ring(key('k1'))) {
    const rows = new Map<string, InstallationRow>();
    const store: InstallationStore = {
      put: async (row) => void rows.set(row.id, { ...row, revokedAt: null, revokedBy: null }),
      reseal: async () => undefined,
      revoke: async (id) => rows.delete(id),
      all: async () => [...rows.values()],
    };
    const trouble: string[] = [];
    const open = () => {
      const workspaces = new Workspaces();
      const log = { info: () => undefined, warn: () => undefined, error: () => undefined };
      const installations = new Installations({
        store,
        keys,
        workspaces,
        allowed,
        connect: (found) => {
          const url = 'http://127.0.0.1:1/api/';
          const clients = createClients({ token: found.botToken, apiUrl: url, redact: (text) => text, log });
          return { ...found, clients, transport: createTransport(clients) };
        },
        clock: new VirtualClock(),
        onPut: () => undefined,
        onTrouble: (id) => void trouble.push(id),
      });
      return { workspaces, installations };
    };
    return { rows, trouble, open };
  }
  const bot = (token: string) => ({ token, scopes: ['chat:write'], id: 'B1', userId: 'U0BOT' });
  const user = { id: 'UADA', token: undefined, scopes: undefined };
  const ofTeam = (team: string, enterprise?: string): Installation => ({
    team: { id: team, name: team },
    enterprise: enterprise === undefined ? undefined : { id: enterprise },
    user,
    bot: bot(`xoxb-${team}`),
    isEnterpriseInstall: false,
  });
  const withoutBot = ({ bot: _bot, ...rest }: Installation): Installation => rest;
  const ofOrg = (enterprise: string): Installation => ({
    team: undefined,
    enterprise: { id: enterprise, name: enterprise },
    user,
    bot: bot(`xoxb-${enterprise}`),
    isEnterpriseInstall: true,
  });

  test('an organisation’s serves all of its workspaces, no other; a workspace’s own goes before it', async () => {
    const { open, rows } = setUp(['E1', 'T9']);
    const { workspaces, installations } = open();
    await installations.storeInstallation(ofOrg('E1'));
    await installations.storeInstallation(ofTeam('T2', 'E1'));
    await installations.storeInstallation(ofTeam('T9'));
    const token = (team: string) => workspaces.of(team)?.botToken ?? null;
    expect(['E1:T1', 'E1:T2', 'T9', 'E2:T1', 'T1', 'E2:T2', 'E1'].map(token)).toEqual([
      'xoxb-E1',
      'xoxb-T2',
      'xoxb-T9',
      null,
      null,
      null,
      'xoxb-E1',
    ]);
    expect([...rows.keys()]).toEqual(['E1', 'E1:T2', 'T9']);
    await installations.revoke('E1', 'app_uninstalled');
    expect(['E1:T1', 'E1:T2'].map(token)).toEqual([null, 'xoxb-T2']);
    const again = open();
    await again.installations.load();
    expect(again.workspaces.all().map(({ id }) => id)).toEqual(['E1:T2', 'T9']);
    expect(
      await installations.fetchInstallation({
        teamId: 'T9',
        enterpriseId: undefined,
        isEnterpriseInstall: false,
      }),
    ).toMatchObject({ bot: { token: 'xoxb-T9' }, user: { id: 'UADA' } });
  });

  test.each<[string, Installation]>([
    ['a workspace that nobody named', ofTeam('T3')],
    ['an organisation that nobody named', ofOrg('E3')],
    ['a whole organisation through one of its workspaces', { ...ofOrg('E3'), team: undefined }],
    ['one without a bot', withoutBot(ofTeam('T1'))],
  ])('%s is not kept', async (_name, installation) => {
    const { open, rows } = setUp(['T1', 'T2']);
    const { workspaces, installations } = open();
    await expect(installations.storeInstallation(installation)).rejects.toThrow('workspaces:');
    expect([rows.size, workspaces.all().length]).toEqual([0, 0]);
  });

  test('what another was given opens nothing: it is named and left alone', async () => {
    const { open, rows, trouble } = setUp(['T1', 'T2']);
    const { installations } = open();
    await installations.storeInstallation(ofTeam('T1'));
    await installations.storeInstallation(ofTeam('T2'));
    const [one, two] = [...rows.values()];
    if (one === undefined || two === undefined) throw new Error('unreachable');
    rows.set('T1', { ...one, sealed: two.sealed });
    const again = open();
    await again.installations.load();
    expect(again.workspaces.all().map(({ id }) => id)).toEqual(['T2']);
    expect(trouble).toEqual(['T1']);
  });
});
