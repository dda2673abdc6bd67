import { z } from 'zod';
import { type Message, type Snapshot, type Stats, snapshotSchema, statsSchema } from '../../desk/contract.ts';
import { pause } from './waiting.ts';

const CHANNEL = 'baton-epics';
/** Milliseconds: a person looks about this often. */
const LOOK_MS = 120;
/** Milliseconds a person takes to read before pressing the button. */
const READING_MS: Readonly<Record<string, number>> = {
  plan_start: 150,
  approval_approve: 1_500,
  run_retry: 500,
};
/** A desk that is there answers one of so many reads, also when a kept connection was closed meanwhile. */
const READS = 5;
/** After something did not get through, a person waits this long before doing it once more. */
const ONCE_MORE_MS = 400;
/** A command that got no answer may still be worked on: typed again only when nothing has come of it for so long. */
const TYPE_AGAIN_MS = 5_000;
/** A command that was taken and leads to no epic for so long, while Baton is up, was lost. */
const LOST_COMMAND_MS = 40_000;
/** A click that was taken and changes nothing for so long, while Baton is up, was lost. Slack may hold an update back for a while. */
const LOST_CLICK_MS = 60_000;

export interface Button {
  readonly message: Message;
  readonly blockId: string;
  readonly actionId: string;
  readonly value: string;
}

const buttonSchema = z.object({ type: z.literal('button'), action_id: z.string(), value: z.string() });
const actionsSchema = z.object({
  type: z.literal('actions'),
  block_id: z.string(),
  elements: z.array(z.unknown()),
});

/** The buttons that stand in a message. */
export function buttonsOf(message: Message): Button[] {
  return message.blocks.flatMap((block) => {
    const actions = actionsSchema.safeParse(block).data;
    return (actions?.elements ?? []).flatMap((element) => {
      const button = buttonSchema.safeParse(element).data;
      if (actions === undefined || button === undefined) return [];
      return [{ message, blockId: actions.block_id, actionId: button.action_id, value: button.value }];
    });
  });
}

/** What happened to the person, beside what stands on the desk. */
export interface PersonReport {
  /** Clicks by button that the desk said were taken. */
  readonly taken: Record<string, number>;
  readonly refused: number;
  readonly problems: readonly string[];
}

/** Alice at the desk: types the command, presses Start and Approve (and Retry), and tries again when Baton is down. */
export class Person {
  readonly #desk: string;
  readonly #taken: Record<string, number> = {};
  readonly #problems: string[] = [];
  readonly #clicks = new Map<string, { seenAt: number; nextAt: number; takenAt: number | null }>();
  readonly #up: () => number | null;
  #refused = 0;
  #alice = '';

  /** @param up when Baton was last ready, by `performance.now()`; null while it is down */
  constructor(desk: string, up: () => number | null) {
    this.#desk = desk;
    this.#up = up;
  }

  report(): PersonReport {
    return { taken: this.#taken, refused: this.#refused, problems: this.#problems };
  }

  async look(): Promise<Snapshot> {
    const snapshot = snapshotSchema.parse(await this.#get(`/desk/snapshot?user=${this.#alice}`));
    if (this.#alice !== '') return snapshot;
    this.#alice = idOf(snapshot.people, 'alice');
    return this.look();
  }

  async stats(): Promise<Stats> {
    return statsSchema.parse(await this.#get('/desk/stats'));
  }

  /**
   * Types the command until the channel holds `epics` epics: again when it was refused and nothing comes of it, as a
   * person does who reads that the app did not respond.
   */
  async type(text: string, epics: number, stop: () => boolean): Promise<void> {
    while (!stop()) {
      const { people, channels } = await this.look();
      const answer = await this.#post('/desk/command', {
        user: idOf(people, 'alice'),
        channel: idOf(channels, CHANNEL),
        command: '/orchestrate',
        text,
      });
      if (!answer.ok) this.#refused += 1;
      if (await this.#epicComes(epics, answer.ok ? LOST_COMMAND_MS : TYPE_AGAIN_MS, stop)) return;
      if (answer.ok && !stop()) {
        this.#problems.push(`A command was taken and nothing came of it in ${LOST_COMMAND_MS / 1_000} s`);
      }
    }
  }

  /** Only time in which Baton could have answered counts. */
  async #epicComes(epics: number, limitMs: number, stop: () => boolean): Promise<boolean> {
    const asked = performance.now();
    while (!stop()) {
      if ((await this.epics()).length >= epics) return true;
      const up = this.#up();
      if (up !== null && performance.now() - Math.max(up, asked) > limitMs) return false;
      await pause(LOOK_MS);
    }
    return false;
  }

  /** Presses what waits for a press, until told to stop. */
  async press(stop: () => boolean): Promise<void> {
    while (!stop()) {
      const { people, messages } = await this.look();
      for (const button of messages.flatMap(buttonsOf)) {
        if (READING_MS[button.actionId] !== undefined) await this.#consider(button, idOf(people, 'alice'));
      }
      await pause(LOOK_MS);
    }
  }

  /** The epics in the channel, oldest first. */
  async epics(): Promise<Message[]> {
    const { channels, messages, app } = await this.look();
    const channel = idOf(channels, CHANNEL);
    return messages.filter(
      (message) =>
        message.channel === channel &&
        message.user === app.botUser &&
        message.ephemeralFor === null &&
        !isReply(message),
    );
  }

  async #consider(button: Button, user: string): Promise<void> {
    const now = performance.now();
    const key = `${button.actionId} ${button.value}`;
    const click = this.#clicks.get(key) ?? {
      seenAt: now,
      nextAt: now + (READING_MS[button.actionId] ?? 0),
      takenAt: null,
    };
    this.#clicks.set(key, click);
    if (click.takenAt !== null) return this.#checkTaken(button, click);
    if (now < click.nextAt) return;
    const container = { type: 'message', channel: button.message.channel, ts: button.message.ts };
    const action = {
      type: 'button',
      action_id: button.actionId,
      block_id: button.blockId,
      value: button.value,
    };
    const answer = await this.#post('/desk/action', { user, container, action });
    if (answer.ok) {
      click.takenAt = performance.now();
      this.#taken[button.actionId] = (this.#taken[button.actionId] ?? 0) + 1;
    } else {
      this.#refused += 1;
      click.nextAt = performance.now() + ONCE_MORE_MS;
    }
  }

  /** A button that was pressed stands there until the message is rewritten; standing too long means it was in vain. */
  #checkTaken(button: Button, click: { nextAt: number; takenAt: number | null }): void {
    const up = this.#up();
    if (up === null || click.takenAt === null) return;
    if (performance.now() - Math.max(up, click.takenAt) < LOST_CLICK_MS) return;
    this.#problems.push(`${button.actionId} was taken and nothing came of it in ${LOST_CLICK_MS / 1_000} s`);
    click.takenAt = null;
    click.nextAt = 0;
  }

  async #get(path: string): Promise<unknown> {
    for (let left = READS; ; left -= 1) {
      try {
        return await (await fetch(`${this.#desk}${path}`)).json();
      } catch (error) {
        if (left <= 1) throw new Error(`The desk does not answer: ${reasonOf(error)}`, { cause: error });
        await pause(LOOK_MS);
      }
    }
  }

  /** What did not get through is refused: a person cannot tell whether it was done. */
  async #post(path: string, body: unknown): Promise<{ readonly ok: boolean }> {
    try {
      const answer = await fetch(`${this.#desk}${path}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      });
      return z
        .object({ ok: z.boolean() })
        .loose()
        .parse(await answer.json());
    } catch {
      return { ok: false };
    }
  }
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? error.cause.message : error.message;
}

export function isReply(message: Message): boolean {
  return message.threadTs !== null && message.threadTs !== message.ts;
}

function idOf(all: readonly { readonly id: string; readonly name: string }[], name: string): string {
  const found = all.find((each) => each.name === name);
  if (found === undefined) throw new Error(`There is no ${name} at the desk`);
  return found.id;
}
