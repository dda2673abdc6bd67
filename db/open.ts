import { mkdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import Database from 'better-sqlite3';
import type { BetterSQLite3Database } from 'drizzle-orm/better-sqlite3';
import { z } from 'zod';
import { BatonError } from '../src/domain/failure.ts';
import { drizzle, migrate } from './drizzle.ts';
import { fence } from './fence.ts';
import { lock } from './lock.ts';
import { corrupt, explain } from './store-errors.ts';

export type Db = BetterSQLite3Database;
export interface OpenStore {
  readonly raw: Database.Database;
  readonly db: Db;
  /** Whether this process still is the one that has the database: neither opened by another since, nor put in its place. */
  readonly isOurs: () => boolean;
  readonly close: () => void;
}

/** Older versions can corrupt a database in WAL mode when a checkpoint meets a reset (fixed in 3.51.3). */
const OLDEST_SQLITE = [3, 51, 3] as const;
/** Waits for another process that reads the file, such as a backup. */
const BUSY_TIMEOUT_MS = 5_000;
/**
 * Pages (of 4 KiB) in the log before it is copied into the file. At SQLite's 1,000 a busy engine copies after every
 * commit, the same pages again and again; at this it does so once in eight, and the log stays at 32 MiB.
 */
const CHECKPOINT_PAGES = 8_000;
const MIGRATIONS = fileURLToPath(new URL('./migrations', import.meta.url));
/** Above this (about a million events) reading all of a file to check it would hold up the start by seconds. */
const CHECKED_BYTES = 256 * 2 ** 20;

/**
 * Opens Baton's database: one process at a time, WAL with every commit on the disk, schema brought up to date.
 * @throws BatonError `store_locked`, `store_newer`, `store_corrupt`, `store_unwritable` or `sqlite_too_old`, each
 *   saying what to do; the file is left as it was found
 */
export function openStore(file: string): OpenStore {
  makeFolder(file);
  const guard = lock(file);
  try {
    const raw = openDatabase(file);
    // Ties the lock's life to the connection's: one that nobody refers to is collected, and so let go.
    raw.function('lock_held', () => Number(guard.held));
    const fenced = fence(raw);
    const found = identityOf(file);
    return {
      raw,
      db: drizzle(raw),
      isOurs: () => identityOf(file) === found && fenced.holds(),
      close: () => {
        raw.close();
        guard.release();
      },
    };
  } catch (error) {
    guard.release();
    throw error;
  }
}

/** Which file this is, whatever its name; empty when there is none. */
function identityOf(file: string): string {
  const found = statSync(file, { throwIfNoEntry: false });
  return found === undefined ? '' : `${found.dev}:${found.ino}`;
}

function makeFolder(file: string): void {
  try {
    mkdirSync(path.dirname(file), { recursive: true, mode: 0o700 });
  } catch (error) {
    throw explain(error, file);
  }
}

function openDatabase(file: string): Database.Database {
  let raw: Database.Database | null = null;
  try {
    raw = new Database(file, { timeout: BUSY_TIMEOUT_MS });
    configure(raw);
    const check = statSync(file).size > CHECKED_BYTES ? 'ok' : raw.pragma('quick_check(1)', { simple: true });
    if (check !== 'ok') throw corrupt(file, String(check));
    refuseNewer(raw, file);
    migrate(drizzle(raw), { migrationsFolder: MIGRATIONS });
    return raw;
  } catch (error) {
    raw?.close();
    throw explain(error, file);
  }
}

/** Every connection of Baton goes through here: better-sqlite3 falls to NORMAL in WAL, which may lose commits. */
export function configure(raw: Database.Database): void {
  refuseOld(z.string().parse(raw.prepare('select sqlite_version()').pluck().get()));
  raw.pragma('journal_mode = WAL');
  raw.pragma('synchronous = FULL');
  raw.pragma(`wal_autocheckpoint = ${CHECKPOINT_PAGES}`);
  raw.pragma('foreign_keys = ON');
  const mode = raw.pragma('journal_mode', { simple: true });
  const synchronous = raw.pragma('synchronous', { simple: true });
  // 2 is FULL. An in-memory database answers "memory" and has nothing to lose.
  if (synchronous !== 2 || (mode !== 'wal' && mode !== 'memory')) {
    throw new BatonError({
      class: 'structural',
      code: 'store_unsafe',
      message: `The database would not keep commits safely (journal ${String(mode)}, synchronous ${String(synchronous)})`,
      hint: 'Put BATON_HOME on a local disk.',
    });
  }
}

/** @throws BatonError `sqlite_too_old` */
export function refuseOld(version: string): void {
  if (!olderThan(version, OLDEST_SQLITE)) return;
  const least = OLDEST_SQLITE.join('.');
  throw new BatonError({
    class: 'structural',
    code: 'sqlite_too_old',
    message: `SQLite ${version} can lose data in WAL mode`,
    hint: `Install Baton's own dependencies again (npm ci): they bring ${least} or newer.`,
  });
}

function olderThan(version: string, least: readonly number[]): boolean {
  const parts = version.split('.').map(Number);
  for (const [i, want] of least.entries()) {
    const have = parts[i] ?? 0;
    if (have !== want) return have < want;
  }
  return false;
}

const journalSchema = z.object({ entries: z.array(z.object({ when: z.number(), tag: z.string() })) });

/** A file written by a newer Baton may mean things this one does not know. */
function refuseNewer(raw: Database.Database, file: string): void {
  const known = raw.prepare("select 1 from sqlite_master where name = '__drizzle_migrations'").get();
  if (known === undefined) return;
  const applied = z
    .number()
    .nullable()
    .parse(raw.prepare('select max(created_at) from __drizzle_migrations').pluck().get());
  const ours = journalSchema.parse(
    JSON.parse(readFileSync(path.join(MIGRATIONS, 'meta/_journal.json'), 'utf8')),
  );
  const newest = Math.max(...ours.entries.map(({ when }) => when));
  if (applied !== null && applied > newest) {
    throw new BatonError({
      class: 'structural',
      code: 'store_newer',
      message: `${file} was written by a newer version of Baton`,
      hint: 'Nothing was changed. Update Baton, or set BATON_HOME to another folder.',
    });
  }
}
