import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { App } from '@slack/bolt';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { WebSocketServer } from 'ws';
import { BatonError } from '../../src/domain/failure.ts';
import { SocketDoor } from '../../src/slack/doors/socket-door.ts';
import { type ManualClock, manualClock, until } from '../desk/harness.ts';

/** How Slack meets the next request for a socket. */
type Mood = 'well' | 'mute' | 'refused' | 'broken' | 'limited' | 'cut';

let mood: Mood;
let opens: number;
let server: Server;
let sockets: WebSocketServer;
let clock: ManualClock;
let door: SocketDoor;
const rejections: unknown[] = [];
const note = (error: unknown): void => void rejections.push(error);

beforeEach(async () => {
  mood = 'well';
  opens = 0;
  rejections.length = 0;
  clock = manualClock();
  server = createServer((request, response) => {
    request.resume();
    opens += 1;
    const { port } = portOf(server);
    const json = (body: object, status = 200, headers = {}): void =>
      void response
        .writeHead(status, { 'content-type': 'application/json', ...headers })
        .end(JSON.stringify(body));
    if (mood === 'cut') response.destroy();
    else if (mood === 'broken') json({ ok: false }, 503);
    else if (mood === 'limited') json({ ok: false, error: 'ratelimited' }, 429, { 'retry-after': '40' });
    else if (mood === 'refused') json({ ok: false, error: 'invalid_auth' });
    else json({ ok: true, url: `ws://127.0.0.1:${port}/` });
  });
  sockets = new WebSocketServer({ server });
  sockets.on('connection', (socket) => {
    if (mood !== 'mute') socket.send(JSON.stringify({ type: 'hello' }));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  process.on('unhandledRejection', note);
  const quiet = { info: () => {}, warn: () => {}, error: () => {} };
  const apiUrl = `http://127.0.0.1:${portOf(server).port}/api/`;
  door = new SocketDoor({ appToken: 'xapp-test', apiUrl, clock, log: quiet, redact: (text) => text });
  door.init(new App({ token: 'xoxb-test', receiver: door, botId: 'B1', botUserId: 'U1' }));
});

afterEach(async () => {
  await door.stop();
  for (const socket of sockets.clients) socket.terminate();
  server.closeAllConnections();
  server.close();
  process.off('unhandledRejection', note);
  expect(rejections).toEqual([]);
});

function portOf(of: Server): AddressInfo {
  const address = of.address();
  if (address === null || typeof address === 'string') throw new Error('not listening');
  return address;
}

const connected = (): Promise<void> => until(async () => sockets.clients.size === 1);
function drop(): void {
  for (const socket of sockets.clients) socket.terminate();
}

test('a connection that lasted is taken up again at once', async () => {
  await door.start();
  clock.advance(60_000);
  drop();
  await until(async () => {
    clock.advance(0);
    return opens === 2 && sockets.clients.size === 1;
  });
});

test.each(['refused', 'broken', 'cut', 'limited', 'mute'] as const)(
  'however Slack meets it (%s), the door comes back by itself, and soon',
  async (how) => {
    await door.start();
    mood = how;
    clock.advance(60_000);
    drop();
    for (let times = 2; times <= 6; times += 1) {
      await until(async () => {
        clock.advance(how === 'limited' ? 8_000 : 4_000);
        return opens >= times;
      });
    }
    mood = 'well';
    drop();
    await until(async () => {
      clock.advance(8_000);
      return opens > 6;
    });
    await connected();
  },
);

test('a door that was shut stays shut', async () => {
  await door.start();
  await door.stop();
  await until(async () => sockets.clients.size === 0);
  clock.advance(3_600_000);
  await new Promise((resolve) => setImmediate(resolve));
  expect(opens).toBe(1);
});

test('a wrong token is named at the start, with where to get it', async () => {
  mood = 'refused';
  const error: unknown = await door.start().catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(BatonError);
  expect(error).toMatchObject({
    failure: { code: 'slack_token', message: expect.stringContaining('SLACK_APP_TOKEN') },
  });
});
