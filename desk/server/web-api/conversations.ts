import { z } from 'zod';
import type { Channel } from '../../contract.ts';
import type { Desk } from '../desk.ts';
import { ApiError } from '../errors.ts';
import { newId } from '../ids.ts';
import type { Json } from '../json.ts';
import { apiChannel, apiMessage } from '../shapes.ts';
import type { Range } from '../store/messages.ts';
import { join, openIm, showChannel } from '../timeline.ts';
import { countArg, flag, paginate, readArgs } from './args.ts';
import { findChannel, findPerson } from './lookup.ts';
import type { Methods } from './method.ts';

const channelSchema = z.object({ channel: z.string() });
const openSchema = z.object({
  channel: z.string().optional(),
  users: z.string().optional(),
  return_im: flag,
});
const rangeSchema = z.object({
  channel: z.string(),
  limit: countArg.default(100),
  cursor: z.string().optional(),
  oldest: z.string().optional(),
  latest: z.string().optional(),
  inclusive: flag,
  include_all_metadata: flag,
});
const repliesSchema = rangeSchema.extend({ ts: z.string() });
const listSchema = z.object({
  types: z.string().default('public_channel'),
  exclude_archived: flag,
  limit: countArg.default(100),
  cursor: z.string().optional(),
});
const membersSchema = channelSchema.extend({ limit: countArg.default(100), cursor: z.string().optional() });

function mustBeMember(desk: Desk, channel: Channel): void {
  if (!channel.members.includes(desk.identity.botUser)) throw new ApiError('not_in_channel');
}

/** A cursor names the last message of the page before it. */
function cursorTs(cursor: string | undefined): string | undefined {
  if (cursor === undefined || cursor === '') return undefined;
  const match = /^ts:(\d+\.\d{6})$/.exec(Buffer.from(cursor, 'base64').toString());
  if (match === null) throw new ApiError('invalid_cursor');
  return match[1];
}

function pageOf(ts: string | undefined): Json {
  const cursor = ts === undefined ? '' : Buffer.from(`ts:${ts}`).toString('base64');
  return { has_more: ts !== undefined, response_metadata: { next_cursor: cursor } };
}

function history(desk: Desk, args: Json): Json {
  const input = readArgs(rangeSchema, args);
  const channel = findChannel(desk, input.channel);
  mustBeMember(desk, channel);
  const before = cursorTs(input.cursor);
  const range: Range = {
    oldest: input.oldest,
    latest: before ?? input.latest,
    inclusive: input.inclusive && before === undefined,
    limit: input.limit + 1,
  };
  const found = desk.messages.history(channel.id, range);
  const page = found.slice(0, input.limit);
  const messages = page.map((message) => apiMessage(desk, message, input.include_all_metadata));
  return { messages, ...pageOf(found.length > page.length ? page.at(-1)?.ts : undefined) };
}

function replies(desk: Desk, args: Json): Json {
  const input = readArgs(repliesSchema, args);
  const channel = findChannel(desk, input.channel);
  mustBeMember(desk, channel);
  const named = desk.messages.get(channel.id, input.ts);
  if (named === undefined || named.ephemeralFor !== null) throw new ApiError('thread_not_found');
  if (named.threadTs === null) {
    if (named.deleted) throw new ApiError('thread_not_found');
    return { messages: [apiMessage(desk, named, input.include_all_metadata)], ...pageOf(undefined) };
  }
  const after = cursorTs(input.cursor);
  const found = desk.messages.replies(channel.id, named.threadTs, {
    oldest: after ?? input.oldest,
    latest: input.latest,
    inclusive: input.inclusive && after === undefined,
    limit: input.limit + 1,
  });
  const page = found.slice(0, input.limit);
  const messages = page.map((message) => apiMessage(desk, message, input.include_all_metadata));
  return { messages, ...pageOf(found.length > page.length ? page.at(-1)?.ts : undefined) };
}

function openGroup(desk: Desk, users: string[]): Channel {
  const members = [desk.identity.botUser, ...users];
  const names = members.map((user) => findPerson(desk, user).name).sort();
  const name = `mpdm-${names.join('--')}-1`;
  const found = desk.directory.channels().find((channel) => channel.name === name);
  if (found !== undefined) return found;
  const channel: Channel = { id: newId('G'), name, kind: 'private', members, archived: false };
  desk.directory.addChannel(channel, Math.floor(desk.clock.now() / 1000));
  showChannel(desk, channel);
  return channel;
}

function open(desk: Desk, args: Json): Json {
  const input = readArgs(openSchema, args);
  if (input.channel !== undefined) {
    const channel = findChannel(desk, input.channel);
    return { no_op: true, already_open: true, channel: { id: channel.id } };
  }
  const users = (input.users ?? '')
    .split(',')
    .map((user) => user.trim())
    .filter((user) => user !== '');
  const first = users[0];
  if (first === undefined) throw new ApiError('users_list_not_supplied');
  if (users.length > 8) throw new ApiError('too_many_users');
  for (const user of users) findPerson(desk, user);
  if (users.includes(desk.identity.botUser)) throw new ApiError('cannot_dm_bot');
  if (users.length > 1) return { channel: apiChannel(desk, openGroup(desk, users)) };
  const { channel, opened } = openIm(desk, desk.identity.botUser, first);
  const shape = input.return_im ? apiChannel(desk, channel) : { id: channel.id };
  return opened ? { channel: shape } : { no_op: true, already_open: true, channel: shape };
}

const LIST_TYPES = { public_channel: 'public', private_channel: 'private', im: 'im', mpim: 'mpim' } as const;

function list(desk: Desk, args: Json): Json {
  const input = readArgs(listSchema, args);
  const wanted = input.types.split(',').map((type) => type.trim());
  if (wanted.some((type) => !Object.hasOwn(LIST_TYPES, type))) throw new ApiError('invalid_types');
  const kinds = new Set<string>(
    Object.entries(LIST_TYPES).flatMap(([type, kind]) => (wanted.includes(type) ? [kind] : [])),
  );
  const channels = desk.directory.channels().filter((channel) => {
    const kind = channel.name.startsWith('mpdm-') ? 'mpim' : channel.kind;
    const known = channel.kind === 'public' || channel.members.includes(desk.identity.botUser);
    return known && kinds.has(kind) && !(input.exclude_archived && channel.archived);
  });
  const { page, next } = paginate(channels, input.limit, input.cursor);
  return {
    channels: page.map((channel) => apiChannel(desk, channel)),
    response_metadata: { next_cursor: next },
  };
}

function members(desk: Desk, args: Json): Json {
  const input = readArgs(membersSchema, args);
  const channel = findChannel(desk, input.channel);
  const { page, next } = paginate(channel.members, input.limit, input.cursor);
  return { members: page, response_metadata: { next_cursor: next } };
}

function joinChannel(desk: Desk, args: Json): Json {
  const channel = findChannel(desk, readArgs(channelSchema, args).channel);
  if (channel.archived) throw new ApiError('is_archived');
  if (channel.kind !== 'public') throw new ApiError('method_not_supported_for_channel_type');
  const already = channel.members.includes(desk.identity.botUser);
  join(desk, channel, desk.identity.botUser, null);
  const now = findChannel(desk, channel.id);
  const shape = { channel: apiChannel(desk, now) };
  return already
    ? { ...shape, warning: 'already_in_channel', response_metadata: { warnings: ['already_in_channel'] } }
    : shape;
}

export const conversationsMethods: Methods = {
  'conversations.history': { tier: 'tier3', token: 'bot', run: history },
  'conversations.replies': { tier: 'tier3', token: 'bot', run: replies },
  'conversations.open': { tier: 'tier3', token: 'bot', run: open },
  'conversations.list': { tier: 'tier2', token: 'bot', run: list },
  'conversations.members': { tier: 'tier4', token: 'bot', run: members },
  'conversations.join': { tier: 'tier3', token: 'bot', run: joinChannel },
  'conversations.info': {
    tier: 'tier3',
    token: 'bot',
    run: (desk, args) => ({
      channel: apiChannel(desk, findChannel(desk, readArgs(channelSchema, args).channel)),
    }),
  },
};
