import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { type ManualClock, manualClock, type TestDesk, TOKENS, testDesk, until } from './harness.ts';
import { type SocketClient, socketClient } from './socket-client.ts';

describe('clicks and modals', () => {
  let clock: ManualClock;
  let t: TestDesk;
  let alice: string;
  let epics: string;
  let client: SocketClient;

  beforeEach(async () => {
    clock = manualClock();
    t = await testDesk({ clock });
    alice = await t.id('alice');
    epics = await t.id('baton-epics');
    client = await socketClient(t);
  });
  afterEach(() => t.close());

  const plain = (text: string) => ({ type: 'plain_text', text });
  const modal = (title: string, extra: object = {}) => ({
    type: 'modal',
    title: plain(title),
    submit: plain('Next'),
    blocks: [
      {
        type: 'section',
        block_id: 's',
        text: plain('x'),
        accessory: { type: 'button', action_id: 'more', text: plain('More') },
      },
    ],
    ...extra,
  });
  const payloadSchema = z.looseObject({
    trigger_id: z.string().optional(),
    response_url: z.string().optional(),
    view: z.looseObject({ id: z.string(), hash: z.string() }).optional(),
  });

  /** Runs a command and hands back its payload, acknowledged. */
  async function trigger() {
    const outcome = t.page('command', { user: alice, channel: epics, command: '/go', text: '' });
    const envelope = await client.next();
    client.ack(envelope);
    expect(await outcome).toEqual({ ok: true });
    return payloadSchema.parse(envelope.payload);
  }
  const titles = async () => (await t.snapshot(alice)).modals.map((view) => view.title);
  const top = async () => (await t.snapshot(alice)).modals.at(-1)?.id ?? '';
  /** Submits the top modal and answers with `response`. */
  async function submit(response?: unknown) {
    const outcome = t.page('submit', { user: alice, viewId: await top(), state: { values: {} } });
    const envelope = await client.next();
    client.ack(envelope, response);
    return { outcome: await outcome, payload: payloadSchema.parse(envelope.payload) };
  }

  it('opens with a trigger in time and once', async () => {
    const { trigger_id } = await trigger();
    expect(await t.api('views.open', { trigger_id, view: modal('One') })).toMatchObject({ ok: true });
    expect(await titles()).toEqual(['One']);
    expect(await t.api('views.open', { trigger_id, view: modal('Two') })).toMatchObject({
      error: 'exchanged_trigger_id',
    });
    const late = await trigger();
    clock.advance(3_001);
    expect(await t.api('views.open', { trigger_id: late.trigger_id, view: modal('Two') })).toMatchObject({
      error: 'expired_trigger_id',
    });
    const bad = await trigger();
    const view = modal('Three', { footer: 'x' });
    expect(await t.api('views.open', { trigger_id: bad.trigger_id, view })).toMatchObject({
      error: 'invalid_arguments',
      response_metadata: { messages: ['[ERROR] invalid additional property: footer [json-pointer:/view]'] },
    });
  });

  it('does what an acknowledgement of a submission says', async () => {
    const { trigger_id } = await trigger();
    await t.api('views.open', { trigger_id, view: modal('One') });
    expect((await submit({ response_action: 'errors', errors: { s: 'No.' } })).outcome).toMatchObject({
      ok: false,
      errors: { s: 'No.' },
    });
    expect((await submit({ response_action: 'update', view: modal('One b') })).outcome).toEqual({ ok: true });
    expect(await titles()).toEqual(['One b']);
    await submit({ response_action: 'push', view: modal('Two') });
    await submit({ response_action: 'push', view: modal('Three') });
    expect(await titles()).toEqual(['One b', 'Two', 'Three']);
    const full = await submit({ response_action: 'push', view: modal('Four') });
    expect(full.outcome).toEqual({ ok: false, error: 'push_limit_reached' });
    await submit();
    expect(await titles()).toEqual(['One b', 'Two']);
    await submit({ response_action: 'clear' });
    expect(await titles()).toEqual([]);
  });

  it('keeps a modal open when its submission is not acknowledged', async () => {
    const { trigger_id } = await trigger();
    await t.api('views.open', { trigger_id, view: modal('One') });
    const outcome = t.page('submit', { user: alice, viewId: await top(), state: { values: {} } });
    await client.next();
    clock.advance(3_000);
    expect(await outcome).toEqual({ ok: false, error: 'operation_timeout' });
    expect(await titles()).toEqual(['One']);
  });

  it('pushes and updates from a click in a modal, minding the hash', async () => {
    const { trigger_id } = await trigger();
    await t.api('views.open', { trigger_id, view: modal('One', { notify_on_close: true }) });
    const container = { type: 'view', viewId: await top() };
    const action = { action_id: 'more', block_id: 's', type: 'button' };
    const outcome = t.page('action', { user: alice, container, action });
    const envelope = await client.next();
    client.ack(envelope);
    expect(await outcome).toEqual({ ok: true });
    const click = payloadSchema.parse(envelope.payload);
    const view_id = click.view?.id;
    const update = (hash?: string) => t.api('views.update', { view_id, view: modal('One b'), hash });
    expect(await update(click.view?.hash)).toMatchObject({ ok: true });
    expect(await update(click.view?.hash)).toMatchObject({ error: 'hash_conflict' });
    expect(await t.api('views.push', { trigger_id: click.trigger_id, view: modal('Two') })).toMatchObject({
      ok: true,
    });
    expect(await titles()).toEqual(['One b', 'Two']);
    await t.page('close', { user: alice, viewId: await top() });
    expect(await titles()).toEqual(['One b']);
  });

  it('tells an app that asked when a modal is closed', async () => {
    const { trigger_id } = await trigger();
    await t.api('views.open', { trigger_id, view: modal('One', { notify_on_close: true }) });
    const outcome = t.page('close', { user: alice, viewId: await top() });
    const envelope = await client.next();
    expect(envelope.payload).toMatchObject({ type: 'view_closed', is_cleared: false });
    client.ack(envelope);
    expect(await outcome).toEqual({ ok: true });
  });

  it('publishes a home for one person', async () => {
    const view = { type: 'home', blocks: [{ type: 'divider' }] };
    expect(await t.api('views.publish', { user_id: alice, view })).toMatchObject({ ok: true });
    expect((await t.snapshot(alice)).home?.blocks).toMatchObject([{ type: 'divider' }]);
    expect((await t.snapshot(await t.id('bob'))).home).toBeNull();
  });

  it('sends no click on what is not there, or was never offered', async () => {
    const select = {
      type: 'static_select',
      action_id: 'pick',
      options: [{ text: plain('A'), value: 'a' }],
    };
    const blocks = [{ type: 'actions', block_id: 'row', elements: [select] }];
    const { ts } = await t.api('chat.postMessage', { channel: epics, text: 'x', blocks });
    const click = (user: string, action: object) =>
      t.page('action', { user, container: { type: 'message', channel: epics, ts }, action });
    const ids = { action_id: 'pick', block_id: 'row', type: 'static_select' };
    expect(await click(alice, { ...ids, action_id: 'other' })).toMatchObject({ error: 'action_not_found' });
    expect(await click(alice, { ...ids, selected_option: { value: 'b' } })).toMatchObject({
      error: 'option_not_found',
    });
    expect(await click(await t.id('dave'), ids)).toMatchObject({ error: 'channel_not_found' });
  });

  it('takes five answers on a response_url within half an hour', async () => {
    const answer = async (url: string | undefined, body: object) => {
      const result = await fetch(String(url), {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      });
      return `${result.status} ${await result.text()}`;
    };
    const { response_url } = await trigger();
    expect(await answer(response_url, {})).toBe('400 no_text');
    for (let use = 0; use < 5; use += 1)
      expect(await answer(response_url, { text: `${use}` })).toBe('200 ok');
    expect(await answer(response_url, { text: 'x' })).toBe('404 used_url');
    const late = await trigger();
    clock.advance(30 * 60_000 + 1);
    expect(await answer(late.response_url, { text: 'x' })).toBe('404 expired_url');
    const messages = (await t.snapshot(alice)).messages;
    expect(messages.map((one) => [one.text, one.ephemeralFor])).toEqual(
      ['0', '1', '2', '3', '4'].map((text) => [text, alice]),
    );
    const again = await trigger();
    await answer(again.response_url, { text: 'for all', response_type: 'in_channel' });
    await until(async () => (await t.snapshot(await t.id('bob'))).messages.length === 1);
  });

  it('replaces and deletes the message of a click through its response_url', async () => {
    const blocks = [
      { type: 'actions', block_id: 'row', elements: [{ type: 'button', action_id: 'b', text: plain('B') }] },
    ];
    const { message_ts: ts } = await t.api('chat.postEphemeral', {
      channel: epics,
      user: alice,
      text: 'x',
      blocks,
    });
    const container = { type: 'message', channel: epics, ts };
    const outcome = t.page('action', { user: alice, container, action: { action_id: 'b', block_id: 'row' } });
    const envelope = await client.next();
    expect(envelope.payload).not.toHaveProperty('message');
    expect(envelope.payload).toMatchObject({ container: { is_ephemeral: true } });
    client.ack(envelope);
    await outcome;
    const url = String(payloadSchema.parse(envelope.payload).response_url);
    const send = (body: object) =>
      fetch(url, {
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization: TOKENS.botToken },
        body: JSON.stringify(body),
      });
    await send({ replace_original: true, text: 'replaced' });
    expect((await t.snapshot(alice)).messages).toMatchObject([{ text: 'replaced', blocks: [] }]);
    await send({ delete_original: true });
    expect((await t.snapshot(alice)).messages).toEqual([]);
  });
});
