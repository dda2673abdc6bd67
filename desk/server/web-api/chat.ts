import { z } from 'zod';
import type { Channel } from '../../contract.ts';
import type { Desk } from '../desk.ts';
import { ApiError, RateLimited } from '../errors.ts';
import type { Json } from '../json.ts';
import { apiMessage } from '../shapes.ts';
import type { StoredMessage } from '../store/messages.ts';
import { canSee, edit, post, remove } from '../timeline.ts';
import { readArgs } from './args.ts';
import { readContent } from './content.ts';
import { findChannel, findTarget, mustWrite } from './lookup.ts';
import type { Methods } from './method.ts';

const postSchema = z.object({ channel: z.string(), thread_ts: z.string().optional() });
const ephemeralSchema = postSchema.extend({ user: z.string() });
const updateSchema = z.object({ channel: z.string(), ts: z.string() });
const permalinkSchema = z.object({ channel: z.string(), message_ts: z.string() });

function takePost(desk: Desk, channel: Channel): void {
  const wait = desk.limits.post(channel.id);
  if (wait > 0) throw new RateLimited(wait);
}

/** The thread's parent: Slack files a reply to a reply under the same parent. */
function threadOf(desk: Desk, channel: Channel, threadTs: string | undefined): string | null {
  if (threadTs === undefined || threadTs === '') return null;
  const parent = desk.messages.get(channel.id, threadTs);
  if (parent === undefined || parent.ephemeralFor !== null) throw new ApiError('thread_not_found');
  return parent.threadTs ?? parent.ts;
}

function postMessage(desk: Desk, args: Json): Json {
  const { channel: wanted, thread_ts } = readArgs(postSchema, args);
  const channel = findTarget(desk, wanted);
  mustWrite(desk, channel);
  const content = readContent(args, 'post');
  const threadTs = threadOf(desk, channel, thread_ts);
  takePost(desk, channel);
  const message = post(desk, channel, {
    threadTs,
    user: desk.identity.botUser,
    byApp: true,
    text: content.text,
    blocks: content.blocks ?? [],
    attachments: content.attachments ?? [],
    metadata: content.metadata ?? null,
    ephemeralFor: null,
  });
  return { channel: channel.id, ts: message.ts, message: apiMessage(desk, message, true) };
}

function postEphemeral(desk: Desk, args: Json): Json {
  const { channel: wanted, user, thread_ts } = readArgs(ephemeralSchema, args);
  const channel = findChannel(desk, wanted);
  mustWrite(desk, channel);
  if (!channel.members.includes(user)) throw new ApiError('user_not_in_channel');
  const content = readContent(args, 'post');
  const threadTs = threadOf(desk, channel, thread_ts);
  takePost(desk, channel);
  const message = post(desk, channel, {
    threadTs,
    user: desk.identity.botUser,
    byApp: true,
    text: content.text,
    blocks: content.blocks ?? [],
    attachments: content.attachments ?? [],
    metadata: null,
    ephemeralFor: user,
  });
  return { message_ts: message.ts };
}

function ownMessage(desk: Desk, args: Json, refusal: string): { channel: Channel; message: StoredMessage } {
  const { channel: wanted, ts } = readArgs(updateSchema, args);
  const channel = findChannel(desk, wanted);
  const message = desk.messages.get(channel.id, ts);
  // Ephemeral messages can be changed through their response_url only.
  if (message === undefined || message.deleted || message.ephemeralFor !== null) {
    throw new ApiError('message_not_found');
  }
  if (message.user !== desk.identity.botUser) throw new ApiError(refusal);
  if (channel.archived) throw new ApiError('is_archived');
  return { channel, message };
}

function update(desk: Desk, args: Json): Json {
  const { channel, message } = ownMessage(desk, args, 'cant_update_message');
  const content = readContent(args, 'update');
  const changed = edit(desk, channel, message, {
    text: content.text,
    // Text without blocks deletes the blocks: Slack's own behaviour.
    blocks: content.blocks ?? [],
    attachments: content.attachments ?? message.attachments,
    metadata: content.metadata === undefined ? message.metadata : content.metadata,
    editedTs: desk.nextTs(),
  });
  const shape = apiMessage(desk, changed, true);
  return { channel: channel.id, ts: changed.ts, text: changed.text, message: shape };
}

function destroy(desk: Desk, args: Json): Json {
  const { channel, message } = ownMessage(desk, args, 'cant_delete_message');
  remove(desk, channel, message);
  return { channel: channel.id, ts: message.ts };
}

function getPermalink(desk: Desk, args: Json): Json {
  const { channel: wanted, message_ts } = readArgs(permalinkSchema, args);
  const channel = findChannel(desk, wanted);
  const message = desk.messages.get(channel.id, message_ts);
  if (message === undefined || message.deleted || !canSee(desk, desk.identity.botUser, channel)) {
    throw new ApiError('message_not_found');
  }
  const place = `${desk.baseUrl()}/archives/${channel.id}/p${message_ts.replace('.', '')}`;
  const inThread = message.threadTs !== null && message.threadTs !== message.ts;
  const permalink = inThread ? `${place}?thread_ts=${message.threadTs}&cid=${channel.id}` : place;
  return { channel: channel.id, permalink };
}

export const chatMethods: Methods = {
  // Posting is limited per channel, see limits.ts; the per-minute figure only stops a runaway.
  'chat.postMessage': { tier: 'special', token: 'bot', run: postMessage },
  'chat.postEphemeral': { tier: 'tier4', token: 'bot', run: postEphemeral },
  'chat.update': { tier: 'tier3', token: 'bot', run: update },
  'chat.delete': { tier: 'tier3', token: 'bot', run: destroy },
  'chat.getPermalink': { tier: 'special', token: 'bot', run: getPermalink },
};
