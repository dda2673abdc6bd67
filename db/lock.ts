import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import Database from 'better-sqlite3';
import { codeOf, explain, terminal } from './store-errors.ts';

export interface Lock {
  readonly held: boolean;
  release(): void;
}

/**
 * Lets one process at a time hold `file`. The lock is the operating system's, taken through an empty database
 * beside the file: whatever way its holder ends, it is free in that moment, and nobody has to judge whether a
 * process id is still alive.
 * The lock lasts as long as what is returned is referred to.
 * @throws BatonError `store_locked`, naming the holder
 */
export function lock(file: string): Lock {
  const note = `${file}.pid`;
  const held = take(file, note);
  // For the words of the refusal only; nothing is decided by it.
  writeFileSync(note, String(process.pid));
  return {
    get held() {
      return held.inTransaction;
    },
    release() {
      rmSync(note, { force: true });
      held.close();
    },
  };
}

function take(file: string, note: string): Database.Database {
  let guard: Database.Database | null = null;
  try {
    guard = new Database(`${file}.held`, { timeout: 0 });
    guard.exec('begin exclusive');
    return guard;
  } catch (error) {
    guard?.close();
    if (!codeOf(error).startsWith('SQLITE_BUSY')) throw explain(error, file);
    const hint = 'Stop it first, or set BATON_HOME to another folder.';
    throw terminal('store_locked', `Another Baton${holder(note)} is using this database`, hint);
  }
}

function holder(note: string): string {
  try {
    return ` (process ${Number(readFileSync(note, 'utf8'))})`;
  } catch {
    return '';
  }
}
