import { randomBytes } from 'node:crypto';
import { afterEach, expect, test } from 'vitest';
import { z } from 'zod';
import type { InstallationRow, InstallationStore } from '../../src/ports/installations.ts';
import { createClients } from '../../src/slack/clients.ts';
import { exchangeAt } from '../../src/slack/oauth/exchange.ts';
import { Installations } from '../../src/slack/oauth/installations.ts';
import { KeyRing } from '../../src/slack/oauth/seal.ts';
import { createTransport } from '../../src/slack/out/transport.ts';
import { Workspaces } from '../../src/slack/workspaces.ts';
import { VirtualClock } from '../support/virtual-clock.ts';
import { type TestDesk, testDesk } from './harness.ts';

const HOUR = 3_600_000;
const log = { info: () => undefined, warn: () => undefined, error: () => undefined };
const app = { client_id: '1.2', client_secret: 'secret' };
const installedSchema = z.looseObject({
  access_token: z.string(),
  refresh_token: z.string(),
  expires_in: z.number(),
  bot_user_id: z.string(),
  team: z.object({ id: z.string(), name: z.string() }),
});

let desk: TestDesk | null = null;
afterEach(async () => {
  await desk?.close();
  desk = null;
});

/** What Baton keeps installations in, in memory. */
function memory(): InstallationStore {
  const rows = new Map<string, InstallationRow>();
  return {
    put: async (row) => void rows.set(row.id, { ...row, revokedAt: null, revokedBy: null }),
    reseal: async (id, was, sealed, keyId) => {
      const row = rows.get(id);
      if (row?.sealed !== was) return false;
      rows.set(id, { ...row, sealed, keyId });
      return true;
    },
    revoke: async (id) => rows.delete(id),
    all: async () => [...rows.values()],
  };
}

async function rotatingDesk(clock: VirtualClock) {
  const found = await testDesk({ clock, tokenLifeMs: 12 * HOUR });
  desk = found;
  const team = (await found.api('team.info'))['team'];
  const code = `code-${z.looseObject({ id: z.string() }).parse(team).id}`;
  return { desk: found, code };
}

test('a token of the desk ends, its refresh token counts once, and the one before works until its own end', async () => {
  const clock = new VirtualClock();
  const { desk: slack, code } = await rotatingDesk(clock);
  const first = installedSchema.parse(await slack.api('oauth.v2.access', { ...app, code }));
  expect(first.expires_in).toBe(12 * 3_600);
  const good = (token: string) => slack.api('auth.test', {}, token);
  expect(await good(first.access_token)).toMatchObject({ ok: true });
  clock.advance(10 * HOUR);
  const asked = { ...app, grant_type: 'refresh_token', refresh_token: first.refresh_token };
  const second = z.looseObject({ access_token: z.string() }).parse(await slack.api('oauth.v2.access', asked));
  expect(await slack.api('oauth.v2.access', asked)).toMatchObject({
    ok: false,
    error: 'invalid_refresh_token',
  });
  expect(await good(first.access_token)).toMatchObject({ ok: true });
  clock.advance(2 * HOUR);
  expect(await good(first.access_token)).toMatchObject({ ok: false, error: 'token_expired' });
  expect(await good(second.access_token)).toMatchObject({ ok: true });
  expect(await good('xoxe.xoxb-desk-of-nobody')).toMatchObject({ ok: false, error: 'invalid_auth' });
});

test('Baton exchanges its token at the desk before each end, for days, and speaks there all the time', async () => {
  const clock = new VirtualClock();
  const { desk: slack, code } = await rotatingDesk(clock);
  const given = installedSchema.parse(await slack.api('oauth.v2.access', { ...app, code }));
  const apiUrl = `${slack.desk.url}/api/`;
  const keys = KeyRing.parse(`k1:${randomBytes(32).toString('base64')}`);
  if (keys === null) throw new Error('unreachable');
  const workspaces = new Workspaces();
  const trouble: unknown[] = [];
  const installations = new Installations({
    store: memory(),
    keys,
    workspaces,
    allowed: [given.team.id],
    connect: (found) => {
      const clients = createClients({ token: found.botToken, apiUrl, redact: (text) => text, log });
      return { ...found, clients, transport: createTransport(clients) };
    },
    clock,
    exchange: exchangeAt(apiUrl, app.client_id, app.client_secret, 10_000),
    onGone: () => void trouble.push('gone'),
    onPut: () => undefined,
    onTrouble: (_id, error) => void trouble.push(error),
  });
  await installations.storeInstallation({
    team: given.team,
    enterprise: undefined,
    user: { id: 'UADA', token: undefined, scopes: undefined },
    bot: {
      token: given.access_token,
      scopes: ['chat:write'],
      id: 'B1',
      userId: given.bot_user_id,
      refreshToken: given.refresh_token,
      expiresAt: clock.now() / 1_000 + given.expires_in,
    },
    isEnterpriseInstall: false,
  });

  const used = new Set<string>();
  for (let hour = 0; hour < 72; hour += 1) {
    clock.advance(HOUR);
    await installations.rotate();
    const token = workspaces.of(given.team.id)?.botToken ?? '';
    used.add(token);
    expect(await slack.api('auth.test', {}, token), `after ${hour + 1} hours`).toMatchObject({ ok: true });
  }
  await installations.stop();
  // One for each ten hours: two before the end of twelve.
  expect(used.size).toBe(8);
  expect(trouble).toEqual([]);
});
