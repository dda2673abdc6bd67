import { z } from 'zod';
import type { Clients } from '../clients.ts';
import type { Content } from '../validate.ts';

/** The few Web API calls the sender makes, answers checked. All throw the client's errors; see `faultOf`. */
export interface Transport {
  /** @returns the message's `ts` */
  post(place: Place, content: Content, outboxId: number): Promise<Posted>;
  update(place: { readonly channel: string; readonly ts: string }, content: Content): Promise<void>;
  ephemeral(place: Place, user: string, content: Content): Promise<void>;
  /** @returns the id of the DM channel with a person */
  open(user: string): Promise<string>;
  /** Looks for a post of ours by the outbox id in its metadata. @param since milliseconds since the epoch */
  find(place: Place, outboxId: number, since: number): Promise<Posted | null>;
}

export interface Place {
  readonly channel: string;
  /** The parent of the thread; null at the top. */
  readonly threadTs: string | null;
}
interface Posted {
  readonly channel: string;
  readonly ts: string;
}

const EVENT_TYPE = 'baton_message';

/** Pages of 200 that are read back at most: more than a channel gets between a crash and the restart. */
const PAGES_MAX = 20;
/** Slack's clock and ours may differ by this much. */
const CLOCK_SKEW_MS = 300_000;

const posted = z.object({ channel: z.string(), ts: z.string() });
const opened = z.object({ channel: z.object({ id: z.string() }) });
const page = z.object({
  messages: z.array(
    z.object({
      ts: z.string(),
      metadata: z
        .object({ event_type: z.string(), event_payload: z.looseObject({ outbox_id: z.unknown() }) })
        .optional()
        .catch(undefined),
    }),
  ),
  response_metadata: z.object({ next_cursor: z.string().optional() }).optional(),
});

/** Nothing in a text is turned into a link or a mention, and no address is fetched to be shown. */
const INERT = { parse: 'none', link_names: false, unfurl_links: false, unfurl_media: false } as const;

export function createTransport({ bulk, prompt }: Clients): Transport {
  return {
    post: async ({ channel, threadTs }, content, outboxId) =>
      posted.parse(
        await bulk.apiCall('chat.postMessage', {
          channel,
          ...(threadTs === null ? {} : { thread_ts: threadTs }),
          ...INERT,
          ...content,
          metadata: { event_type: EVENT_TYPE, event_payload: { outbox_id: outboxId } },
        }),
      ),
    update: async ({ channel, ts }, content) => {
      await bulk.apiCall('chat.update', { channel, ts, parse: 'none', link_names: false, ...content });
    },
    ephemeral: async ({ channel, threadTs }, user, content) => {
      await prompt.apiCall('chat.postEphemeral', {
        channel,
        user,
        ...(threadTs === null ? {} : { thread_ts: threadTs }),
        ...INERT,
        ...content,
      });
    },
    open: async (user) =>
      opened.parse(await prompt.apiCall('conversations.open', { users: user })).channel.id,
    find: (place, outboxId, since) => find(bulk, place, outboxId, since),
  };
}

async function find(
  bulk: Clients['bulk'],
  place: Place,
  outboxId: number,
  since: number,
): Promise<Posted | null> {
  const { channel, threadTs } = place;
  const oldest = ((since - CLOCK_SKEW_MS) / 1_000).toFixed(6);
  let cursor: string | undefined;
  for (let count = 0; count < PAGES_MAX; count += 1) {
    const query = {
      channel,
      oldest,
      limit: 200,
      include_all_metadata: true,
      ...(cursor === undefined ? {} : { cursor }),
    };
    const answer = page.parse(
      threadTs === null
        ? await bulk.apiCall('conversations.history', query)
        : await bulk.apiCall('conversations.replies', { ...query, ts: threadTs }),
    );
    const ours = answer.messages.find(
      ({ metadata }) =>
        metadata?.event_type === EVENT_TYPE && String(metadata.event_payload.outbox_id) === String(outboxId),
    );
    if (ours !== undefined) return { channel, ts: ours.ts };
    cursor = answer.response_metadata?.next_cursor;
    if (cursor === undefined || cursor === '') return null;
  }
  return null;
}
