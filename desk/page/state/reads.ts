import { z } from 'zod';
import type { Message, Snapshot } from '../../contract.ts';
import type { Reads } from './state.ts';

const readsSchema = z.record(z.string(), z.record(z.string(), z.string()));

/** @returns `reads` with the channel read up to `ts`; the very same object when nothing changes. */
export function readUpTo(reads: Reads, user: string, channel: string, ts: string): Reads {
  const mine = reads[user] ?? {};
  return (mine[channel] ?? '') >= ts ? reads : { ...reads, [user]: { ...mine, [channel]: ts } };
}

/** Parses what the browser kept; anything unreadable counts as nothing read. */
export function parseReads(text: string | null): Reads {
  if (text === null) return {};
  try {
    const parsed = readsSchema.safeParse(JSON.parse(text));
    return parsed.success ? parsed.data : {};
  } catch {
    return {};
  }
}

/** Whether a message is addressed to this person: a direct message, one only they see, or a mention. */
export function isFor(message: Message, user: string, directChannels: ReadonlySet<string>): boolean {
  if (message.deleted || message.user === user) return false;
  if (message.ephemeralFor !== null) return message.ephemeralFor === user;
  return directChannels.has(message.channel) || mentions(message, user);
}

function mentions(message: Message, user: string): boolean {
  return message.text.includes(`<@${user}>`) || message.text.includes(`<@${user}|`);
}

/** @returns `channel:ts` of everything in a person's snapshot that is for them and not read yet. */
export function unreadMarks(snapshot: Snapshot, user: string, reads: Reads): readonly string[] {
  const direct = new Set(
    snapshot.channels.filter((channel) => channel.kind === 'im').map((channel) => channel.id),
  );
  const mine = reads[user] ?? {};
  return snapshot.messages
    .filter((message) => isFor(message, user, direct) && message.ts > (mine[message.channel] ?? ''))
    .map((message) => `${message.channel}:${message.ts}`);
}
