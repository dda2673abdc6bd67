import type { Clock } from '../ports/clock.ts';
import type { OutboxMessage, OutboxStore } from '../ports/outbox.ts';
import type { Message } from './message.ts';

export interface AnswerTo {
  /** What is answered: an answer to the same intent goes out once. */
  readonly intent: string;
  readonly team: string;
  readonly user: string;
  /** "" where nobody knows where they look, as after a form: a direct message. */
  readonly channel: string;
  /** Key of the parent message, when the person is in a thread. */
  readonly thread?: string;
}

/** Short answers to one person, where they are looking; a DM when they are in their DM already. */
export class Answers {
  readonly #store: OutboxStore;
  readonly #clock: Clock;
  readonly #wake: () => void;

  constructor(store: OutboxStore, clock: Clock, wake: () => void) {
    this.#store = store;
    this.#clock = clock;
    this.#wake = wake;
  }

  /** An answer that everybody in the thread reads: what was done about a person's words concerns them all. */
  async tell(to: Omit<AnswerTo, 'user'> & { readonly thread: string }, message: Message): Promise<void> {
    const { intent, team, channel, thread } = to;
    const row: OutboxMessage = {
      team,
      key: `answer:${intent}`,
      kind: 'post',
      target: { kind: 'channel', channel },
      thread,
      lane: 'approvals',
      ...message,
    };
    await this.#store.enqueue([row], this.#clock.now());
    this.#wake();
  }

  async send(to: AnswerTo, message: Message): Promise<void> {
    const { intent, team, user, channel, thread } = to;
    const direct = channel === '' || channel.startsWith('D');
    const row: OutboxMessage = {
      team,
      key: `answer:${intent}`,
      kind: direct ? 'post' : 'ephemeral',
      target: channel === '' ? { kind: 'dm', user } : { kind: 'channel', channel },
      ...(direct ? {} : { user }),
      ...(thread === undefined || direct ? {} : { thread }),
      lane: 'approvals',
      ...message,
    };
    await this.#store.enqueue([row], this.#clock.now());
    this.#wake();
  }
}
