import { WebClient } from '@slack/web-api';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type ManualClock, manualClock, type TestDesk, TOKENS, testDesk } from './harness.ts';

describe('the Web API', () => {
  let clock: ManualClock;
  let t: TestDesk;
  let epics: string;

  beforeEach(async () => {
    clock = manualClock();
    t = await testDesk({ clock });
    epics = await t.id('baton-epics');
  });
  afterEach(() => t.close());

  const client = () =>
    new WebClient(TOKENS.botToken, {
      slackApiUrl: `${t.desk.url}/api/`,
      retryConfig: { retries: 0 },
      rejectRateLimitedCalls: true,
    });
  const post = async (args: Record<string, unknown>) => {
    clock.advance(1_000);
    return t.api('chat.postMessage', { channel: epics, ...args });
  };
  const section = (text: string) => ({ type: 'section', text: { type: 'mrkdwn', text } });

  it('knows tokens', async () => {
    expect(await t.api('auth.test')).toMatchObject({ ok: true, team: 'Rehearsal' });
    expect(await t.api('auth.test', {}, '')).toMatchObject({ error: 'not_authed' });
    expect(await t.api('auth.test', {}, 'xoxb-other')).toMatchObject({ error: 'invalid_auth' });
    expect(await t.api('auth.test', {}, TOKENS.appToken)).toMatchObject({ error: 'not_allowed_token_type' });
  });

  it('answers an unknown method with HTTP 200', async () => {
    const answer = await fetch(`${t.desk.url}/api/no.such`, { method: 'POST' });
    expect(answer.status).toBe(200);
    expect(await answer.json()).toEqual({ ok: false, error: 'unknown_method' });
  });

  it('takes forms with JSON inside, as the SDK sends them', async () => {
    const slack = client();
    const posted = await slack.chat.postMessage({
      channel: epics,
      text: 'first',
      blocks: [section('block')],
      metadata: { event_type: 'e', event_payload: { outbox_id: '1' } },
    });
    const ts = String(posted.ts);
    clock.advance(1_000);
    const reply = await slack.chat.postMessage({ channel: epics, text: 'reply', thread_ts: ts });
    const bare = await slack.conversations.replies({ channel: epics, ts });
    expect(bare.messages?.map((one) => [one.text, one.thread_ts])).toEqual([
      ['first', ts],
      ['reply', ts],
    ]);
    expect(bare.messages?.[0]).toMatchObject({ reply_count: 1 });
    expect(bare.messages?.[0]).not.toHaveProperty('metadata');
    const full = await slack.conversations.replies({ channel: epics, ts, include_all_metadata: true });
    expect(full.messages?.[0]?.metadata).toEqual({ event_type: 'e', event_payload: { outbox_id: '1' } });
    const history = await slack.conversations.history({ channel: epics });
    expect(history.messages?.map((one) => one.text)).toEqual(['first']);
    const link = await slack.chat.getPermalink({ channel: epics, message_ts: String(reply.ts) });
    expect(link.permalink).toContain(`thread_ts=${ts}`);
  });

  it('pages through a channel', async () => {
    for (const text of ['a', 'b', 'c']) await post({ text });
    const slack = client();
    const first = await slack.conversations.history({ channel: epics, limit: 2 });
    expect(first).toMatchObject({ has_more: true, messages: [{ text: 'c' }, { text: 'b' }] });
    const cursor = String(first.response_metadata?.next_cursor);
    const second = await slack.conversations.history({ channel: epics, limit: 2, cursor });
    expect(second).toMatchObject({ has_more: false, messages: [{ text: 'a' }] });
    const oldest = first.messages?.[1]?.ts ?? '';
    const range = await slack.conversations.history({ channel: epics, oldest, inclusive: true });
    expect(range.messages?.length).toBe(2);
  });

  it('deletes the blocks of a message that is updated with text alone', async () => {
    const { ts } = await post({ text: 'old', blocks: [section('block')] });
    await t.api('chat.update', { channel: epics, ts, text: 'new' });
    const [message] = (await t.snapshot()).messages;
    expect(message).toMatchObject({ text: 'new', blocks: [] });
    expect(message?.editedTs).not.toBeNull();
  });

  it('names its refusals as Slack does', async () => {
    const random = await t.id('random');
    const escalations = await t.id('escalations');
    const { ts } = await post({ text: 'mine' });
    const theirs = await t.page('message', { user: await t.id('alice'), channel: epics, text: 'theirs' });
    const cases: [string, Record<string, unknown>, string][] = [
      ['chat.postMessage', { channel: 'C404', text: 'x' }, 'channel_not_found'],
      ['chat.postMessage', { channel: random, text: 'x' }, 'not_in_channel'],
      ['chat.postMessage', { text: 'x' }, 'invalid_arguments'],
      ['chat.postMessage', { channel: escalations }, 'no_text'],
      ['chat.postMessage', { channel: escalations, text: 'x', thread_ts: '1.000001' }, 'thread_not_found'],
      ['chat.postMessage', { channel: escalations, blocks: '{' }, 'invalid_blocks_format'],
      ['chat.postMessage', { channel: escalations, blocks: [section('')] }, 'invalid_blocks'],
      [
        'chat.postMessage',
        { channel: escalations, text: 'x', metadata: { a: 1 } },
        'invalid_metadata_format',
      ],
      [
        'chat.postMessage',
        { channel: escalations, blocks: Array.from({ length: 4 }, () => section('x'.repeat(2_900))) },
        'msg_blocks_too_long',
      ],
      ['chat.postEphemeral', { channel: epics, user: await t.id('dave'), text: 'x' }, 'user_not_in_channel'],
      ['chat.update', { channel: epics, ts: '1.000001', text: 'x' }, 'message_not_found'],
      ['chat.update', { channel: epics, ts: theirs.ts, text: 'x' }, 'cant_update_message'],
      ['chat.update', { channel: epics, ts, text: 'x'.repeat(4_001) }, 'msg_too_long'],
      ['chat.delete', { channel: epics, ts: theirs.ts }, 'cant_delete_message'],
      ['conversations.replies', { channel: epics, ts: '1.000001' }, 'thread_not_found'],
      ['conversations.history', { channel: random }, 'not_in_channel'],
      ['users.info', { user: 'U404' }, 'user_not_found'],
      ['views.open', { trigger_id: 'x', view: { type: 'modal' } }, 'invalid_trigger_id'],
      ['views.update', { view_id: 'V404', view: { type: 'modal' } }, 'not_found'],
      ['reactions.add', { channel: epics, timestamp: '1.000001', name: 'tada' }, 'message_not_found'],
    ];
    for (const [method, args, error] of cases) {
      const answer = await t.api(method, args);
      expect([method, answer.error]).toEqual([method, error]);
    }
    const faults = await t.api('chat.postMessage', { channel: escalations, blocks: [section('')] });
    expect(faults['response_metadata']).toEqual({
      messages: ['[ERROR] must be more than 0 characters [json-pointer:/blocks/0/text/text]'],
    });
    await t.page('command', { user: await t.id('alice'), channel: epics, command: '/archive', text: '' });
    expect(await post({ text: 'x' })).toMatchObject({ error: 'is_archived' });
  });

  it('answers 429 with Retry-After to a second post within the second', async () => {
    const url = `${t.desk.url}/api/chat.postMessage`;
    const headers = { authorization: `Bearer ${TOKENS.botToken}`, 'content-type': 'application/json' };
    const send = () =>
      fetch(url, { method: 'POST', headers, body: JSON.stringify({ channel: epics, text: 'x' }) });
    expect((await send()).status).toBe(200);
    const limited = await send();
    expect(limited.status).toBe(429);
    expect(limited.headers.get('retry-after')).toBe('1');
    expect(await limited.json()).toEqual({ ok: false, error: 'ratelimited' });
    await expect(client().chat.postMessage({ channel: epics, text: 'x' })).rejects.toMatchObject({
      code: 'slack_webapi_rate_limited_error',
    });
    expect((await t.stats()).calls['chat.postMessage']).toEqual({ calls: 3, limited: 2, errors: 0 });
  });

  it('holds chat.update to tier 3', async () => {
    const { ts } = await post({ text: 'x' });
    for (let call = 0; call < 50; call += 1) {
      expect(await t.api('chat.update', { channel: epics, ts, text: `${call}` })).toMatchObject({ ok: true });
    }
    expect(await t.api('chat.update', { channel: epics, ts, text: 'x' })).toMatchObject({
      error: 'ratelimited',
    });
    clock.advance(60_001);
    expect(await t.api('chat.update', { channel: epics, ts, text: 'x' })).toMatchObject({ ok: true });
  });

  it('counts posts and those whose outbox id was posted before, also after a restart', async () => {
    const metadata = (outbox_id: string | number) => ({ event_type: 'e', event_payload: { outbox_id } });
    for (const id of ['1', '2', '1']) await post({ text: id, metadata: metadata(id) });
    expect(await t.stats()).toMatchObject({ posts: 3, doubledPosts: 1 });
    t = await t.restart();
    await post({ text: '2', metadata: metadata(2) });
    expect(await t.stats()).toMatchObject({ posts: 4, doubledPosts: 2 });
    expect((await t.snapshot()).messages.map((one) => one.text)).toEqual(['1', '2', '1', '2']);
  });

  it('makes the faults a test asks for', async () => {
    await t.page('test/fault', { method: 'chat.postMessage', http: 503, times: 1 });
    await t.page('test/fault', { method: 'chat.postMessage', error: 'internal_error', times: 1 });
    await t.page('test/fault', { method: 'chat.postMessage', dropAfterApply: true, times: 1 });
    const slack = client();
    await expect(slack.chat.postMessage({ channel: epics, text: 'a' })).rejects.toMatchObject({
      statusCode: 503,
    });
    await expect(slack.chat.postMessage({ channel: epics, text: 'b' })).rejects.toMatchObject({
      data: { error: 'internal_error' },
    });
    await expect(slack.chat.postMessage({ channel: epics, text: 'c' })).rejects.toMatchObject({
      code: 'slack_webapi_request_error',
    });
    expect((await t.snapshot()).messages.map((one) => one.text)).toEqual(['c']);
  });

  it('describes people, groups and channels', async () => {
    const slack = client();
    const info = await slack.users.info({ user: await t.id('carol') });
    expect(info.user).toMatchObject({ name: 'carol', tz: 'Asia/Tokyo', tz_offset: 32_400, is_bot: false });
    const { usergroups } = await slack.usergroups.list();
    const group = await slack.usergroups.users.list({ usergroup: String(usergroups?.[0]?.id) });
    expect(new Set(group.users)).toEqual(new Set([await t.id('bob'), await t.id('carol')]));
    const list = await slack.conversations.list({ types: 'public_channel,private_channel' });
    expect(list.channels?.map((one) => one.name)).toEqual(
      expect.arrayContaining(['general', 'baton-epics', 'random', 'escalations']),
    );
    const opened = await slack.conversations.open({ users: await t.id('bob') });
    expect(opened.channel?.id).toMatch(/^D/);
    const posted = await slack.chat.postMessage({ channel: await t.id('bob'), text: 'hi' });
    expect(posted.channel).toBe(opened.channel?.id);
    expect((await t.snapshot(await t.id('alice'))).messages).toEqual([]);
    const random = await t.id('random');
    expect(await slack.conversations.join({ channel: random })).toMatchObject({
      channel: { is_member: true },
    });
    expect(await slack.blocks.validate({ blocks: [section('x')] })).toMatchObject({ ok: true });
  });
});
