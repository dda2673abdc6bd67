import { createHmac } from 'node:crypto';
import { connect } from 'node:net';
import { App, LogLevel } from '@slack/bolt';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { HttpReceiver, verify } from '../../src/slack/doors/http-receiver.ts';
import { type TempStore, tempStore } from '../db/support.ts';
import { VirtualClock } from '../support/virtual-clock.ts';

const SECRET = 'secret-of-the-test';
const NOW = 1_800_000_000_000;
const sign = (body: string, seconds: number | string, secret = SECRET) =>
  `v0=${createHmac('sha256', secret).update(`v0:${seconds}:${body}`).digest('hex')}`;
const seconds = NOW / 1_000;

describe('a signature', () => {
  const body = 'a=1';
  const good = { timestamp: String(seconds), signature: sign(body, seconds) };
  test.each([
    ['good', good, 'ok'],
    ['300 seconds old', { timestamp: String(seconds - 300), signature: sign(body, seconds - 300) }, 'ok'],
    ['300 seconds ahead', { timestamp: String(seconds + 300), signature: sign(body, seconds + 300) }, 'ok'],
    ['301 seconds old', { timestamp: String(seconds - 301), signature: sign(body, seconds - 301) }, 'stale'],
    [
      '301 seconds ahead',
      { timestamp: String(seconds + 301), signature: sign(body, seconds + 301) },
      'stale',
    ],
    ['of another secret', { ...good, signature: sign(body, seconds, 'other') }, 'forged'],
    ['of another body', { ...good, signature: sign('a=2', seconds) }, 'forged'],
    ['of another time', { ...good, timestamp: String(seconds + 1) }, 'forged'],
    ['of another version', { ...good, signature: good.signature.replace('v0', 'v1') }, 'forged'],
    ['cut short', { ...good, signature: good.signature.slice(0, -1) }, 'forged'],
    ['in capitals', { ...good, signature: good.signature.toUpperCase() }, 'forged'],
    ['empty', { ...good, signature: '' }, 'forged'],
    ['with letters of several bytes', { ...good, signature: 'é'.repeat(good.signature.length) }, 'forged'],
    ['missing', { timestamp: good.timestamp, signature: undefined }, 'malformed'],
    ['without a time', { timestamp: undefined, signature: good.signature }, 'malformed'],
    ['with words as its time', { ...good, timestamp: 'now' }, 'malformed'],
    ['with a negative time', { ...good, timestamp: '-1' }, 'malformed'],
    ['with a time in milliseconds', { timestamp: String(NOW), signature: sign(body, NOW) }, 'malformed'],
    ['with a fraction', { timestamp: `${seconds}.5`, signature: sign(body, `${seconds}.5`) }, 'malformed'],
    ['with an exponent', { timestamp: '18e8', signature: sign(body, '18e8') }, 'malformed'],
  ] as const)('%s', (_name, given, verdict) => {
    expect(verify({ secret: SECRET, ...given, body: Buffer.from(body), now: NOW })).toBe(verdict);
  });
});

describe('the door over HTTP', () => {
  let t: TempStore;
  let clock: VirtualClock;
  let receiver: HttpReceiver;
  let url: string;
  let port: number;
  let seen: unknown[];
  let errors: unknown[];

  beforeEach(async () => {
    t = tempStore();
    clock = new VirtualClock(NOW);
    seen = [];
    errors = [];
    receiver = new HttpReceiver({
      signingSecret: SECRET,
      port: 0,
      clock,
      replays: t.store.replays,
      onError: (error) => errors.push(error),
    });
    const app = new App({
      receiver,
      authorize: async () => ({ botToken: 'xoxb-x', botId: 'B1', botUserId: 'U1' }),
      logLevel: LogLevel.ERROR,
    });
    app.error(async () => undefined);
    app.command('/orchestrate', async ({ ack, command }) => {
      seen.push(command.text);
      if (command.text === 'break') throw new Error('broken');
      await ack(command.text === 'silent' ? undefined : { response_type: 'ephemeral', text: 'On it' });
    });
    app.event('app_mention', async ({ event }) => void seen.push(event.text));
    app.action('go', async ({ ack, action }) => {
      seen.push('value' in action ? action.value : null);
      await ack();
    });
    ({ port } = await receiver.start());
    url = `http://127.0.0.1:${port}/slack/events`;
  });
  afterEach(async () => {
    await receiver.stop();
    t.remove();
  });

  const command = (text: string) =>
    new URLSearchParams({
      command: '/orchestrate',
      text,
      team_id: 'T1',
      user_id: 'U1',
      channel_id: 'C1',
      trigger_id: 'tr',
    }).toString();
  async function send(
    body: string,
    more: {
      readonly type?: string;
      readonly headers?: Record<string, string>;
      readonly method?: string;
    } = {},
  ) {
    const at = Math.floor(clock.now() / 1_000);
    const headers = {
      'content-type': more.type ?? 'application/x-www-form-urlencoded',
      'x-slack-request-timestamp': String(at),
      'x-slack-signature': sign(body, at),
      ...more.headers,
    };
    const answer = await fetch(url, {
      method: more.method ?? 'POST',
      headers,
      ...(more.method === 'GET' ? {} : { body }),
    });
    return { status: answer.status, text: await answer.text() };
  }
  const json = (body: unknown) => send(JSON.stringify(body), { type: 'application/json; charset=utf-8' });

  test('a command as a form, answered with its acknowledgement', async () => {
    expect(await send(command('feature x'))).toEqual({
      status: 200,
      text: '{"response_type":"ephemeral","text":"On it"}',
    });
    expect(await send(command('silent'))).toEqual({ status: 200, text: '' });
    expect(seen).toEqual(['feature x', 'silent']);
  });

  test('an event as JSON, a click as JSON in a form', async () => {
    const event = { type: 'app_mention', user: 'U2', text: 'hello', channel: 'C1', ts: '1.1' };
    expect(await json({ type: 'event_callback', team_id: 'T1', event_id: 'E1', event })).toMatchObject({
      status: 200,
    });
    const click = {
      type: 'block_actions',
      team: { id: 'T1' },
      user: { id: 'U2' },
      actions: [{ type: 'button', action_id: 'go', block_id: 'b', value: 'v', action_ts: '1' }],
    };
    expect(await send(new URLSearchParams({ payload: JSON.stringify(click) }).toString())).toEqual({
      status: 200,
      text: '',
    });
    expect(seen).toEqual(['hello', 'v']);
  });

  test('Slack’s question at the set-up is answered, and only to Slack', async () => {
    const question = { type: 'url_verification', challenge: 'c-1' };
    expect(await json(question)).toEqual({ status: 200, text: '{"challenge":"c-1"}' });
    expect(
      (
        await send(JSON.stringify({ ...question, challenge: 'c-2' }), {
          type: 'application/json',
          headers: { 'x-slack-signature': 'v0=00' },
        })
      ).status,
    ).toBe(401);
    expect((await send('ssl_check=1&token=x')).status).toBe(200);
  });

  test('replayed within the window: refused, and nothing happens again', async () => {
    expect((await send(command('once'))).status).toBe(200);
    expect((await send(command('once'))).status).toBe(409);
    clock.advance(1_000);
    expect((await send(command('once'))).status).toBe(200);
    expect(seen).toEqual(['once', 'once']);
  });

  test.each([
    ['forged', { 'x-slack-signature': `v0=${'0'.repeat(64)}` }, 401],
    ['stale', { 'x-slack-request-timestamp': String(seconds - 301) }, 401],
    ['malformed', { 'x-slack-request-timestamp': 'soon' }, 400],
  ])('%s: refused before anything is read from it', async (_name, headers, status) => {
    expect((await send(command('no'), { headers })).status).toBe(status);
    expect(seen).toEqual([]);
    expect(t.rows('replays')).toEqual([]);
  });

  test('what cannot be read is a bad request; what nobody handles is not acknowledged', async () => {
    expect((await send('{"a":', { type: 'application/json' })).status).toBe(400);
    expect((await send('[1]', { type: 'application/json' })).status).toBe(400);
    expect((await send('payload=%7B')).status).toBe(400);
    expect((await send(command('break'))).status).toBe(404);
    expect((await send('command=%2Fother&team_id=T1&user_id=U1')).status).toBe(404);
    expect((await send('', { method: 'GET' })).status).toBe(404);
    expect(errors).toEqual([]);
  });

  test('a body that is too large is refused in words, not by a broken connection', async () => {
    const body = `text=${'x'.repeat(1024 * 1024)}`;
    expect((await send(body)).status).toBe(413);
    expect((await send(command('still here'))).status).toBe(200);
  });

  test('somebody who hangs up in the middle harms nobody', async () => {
    await new Promise<void>((resolve, reject) => {
      const socket = connect(port, '127.0.0.1', () => {
        socket.write('POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\nhalf');
        socket.end(() => socket.destroy());
      });
      socket.once('error', reject);
      socket.once('close', () => resolve());
    });
    expect((await send(command('after'))).status).toBe(200);
  });

  test('it listens on this machine alone, and a port that is taken is said', async () => {
    const second = new HttpReceiver({
      signingSecret: SECRET,
      port,
      clock,
      replays: t.store.replays,
      onError: () => undefined,
    });
    await expect(second.start()).rejects.toMatchObject({ code: 'EADDRINUSE' });
    await second.stop();
  });
});
