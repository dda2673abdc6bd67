import type { Channel, Person } from '../contract.ts';
import type { Desk } from './desk.ts';
import type { Json } from './json.ts';
import type { StoredMessage } from './store/messages.ts';

/** Slack's word for the kind of conversation in events. */
export function channelType(channel: Channel): 'channel' | 'group' | 'im' {
  switch (channel.kind) {
    case 'public':
      return 'channel';
    case 'private':
      return 'group';
    case 'im':
      return 'im';
    default:
      return channel.kind satisfies never;
  }
}

/** Slack hides the names of private conversations from slash commands. */
export function commandChannelName(channel: Channel): string {
  if (channel.kind === 'im') return 'directmessage';
  return channel.kind === 'private' ? 'privategroup' : channel.name;
}

/** A message as the Web API and payloads show it; metadata only where it was asked for. */
export function apiMessage(desk: Desk, message: StoredMessage, withMetadata = false): Json {
  const { identity } = desk;
  const shape: Json = {
    type: 'message',
    user: message.user,
    ts: message.ts,
    text: message.text,
    team: identity.teamId,
  };
  if (message.byApp) {
    shape['bot_id'] = identity.botId;
    shape['app_id'] = identity.appId;
    shape['bot_profile'] = {
      id: identity.botId,
      app_id: identity.appId,
      name: desk.setup.name,
      team_id: identity.teamId,
      deleted: false,
    };
  }
  if (message.blocks.length > 0) shape['blocks'] = message.blocks;
  if (message.attachments.length > 0) shape['attachments'] = message.attachments;
  if (message.threadTs !== null) {
    shape['thread_ts'] = message.threadTs;
    if (message.threadTs === message.ts) shape['reply_count'] = message.replyCount;
  }
  if (message.editedTs !== null) shape['edited'] = { user: message.user, ts: message.editedTs };
  if (message.reactions.length > 0) shape['reactions'] = message.reactions;
  if (withMetadata && message.metadata !== null) shape['metadata'] = message.metadata;
  return shape;
}

/** A channel as conversations.info and its siblings show it. */
export function apiChannel(desk: Desk, channel: Channel): Json {
  const { botUser, teamId } = desk.identity;
  const other = channel.members.find((user) => user !== botUser);
  const isIm = channel.kind === 'im';
  return {
    id: channel.id,
    ...(isIm ? { user: other } : { name: channel.name, name_normalized: channel.name }),
    is_channel: channel.kind === 'public',
    is_group: false,
    is_im: isIm,
    is_mpim: channel.name.startsWith('mpdm-'),
    is_private: channel.kind !== 'public',
    is_archived: channel.archived,
    is_general: channel.name === 'general',
    is_member: channel.members.includes(botUser),
    is_shared: false,
    is_ext_shared: false,
    num_members: channel.members.length,
    context_team_id: teamId,
    topic: { value: '', creator: '', last_set: 0 },
    purpose: { value: '', creator: '', last_set: 0 },
  };
}

/** The offset of a time zone from UTC in seconds, at `now`. */
function zoneOffset(timeZone: string, now: number): number {
  const format = new Intl.DateTimeFormat('en-GB', { timeZone, timeZoneName: 'longOffset' });
  const name = format.formatToParts(now).find((part) => part.type === 'timeZoneName')?.value ?? 'GMT';
  const match = /GMT([+-])(\d\d):(\d\d)/.exec(name);
  if (match === null) return 0;
  const seconds = Number(match[2]) * 3600 + Number(match[3]) * 60;
  return match[1] === '-' ? -seconds : seconds;
}

/** A person as users.info shows them. */
export function apiUser(desk: Desk, person: Person): Json {
  return {
    id: person.id,
    team_id: desk.identity.teamId,
    name: person.name,
    real_name: person.realName,
    deleted: false,
    tz: person.timeZone,
    tz_label: person.timeZone,
    tz_offset: zoneOffset(person.timeZone, desk.clock.now()),
    is_admin: false,
    is_owner: false,
    is_bot: person.isBot,
    is_app_user: false,
    is_restricted: person.isGuest,
    is_ultra_restricted: person.isGuest,
    updated: 0,
    profile: {
      real_name: person.realName,
      display_name: person.name,
      real_name_normalized: person.realName,
      display_name_normalized: person.name,
      team: desk.identity.teamId,
      ...(person.isBot ? { api_app_id: desk.identity.appId, bot_id: desk.identity.botId } : {}),
    },
  };
}

/** `user` in interaction payloads. */
export function payloadUser(desk: Desk, person: Person): Json {
  return { id: person.id, username: person.name, name: person.name, team_id: desk.identity.teamId };
}

/** The fields that every interaction payload carries. */
export function payloadBase(desk: Desk): Json {
  const { teamId, teamDomain, appId, verification } = desk.identity;
  return {
    api_app_id: appId,
    token: verification,
    team: { id: teamId, domain: teamDomain },
    enterprise: null,
    is_enterprise_install: false,
  };
}
