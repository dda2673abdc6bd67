import { App, HTTPReceiver, LogLevel } from '@slack/bolt';
import { describe, expect, it } from 'vitest';
import { signal, TOKENS, testDesk } from './harness.ts';

describe('delivery over HTTP', () => {
  it('signs what it sends, so that a Bolt app with a signing secret takes it', async () => {
    const receiver = new HTTPReceiver({
      signingSecret: TOKENS.signingSecret,
      port: 0,
      logLevel: LogLevel.ERROR,
    });
    const server = await receiver.start(0);
    const address = server.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    const t = await testDesk({ requestUrl: `http://127.0.0.1:${port}/slack/events` });
    const mentioned = signal<string>();
    const clicked = signal<string>();
    const app = new App({
      token: TOKENS.botToken,
      receiver,
      logLevel: LogLevel.ERROR,
      clientOptions: { slackApiUrl: `${t.desk.url}/api/` },
    });
    app.command('/go', async ({ ack, command, client }) => {
      await ack(`on it, ${command.text}`);
      const button = { type: 'button', action_id: 'b', text: { type: 'plain_text', text: 'B' } } as const;
      const blocks = [{ type: 'actions', block_id: 'row', elements: [button] }];
      await client.chat.postMessage({ channel: command.channel_id, text: 'x', blocks });
      clicked.fire('posted');
    });
    app.action('b', async ({ ack, body }) => {
      await ack();
      mentioned.fire(body.user.id);
    });
    try {
      const alice = await t.id('alice');
      const channel = await t.id('general');
      const command = { user: alice, channel, command: '/go', text: 'alice & bob' };
      expect(await t.page('command', command)).toEqual({ ok: true });
      await clicked.promise;
      const messages = (await t.snapshot(alice)).messages;
      expect(messages.map((one) => one.text).sort()).toEqual(['on it, alice & bob', 'x']);
      const ts = messages.find((one) => one.text === 'x')?.ts;
      const container = { type: 'message', channel, ts };
      const action = { action_id: 'b', block_id: 'row' };
      expect(await t.page('action', { user: alice, container, action })).toEqual({ ok: true });
      expect(await mentioned.promise).toBe(alice);
    } finally {
      await receiver.stop();
      await t.close();
    }
  });
});
