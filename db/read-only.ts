import { existsSync } from 'node:fs';
import Database from 'better-sqlite3';
import { BatonError } from '../src/domain/failure.ts';

/**
 * Opens a database that a running Baton may be using, to read. Nothing is written, locked or migrated.
 * @throws BatonError `store_missing`
 */
export function openToRead(file: string): Database.Database {
  if (!existsSync(file))
    throw new BatonError({
      class: 'terminal',
      code: 'store_missing',
      message: `There is no database at ${file}`,
      hint: 'Start Baton once, or set BATON_HOME to the folder it works in.',
    });
  return new Database(file, { readonly: true, fileMustExist: true, timeout: 5_000 });
}
