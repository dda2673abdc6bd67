import { z } from 'zod';
import { type Json, jsonOr } from '../json.ts';
import type { Db } from './database.ts';

/** An event that the app has not acknowledged yet. `due` is milliseconds since the epoch. */
export type Delivery = Readonly<{ id: number; payload: Json; attempt: number; due: number; reason: string }>;

export type ResponseUrl = Readonly<{
  id: string;
  channel: string;
  user: string;
  /** The message whose button was clicked; null for a slash command. */
  messageTs: string | null;
  threadTs: string | null;
  uses: number;
  expires: number;
}>;

const deliveryRow = z.object({
  id: z.number(),
  payload: z.string().transform((text) => jsonOr(text)),
  attempt: z.number(),
  due: z.number(),
  reason: z.string(),
});

const responseRow = z
  .object({
    id: z.string(),
    channel: z.string(),
    user: z.string(),
    message_ts: z.string().nullable(),
    thread_ts: z.string().nullable(),
    uses: z.number(),
    expires: z.number(),
  })
  .transform(({ message_ts, thread_ts, ...row }): ResponseUrl => {
    return { ...row, messageTs: message_ts, threadTs: thread_ts };
  });

export type Queue = ReturnType<typeof openQueue>;

/** What is owed to the app: events still to deliver, and response URLs it may still use. */
export function openQueue(db: Db) {
  const sql = {
    add: db.prepare("INSERT INTO deliveries (payload, attempt, due, reason) VALUES (?, 0, ?, '')"),
    all: db.prepare('SELECT * FROM deliveries ORDER BY id'),
    retry: db.prepare('UPDATE deliveries SET attempt = ?, due = ?, reason = ? WHERE id = ?'),
    done: db.prepare('DELETE FROM deliveries WHERE id = ?'),
    addUrl: db.prepare('INSERT INTO response_urls VALUES (?, ?, ?, ?, ?, ?, ?)'),
    url: db.prepare('SELECT * FROM response_urls WHERE id = ?'),
    spendUrl: db.prepare('UPDATE response_urls SET uses = uses - 1 WHERE id = ?'),
    purge: db.prepare('DELETE FROM response_urls WHERE expires < ?'),
  };
  return {
    add: (payload: Json, due: number): number =>
      Number(sql.add.run(JSON.stringify(payload), due).lastInsertRowid),
    all: (): Delivery[] => sql.all.all().map((row) => deliveryRow.parse(row)),
    retry: (id: number, attempt: number, due: number, reason: string): void =>
      void sql.retry.run(attempt, due, reason, id),
    done: (id: number): void => void sql.done.run(id),
    addUrl(url: ResponseUrl): void {
      const { id, channel, user, messageTs, threadTs, uses, expires } = url;
      sql.addUrl.run(id, channel, user, messageTs, threadTs, uses, expires);
    },
    url(id: string): ResponseUrl | undefined {
      const row: unknown = sql.url.get(id);
      return row === undefined ? undefined : responseRow.parse(row);
    },
    spendUrl: (id: string): void => void sql.spendUrl.run(id),
    purge: (now: number): void => void sql.purge.run(now),
  };
}
