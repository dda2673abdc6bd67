import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Harness, post, senderHarness, update } from './sender-harness.ts';

let h: Harness;
beforeEach(async () => {
  h = await senderHarness();
});
afterEach(() => h.close());

const texts = () => h.slack.messages.map(({ text }) => text);
const methods = () => h.slack.calls.map(({ method }) => method);
const statuses = () => h.rows().map(({ status }) => status);

test('a post carries both unfurl flags, its metadata, text and blocks', async () => {
  await h.enqueue(post('a'));
  const [call] = h.slack.calls;
  expect(call?.args).toMatchObject({
    unfurl_links: 'false',
    unfurl_media: 'false',
    text: 'a',
    channel: 'C1',
  });
  expect(JSON.parse(call?.args['metadata'] ?? '')).toEqual({
    event_type: 'baton_message',
    event_payload: { outbox_id: 1 },
  });
  expect(JSON.parse(call?.args['blocks'] ?? '')).toHaveLength(1);
  expect(statuses()).toEqual(['sent']);
  expect(await h.store.ref('a')).toMatchObject({ channel: 'C1' });
});

test('posts of one channel are spaced, another channel does not wait for them', async () => {
  await h.enqueue(post('a'), post('b'), post('c'), post('x', { target: { kind: 'channel', channel: 'C2' } }));
  expect(texts().sort()).toEqual(['a', 'x']);
  await h.pass(5_000);
  const times = h.slack.calls.filter(({ args }) => args['channel'] === 'C1').map(({ at }) => at);
  expect(texts()).toHaveLength(4);
  expect(times[1]).toBeGreaterThanOrEqual(1_050);
  expect((times[2] ?? 0) - (times[1] ?? 0)).toBeGreaterThanOrEqual(1_050);
});

test('a reply waits for its parent, an update for its post, and both follow it', async () => {
  h.slack.trouble('chat.postMessage', { kind: 'limited', seconds: 3 });
  await h.enqueue(post('epic'), post('reply', { thread: 'epic' }), update('epic', 'epic, changed'));
  expect(texts()).toEqual([]);
  await h.pass(10_000);
  expect(h.slack.messages.map(({ text }) => text)).toEqual(['epic, changed', 'reply']);
  expect(h.slack.messages[1]?.threadTs).toBe(h.slack.messages[0]?.ts);
});

test('an approval overtakes progress; the order within a lane and thread holds', async () => {
  await h.enqueue(
    post('epic'),
    post('p1', { thread: 'epic' }),
    post('p2', { thread: 'epic' }),
    post('ask', { thread: 'epic', lane: 'approvals' }),
  );
  await h.pass(10_000);
  expect(texts()).toEqual(['epic', 'ask', 'p1', 'p2']);
});

test('a rate limit is waited out, and nothing else goes to that channel meanwhile', async () => {
  h.slack.trouble('chat.postMessage', { kind: 'limited', seconds: 7 });
  await h.enqueue(post('a'), post('b', { lane: 'approvals' }));
  await h.pass(6_900);
  expect(h.slack.calls).toHaveLength(1);
  await h.pass(5_000);
  expect(texts().sort()).toEqual(['a', 'b']);
  expect(statuses()).toEqual(['sent', 'sent']);
});

test('a limited update holds other updates back and no posts', async () => {
  await h.enqueue(post('a'));
  h.slack.trouble('chat.update', { kind: 'limited', seconds: 20 });
  await h.enqueue(update('a', 'a2'));
  await h.enqueue(post('b'));
  await h.pass(3_000);
  await h.enqueue(update('b', 'b2'));
  await h.pass(10_000);
  expect(texts()).toEqual(['a', 'b']);
  await h.pass(10_000);
  expect(texts()).toEqual(['a2', 'b2']);
});

test.each([
  { name: '5xx', trouble: { kind: 'http', status: 503, afterDoing: true } },
  { name: 'a reset', trouble: { kind: 'reset', afterDoing: true } },
] as const)('after $name the channel is read back and the message not doubled', async ({ trouble }) => {
  h.slack.trouble('chat.postMessage', trouble);
  await h.enqueue(post('a'));
  expect(statuses()).toEqual(['sending']);
  await h.pass(10_000);
  expect(texts()).toEqual(['a']);
  expect(methods()).toEqual(['chat.postMessage', 'conversations.history']);
  expect(await h.store.ref('a')).toMatchObject({ ts: h.slack.messages[0]?.ts });
});

test('a thread is read back through all its pages', async () => {
  await h.enqueue(post('epic'));
  for (const key of ['r1', 'r2', 'r3', 'r4']) await h.enqueue(post(key, { thread: 'epic' }));
  await h.pass(10_000);
  h.slack.trouble('chat.postMessage', { kind: 'http', status: 500, afterDoing: true });
  await h.enqueue(post('r5', { thread: 'epic' }));
  await h.pass(10_000);
  expect(methods().filter((method) => method === 'conversations.replies')).toHaveLength(3);
  expect(texts().filter((text) => text === 'r5')).toHaveLength(1);
  expect(statuses().at(-1)).toBe('sent');
});

test.each(['internal_error', 'fatal_error'])(
  'what %s swallowed is sent again after looking',
  async (error) => {
    h.slack.trouble('chat.postMessage', { kind: 'error', error });
    await h.enqueue(post('a'));
    await h.pass(10_000);
    expect(methods()).toEqual(['chat.postMessage', 'conversations.history', 'chat.postMessage']);
    expect(texts()).toEqual(['a']);
  },
);

test('a row found under way at start is looked for before it is sent', async () => {
  for (const landed of [true, false]) {
    const key = `k${landed}`;
    await h.store.enqueue([post(key, { target: { kind: 'channel', channel: `C${landed}` } })], h.clock.now());
    const row = (await h.store.waiting(10)).find((each) => each.key === key);
    await h.store.claim(row?.id ?? 0, h.clock.now());
    if (landed) {
      h.slack.messages.push({
        channel: 'Ctrue',
        ts: '1.000001',
        threadTs: null,
        outboxId: row?.id ?? 0,
        text: key,
        blocks: [],
      });
    }
  }
  h.restart();
  await h.pass(5_000);
  expect(texts()).toEqual(['ktrue', 'kfalse']);
  expect(await h.store.ref('ktrue')).toMatchObject({ ts: '1.000001' });
  expect(statuses()).toEqual(['sent', 'sent']);
});

test('an update found under way at start is repeated, unless a newer one waits', async () => {
  await h.enqueue(post('a'));
  await h.store.enqueue([update('a', 'two')], h.clock.now());
  const [row] = await h.store.waiting(10);
  await h.store.claim(row?.id ?? 0, h.clock.now());
  await h.store.enqueue([update('a', 'three')], h.clock.now());
  h.restart();
  await h.pass(5_000);
  expect(texts()).toEqual(['three']);
  expect(methods().filter((method) => method === 'chat.update')).toHaveLength(1);
});

test('a message that keeps failing is given up and told of', async () => {
  h.slack.trouble(
    'chat.postMessage',
    ...Array.from({ length: 20 }, () => ({ kind: 'error', error: 'internal_error' }) as const),
  );
  await h.enqueue(post('a'));
  await h.pass(600_000);
  expect(statuses()).toEqual(['failed']);
  expect(h.undelivered).toEqual([{ key: 'a', code: 'internal_error' }]);
});

test('a refused connection is a definite non-send: retried without looking', async () => {
  await h.slack.close();
  await h.enqueue(post('a'));
  expect(h.rows()[0]).toMatchObject({ status: 'pending', attempts: 1, error: 'ECONNREFUSED' });
  await h.pass(5_000);
  expect(h.rows()[0]).toMatchObject({ status: 'pending', error: 'ECONNREFUSED' });
  expect(h.rows()[0]?.attempts).toBeGreaterThan(1);
});

test('a deleted message is posted anew, in its thread, once', async () => {
  await h.enqueue(post('epic'), post('a', { thread: 'epic' }));
  await h.pass(3_000);
  h.slack.messages.splice(1, 1);
  await h.enqueue(update('a', 'a2'));
  await h.pass(5_000);
  expect(h.slack.messages.map(({ text, threadTs }) => ({ text, threadTs }))).toEqual([
    { text: 'epic', threadTs: null },
    { text: 'a2', threadTs: h.slack.messages[0]?.ts },
  ]);
  await h.enqueue(update('a', 'a3'));
  await h.pass(5_000);
  expect(texts()).toEqual(['epic', 'a3']);
});

test('a repost that landed before a crash is found and not repeated', async () => {
  await h.enqueue(post('a'));
  h.slack.messages.splice(0, 1);
  await h.store.enqueue([update('a', 'a2')], h.clock.now());
  const [row] = await h.store.waiting(1);
  await h.store.claim(row?.id ?? 0, h.clock.now());
  const landed = {
    channel: 'C1',
    ts: '7.000007',
    threadTs: null,
    outboxId: row?.id ?? 0,
    text: 'a2',
    blocks: [],
  };
  h.slack.messages.push(landed);
  h.restart();
  await h.pass(10_000);
  expect(h.slack.messages).toEqual([landed]);
  expect(await h.store.ref('a')).toMatchObject({ ts: '7.000007' });
  expect(statuses()).toEqual(['sent', 'sent']);
});

test('a row read while it was under way, and done since, is left alone', async () => {
  h.clock.advance(10_000);
  await h.store.enqueue([post('a')], h.clock.now());
  const gate = Promise.withResolvers<void>();
  let held = 0;
  h.hooks.afterRead = () => {
    held += 1;
    // The second read sees `a` on its way and is held up until `a` has arrived.
    return held === 2 ? gate.promise : Promise.resolve();
  };
  await h.sender.tick();
  h.sender.wake();
  for (let i = 0; i < 2_000 && statuses()[0] !== 'sent'; i += 1)
    await new Promise((resolve) => setImmediate(resolve));
  expect(held).toBe(2);
  gate.resolve();
  await h.sender.settled();
  expect(methods()).toEqual(['chat.postMessage']);
});

test.each(['is_archived', 'not_in_channel', 'channel_not_found'])(
  '%s: the person is told by another way',
  async (error) => {
    h.slack.trouble('chat.postMessage', { kind: 'error', error });
    await h.enqueue(
      post('epic'),
      post('ask', { thread: 'epic', lane: 'approvals' }),
      update('epic', 'later'),
    );
    await h.pass(5_000);
    expect(h.undelivered).toEqual([
      { key: 'epic', code: error },
      { key: 'ask', code: 'parent_missing' },
    ]);
    expect(statuses()).toEqual(['failed', 'failed', 'dropped']);
  },
);

test.each(['token_revoked', 'invalid_auth', 'account_inactive', 'token_expired'])(
  '%s freezes that workspace only, keeps its messages, says so once, and all go out in order once it speaks again',
  async (error) => {
    h.slack.trouble('chat.postMessage', { kind: 'error', error });
    await h.enqueue(post('a'), post('b', { thread: 'a' }), update('a', 'a later'));
    await h.enqueue(
      post('x', { team: 'T2', target: { kind: 'channel', channel: 'C9' } }),
      post('n', { team: 'T-none' }),
    );
    await h.pass(600_000);
    expect(texts()).toEqual(['x']);
    expect(statuses()).toEqual(['pending', 'pending', 'pending', 'sent', 'pending']);
    const said = h.log.filter(({ level }) => level === 'error');
    expect(said.map(({ fields }) => fields)).toEqual([
      { team: 'T1', code: error },
      { team: 'T-none', code: 'no_token' },
    ]);
    expect(h.frozen).toEqual([{ team: 'T1', code: error }]);

    h.sender.thaw();
    await h.enqueue(post('c', { thread: 'a' }));
    await h.pass(10_000);
    expect(h.slack.messages.map(({ text }) => text)).toEqual(['x', 'a later', 'b', 'c']);
    expect(methods().filter((method) => method === 'chat.postMessage')).toHaveLength(5);
    expect(h.frozen).toHaveLength(1);
  },
);

const approve = {
  type: 'actions',
  elements: [{ type: 'button', action_id: 'yes', value: 'n1', text: { type: 'plain_text', text: 'Yes' } }],
};

test('blocks that Slack refuses become plain text once, the buttons kept; then it is given up', async () => {
  h.slack.trouble('chat.postMessage', { kind: 'error', error: 'invalid_blocks' });
  await h.enqueue(post('a', { blocks: [{ type: 'divider' }, approve] }));
  await h.pass(3_000);
  expect(h.slack.messages[0]?.blocks).toMatchObject([{ type: 'section', text: { text: 'a' } }, approve]);
  const twice = { kind: 'error', error: 'msg_blocks_too_long' } as const;
  h.slack.trouble('chat.postMessage', twice, twice);
  await h.enqueue(post('b'));
  await h.pass(5_000);
  expect(h.undelivered).toEqual([{ key: 'b', code: 'msg_blocks_too_long' }]);
});

test('blocks that break the limits never leave', async () => {
  await h.enqueue(
    post('a', { blocks: [{ type: 'header', text: { type: 'plain_text', text: 'x'.repeat(151) } }, approve] }),
  );
  expect(h.slack.messages[0]?.blocks).toMatchObject([{ type: 'section', text: { text: 'a' } }, approve]);
  expect(h.slack.calls).toHaveLength(1);
});

test('a DM is opened once', async () => {
  const target = { kind: 'dm', user: 'U7' } as const;
  await h.enqueue(post('a', { target }), post('b', { target }));
  await h.pass(5_000);
  expect(h.slack.messages.map(({ channel, text }) => `${channel} ${text}`)).toEqual(['DU7 a', 'DU7 b']);
  expect(methods().filter((method) => method === 'conversations.open')).toHaveLength(1);
});

test('an answer that comes late goes by direct message: nobody would find one that only they see', async () => {
  const methodsOf = () => methods().filter((method) => method !== 'auth.test');
  h.slack.trouble('chat.postEphemeral', { kind: 'limited', seconds: 301 });
  await h.enqueue(post('hi', { kind: 'ephemeral', user: 'U1', lane: 'approvals' }));
  await h.pass(310_000);
  expect(methodsOf()).toEqual(['chat.postEphemeral', 'conversations.open', 'chat.postMessage']);
  // What was kept while Baton was stopped: the new process sends it, once.
  await h.store.enqueue([post('ho', { kind: 'ephemeral', user: 'U1' })], h.clock.now());
  h.clock.advance(3_600_000);
  h.restart();
  await h.pass(10_000);
  expect(h.slack.messages.map(({ channel, text }) => `${channel} ${text}`)).toEqual(['DU1 hi', 'DU1 ho']);
  expect(h.rows().map(({ status }) => status)).toEqual(['sent', 'sent']);
});

test('an answer to one person takes its turn in the channel, in no thread order', async () => {
  await h.enqueue(post('a'), post('b'), post('hi', { kind: 'ephemeral', user: 'U1', lane: 'approvals' }));
  expect(methods()).toEqual(['chat.postEphemeral']);
  expect(h.slack.calls[0]?.args).toMatchObject({ user: 'U1', unfurl_links: 'false', text: 'hi' });
  await h.pass(5_000);
  expect(h.slack.calls.map(({ at }) => at)).toEqual([0, 1_050, 2_100]);
});

test('updates are coalesced and stay under the budget of a minute, with room for an approval', async () => {
  const keys = Array.from({ length: 60 }, (_, i) => `e${i}`);
  await h.enqueue(...keys.map((key, i) => post(key, { target: { kind: 'channel', channel: `C${i}` } })));
  await h.pass(100);
  await h.pass(61_000);
  const from = h.slack.calls.length;
  await h.enqueue(...keys.map((key) => update(key, `${key} changed`)));
  await h.pass(30_000);
  const updates = () => h.slack.calls.slice(from).filter(({ method }) => method === 'chat.update');
  expect(updates()).toHaveLength(36);
  await h.enqueue(update('e59', 'approved', { lane: 'approvals' }));
  expect(updates().at(-1)?.args['text']).toBe('approved');
  await h.pass(200_000);
  expect(texts().filter((text) => text.endsWith('changed'))).toHaveLength(59);
  expect(statuses().every((status) => status === 'sent')).toBe(true);
});

test('stop waits for what is under way and starts nothing more', async () => {
  await h.store.enqueue([post('a'), post('b')], h.clock.now());
  void h.sender.tick();
  await h.sender.stop();
  h.clock.advance(60_000);
  await h.sender.tick();
  expect(h.slack.messages.length).toBeLessThanOrEqual(1);
  expect(statuses()).not.toContain('sending');
});
