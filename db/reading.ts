import { existsSync } from 'node:fs';
import Database from 'better-sqlite3';
import { BatonError } from '../src/domain/failure.ts';
import { explain } from './store-errors.ts';

/** The database for reading alone, beside a Baton that may be at work in it. @throws BatonError when there is none */
export function openForReading(file: string): Database.Database {
  if (!existsSync(file)) {
    throw new BatonError({
      class: 'terminal',
      code: 'store_missing',
      message: `There is no database at ${file}`,
      hint: 'Start Baton once, or set BATON_HOME to its folder.',
    });
  }
  try {
    return new Database(file, { readonly: true, fileMustExist: true });
  } catch (error) {
    throw explain(error, file);
  }
}
