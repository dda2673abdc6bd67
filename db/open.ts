import {
  closeSync,
  constants,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs';
import path from 'node:path';
import Database from 'better-sqlite3';
import { type BetterSQLite3Database, drizzle } from 'drizzle-orm/better-sqlite3';
import { migrate } from 'drizzle-orm/better-sqlite3/migrator';
import { z } from 'zod';
import { BatonError } from '../src/domain/failure.ts';

export type Db = BetterSQLite3Database;
export interface OpenStore {
  readonly raw: Database.Database;
  readonly db: Db;
  close(): void;
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
const MIGRATIONS = new URL('./migrations', import.meta.url).pathname;

/**
 * Opens Baton's database: one process at a time, WAL with every commit on the disk, schema brought up to date.
 * @throws BatonError `store_locked`, `store_newer`, `store_corrupt`, `store_unwritable` or `sqlite_too_old`, each
 *   saying what to do; the file is left as it was found
 */
export function openStore(file: string): OpenStore {
  mkdirSync(path.dirname(file), { recursive: true, mode: 0o700 });
  const unlock = lock(`${file}.lock`);
  try {
    const raw = openDatabase(file);
    return {
      raw,
      db: drizzle(raw),
      close: () => {
        raw.close();
        unlock();
      },
    };
  } catch (error) {
    unlock();
    throw error;
  }
}

function openDatabase(file: string): Database.Database {
  let raw: Database.Database | null = null;
  try {
    raw = new Database(file, { timeout: BUSY_TIMEOUT_MS });
    configure(raw);
    const check = raw.pragma('quick_check(1)', { simple: true });
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
  const version = z.string().parse(raw.prepare('select sqlite_version()').pluck().get());
  if (olderThan(version, OLDEST_SQLITE)) {
    throw new BatonError({
      class: 'structural',
      code: 'sqlite_too_old',
      message: `SQLite ${version} can lose data in WAL mode`,
      hint: `Install Baton's own dependencies again (npm ci): they bring ${OLDEST_SQLITE.join('.')} or newer.`,
    });
  }
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

/**
 * One process holds the file. The lock names its holder; a holder that is gone (its process id is free, or belongs
 * to a process started later) is replaced.
 */
function lock(file: string): () => void {
  for (let attempt = 0; attempt < 3; attempt += 1) {
    try {
      const handle = openSync(file, constants.O_CREAT | constants.O_EXCL | constants.O_WRONLY, 0o600);
      writeSync(handle, `${process.pid} ${startedAt(process.pid) ?? ''}`);
      closeSync(handle);
      return () => rmSync(file, { force: true });
    } catch (error) {
      if (!isCode(error, 'EEXIST')) throw explain(error, file);
      const holder = readHolder(file);
      if (holder !== null && isAlive(holder)) {
        throw new BatonError({
          class: 'terminal',
          code: 'store_locked',
          message: `Another Baton (process ${holder.pid}) is using this database`,
          hint: `Stop it first, or set BATON_HOME to another folder. If no such process exists, delete ${file}.`,
        });
      }
      // Renaming first: of two processes that find the same dead lock, one gets to remove it.
      const aside = `${file}.${process.pid}`;
      try {
        renameSync(file, aside);
        rmSync(aside, { force: true });
      } catch (gone) {
        if (!isCode(gone, 'ENOENT')) throw gone;
      }
    }
  }
  throw new BatonError({
    class: 'terminal',
    code: 'store_locked',
    message: 'Another Baton is starting on this database',
    hint: 'Wait a moment and start again.',
  });
}

interface Holder {
  readonly pid: number;
  readonly started: string;
}

function readHolder(file: string): Holder | null {
  if (!existsSync(file)) return null;
  const [pid, started] = readFileSync(file, 'utf8').split(' ');
  return { pid: Number(pid), started: started ?? '' };
}

function isAlive(holder: Holder): boolean {
  // An empty lock belongs to somebody between creating and writing it: alive.
  if (!Number.isInteger(holder.pid) || holder.pid <= 0) return holder.pid === 0;
  if (holder.pid === process.pid) return true;
  try {
    process.kill(holder.pid, 0);
  } catch (error) {
    return isCode(error, 'EPERM');
  }
  const started = startedAt(holder.pid);
  return started === null || holder.started === '' || started === holder.started;
}

/** When a process began, in the kernel's ticks (field 22 of /proc/PID/stat); null where there is no /proc, or it is a zombie. */
function startedAt(pid: number): string | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' ? 'zombie' : (fields[19] ?? null);
  } catch {
    return null;
  }
}

function isCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}

function corrupt(file: string, detail: string): BatonError {
  return new BatonError({
    class: 'terminal',
    code: 'store_corrupt',
    message: `${file} is damaged (${detail})`,
    hint: 'It was left as it is. Move it aside and restore a backup, or start with another BATON_HOME.',
  });
}

/** SQLite's and the file system's errors in words for the person at the terminal. */
function explain(error: unknown, file: string): unknown {
  if (error instanceof BatonError) return error;
  if (isCode(error, 'SQLITE_CORRUPT') || isCode(error, 'SQLITE_NOTADB'))
    return corrupt(file, 'it is not a readable database');
  if (isCode(error, 'SQLITE_BUSY'))
    return new BatonError(
      {
        class: 'terminal',
        code: 'store_locked',
        message: `${file} is locked by another program`,
        hint: 'Close whatever has it open, and start again.',
      },
      error,
    );
  if (isCode(error, 'SQLITE_FULL') || isCode(error, 'ENOSPC'))
    return new BatonError(
      {
        class: 'terminal',
        code: 'store_full',
        message: 'The disk is full',
        hint: 'Free some space and start again; nothing was lost.',
      },
      error,
    );
  if (
    isCode(error, 'EACCES') ||
    isCode(error, 'EROFS') ||
    isCode(error, 'SQLITE_READONLY') ||
    isCode(error, 'SQLITE_CANTOPEN')
  ) {
    return new BatonError(
      {
        class: 'terminal',
        code: 'store_unwritable',
        message: `${file} cannot be written`,
        hint: 'Check the rights of the folder, or set BATON_HOME to one that can be written.',
      },
      error,
    );
  }
  return error;
}
