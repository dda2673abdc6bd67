import { z } from 'zod';
import {
  type Message,
  type Snapshot,
  type Stats,
  snapshotSchema,
  statsSchema,
  type View,
} from '../../../desk/contract.ts';
import { until } from './wait.ts';

const blockSchema = z.looseObject({
  type: z.string(),
  block_id: z.string().default(''),
  elements: z.array(z.unknown()).optional(),
});
const buttonSchema = z.looseObject({ type: z.literal('button'), action_id: z.string(), value: z.string() });
const answerSchema = z.looseObject({ ok: z.boolean(), error: z.string().optional() });
export type Answer = z.infer<typeof answerSchema>;
type Button = z.infer<typeof buttonSchema> & { readonly block_id: string };

/** The buttons of a message. */
export function buttonsOf(message: Message): Button[] {
  return message.blocks.flatMap((block) => {
    const parsed = blockSchema.parse(block);
    return (parsed.elements ?? []).flatMap((element) => {
      const button = buttonSchema.safeParse(element);
      return button.success ? [{ ...button.data, block_id: parsed.block_id }] : [];
    });
  });
}

export function hasButton(message: Message, actionId: string): boolean {
  return buttonsOf(message).some((button) => button.action_id === actionId);
}

/** The desk's page API, as the page itself uses it. People and channels go by their names. */
export class Desk {
  readonly url: string;
  readonly #ids = new Map<string, string>();

  constructor(url: string) {
    this.url = url;
  }

  async snapshot(who: string): Promise<Snapshot> {
    return snapshotSchema.parse(await this.#get(`/desk/snapshot?user=${await this.id(who)}`));
  }

  async stats(): Promise<Stats> {
    return statsSchema.parse(await this.#get('/desk/stats'));
  }

  async id(who: string): Promise<string> {
    if (this.#ids.size === 0) {
      const { people } = snapshotSchema.parse(await this.#get('/desk/snapshot'));
      for (const { name, id } of people) this.#ids.set(name, id);
    }
    const found = this.#ids.get(who);
    if (found === undefined) throw new Error(`There is no ${who} on the desk`);
    return found;
  }

  async channel(who: string, name: string): Promise<string> {
    const found = (await this.snapshot(who)).channels.find((channel) => channel.name === name);
    if (found === undefined) throw new Error(`${who} sees no channel ${name}`);
    return found.id;
  }

  async orchestrate(who: string, text: string, channel = 'baton-epics'): Promise<Answer> {
    return this.#post('/desk/command', {
      user: await this.id(who),
      channel: await this.channel(who, channel),
      command: '/orchestrate',
      text,
    });
  }

  async click(who: string, message: Message, actionId: string): Promise<Answer> {
    const button = buttonsOf(message).find(({ action_id }) => action_id === actionId);
    if (button === undefined) throw new Error(`No button ${actionId} on: ${message.text}`);
    return this.#post('/desk/action', {
      user: await this.id(who),
      container: { type: 'message', channel: message.channel, ts: message.ts },
      action: { type: 'button', action_id: button.action_id, block_id: button.block_id, value: button.value },
    });
  }

  /** The form that is open for this person. */
  async modal(who: string): Promise<View> {
    return until(`A form for ${who}`, async () => (await this.snapshot(who)).modals.at(-1));
  }

  /** Submits a form with one text of its own. */
  async submit(who: string, view: View, blockId: string, actionId: string, value: string): Promise<Answer> {
    return this.#post('/desk/submit', {
      user: await this.id(who),
      viewId: view.id,
      state: { values: { [blockId]: { [actionId]: { type: 'plain_text_input', value } } } },
    });
  }

  /** Waits for a message this person sees. The newest that fits is taken. */
  async message(
    who: string,
    what: string,
    fits: (message: Message) => boolean,
    limitMs?: number,
  ): Promise<Message> {
    return until(
      what,
      async () =>
        (await this.snapshot(who)).messages.findLast((message) => !message.deleted && fits(message)),
      limitMs,
      () => this.#transcript(who),
    );
  }

  /** Everything this person sees, to explain a failure. */
  async #transcript(who: string): Promise<string> {
    const { messages } = await this.snapshot(who);
    return messages
      .map(
        ({ text, threadTs, ephemeralFor }) =>
          `--- ${threadTs === null ? 'top' : 'thread'}${ephemeralFor === null ? '' : ' (ephemeral)'}\n${text}`,
      )
      .join('\n');
  }

  async #get(path: string): Promise<unknown> {
    return (await fetch(`${this.url}${path}`, { signal: AbortSignal.timeout(10_000) })).json();
  }

  async #post(path: string, body: unknown): Promise<Answer> {
    const answer = await fetch(`${this.url}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(15_000),
    });
    return answerSchema.parse(await answer.json());
  }
}
