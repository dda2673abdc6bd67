import { afterEach, beforeEach, expect, test } from 'vitest';
import { z } from 'zod';
import { createOutboxStore } from '../../db/outbox.ts';
import type { OutboxMessage } from '../../src/ports/outbox.ts';
import { createClients } from '../../src/slack/clients.ts';
import { createSender } from '../../src/slack/out/sender.ts';
import { createTransport } from '../../src/slack/out/transport.ts';
import { type ManualClock, manualClock, type TestDesk, TOKENS, testDesk } from '../desk/harness.ts';
import { socketClient } from '../desk/socket-client.ts';
import type { Foreign } from './foreign.ts';
import { allMessages, allViews } from './samples.ts';
import { memoryDb } from './sender-harness.ts';

/** The desk checks blocks and limits by rules of its own, written by somebody else: a second opinion on ours. */
let clock: ManualClock;
let desk: TestDesk;
let channel: string;
let people: { readonly alice: string; readonly bob: string };

beforeEach(async () => {
  clock = manualClock();
  desk = await testDesk({ clock });
  channel = await desk.id('baton-epics');
  people = { alice: await desk.id('alice'), bob: await desk.id('bob') };
});
afterEach(() => desk.close());

const quiet = { info: () => {}, warn: () => {}, error: () => {} };
const clientsOf = () =>
  createClients({
    token: TOKENS.botToken,
    apiUrl: `${desk.desk.url}/api/`,
    redact: (text) => text,
    log: quiet,
  });

const kinds: [string, Omit<Foreign, 'alice' | 'bob'>][] = [
  ['ordinary', { text: 'Add CSV export', n: 3 }],
  ['hostile', { text: '<!channel> \u202e & <https://evil.example|x> '.repeat(40), n: 60 }],
  ['no', { text: '', n: 1 }],
];

test.each(kinds)(
  'the desk takes every message with %s text, as a post and as an update',
  async (_, foreign) => {
    const transport = createTransport(clientsOf());
    const refused: string[] = [];
    let taken = 0;
    for (const [name, message] of Object.entries(allMessages({ ...foreign, ...people }))) {
      // What is tested here is blocks, not patience.
      clock.advance(2_000);
      try {
        const posted = await transport.post({ channel, threadTs: null }, message, taken + 1);
        await transport.update(posted, { ...message, text: `${message.text} ` });
        taken += 1;
      } catch (error) {
        refused.push(`${name}: ${String(error)}`);
      }
    }
    expect(refused).toEqual([]);
    expect(taken).toBeGreaterThan(40);
  },
);

test.each(kinds)('the desk opens every form with %s text', async (_, foreign) => {
  const { prompt } = clientsOf();
  const socket = await socketClient(desk);
  for (const [name, view] of Object.entries(allViews({ ...foreign, ...people }))) {
    const sent = desk.page('command', { user: people.alice, channel, command: '/orchestrate', text: '' });
    const envelope = await socket.next();
    socket.ack(envelope);
    await sent;
    const { trigger_id } = z.looseObject({ trigger_id: z.string() }).parse(envelope.payload);
    expect({ name, ...(await prompt.apiCall('views.open', { trigger_id, view })) }).toMatchObject({
      name,
      ok: true,
    });
  }
  await socket.close();
});

test('a burst over several threads goes through without one rate limit, in order, nothing doubled', async () => {
  const db = memoryDb();
  const store = createOutboxStore(db.db);
  const transport = createTransport(clientsOf());
  const sender = createSender({
    store,
    transport: () => transport,
    clock,
    log: quiet,
    random: () => 0.5,
    onFrozen: (_team, code) => {
      throw new Error(`the desk refused the token: ${code}`);
    },
    onUndeliverable: async (row, code) => {
      throw new Error(`${row.key}: ${code}`);
    },
  });
  const message = (key: string, more: Partial<OutboxMessage> = {}): OutboxMessage => ({
    team: 'T1',
    key,
    kind: 'post',
    target: { kind: 'channel', channel },
    lane: 'progress',
    text: key,
    blocks: [],
    ...more,
  });
  for (const epic of ['e1', 'e2', 'e3']) {
    await store.enqueue([message(epic)], clock.now());
    for (let i = 1; i <= 6; i += 1) {
      const lane = i % 3 === 0 ? 'approvals' : 'progress';
      await store.enqueue([message(`${epic}-${lane}-${i}`, { thread: epic, lane })], clock.now());
    }
    await store.enqueue([message(epic, { kind: 'update', text: `${epic} changed` })], clock.now());
    await store.enqueue([message(`${epic}-hi`, { kind: 'ephemeral', user: people.bob })], clock.now());
  }
  await store.enqueue([message('dm', { target: { kind: 'dm', user: people.alice } })], clock.now());
  for (let i = 0; i < 600 && (await store.waiting(1)).length > 0; i += 1) {
    await sender.tick();
    await sender.settled();
    clock.advance(100);
  }
  await sender.stop();
  db.close();

  const stats = await desk.stats();
  expect(Object.values(stats.calls).reduce((sum, { limited }) => sum + limited, 0)).toBe(0);
  expect(stats.doubledPosts).toBe(0);
  expect(Object.keys(stats.calls)).not.toContain('conversations.replies');
  expect(Object.keys(stats.calls)).not.toContain('conversations.history');
  const { messages } = await desk.snapshot(people.bob);
  for (const epic of ['e1', 'e2', 'e3']) {
    const texts = messages.filter(({ text }) => text.startsWith(`${epic}-`)).map(({ text }) => text);
    const inLane = (lane: string) => texts.filter((text) => text.includes(lane));
    expect(inLane('progress')).toEqual([1, 2, 4, 5].map((i) => `${epic}-progress-${i}`));
    expect(inLane('approvals')).toEqual([3, 6].map((i) => `${epic}-approvals-${i}`));
    expect(texts).toContain(`${epic}-hi`);
    expect(messages.filter(({ text }) => text === `${epic} changed`)).toHaveLength(1);
  }
});
