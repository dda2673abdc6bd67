import { request } from 'node:http';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { type DeskEvent, deskEventSchema } from '../../desk/contract.ts';
import { type ManualClock, manualClock, signal, type TestDesk, testDesk } from './harness.ts';
import { socketClient } from './socket-client.ts';

/** A GET with headers that fetch would not let a test set. */
function rawGet(url: string, headers: Record<string, string>): Promise<number> {
  const done = signal<number>();
  request(url, { headers }, (answer) => {
    answer.resume();
    done.fire(answer.statusCode ?? 0);
  }).end();
  return done.promise;
}

/** Follows a stream until `count` events have come. */
async function follow(url: string, headers: Record<string, string>, count: number) {
  const abort = new AbortController();
  const answer = await fetch(url, { headers, signal: abort.signal });
  const done = (async () => {
    const events: { id: number; event: DeskEvent }[] = [];
    let text = '';
    const decoder = new TextDecoder();
    for await (const chunk of answer.body ?? []) {
      text += decoder.decode(chunk, { stream: true });
      const frames = text.split('\n\n');
      text = frames.pop() ?? '';
      for (const frame of frames) {
        const match = /^id: (\d+)\ndata: (.*)$/.exec(frame);
        if (match === null) continue;
        events.push({ id: Number(match[1]), event: deskEventSchema.parse(JSON.parse(match[2] ?? '')) });
      }
      if (events.length >= count) break;
    }
    abort.abort();
    return events;
  })();
  return { done };
}

describe('the page API', () => {
  let clock: ManualClock;
  let t: TestDesk;
  let alice: string;
  let bob: string;
  let dave: string;
  let epics: string;

  beforeEach(async () => {
    clock = manualClock();
    t = await testDesk({ clock });
    [alice, bob, dave, epics] = await Promise.all([
      t.id('alice'),
      t.id('bob'),
      t.id('dave'),
      t.id('baton-epics'),
    ]);
  });
  afterEach(() => t.close());

  const names = async (user: string) => (await t.snapshot(user)).channels.map((one) => one.name).sort();

  it('is for programs and the own page on this machine only', async () => {
    const url = `${t.desk.url}/desk/snapshot`;
    expect(await rawGet(url, {})).toBe(200);
    expect(await rawGet(url, { host: 'evil.example' })).toBe(403);
    expect(await rawGet(url, { origin: 'http://evil.example' })).toBe(403);
    expect(await rawGet(url, { 'sec-fetch-site': 'cross-site' })).toBe(403);
    expect(await rawGet(url, { origin: t.desk.url })).toBe(200);
    const form = await fetch(`${t.desk.url}/desk/message`, { method: 'POST', body: 'text=x' });
    expect(form.status).toBe(415);
    const page = await fetch(`${t.desk.url}/`);
    expect(page.headers.get('content-security-policy')).toContain("default-src 'none'");
    expect((await fetch(`${t.desk.url}/..%2f..%2fpackage.json`)).headers.get('content-type')).not.toContain(
      'json',
    );
  });

  it('shows people what they may see', async () => {
    expect(await names(alice)).toEqual(['baton-epics', 'escalations', 'general', 'random']);
    expect(await names(await t.id('carol'))).toEqual(['baton-epics', 'general', 'random']);
    expect(await names(dave)).toEqual(['general']);
    const dm = await t.page('dm', { user: alice, with: bob });
    const channel = z.string().parse(dm['channel']);
    await t.page('message', { user: alice, channel, text: 'between us' });
    const texts = async (user: string) => (await t.snapshot(user)).messages.map((one) => one.text);
    expect(await texts(bob)).toEqual(['between us']);
    expect(await texts(dave)).toEqual([]);
    const refused = { ok: false, error: 'channel_not_found' };
    expect(await t.page('message', { user: dave, channel, text: 'x' })).toEqual(refused);
    expect(await t.page('message', { user: dave, channel: epics, text: 'x' })).toEqual(refused);
  });

  it('streams events, and replays those a page missed', async () => {
    const url = `${t.desk.url}/desk/stream?user=${bob}`;
    const live = await follow(url, {}, 2);
    const { ts } = await t.page('message', { user: alice, channel: epics, text: 'one' });
    await t.page('message', { user: alice, channel: epics, threadTs: ts, text: 'two' });
    const [first] = await live.done;
    expect(first?.event).toMatchObject({ type: 'message', message: { text: 'one', threadTs: null } });
    const replay = await follow(url, { 'last-event-id': String(first?.id) }, 2);
    expect((await replay.done).map(({ event }) => event)).toMatchObject([
      { type: 'message', message: { text: 'two', threadTs: ts } },
      { type: 'message', message: { text: 'one', threadTs: ts, replyCount: 1 } },
    ]);
    const stale = await follow(url, { 'last-event-id': '17' }, 6);
    const types = (await stale.done).map(({ event }) => event.type);
    expect(new Set(types)).toEqual(new Set(['app', 'channel', 'message', 'modals']));
  });

  it('keeps ephemeral messages and badges to the right people', async () => {
    const mine = await follow(`${t.desk.url}/desk/stream?user=${alice}`, {}, 1);
    const other = await follow(`${t.desk.url}/desk/stream?user=${bob}`, {}, 1);
    await t.api('chat.postEphemeral', { channel: epics, user: alice, text: 'psst' });
    expect((await mine.done)[0]?.event).toMatchObject({ type: 'message', message: { text: 'psst' } });
    expect((await other.done)[0]?.event).toMatchObject({ type: 'activity', user: alice });
    expect((await t.snapshot(bob)).messages).toEqual([]);
  });

  it('lets people bring the app into a channel', async () => {
    const random = await t.id('random');
    const client = await socketClient(t);
    expect(
      await t.page('command', { user: alice, channel: random, command: '/invite', text: '@baton' }),
    ).toEqual({
      ok: true,
    });
    expect((await client.next()).payload).toMatchObject({
      event: { type: 'member_joined_channel', channel: random, inviter: alice },
    });
    expect(await t.api('chat.postMessage', { channel: random, text: 'hello' })).toMatchObject({ ok: true });
    await client.close();
  });
});
