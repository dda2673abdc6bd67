import type { RunResult } from 'better-sqlite3';
import type { BetterSQLite3Database } from 'drizzle-orm/better-sqlite3';
import type { BaseSQLiteDatabase } from 'drizzle-orm/sqlite-core';
import { z } from 'zod';
import type { Json } from '../src/domain/json.ts';
import {
  lanes,
  type MessageRef,
  type OutboxMessage,
  type OutboxRow,
  type OutboxStore,
  outboxStatuses,
  type RecentSend,
} from '../src/ports/outbox.ts';
import { and, asc, desc, eq, gte, inArray, lt, ne, sql } from './drizzle.ts';
import type { GroupCommit } from './group-commit.ts';
import { outbox, messages as places } from './tables/slack.ts';

/** Cards in one place that are looked through; what is older is no longer asked about. */
const MOST_REFS = 200;

/** The database, or a transaction of it. */
export type OutboxDb = BaseSQLiteDatabase<'sync', RunResult>;

/** Literal text, so that SQLite sees that the partial indexes of the schema apply. */
const isWaiting = sql`status in ('pending', 'sending')`;
const isPendingUpdate = sql`kind = 'update' and status = 'pending'`;
const isPost = sql`kind <> 'update'`;

const targetSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('channel'), channel: z.string() }),
  z.object({ kind: z.literal('dm'), user: z.string() }),
]);
/** Written by `enqueueRows` from typed data: only the shape around it is checked again. */
const blocksSchema = z.custom<Json[]>((value) => Array.isArray(value));
const rowSchema = z.object({ lane: z.enum(lanes), status: z.enum(outboxStatuses) });

/**
 * Puts messages into the outbox, inside whatever transaction the caller has open. Synchronous.
 *
 * One post per key for ever: a second one changes nothing. One pending update per key: a newer one takes its
 * place in the queue. An update that would change nothing is not kept. While a post has not been sent, an
 * update waits beside it.
 * @param now milliseconds since the epoch
 */
export function enqueueRows(db: OutboxDb, messages: readonly OutboxMessage[], now: number): void {
  for (const message of messages) {
    if (message.kind === 'update') enqueueUpdate(db, message, now);
    else db.insert(outbox).values(toRow(message, now)).onConflictDoNothing().run();
  }
}

function enqueueUpdate(db: OutboxDb, message: OutboxMessage, now: number): void {
  const replaced = db
    .delete(outbox)
    .where(and(eq(outbox.key, message.key), isPendingUpdate))
    .returning({ createdAt: outbox.createdAt })
    .get();
  const row = { ...toRow(message, now), thread: message.thread ?? threadOf(db, message.key) };
  if (changesNothing(db, row)) return;
  // The place in the queue is inherited: an epic that changes all the time must not be the youngest for ever.
  db.insert(outbox)
    .values({ ...row, createdAt: replaced?.createdAt ?? now })
    .run();
}

/** An update whose message was deleted is posted anew, and belongs where the first one stood. */
function threadOf(db: OutboxDb, key: string): string | null {
  const post = db
    .select({ thread: outbox.thread })
    .from(outbox)
    .where(and(eq(outbox.key, key), isPost))
    .get();
  return post?.thread ?? null;
}

/**
 * Whether an update equals what stands in Slack, or will once what is on its way has come. The row of the post always
 * holds the content sent last (see `sent`).
 */
function changesNothing(db: OutboxDb, update: { key: string; text: string; blocks: string }): boolean {
  const underWay = db
    .select({ text: outbox.text, blocks: outbox.blocks })
    .from(outbox)
    .where(
      and(isWaiting, eq(outbox.key, update.key), eq(outbox.kind, 'update'), eq(outbox.status, 'sending')),
    )
    .get();
  if (underWay !== undefined) return underWay.text === update.text && underWay.blocks === update.blocks;
  const standing = db
    .select({ status: outbox.status, text: outbox.text, blocks: outbox.blocks })
    .from(outbox)
    .where(and(eq(outbox.key, update.key), isPost))
    .get();
  if (standing === undefined || standing.status === 'failed' || standing.status === 'dropped') return false;
  return standing.text === update.text && standing.blocks === update.blocks;
}

function toRow(message: OutboxMessage, now: number) {
  const { team, key, kind, target, user, thread, lane, text, blocks } = message;
  return {
    team,
    key,
    kind,
    target: JSON.stringify(target),
    user: user ?? null,
    thread: thread ?? null,
    lane,
    text,
    blocks: JSON.stringify(blocks),
    status: 'pending' as const,
    createdAt: now,
  };
}

function fromRow(row: typeof outbox.$inferSelect): OutboxRow {
  const { user, thread, endedAt: _, ...rest } = row;
  return {
    ...rest,
    ...rowSchema.parse(row),
    target: targetSchema.parse(JSON.parse(row.target)),
    blocks: blocksSchema.parse(JSON.parse(row.blocks)),
    ...(user === null ? {} : { user }),
    ...(thread === null ? {} : { thread }),
  };
}

/**
 * Reads what waits. The content of a waiting row never changes, so it is read and parsed once and kept while the
 * row waits: with 500 rows waiting that is 2 ms a read instead of 30.
 */
function createReader(db: OutboxDb): (limit: number) => OutboxRow[] {
  let known = new Map<number, OutboxRow>();
  const { id, status, attempts, notBefore, error } = outbox;
  return (limit) => {
    const states = db
      .select({ id, status, attempts, notBefore, error })
      .from(outbox)
      .where(isWaiting)
      .orderBy(asc(id))
      .limit(limit)
      .all();
    const fresh = states.filter((state) => !known.has(state.id)).map((state) => state.id);
    for (const row of load(db, fresh)) known.set(row.id, row);
    const rows = states.flatMap((state) => {
      const row = known.get(state.id);
      return row === undefined ? [] : [{ ...row, ...state }];
    });
    known = new Map(rows.map((row) => [row.id, row]));
    return rows;
  };
}

function load(db: OutboxDb, ids: readonly number[]): OutboxRow[] {
  if (ids.length === 0) return [];
  return db
    .select()
    .from(outbox)
    .where(inArray(outbox.id, [...ids]))
    .all()
    .map(fromRow);
}

function sentSince(db: OutboxDb, at: number): RecentSend[] {
  const { team, kind, endedAt } = outbox;
  return db
    .select({ team, kind, channel: places.channel, at: endedAt })
    .from(outbox)
    .leftJoin(places, eq(places.key, outbox.key))
    .where(and(eq(outbox.status, 'sent'), gte(endedAt, at)))
    .orderBy(asc(endedAt))
    .all()
    .flatMap((row) => (row.at === null ? [] : [{ ...row, at: row.at }]));
}

/** Runs work in a transaction; resolves once it is on the disk. */
type Commit = <T>(work: (tx: OutboxDb) => T) => Promise<T>;

/**
 * The sender's side of the outbox on SQLite.
 * @param group shares one commit among what is asked for within a turn; else each has its own
 */
export function createOutboxStore(db: BetterSQLite3Database, group?: GroupCommit): OutboxStore {
  const commit: Commit = async (work) =>
    group === undefined ? db.transaction(work, { behavior: 'immediate' }) : group.run(work);
  const waiting = createReader(db);
  return {
    enqueue: (messages, now) => commit((tx) => enqueueRows(tx, messages, now)),
    waiting: async (limit) => waiting(limit),
    claim: (id, now) => commit((tx) => claim(tx, id, now)),
    sent: (id, ref, now) => commit((tx) => sent(tx, id, ref, now)),
    retry: (id, notBefore, error) => commit((tx) => retry(tx, id, notBefore, error)),
    fail: (id, error, now) => commit((tx) => end(tx, id, 'failed', error, now)),
    drop: (id, reason, now) => commit((tx) => end(tx, id, 'dropped', reason, now)),
    sentSince: async (at) => sentSince(db, at),
    ref: async (key) => toRef(db.select().from(places).where(eq(places.key, key)).get()),
    refAt: async (team, channel, ts) =>
      toRef(
        db
          .select()
          .from(places)
          .where(and(eq(places.team, team), eq(places.channel, channel), eq(places.ts, ts)))
          .get(),
      ),
    refsIn: async (team, channel, beginning) =>
      db
        .select()
        .from(places)
        .where(
          and(
            eq(places.team, team),
            eq(places.channel, channel),
            sql`substr(${places.key}, 1, ${beginning.length}) = ${beginning}`,
          ),
        )
        .orderBy(desc(places.ts))
        .limit(MOST_REFS)
        .all()
        .toReversed()
        .map(({ key, ts }) => ({ key, channel, ts })),
  };
}

/**
 * Forgets updates and ephemeral messages that ended before `before`. Posts stay: their keys must never be
 * used again, and they hold what stands in Slack.
 * @returns how many rows went
 */
export function pruneOutbox(db: OutboxDb, before: number): number {
  const gone = and(ne(outbox.kind, 'post'), lt(outbox.endedAt, before), sql`status in ('sent', 'dropped')`);
  return db.delete(outbox).where(gone).run().changes;
}

function claim(db: OutboxDb, id: number, now: number): boolean {
  const row = db.select().from(outbox).where(eq(outbox.id, id)).get();
  if (row?.status !== 'pending') return false;
  if (row.kind === 'update' && changesNothing(db, row)) {
    end(db, id, 'dropped', 'changes nothing', now);
    return false;
  }
  db.update(outbox)
    .set({ status: 'sending', attempts: row.attempts + 1 })
    .where(eq(outbox.id, id))
    .run();
  return true;
}

function sent(db: OutboxDb, id: number, ref: MessageRef | null, now: number): void {
  const row = db
    .update(outbox)
    .set({ status: 'sent', endedAt: now, error: null })
    .where(and(eq(outbox.id, id), eq(outbox.status, 'sending')))
    .returning()
    .get();
  if (row === undefined) return;
  if (row.kind === 'update') {
    db.update(outbox)
      .set({ text: row.text, blocks: row.blocks })
      .where(and(eq(outbox.key, row.key), isPost))
      .run();
  }
  if (ref === null) return;
  const place = { team: row.team, channel: ref.channel, ts: ref.ts, outboxId: id };
  db.insert(places)
    .values({ key: ref.key, ...place })
    .onConflictDoUpdate({ target: places.key, set: place })
    .run();
}

function retry(db: OutboxDb, id: number, notBefore: number, error: string): void {
  const row = db.select().from(outbox).where(eq(outbox.id, id)).get();
  if (row?.status !== 'sending') return;
  const newer =
    row.kind === 'update' &&
    db
      .select({ id: outbox.id })
      .from(outbox)
      .where(and(eq(outbox.key, row.key), isPendingUpdate))
      .get() !== undefined;
  if (newer) db.delete(outbox).where(eq(outbox.id, id)).run();
  else db.update(outbox).set({ status: 'pending', notBefore, error }).where(eq(outbox.id, id)).run();
}

function end(db: OutboxDb, id: number, status: 'failed' | 'dropped', error: string, now: number): void {
  db.update(outbox)
    .set({ status, error, endedAt: now })
    .where(and(eq(outbox.id, id), isWaiting))
    .run();
}

function toRef(row: typeof places.$inferSelect | undefined): MessageRef | null {
  return row === undefined ? null : { key: row.key, channel: row.channel, ts: row.ts };
}
