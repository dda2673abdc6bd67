import { z } from 'zod';
import type { Message } from '../../contract.ts';
import { type Json, jsonList, jsonOr } from '../json.ts';
import type { Db } from './database.ts';

/** A message with what only the app may see. */
export type StoredMessage = Message &
  Readonly<{
    byApp: boolean;
    attachments: Json[];
    metadata: Json | null;
    reactions: Json[];
  }>;

export type NewMessage = Readonly<{
  channel: string;
  ts: string;
  threadTs: string | null;
  user: string;
  byApp: boolean;
  text: string;
  blocks: Json[];
  attachments: Json[];
  metadata: Json | null;
  ephemeralFor: string | null;
}>;

export type MessageChange = Readonly<{
  text: string;
  blocks: Json[];
  attachments: Json[];
  metadata: Json | null;
  editedTs: string | null;
}>;

/** `oldest` and `latest` are exclusive unless `inclusive`; newest first unless `ascending`. */
export type Range = Readonly<{
  oldest?: string | undefined;
  latest?: string | undefined;
  inclusive: boolean;
  limit: number;
}>;

const messageRow = z
  .object({
    channel: z.string(),
    ts: z.string(),
    thread_ts: z.string().nullable(),
    user: z.string(),
    by_app: z.number(),
    text: z.string(),
    blocks: z.string(),
    attachments: z.string(),
    metadata: z.string().nullable(),
    edited_ts: z.string().nullable(),
    ephemeral_for: z.string().nullable(),
    deleted: z.number(),
    reactions: z.string(),
    reply_count: z.number(),
  })
  .transform(
    (row): StoredMessage => ({
      channel: row.channel,
      ts: row.ts,
      threadTs: row.thread_ts,
      user: row.user,
      byApp: row.by_app === 1,
      text: row.text,
      blocks: jsonList(row.blocks),
      attachments: jsonList(row.attachments),
      metadata: row.metadata === null ? null : jsonOr(row.metadata),
      editedTs: row.edited_ts,
      ephemeralFor: row.ephemeral_for,
      deleted: row.deleted === 1,
      reactions: jsonList(row.reactions),
      replyCount: row.reply_count,
    }),
  );

const SELECT = `SELECT m.*, CASE WHEN m.thread_ts = m.ts THEN (SELECT count(*) FROM messages r
  WHERE r.channel = m.channel AND r.thread_ts = m.ts AND r.ts <> m.ts AND r.deleted = 0
  AND r.ephemeral_for IS NULL) ELSE 0 END AS reply_count FROM messages m`;

const BETWEEN = `m.deleted = 0 AND m.ephemeral_for IS NULL
  AND (m.ts > @oldest OR (@inclusive = 1 AND m.ts = @oldest))
  AND (m.ts < @latest OR (@inclusive = 1 AND m.ts = @latest))`;

const outboxSchema = z.object({
  event_payload: z.object({ outbox_id: z.union([z.string(), z.number()]).transform(String) }),
});

function outboxId(metadata: Json | null): string | null {
  return outboxSchema.safeParse(metadata).data?.event_payload.outbox_id ?? null;
}

function bounds(range: Range) {
  return {
    oldest: range.oldest ?? '0',
    latest: range.latest ?? '9999999999.999999',
    inclusive: range.inclusive ? 1 : 0,
    limit: range.limit,
  };
}

export type Messages = ReturnType<typeof openMessages>;

/** The messages of every channel, ephemeral and deleted ones included. */
export function openMessages(db: Db) {
  const sql = {
    insert: db.prepare(
      `INSERT INTO messages (channel, ts, thread_ts, user, by_app, text, blocks, attachments, metadata,
        ephemeral_for, outbox_id, doubled)
       VALUES (@channel, @ts, @threadTs, @user, @byApp, @text, @blocks, @attachments, @metadata, @ephemeralFor,
        @outboxId, EXISTS (SELECT 1 FROM messages WHERE outbox_id = @outboxId))`,
    ),
    get: db.prepare(`${SELECT} WHERE m.channel = ? AND m.ts = ?`),
    openThread: db.prepare(
      'UPDATE messages SET thread_ts = ts WHERE channel = ? AND ts = ? AND thread_ts IS NULL',
    ),
    update: db.prepare(
      `UPDATE messages SET text = @text, blocks = @blocks, attachments = @attachments, metadata = @metadata,
        edited_ts = @editedTs WHERE channel = @channel AND ts = @ts`,
    ),
    remove: db.prepare('UPDATE messages SET deleted = 1 WHERE channel = ? AND ts = ?'),
    react: db.prepare('UPDATE messages SET reactions = ? WHERE channel = ? AND ts = ?'),
    history: db.prepare(
      `${SELECT} WHERE m.channel = @channel AND (m.thread_ts IS NULL OR m.thread_ts = m.ts) AND ${BETWEEN}
       ORDER BY m.ts DESC LIMIT @limit`,
    ),
    replies: db.prepare(
      `${SELECT} WHERE m.channel = @channel AND m.thread_ts = @thread AND ${BETWEEN} ORDER BY m.ts LIMIT @limit`,
    ),
    recent: db.prepare(
      `SELECT * FROM (${SELECT} WHERE m.channel = ? AND m.deleted = 0
        AND (m.ephemeral_for IS NULL OR m.ephemeral_for = ?) ORDER BY m.ts DESC LIMIT ?) ORDER BY ts`,
    ),
    last: db.prepare('SELECT max(ts) FROM messages').pluck(),
    counts: db.prepare(
      'SELECT count(*) AS posts, coalesce(sum(doubled), 0) AS doubled FROM messages WHERE by_app = 1',
    ),
  };
  const get = (channel: string, ts: string): StoredMessage | undefined => {
    const row: unknown = sql.get.get(channel, ts);
    return row === undefined ? undefined : messageRow.parse(row);
  };
  const all = (rows: unknown[]): StoredMessage[] => rows.map((row) => messageRow.parse(row));
  return {
    get,
    /** Stores a message and opens its thread; the parent's thread_ts equals its own ts from then on. */
    insert: db.transaction((message: NewMessage): void => {
      sql.insert.run({
        ...message,
        byApp: message.byApp ? 1 : 0,
        blocks: JSON.stringify(message.blocks),
        attachments: JSON.stringify(message.attachments),
        metadata: message.metadata === null ? null : JSON.stringify(message.metadata),
        outboxId: message.byApp ? outboxId(message.metadata) : null,
      });
      if (message.threadTs !== null && message.ephemeralFor === null) {
        sql.openThread.run(message.channel, message.threadTs);
      }
    }),
    update(channel: string, ts: string, change: MessageChange): void {
      sql.update.run({
        channel,
        ts,
        ...change,
        blocks: JSON.stringify(change.blocks),
        attachments: JSON.stringify(change.attachments),
        metadata: change.metadata === null ? null : JSON.stringify(change.metadata),
      });
    },
    remove: (channel: string, ts: string): void => void sql.remove.run(channel, ts),
    react: (channel: string, ts: string, reactions: Json[]): void =>
      void sql.react.run(JSON.stringify(reactions), channel, ts),
    /** Messages outside threads and thread parents, newest first. */
    history: (channel: string, range: Range): StoredMessage[] =>
      all(sql.history.all({ channel, ...bounds(range) })),
    /** A thread with its parent, oldest first. */
    replies: (channel: string, thread: string, range: Range): StoredMessage[] =>
      all(sql.replies.all({ channel, thread, ...bounds(range) })),
    /** The newest `limit` messages that `user` may see, oldest first, replies included. */
    recent: (channel: string, user: string, limit: number): StoredMessage[] =>
      all(sql.recent.all(channel, user, limit)),
    lastTs: (): string | null => z.string().nullable().parse(sql.last.get()),
    counts: (): { posts: number; doubled: number } =>
      z.object({ posts: z.number(), doubled: z.number() }).parse(sql.counts.get()),
  };
}
