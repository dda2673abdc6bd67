import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { z } from 'zod';
import { type ManualClock, manualClock, signal, type TestDesk, TOKENS, testDesk, until } from './harness.ts';
import { type SocketClient, socketClient } from './socket-client.ts';

const urlSchema = z.object({ url: z.string() });

describe('Socket Mode', () => {
  let clock: ManualClock;
  let t: TestDesk;
  let alice: string;
  let channel: string;
  const clients: SocketClient[] = [];
  const connect = async (): Promise<SocketClient> => {
    const client = await socketClient(t);
    clients.push(client);
    return client;
  };
  const connected = async () => (await t.snapshot()).app.connected;
  const say = (text: string) => t.page('message', { user: alice, channel, text });
  const command = (text = '') => t.page('command', { user: alice, channel, command: '/go', text });

  beforeEach(async () => {
    clock = manualClock();
    t = await testDesk({ clock });
    alice = await t.id('alice');
    channel = await t.id('baton-epics');
  });
  afterEach(async () => {
    clients.length = 0;
    await t.close();
  });

  it('takes a ticket once', async () => {
    const { url } = urlSchema.parse(await t.api('apps.connections.open', {}, TOKENS.appToken));
    const open = (): Promise<string> => {
      const done = signal<string>();
      const socket = new WebSocket(url);
      socket.once('message', () => done.fire('hello'));
      socket.once('error', (error) => done.fire(error.message));
      return done.promise;
    };
    expect(await open()).toBe('hello');
    expect(await open()).toContain('403');
  });

  it('tells the person when nobody is connected', async () => {
    expect(await command()).toEqual({ ok: false, error: 'dispatch_failed' });
  });

  it('tells the person when the app does not acknowledge within three seconds', async () => {
    const client = await connect();
    const outcome = command();
    await client.next();
    clock.advance(2_999);
    clock.advance(1);
    expect(await outcome).toEqual({ ok: false, error: 'operation_timeout' });
    expect((await t.stats()).unacked).toBe(1);
  });

  it('tells the person when the app dies before it acknowledges', async () => {
    const client = await connect();
    const outcome = command();
    await client.next();
    await client.close();
    expect(await outcome).toEqual({ ok: false, error: 'operation_timeout' });
  });

  it('shows what a command is acknowledged with, to that person only', async () => {
    const client = await connect();
    const outcome = command('a "b"');
    const envelope = await client.next();
    expect(envelope).toMatchObject({ type: 'slash_commands' });
    expect(envelope.payload).toMatchObject({ command: '/go', text: 'a "b"', channel_name: 'baton-epics' });
    clock.advance(40);
    client.ack(envelope, { text: 'Working on it.' });
    expect(await outcome).toEqual({ ok: true });
    const texts = async (user: string) => (await t.snapshot(user)).messages.map((one) => one.text);
    expect(await texts(alice)).toEqual(['Working on it.']);
    expect(await texts(await t.id('bob'))).toEqual([]);
    expect((await t.stats()).ackMs).toEqual([40]);
  });

  it('repeats an event at once, after one minute and after five more, then gives up', async () => {
    const client = await connect();
    await say('hello');
    const attempts: unknown[] = [];
    const take = async () => {
      const { retry_attempt, retry_reason } = await client.next();
      attempts.push([retry_attempt, retry_reason]);
    };
    await take();
    clock.advance(3_000);
    await take();
    clock.advance(3_000);
    await until(async () => (await t.stats()).unacked === 2);
    clock.advance(59_999);
    expect(client.waiting()).toBe(0);
    clock.advance(1);
    await take();
    clock.advance(3_000);
    await until(async () => (await t.stats()).unacked === 3);
    clock.advance(300_000);
    await take();
    expect(attempts).toEqual([
      [0, ''],
      [1, 'timeout'],
      [2, 'timeout'],
      [3, 'timeout'],
    ]);
    clock.advance(3_000);
    await until(async () => (await t.stats()).unacked === 4);
    clock.advance(3_600_000);
    await say('next');
    expect((await client.next()).payload).toMatchObject({ event: { text: 'next' } });
  });

  it('keeps events for an app that is away, also over a restart of the desk', async () => {
    await say('while you were out');
    const first = await connect();
    const lost = await first.next();
    expect(lost.payload).toMatchObject({ event: { type: 'message', text: 'while you were out' } });
    await first.close();
    await until(async () => !(await connected()));
    t = await t.restart();
    const second = await connect();
    const again = await second.next();
    expect(again).toMatchObject({ retry_attempt: 1, retry_reason: 'socket_closed' });
    expect(again.payload?.['event_id']).toBe(lost.payload?.['event_id']);
    second.ack(again);
    await until(async () => (await t.stats()).ackMs.length === 1);
    const third = await connect();
    expect(third.waiting()).toBe(0);
  });

  it('gives each payload to one of several sockets', async () => {
    const both = [await connect(), await connect()];
    const seen = both.map(() => 0);
    const counted = both.map(async (client, index) => {
      for (let count = 0; count < 3; count += 1) {
        client.ack(await client.next());
        seen[index] = (seen[index] ?? 0) + 1;
      }
    });
    for (let count = 0; count < 6; count += 1) await say(`message ${count}`);
    await Promise.all(counted);
    expect(seen).toEqual([3, 3]);
    expect(both.map((client) => client.waiting())).toEqual([0, 0]);
  });

  it('asks to reconnect and then sends nothing more to that socket', async () => {
    const old = await connect();
    await t.page('test/refresh', {});
    expect(await old.next()).toMatchObject({ type: 'disconnect', reason: 'refresh_requested' });
    expect(await command()).toMatchObject({ error: 'dispatch_failed' });
    const fresh = await connect();
    const outcome = command();
    fresh.ack(await fresh.next());
    expect(await outcome).toEqual({ ok: true });
    expect(old.waiting()).toBe(0);
  });

  it('refuses commands in threads', async () => {
    const { ts } = await say('parent');
    const inThread = { user: alice, channel, threadTs: ts };
    const refused = { ok: false, error: 'command_not_supported_in_threads' };
    expect(await t.page('command', { ...inThread, command: '/go', text: '' })).toEqual(refused);
    expect(await t.page('message', { ...inThread, text: '/go now' })).toEqual(refused);
    expect(await t.page('message', { ...inThread, text: 'go now' })).toMatchObject({ ok: true });
  });

  it('mentions the app in its own event, next to the message', async () => {
    const client = await connect();
    const { app } = await t.snapshot();
    await say(`@baton look, @bob & <all>`);
    const events = [await client.next(), await client.next()];
    const bob = await t.id('bob');
    for (const event of events) {
      expect(event.payload).toMatchObject({
        event: { text: `<@${app.botUser}> look, <@${bob}> &amp; &lt;all&gt;`, user: alice, channel },
      });
    }
    const types = events.map((event) => z.object({ type: z.string() }).parse(event.payload?.['event']).type);
    expect(types.sort()).toEqual(['app_mention', 'message']);
  });
});

describe('a manifest', () => {
  const MANIFEST = `
display_information: { name: Conductor }
features:
  bot_user: { display_name: conductor }
  slash_commands:
    - { command: /orchestrate, description: Start work, usage_hint: 'feature <text>', should_escape: false }
settings:
  event_subscriptions: { bot_events: [app_home_opened] }
  interactivity: { is_enabled: true }
`;

  it('decides names, commands and events', async () => {
    const t = await testDesk({ manifest: MANIFEST });
    try {
      const { app, people, commands } = await t.snapshot();
      expect(app.name).toBe('Conductor');
      expect(people.find((person) => person.isBot)?.name).toBe('conductor');
      expect(commands).toEqual([
        { command: '/orchestrate', description: 'Start work', usageHint: 'feature <text>' },
      ]);
      const alice = await t.id('alice');
      const channel = await t.id('baton-epics');
      const refused = await t.page('command', { user: alice, channel, command: '/other', text: '' });
      expect(refused).toEqual({ ok: false, error: 'unknown_command' });
      const client = await socketClient(t);
      await t.page('message', { user: alice, channel, text: 'not subscribed' });
      await t.page('home', { user: alice });
      expect((await client.next()).payload).toMatchObject({
        event: { type: 'app_home_opened', user: alice },
      });
      await client.close();
    } finally {
      await t.close();
    }
  });
});
