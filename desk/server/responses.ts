import { z } from 'zod';
import type { Channel } from '../contract.ts';
import type { Desk } from './desk.ts';
import { ApiError } from './errors.ts';
import { newSecret } from './ids.ts';
import { isJson, type Json } from './json.ts';
import type { StoredMessage } from './store/messages.ts';
import type { ResponseUrl } from './store/queue.ts';
import { edit, post, remove } from './timeline.ts';
import { flag } from './web-api/args.ts';
import { readContent } from './web-api/content.ts';

/** A response_url is good for half an hour and five answers. */
const RESPONSE_MS = 30 * 60_000;
const RESPONSE_USES = 5;

const responseSchema = z.object({
  response_type: z.enum(['ephemeral', 'in_channel']).default('ephemeral').catch('ephemeral'),
  replace_original: flag,
  delete_original: flag,
  thread_ts: z.string().optional(),
});

/** A new response_url for what `user` just did. */
export function issueResponseUrl(
  desk: Desk,
  user: string,
  channel: Channel,
  origin: StoredMessage | null,
): string {
  const now = desk.clock.now();
  desk.queue.purge(now);
  const id = newSecret(12);
  desk.queue.addUrl({
    id,
    channel: channel.id,
    user,
    messageTs: origin?.ts ?? null,
    threadTs: origin?.threadTs ?? null,
    uses: RESPONSE_USES,
    expires: now + RESPONSE_MS,
  });
  return `${desk.baseUrl()}/response/${id}`;
}

/** Posts what the app says through a response_url or in a command's acknowledgement. */
export function respond(desk: Desk, url: Omit<ResponseUrl, 'id' | 'uses' | 'expires'>, body: Json): void {
  const input = responseSchema.parse(body);
  const channel = desk.directory.channel(url.channel);
  if (channel === undefined) throw new ApiError('channel_not_found');
  const original = url.messageTs === null ? undefined : desk.messages.get(channel.id, url.messageTs);
  if (input.delete_original) {
    if (original !== undefined) remove(desk, channel, original);
    return;
  }
  const content = readContent(body, 'post');
  if (input.replace_original && original !== undefined) {
    edit(desk, channel, original, {
      text: content.text,
      blocks: content.blocks ?? [],
      attachments: content.attachments ?? [],
      metadata: original.metadata,
      editedTs: desk.nextTs(),
    });
    return;
  }
  if (channel.archived) throw new ApiError('is_archived');
  post(desk, channel, {
    threadTs: input.thread_ts ?? (url.threadTs === url.messageTs ? null : url.threadTs),
    user: desk.identity.botUser,
    byApp: true,
    text: content.text,
    blocks: content.blocks ?? [],
    attachments: content.attachments ?? [],
    metadata: content.metadata ?? null,
    ephemeralFor: input.response_type === 'ephemeral' ? url.user : null,
  });
}

export type UrlAnswer = Readonly<{ status: number; text: string }>;

/** Handles a POST to a response_url. The answer is plain text, as Slack's is. */
export function answerResponseUrl(desk: Desk, id: string, body: unknown): UrlAnswer {
  const url = desk.queue.url(id);
  if (url === undefined) return { status: 404, text: 'no_such_url' };
  if (desk.clock.now() > url.expires) return { status: 404, text: 'expired_url' };
  if (url.uses <= 0) return { status: 404, text: 'used_url' };
  if (!isJson(body)) return { status: 400, text: 'invalid_payload' };
  try {
    respond(desk, url, body);
  } catch (error) {
    if (error instanceof ApiError) return { status: 400, text: error.code };
    throw error;
  }
  desk.queue.spendUrl(id);
  return { status: 200, text: 'ok' };
}
