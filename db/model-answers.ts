import type Database from 'better-sqlite3';
import { z } from 'zod';
import { sql } from './drizzle.ts';
import type { Db } from './open.ts';

/** Days an answer may be given again: repositories and models move on. */
const KEEP_MS = 7 * 86_400_000;
/** Bytes of all answers together; the oldest go first. */
const MOST_BYTES = 64 * 2 ** 20;

/** Answers of models by a digest of what was asked. @param now milliseconds since the epoch */
export function createAnswerStore(raw: Database.Database, now: () => number) {
  const get = raw.prepare('select reply from model_answers where digest = ? and at >= ?').pluck();
  const put = raw.prepare(
    'insert into model_answers (digest, reply, bytes, at) values (?, ?, ?, ?) on conflict (digest) do update set reply = excluded.reply, bytes = excluded.bytes, at = excluded.at',
  );
  return {
    get: async (digest: string): Promise<string | null> =>
      z
        .string()
        .nullish()
        .parse(get.get(digest, now() - KEEP_MS)) ?? null,
    put: async (digest: string, reply: string): Promise<void> => {
      put.run(digest, reply, Buffer.byteLength(reply), now());
    },
  };
}

/** Deletes answers that are too old, and the oldest beyond what may be kept. Returns how many went. */
export function sweepAnswers(db: Db, now: number): number {
  const old = db.run(sql`delete from model_answers where at < ${now - KEEP_MS}`).changes;
  const beyond = db.run(sql`delete from model_answers where digest in (
    select digest from (select digest, sum(bytes) over (order by at desc, digest) as total from model_answers)
    where total > ${MOST_BYTES})`).changes;
  return old + beyond;
}
