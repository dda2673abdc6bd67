import type { OutboxMessage, OutboxRow } from '../../ports/outbox.ts';
import type { Session } from '../../ports/store.ts';
import type { Message } from '../message.ts';
import { answers } from '../words.ts';

/** What Slack answers where the bot has not been invited, or the channel cannot be seen. */
const NOT_THERE = new Set(['not_in_channel', 'channel_not_found', 'user_not_in_channel']);

export interface UndeliverableWords {
  readonly forwarded: (markup: string, text: string) => Message;
  readonly rehearsal: boolean;
}

/**
 * What the person gets by DM instead of a message that could not be posted; null when there is nobody to tell.
 * DMs that fail themselves are not answered by more DMs.
 */
export async function undeliverable(
  row: OutboxRow,
  code: string,
  session: Session | null,
  words: UndeliverableWords,
): Promise<OutboxMessage | null> {
  const user = row.user ?? session?.requester;
  if (user === undefined || row.target.kind === 'dm' || row.key.startsWith('undeliverable:')) return null;
  const where = row.target.channel;
  const first = NOT_THERE.has(code) ? answers.notInChannel(where) : answers.undeliverable(where, code);
  const message = words.forwarded(first, row.text);
  return {
    team: row.team,
    key: `undeliverable:${row.key}`,
    kind: 'post',
    target: { kind: 'dm', user },
    lane: 'approvals',
    ...message,
  };
}
