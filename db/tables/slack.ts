import { lanes, outboxStatuses } from '../../src/ports/outbox.ts';
import { check, index, integer, sql, sqliteTable, text, uniqueIndex } from '../drizzle.ts';
import { oneOf } from './one-of.ts';

/** What goes to Slack and comes from it, and who has installed Baton. */

export const outbox = sqliteTable(
  'outbox',
  {
    id: integer().primaryKey({ autoIncrement: true }),
    team: text().notNull(),
    key: text().notNull(),
    kind: text({ enum: ['post', 'update', 'ephemeral'] }).notNull(),
    /** JSON of `Target`. */
    target: text().notNull(),
    user: text(),
    thread: text(),
    lane: text({ enum: lanes }).notNull(),
    text: text().notNull(),
    blocks: text().notNull(),
    status: text({ enum: outboxStatuses }).notNull(),
    attempts: integer().notNull().default(0),
    notBefore: integer('not_before').notNull().default(0),
    error: text(),
    createdAt: integer('created_at').notNull(),
    endedAt: integer('ended_at'),
  },
  (t) => [
    index('outbox_waiting').on(t.id).where(sql`status in ('pending', 'sending')`),
    uniqueIndex('outbox_one_post').on(t.key).where(sql`kind <> 'update'`),
    uniqueIndex('outbox_one_update').on(t.key).where(sql`kind = 'update' and status = 'pending'`),
    check('outbox_status', oneOf('status', outboxStatuses)),
  ],
);

/** Workspaces and organisations that have installed Baton. What opens them is sealed: see `src/slack/oauth/seal.ts`. */
export const installations = sqliteTable('installations', {
  /** Key of the workspace; of an organisation as a whole, its enterprise's id. */
  id: text().primaryKey(),
  name: text().notNull(),
  sealed: text().notNull(),
  /** Which of the keys opens it. */
  keyId: text('key_id').notNull(),
  installedAt: integer('installed_at').notNull(),
  /** When it was taken back, and how; null while it holds. */
  revokedAt: integer('revoked_at'),
  revokedBy: text('revoked_by'),
});

/** Where our messages stand in Slack. */
export const messages = sqliteTable(
  'messages',
  {
    key: text().primaryKey(),
    team: text().notNull(),
    channel: text().notNull(),
    ts: text().notNull(),
    outboxId: integer('outbox_id').notNull(),
  },
  (t) => [uniqueIndex('messages_by_place').on(t.team, t.channel, t.ts)],
);

/** What came in, by intent: a redelivery finds its row and changes nothing. */
export const deliveries = sqliteTable(
  'deliveries',
  {
    id: integer().primaryKey({ autoIncrement: true }),
    intent: text().notNull().unique(),
    kind: text().notNull(),
    payload: text().notNull(),
    receivedAt: integer('received_at').notNull(),
    handledAt: integer('handled_at'),
    attempts: integer().notNull().default(0),
    error: text(),
  },
  (t) => [index('deliveries_open').on(t.id).where(sql`handled_at is null`)],
);

/** Request signatures seen within the timestamp window (HTTP mode). */
export const replays = sqliteTable('replays', {
  signature: text().primaryKey(),
  seenAt: integer('seen_at').notNull(),
});
