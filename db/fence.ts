import type Database from 'better-sqlite3';
import { z } from 'zod';

/** Where the token of whoever opened the database last is kept. */
const KEY = 'fence';
const WRITES = ['insert', 'update', 'delete'] as const;
/** What a write is refused with by whoever was taken over; see {@link isFenced}. */
const REFUSAL = 'fenced: another process has opened this database since';

export interface Fence {
  /** Whether nobody has opened the database since. */
  holds(): boolean;
}

/**
 * Takes the next token and binds every write of this connection to it: a trigger that only this connection has
 * refuses any change to any table once somebody else took a later one, in the very transaction of the change. So a
 * process that was stopped, whose lock was lost meanwhile, changes nothing when it goes on. Neither does it begin
 * anything outside: an effect starts after the commit that counts its attempt, a message leaves after the row that
 * claims it.
 */
export function fence(raw: Database.Database): Fence {
  const token = take(raw);
  const read = raw.prepare('select value from main.settings where key = ?').pluck();
  for (const table of tables(raw))
    for (const write of WRITES)
      raw.exec(
        `create temp trigger "fence_${write}_${table}" before ${write} on main."${table}"
         when (select value from main.settings where key = '${KEY}') is not '${token}'
         begin select raise(abort, '${REFUSAL}'); end`,
      );
  return { holds: () => read.get(KEY) === String(token) };
}

/** Whether an error is that of a write by a process that was taken over. */
export function isFenced(error: unknown): boolean {
  return error instanceof Error && error.message === REFUSAL;
}

function take(raw: Database.Database): number {
  const token = raw
    .prepare(
      `insert into settings (key, value, at) values ('${KEY}', '1', 0)
       on conflict (key) do update set value = cast(value as integer) + 1 returning cast(value as integer)`,
    )
    .pluck();
  return z.number().parse(raw.transaction(() => token.get()).immediate());
}

function tables(raw: Database.Database): string[] {
  const names = raw
    .prepare("select name from sqlite_master where type = 'table' and name not like 'sqlite_%'")
    .pluck()
    .all();
  return z.array(z.string().regex(/^\w+$/)).parse(names);
}
