import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';

export type Db = Database.Database;

const TABLES = `
CREATE TABLE IF NOT EXISTS settings (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS people (
  id TEXT PRIMARY KEY, name TEXT NOT NULL, real_name TEXT NOT NULL, is_bot INTEGER NOT NULL,
  is_guest INTEGER NOT NULL, time_zone TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS channels (
  id TEXT PRIMARY KEY, name TEXT NOT NULL, kind TEXT NOT NULL CHECK (kind IN ('public','private','im')),
  archived INTEGER NOT NULL DEFAULT 0, created INTEGER NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS members (
  channel TEXT NOT NULL, user TEXT NOT NULL, PRIMARY KEY (channel, user)) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS user_groups (id TEXT PRIMARY KEY, handle TEXT NOT NULL, users TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS messages (
  channel TEXT NOT NULL, ts TEXT NOT NULL, thread_ts TEXT, user TEXT NOT NULL, by_app INTEGER NOT NULL,
  text TEXT NOT NULL, blocks TEXT NOT NULL, attachments TEXT NOT NULL, metadata TEXT, edited_ts TEXT,
  ephemeral_for TEXT, deleted INTEGER NOT NULL DEFAULT 0, outbox_id TEXT, doubled INTEGER NOT NULL DEFAULT 0,
  reactions TEXT NOT NULL DEFAULT '[]', PRIMARY KEY (channel, ts)) STRICT;
CREATE INDEX IF NOT EXISTS messages_thread ON messages (channel, thread_ts, ts);
CREATE INDEX IF NOT EXISTS messages_outbox ON messages (outbox_id) WHERE outbox_id IS NOT NULL;
CREATE TABLE IF NOT EXISTS views (
  id TEXT PRIMARY KEY, user TEXT NOT NULL, type TEXT NOT NULL, position INTEGER NOT NULL,
  root_id TEXT NOT NULL, previous_id TEXT, external_id TEXT, view TEXT NOT NULL, hash TEXT NOT NULL) STRICT;
CREATE INDEX IF NOT EXISTS views_user ON views (user, type, position);
CREATE TABLE IF NOT EXISTS response_urls (
  id TEXT PRIMARY KEY, channel TEXT NOT NULL, user TEXT NOT NULL, message_ts TEXT, thread_ts TEXT,
  uses INTEGER NOT NULL, expires INTEGER NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS deliveries (
  id INTEGER PRIMARY KEY AUTOINCREMENT, payload TEXT NOT NULL, attempt INTEGER NOT NULL, due INTEGER NOT NULL,
  reason TEXT NOT NULL) STRICT;
`;

/** A desk that was just killed lets go of its file within this time. */
const LOCK_WAIT_MS = 1_000;

/**
 * Opens the desk's own file. Throws SQLITE_BUSY when another desk holds it. `synchronous=NORMAL` in WAL keeps everything through a killed process; only a
 * power cut could lose the last writes, which a rehearsal can bear for the speed.
 */
export function openDatabase(dataDir: string): Db {
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  const db = new Database(join(dataDir, 'desk.sqlite'), { timeout: LOCK_WAIT_MS });
  // One desk per folder: two would number messages apart and each miss what the other does.
  db.pragma('locking_mode = EXCLUSIVE');
  db.pragma('journal_mode = WAL');
  db.pragma('synchronous = NORMAL');
  db.exec(TABLES);
  return db;
}

/** Small named values: ids made on the first start that must stay. */
export function setting(db: Db, key: string, make: () => string): string {
  const found: unknown = db.prepare('SELECT value FROM settings WHERE key = ?').pluck().get(key);
  if (typeof found === 'string') return found;
  const value = make();
  db.prepare('INSERT INTO settings (key, value) VALUES (?, ?)').run(key, value);
  return value;
}
