import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { Installation } from '@slack/bolt';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import type { InstallationRow, InstallationStore } from '../../src/ports/installations.ts';
import { createClients } from '../../src/slack/clients.ts';
import { type Exchange, exchangeAt } from '../../src/slack/oauth/exchange.ts';
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
  function setUp(allowed: readonly string[], exchange: Exchange = async () => null, keys = ring(key('k1'))) {
    const clock = new VirtualClock();
    const gone: string[] = [];
    const rows = new Map<string, InstallationRow>();
    const disk = { full: 0 };
    const store: InstallationStore = {
      put: async (row) => void rows.set(row.id, { ...row, revokedAt: null, revokedBy: null }),
      reseal: async (id, was, sealed, keyId) => {
        if (disk.full > 0) {
          disk.full -= 1;
          throw new Error('SQLITE_FULL');
        }
        const row = rows.get(id);
        if (row?.sealed !== was) return false;
        rows.set(id, { ...row, sealed, keyId });
        return true;
      },
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
        clock,
        exchange: async (token) => exchange(token),
        onGone: () => void gone.push('gone'),
        onPut: () => undefined,
        onTrouble: (id) => void trouble.push(id),
      });
      return { workspaces, installations };
    };
    return { rows, trouble, open, clock, gone, keys, disk };
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

  test('one that is taken off the list is not served any more, and is again once it is back', async () => {
    const { open, trouble } = setUp(list);
    await open().installations.storeInstallation(ofTeam('T1'));
    list.length = 0;
    const without = open();
    await without.installations.load();
    expect([without.workspaces.all(), trouble]).toEqual([[], ['T1']]);
    list.push('T1');
    const again = open();
    await again.installations.load();
    expect(again.workspaces.all().map(({ id }) => id)).toEqual(['T1']);
  });
  const list = ['T1'];

  describe('whose tokens Slack rotates', () => {
    const HOUR = 3_600_000;
    const rotating = (clock: VirtualClock, team: string): Installation => ({
      ...ofTeam(team),
      bot: {
        ...bot(`xoxe.xoxb-${team}-0`),
        refreshToken: `xoxe-${team}-0`,
        expiresAt: clock.now() / 1_000 + 12 * 3_600,
      },
    });
    /** Slack: each refresh token counts once. What is asked for a second time is refused. */
    function slack() {
      const used: string[] = [];
      const how = { lost: 0, down: 0, during: async (): Promise<void> => undefined };
      const exchange: Exchange = async (token) => {
        if (how.down > 0) {
          how.down -= 1;
          throw new Error('ECONNREFUSED');
        }
        if (used.includes(token)) return null;
        used.push(token);
        await how.during();
        if (how.lost > 0) {
          how.lost -= 1;
          throw new Error('ETIMEDOUT');
        }
        const next = token.replace(/\d+$/, (n) => String(Number(n) + 1));
        return { botToken: next.replace('xoxe-', 'xoxe.xoxb-'), refreshToken: next, expiresIn: 12 * 3_600 };
      };
      return { used, how, exchange };
    }

    test('is given the next one before it ends, once, whoever asks at the same time; sealed, over a restart', async () => {
      const { used, exchange } = slack();
      const { open, clock, rows, trouble } = setUp(['T1', 'T2'], exchange);
      const { workspaces, installations } = open();
      await installations.storeInstallation(rotating(clock, 'T1'));
      await installations.storeInstallation(ofTeam('T2'));
      clock.advance(9.9 * HOUR);
      expect(used).toEqual([]);
      clock.advance(0.2 * HOUR);
      await Promise.all([installations.rotate(), installations.rotate(), installations.rotate()]);
      expect(used).toEqual(['xoxe-T1-0']);
      expect(workspaces.of('T1')?.botToken).toBe('xoxe.xoxb-T1-1');
      expect(workspaces.of('T2')?.botToken).toBe('xoxb-T2');
      expect(JSON.stringify([...rows.values()])).not.toMatch(/xox/);
      await installations.stop();
      const again = open();
      await again.installations.load();
      expect(again.workspaces.of('T1')?.botToken).toBe('xoxe.xoxb-T1-1');
      for (let hour = 0; hour < 48; hour += 1) {
        clock.advance(HOUR);
        await again.installations.rotate();
      }
      expect(used).toEqual([0, 1, 2, 3, 4].map((n) => `xoxe-T1-${n}`).slice(0, used.length));
      expect(used.length).toBeGreaterThanOrEqual(5);
      expect(trouble).toEqual([]);
      await again.installations.stop();
    });

    test('a server that does not answer is asked again in time', async () => {
      const { used, how, exchange } = slack();
      const { open, clock, gone } = setUp(['T1'], exchange);
      const { workspaces, installations } = open();
      await installations.storeInstallation(rotating(clock, 'T1'));
      how.down = 5;
      clock.advance(9.99 * HOUR);
      // Nobody calls it: its own timer does, minute by minute.
      for (let minute = 0; minute < 10; minute += 1) {
        clock.advance(60_000);
        await new Promise((resolve) => setImmediate(resolve));
      }
      expect(how.down).toBe(0);
      expect([used, workspaces.of('T1')?.botToken, gone]).toEqual([['xoxe-T1-0'], 'xoxe.xoxb-T1-1', []]);
      await installations.stop();
    });

    test('a lost answer: the old one is used to its end, it is told hours before, and installing anew goes on', async () => {
      const { how, exchange } = slack();
      const { open, clock, gone, trouble } = setUp(['T1'], exchange);
      const { workspaces, installations } = open();
      await installations.storeInstallation(rotating(clock, 'T1'));
      how.lost = 1;
      clock.advance(10.5 * HOUR);
      await installations.rotate();
      expect(workspaces.of('T1')?.botToken).toBe('xoxe.xoxb-T1-0');
      expect(trouble.length).toBeGreaterThanOrEqual(2);
      expect(gone).toEqual([]);
      clock.advance(2 * HOUR);
      await installations.rotate();
      expect([workspaces.of('T1'), gone]).toEqual([null, ['gone']]);
      await installations.storeInstallation({
        ...ofTeam('T1'),
        bot: {
          ...bot('xoxe.xoxb-T1-90'),
          refreshToken: 'xoxe-T1-90',
          expiresAt: clock.now() / 1_000 + 12 * 3_600,
        },
      });
      expect(workspaces.of('T1')?.botToken).toBe('xoxe.xoxb-T1-90');
      clock.advance(10.5 * HOUR);
      await installations.rotate();
      expect(workspaces.of('T1')?.botToken).toBe('xoxe.xoxb-T1-91');
      await installations.stop();
    });

    test('one that could not be kept is kept with the next look, and Slack is asked for it once', async () => {
      const { used, exchange } = slack();
      const { open, clock, trouble, disk } = setUp(['T1'], exchange);
      const { workspaces, installations } = open();
      await installations.storeInstallation(rotating(clock, 'T1'));
      disk.full = 2;
      clock.advance(10.5 * HOUR);
      await installations.rotate();
      await installations.rotate();
      await installations.rotate();
      expect([used, trouble, disk.full]).toEqual([['xoxe-T1-0'], ['T1', 'T1'], 0]);
      expect(workspaces.of('T1')?.botToken).toBe('xoxe.xoxb-T1-1');
      await installations.stop();
      const again = open();
      await again.installations.load();
      expect(again.workspaces.of('T1')?.botToken).toBe('xoxe.xoxb-T1-1');
      clock.advance(10.5 * HOUR);
      await again.installations.rotate();
      expect(used).toEqual(['xoxe-T1-0', 'xoxe-T1-1']);
      await again.installations.stop();
    });

    test('installed anew while Slack was asked: what came then stays', async () => {
      const { how, exchange } = slack();
      const { open, clock, rows, keys } = setUp(['T1'], exchange);
      const { workspaces, installations } = open();
      await installations.storeInstallation(rotating(clock, 'T1'));
      how.during = async () => {
        const row = rows.get('T1');
        if (row === undefined) throw new Error('unreachable');
        const secret = z.looseObject({}).parse(JSON.parse(keys.open(row, 'T1')));
        rows.set('T1', {
          ...row,
          ...keys.seal(
            JSON.stringify({ ...secret, botToken: 'xoxb-anew', refreshToken: null, expiresAt: null }),
            'T1',
          ),
        });
      };
      clock.advance(10.5 * HOUR);
      await installations.rotate();
      await installations.stop();
      expect(workspaces.of('T1')?.botToken).toBe('xoxe.xoxb-T1-0');
      const again = open();
      await again.installations.load();
      expect(again.workspaces.of('T1')?.botToken).toBe('xoxb-anew');
      await again.installations.stop();
    });

    test('what is asked of Slack, and what its answers mean', async () => {
      const asked: string[] = [];
      const answers: { [token: string]: string | null } = {
        good: JSON.stringify({
          ok: true,
          access_token: 'xoxe.xoxb-2',
          refresh_token: 'xoxe-2',
          expires_in: 43_200,
        }),
        spent: JSON.stringify({ ok: false, error: 'invalid_refresh_token' }),
        busy: JSON.stringify({ ok: false, error: 'internal_error' }),
        cut: null,
      };
      const server = createServer((request, response) => {
        let body = '';
        request.on('data', (chunk: Buffer) => {
          body += chunk.toString('utf8');
        });
        request.on('end', () => {
          asked.push(`${request.url} ${body}`);
          const answer = answers[new URLSearchParams(body).get('refresh_token') ?? ''] ?? null;
          if (answer === null) response.destroy();
          else response.writeHead(200, { 'content-type': 'application/json' }).end(answer);
        });
      });
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      try {
        const { port } = z.object({ port: z.number() }).parse(server.address());
        const exchange = exchangeAt(`http://127.0.0.1:${port}/api/`, '1.2', 'secret', 10_000);
        expect(await exchange('good')).toEqual({
          botToken: 'xoxe.xoxb-2',
          refreshToken: 'xoxe-2',
          expiresIn: 43_200,
        });
        expect(await exchange('spent')).toBeNull();
        await expect(exchange('busy')).rejects.toThrow();
        await expect(exchange('cut')).rejects.toThrow();
        expect(asked[0]).toMatch(
          /oauth\.v2\.access .*client_id=1\.2.*client_secret=secret.*grant_type=refresh_token/,
        );
        // Asked once each: what may have been done is not asked again by itself.
        expect(asked).toHaveLength(4);
      } finally {
        server.closeAllConnections();
        server.close();
      }
    });
  });
});
