import type { WebClient } from '@slack/web-api';
import type { Clock } from '../ports/clock.ts';
import type { View } from './blocks.ts';

/** Changes within this time are shown in one go; well within Slack's limit per app and minute. */
const GATHER_MS = 5_000;
/** People whose App Home is kept up to date; beyond that, those who have not looked for longest are forgotten. */
const MOST_PEOPLE = 200;

export interface HomesOptions {
  /** Of the workspace by its key. */
  readonly client: (team: string) => WebClient;
  readonly clock: Clock;
  /** The person's home as it is now. */
  readonly build: (team: string, user: string) => Promise<View>;
  readonly onTrouble: (error: unknown) => void;
}

interface Opened {
  readonly team: string;
  /** What was shown last; the same again is not sent. */
  shown: string;
}

/**
 * The App Homes of those who opened theirs since Baton started: shown when opened, and again when something has changed.
 * After a restart whoever opens it sees it anew.
 */
export class Homes {
  readonly #options: HomesOptions;
  readonly #opened = new Map<string, Opened>();
  #cancel: (() => void) | null = null;
  #working = Promise.resolve();

  constructor(options: HomesOptions) {
    this.#options = options;
  }

  async open(team: string, user: string): Promise<void> {
    const key = `${team}/${user}`;
    const known = this.#opened.get(key) ?? { team, shown: '' };
    this.#opened.delete(key);
    this.#opened.set(key, known);
    const [oldest] = this.#opened.keys();
    if (this.#opened.size > MOST_PEOPLE && oldest !== undefined) this.#opened.delete(oldest);
    await this.#publish(user, { ...known, shown: '' }, key);
  }

  /** Something changed somewhere: whoever looks sees it soon. */
  changed(): void {
    if (this.#opened.size === 0 || this.#cancel !== null) return;
    this.#cancel = this.#options.clock.after(GATHER_MS, () => {
      this.#cancel = null;
      this.#working = this.#all();
    });
  }

  async stop(): Promise<void> {
    this.#cancel?.();
    this.#opened.clear();
    await this.#working;
  }

  async #all(): Promise<void> {
    for (const [key, opened] of this.#opened) {
      const user = key.slice(opened.team.length + 1);
      await this.#publish(user, opened, key).catch(this.#options.onTrouble);
    }
  }

  async #publish(user: string, opened: Opened, key: string): Promise<void> {
    const view = await this.#options.build(opened.team, user);
    const text = JSON.stringify(view);
    if (text === opened.shown) return;
    await this.#options.client(opened.team).apiCall('views.publish', { user_id: user, view: text });
    this.#opened.set(key, { ...opened, shown: text });
  }
}
