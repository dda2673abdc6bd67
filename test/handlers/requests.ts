import { expect } from 'vitest';
import type { World } from './world.ts';

const FORM = 'application/x-www-form-urlencoded';
/** What was typed into a form. */
export const text = (block: string, action: string, value: string) => ({
  [block]: { [action]: { type: 'plain_text_input', value } },
});
/** What was chosen in one. */
export const choice = (block: string, action: string, value: string) => ({
  [block]: {
    [action]: {
      type: 'static_select',
      selected_option: { text: { type: 'plain_text', text: value }, value },
    },
  },
});

/**
 * Requests as Slack might send them, signed, by whoever is named: buttons, forms, words of the command, and mentions.
 * @param count what makes one request another than the one before
 * @param thread the first message of the thread in which is written
 */
export function requests(world: () => World, count: () => number, thread: () => string) {
  async function post(contentType: string, body: string): Promise<void> {
    const { status } = await world().post.send(
      { headers: { 'content-type': contentType }, body },
      world().clock.now(),
    );
    expect(status).toBe(200);
  }
  const interaction = (user: string, more: object) =>
    post(
      FORM,
      new URLSearchParams({
        payload: JSON.stringify({
          team: { id: world().team.split('/').at(-1), domain: 'd' },
          user: { id: user, name: 'n', username: 'n', team_id: world().team.split('/').at(-1) },
          api_app_id: 'A1',
          token: 't',
          trigger_id: `trigger-${count()}`,
          ...more,
        }),
      }).toString(),
    );
  const press = (action: string, value: () => string) => (user: string) =>
    interaction(user, {
      type: 'block_actions',
      container: { type: 'message', message_ts: '1.1', channel_id: world().channel, is_ephemeral: false },
      channel: { id: world().channel, name: 'c' },
      actions: [
        {
          type: 'button',
          action_id: action,
          block_id: 'b',
          action_ts: `${1_900_000_000 + count()}.1`,
          value: value(),
        },
      ],
    });
  const form = (callback: string, about: () => string, values: object) => (user: string) =>
    interaction(user, {
      type: 'view_submission',
      view: {
        id: `V${count()}`,
        hash: `h${count()}`,
        type: 'modal',
        callback_id: callback,
        private_metadata: about(),
        state: { values },
      },
    });
  const say = (words: () => string) => (user: string) =>
    post(
      FORM,
      new URLSearchParams({
        command: '/orchestrate',
        text: words(),
        team_id: world().team.split('/').at(-1) ?? '',
        channel_id: world().channel,
        user_id: user,
        trigger_id: `trigger-${count()}`,
      }).toString(),
    );
  const write = (words: string) => async (user: string) => {
    const bot = world().workspaces.of(world().team)?.botUser ?? '';
    const team = world().team.split('/').at(-1);
    const ts = `${1_900_000_000 + count()}.000100`;
    const event = {
      type: 'app_mention',
      user,
      text: `<@${bot}> ${words}`,
      channel: world().channel,
      ts,
      thread_ts: thread(),
    };
    const body = { type: 'event_callback', team_id: team, event_id: `Ev${count()}`, event, api_app_id: 'A1' };
    await post('application/json', JSON.stringify(body));
  };
  return { press, form, say, write };
}
