import type { Channel, Message } from '../contract.ts';
import type { Desk } from './desk.ts';
import { newId } from './ids.ts';
import type { Json } from './json.ts';
import { apiMessage, channelType } from './shapes.ts';
import type { MessageChange, NewMessage, StoredMessage } from './store/messages.ts';

/** Guests see only their own channels; other people also see public ones. */
export function canSee(desk: Desk, user: string, channel: Channel): boolean {
  if (channel.members.includes(user)) return true;
  return channel.kind === 'public' && desk.directory.person(user)?.isGuest === false;
}

/** The part of a stored message that the page may see. */
export function pageMessage(message: StoredMessage): Message {
  const { channel, ts, threadTs, user, text, blocks, editedTs, ephemeralFor, replyCount, deleted } = message;
  return { channel, ts, threadTs, user, text, blocks, editedTs, ephemeralFor, replyCount, deleted };
}

/** Tells the pages of everybody who may see it. */
function showMessage(desk: Desk, channel: Channel, message: StoredMessage): void {
  const event = { type: 'message', message: pageMessage(message) } as const;
  desk.hub.emit(event, (user) => {
    return message.ephemeralFor === null ? canSee(desk, user, channel) : user === message.ephemeralFor;
  });
}

/** Tells everybody who may see it that a channel or its members changed. */
export function showChannel(desk: Desk, channel: Channel): void {
  desk.hub.emit({ type: 'channel', channel }, (user) => canSee(desk, user, channel));
}

/** A line only `user` sees, as Slack's own hints. */
export function notice(desk: Desk, user: string, text: string): void {
  desk.hub.emit({ type: 'notice', text }, (other) => other === user);
}

function addressed(channel: Channel, message: StoredMessage): string[] {
  if (message.ephemeralFor !== null) return [message.ephemeralFor];
  const mentioned = [...message.text.matchAll(/<@([A-Z0-9]+)>/g)].map((match) => match[1] ?? '');
  const people = channel.kind === 'im' ? channel.members : mentioned;
  return [...new Set(people)].filter((user) => user !== message.user);
}

function badge(desk: Desk, channel: Channel, message: StoredMessage): void {
  for (const user of addressed(channel, message)) {
    const event = { type: 'activity', user, channel: channel.id, ts: message.ts } as const;
    desk.hub.emit(event, (other) => other !== user && other !== message.user);
  }
}

function subscribed(desk: Desk, name: string): boolean {
  return desk.setup.botEvents === null || desk.setup.botEvents.has(name);
}

/** Queues an Events API event when the app subscribes to `name`. */
export function sendEvent(desk: Desk, name: string, event: Json): void {
  if (!subscribed(desk, name)) return;
  const { teamId, appId, botUser, verification } = desk.identity;
  desk.events.push({
    token: verification,
    team_id: teamId,
    api_app_id: appId,
    event,
    type: 'event_callback',
    event_id: newId('Ev'),
    event_time: Math.floor(desk.clock.now() / 1000),
    authorizations: [
      {
        enterprise_id: null,
        team_id: teamId,
        user_id: botUser,
        is_bot: true,
        is_enterprise_install: false,
      },
    ],
    is_ext_shared_channel: false,
    event_context: newId('EC'),
  });
}

const MESSAGE_EVENTS = { channel: 'message.channels', group: 'message.groups', im: 'message.im' } as const;

function sendMessageEvent(desk: Desk, channel: Channel, event: Json): void {
  if (!channel.members.includes(desk.identity.botUser)) return;
  const type = channelType(channel);
  sendEvent(desk, MESSAGE_EVENTS[type], { ...event, channel: channel.id, channel_type: type });
}

function announce(desk: Desk, channel: Channel, message: StoredMessage): void {
  if (message.ephemeralFor !== null) return;
  const shape = { ...apiMessage(desk, message, true), event_ts: message.ts };
  sendMessageEvent(desk, channel, shape);
  const { botUser } = desk.identity;
  const mentions = message.text.includes(`<@${botUser}>`) && message.user !== botUser;
  if (!mentions || channel.kind === 'im') return;
  if (channel.members.includes(botUser)) {
    sendEvent(desk, 'app_mention', { ...shape, type: 'app_mention', channel: channel.id });
  } else {
    notice(desk, message.user, `${desk.setup.name} is not in #${channel.name}. Add it with /invite.`);
  }
}

/** Posts a message and tells the pages and the app. */
export function post(desk: Desk, channel: Channel, input: Omit<NewMessage, 'ts' | 'channel'>): StoredMessage {
  const ts = desk.nextTs();
  desk.messages.insert({ ...input, ts, channel: channel.id });
  const message = desk.messages.get(channel.id, ts);
  if (message === undefined) throw new Error('A message just stored is not there.');
  showMessage(desk, channel, message);
  if (message.threadTs !== null && message.threadTs !== ts) {
    const parent = desk.messages.get(channel.id, message.threadTs);
    if (parent !== undefined) showMessage(desk, channel, parent);
  }
  badge(desk, channel, message);
  announce(desk, channel, message);
  return message;
}

/** Rewrites a message. */
export function edit(
  desk: Desk,
  channel: Channel,
  before: StoredMessage,
  change: MessageChange,
): StoredMessage {
  desk.messages.update(channel.id, before.ts, change);
  const message = desk.messages.get(channel.id, before.ts) ?? before;
  showMessage(desk, channel, message);
  if (message.ephemeralFor === null) {
    const ts = desk.nextTs();
    sendMessageEvent(desk, channel, {
      type: 'message',
      subtype: 'message_changed',
      hidden: true,
      message: apiMessage(desk, message, true),
      previous_message: apiMessage(desk, before, true),
      ts,
      event_ts: ts,
    });
  }
  return message;
}

/** Deletes a message; replies in its thread stay. */
export function remove(desk: Desk, channel: Channel, before: StoredMessage): void {
  desk.messages.remove(channel.id, before.ts);
  const message = desk.messages.get(channel.id, before.ts) ?? before;
  showMessage(desk, channel, message);
  if (before.threadTs !== null && before.threadTs !== before.ts) {
    const parent = desk.messages.get(channel.id, before.threadTs);
    if (parent !== undefined) showMessage(desk, channel, parent);
  }
  if (before.ephemeralFor !== null) return;
  const ts = desk.nextTs();
  sendMessageEvent(desk, channel, {
    type: 'message',
    subtype: 'message_deleted',
    hidden: true,
    deleted_ts: before.ts,
    previous_message: apiMessage(desk, before, true),
    ts,
    event_ts: ts,
  });
}

/** Adds a person to a channel and tells the app. */
export function join(desk: Desk, channel: Channel, user: string, inviter: string | null): void {
  if (!desk.directory.join(channel.id, user)) return;
  const now = desk.directory.channel(channel.id);
  if (now === undefined) return;
  showChannel(desk, now);
  if (!now.members.includes(desk.identity.botUser)) return;
  const ts = desk.nextTs();
  sendEvent(desk, 'member_joined_channel', {
    type: 'member_joined_channel',
    user,
    channel: now.id,
    channel_type: now.kind === 'public' ? 'C' : 'G',
    team: desk.identity.teamId,
    ...(inviter === null ? {} : { inviter }),
    event_ts: ts,
  });
}

/** The direct message of two people, opened when needed. */
export function openIm(desk: Desk, a: string, b: string): { channel: Channel; opened: boolean } {
  const found = desk.directory.im(a, b);
  const id = found ?? newId('D');
  if (found === undefined) {
    const created = Math.floor(desk.clock.now() / 1000);
    desk.directory.addChannel({ id, name: '', kind: 'im', members: [a, b], archived: false }, created);
  }
  const channel = desk.directory.channel(id);
  if (channel === undefined) throw new Error('A channel just stored is not there.');
  if (found === undefined) showChannel(desk, channel);
  return { channel, opened: found === undefined };
}
