import type { Channel, Message, Person } from '../../contract.ts';
import { isFor } from './reads.ts';
import type { Ready } from './state.ts';

/** @returns the person with this id, or a stand-in that shows the bare id. */
export function personOf(people: readonly Person[], id: string): Person {
  return (
    people.find((person) => person.id === id) ?? {
      id,
      name: id,
      realName: id,
      isBot: false,
      isGuest: false,
      timeZone: 'UTC',
    }
  );
}

/** The name people see: an app's full name, a person's handle. */
export function shownName(person: Person): string {
  return person.isBot ? person.realName : person.name;
}

/** @returns the channel's title as people say it: `#general`, or the other person's name. */
export function channelTitle(channel: Channel, me: string, people: readonly Person[]): string {
  if (channel.kind !== 'im') return `#${channel.name}`;
  const other = channel.members.find((member) => member !== me) ?? me;
  return shownName(personOf(people, other));
}

/** What stands in the channel itself: no replies, and deleted messages only while a thread hangs on them. */
export function channelMessages(messages: readonly Message[]): readonly Message[] {
  return messages.filter(
    (message) => !isReply(message) && (!message.deleted || replyCount(messages, message) > 0),
  );
}

/** The parent (null when it is gone or not visible) and the replies of a thread, oldest first. */
export function threadMessages(
  messages: readonly Message[],
  ts: string,
): { readonly parent: Message | null; readonly replies: readonly Message[] } {
  return {
    parent: messages.find((message) => message.ts === ts) ?? null,
    replies: messages.filter((message) => message.threadTs === ts && message.ts !== ts && !message.deleted),
  };
}

function isReply(message: Message): boolean {
  return message.threadTs !== null && message.threadTs !== message.ts;
}

/** The server's count, or what the page has seen itself when that is more (an event may be on its way). */
export function replyCount(messages: readonly Message[], message: Message): number {
  const seen = messages.filter(
    (other) => other.threadTs === message.ts && other.ts !== message.ts && !other.deleted,
  );
  return Math.max(message.replyCount, seen.filter((other) => other.ephemeralFor === null).length);
}

/** How many unread messages of a channel are for this person, and whether anything in it is unread at all. */
export function unread(state: Ready, channel: Channel): { readonly any: boolean; readonly forMe: number } {
  const read = state.reads[state.me]?.[channel.id] ?? '';
  const direct = new Set(channel.kind === 'im' ? [channel.id] : []);
  const fresh = (state.messages[channel.id] ?? []).filter(
    (message) => message.ts > read && message.user !== state.me && !message.deleted,
  );
  return { any: fresh.length > 0, forMe: fresh.filter((message) => isFor(message, state.me, direct)).length };
}
