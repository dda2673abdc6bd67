import type { App } from '@slack/bolt';
import type { ModalView } from '@slack/types';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { boltApp, signal, stopApp, type TestDesk, testDesk, until } from './harness.ts';

const MODAL: ModalView = {
  type: 'modal',
  callback_id: 'ask',
  title: { type: 'plain_text', text: 'Ask' },
  submit: { type: 'plain_text', text: 'Send' },
  private_metadata: 'kept',
  blocks: [
    {
      type: 'input',
      block_id: 'why',
      label: { type: 'plain_text', text: 'Why?' },
      element: { type: 'plain_text_input', action_id: 'text' },
    },
  ],
};

const BUTTON = {
  type: 'button',
  action_id: 'approve',
  text: { type: 'plain_text', text: 'Approve' },
  value: 'run-1',
} as const;

describe('a real Bolt app over Socket Mode', () => {
  let t: TestDesk;
  let app: App;
  let alice: string;
  let channel: string;

  beforeEach(async () => {
    t = await testDesk();
    alice = await t.id('alice');
    channel = await t.id('baton-epics');
  });
  afterEach(async () => {
    await stopApp(app, t);
    await t.close();
  });

  const state = (value: string) => ({
    values: { why: { text: { type: 'plain_text_input', value } } },
  });

  it('runs a command, posts, takes a click, opens a modal and takes its submission', async () => {
    const clicked = signal<unknown>();
    const submitted = signal<unknown>();
    app = await boltApp(t.desk.url, (bolt) => {
      bolt.command('/go', async ({ ack, client, command }) => {
        await ack();
        await client.chat.postMessage({
          channel: command.channel_id,
          text: `for <@${command.user_id}>: ${command.text}`,
          blocks: [{ type: 'actions', block_id: 'decide', elements: [BUTTON] }],
          metadata: { event_type: 'baton', event_payload: { outbox_id: 'o-1' } },
        });
      });
      bolt.action('approve', async ({ ack, body, client, respond }) => {
        await ack();
        clicked.fire(body);
        const { trigger_id } = z.object({ trigger_id: z.string() }).parse(body);
        await client.views.open({ trigger_id, view: MODAL });
        await respond({ text: 'noted', response_type: 'ephemeral' });
      });
      bolt.view('ask', async ({ ack, view }) => {
        if (view.state.values['why']?.['text']?.value === 'no') {
          await ack({ response_action: 'errors', errors: { why: 'Say more.' } });
          return;
        }
        await ack();
        submitted.fire(view.private_metadata);
      });
    });
    expect(await t.page('command', { user: alice, channel, command: '/go', text: 'ship it' })).toEqual({
      ok: true,
    });
    await until(async () => (await t.snapshot(alice)).messages.length === 1);
    const [message] = (await t.snapshot(alice)).messages;
    expect(message?.text).toBe(`for <@${alice}>: ship it`);
    const container = { type: 'message', channel, ts: message?.ts };
    const action = { action_id: 'approve', block_id: 'decide', type: 'button', value: 'forged' };
    expect(await t.page('action', { user: alice, container, action })).toEqual({ ok: true });
    expect(await clicked.promise).toMatchObject({
      type: 'block_actions',
      user: { id: alice },
      channel: { id: channel },
      container: { type: 'message', message_ts: message?.ts },
      actions: [{ action_id: 'approve', value: 'run-1' }],
    });
    await until(async () => (await t.snapshot(alice)).modals.length === 1);
    await until(async () => (await t.snapshot(alice)).messages.some((one) => one.text === 'noted'));
    const bob = await t.id('bob');
    const seenByBob = await t.snapshot(bob);
    expect(seenByBob.modals).toEqual([]);
    expect(seenByBob.messages.map((one) => one.text)).not.toContain('noted');
    const viewId = (await t.snapshot(alice)).modals[0]?.id;
    const submit = (value: string) => t.page('submit', { user: alice, viewId, state: state(value) });
    expect(await submit('')).toMatchObject({ ok: false, errors: { why: expect.any(String) } });
    expect(await submit('no')).toMatchObject({ ok: false, errors: { why: 'Say more.' } });
    expect(await submit('because')).toEqual({ ok: true });
    expect(await submitted.promise).toBe('kept');
    expect((await t.snapshot(alice)).modals).toEqual([]);
    const stats = await t.stats();
    expect(stats.ackMs.length).toBeGreaterThanOrEqual(4);
    expect(stats.unacked).toBe(0);
  });
});
