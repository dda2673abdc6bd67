import type Database from 'better-sqlite3';
import { z } from 'zod';
import { BatonError } from '../domain/failure.ts';

/** The one run that goes by an id, or by the end of it as people see it. @throws BatonError terminal / `run_unknown` */
export function findRun(raw: Database.Database, wanted: string): string {
  const found = z
    .array(z.string())
    .parse(
      raw
        .prepare('select id from runs where id = ? or (session_id is not null and substr(id, ?) = ?)')
        .pluck()
        .all(wanted, -wanted.length, wanted),
    );
  const [id] = found;
  if (id === undefined || found.length > 1) throw runUnknown(wanted, found.length);
  return id;
}

/** @param found how many runs go by it */
export function runUnknown(wanted: string, found: number): BatonError {
  return new BatonError({
    class: 'terminal',
    code: 'run_unknown',
    message: found === 0 ? `There is no run ${wanted}.` : `${found} runs end in ${wanted}.`,
    hint: 'Give the whole id, as `/orchestrate show` has it.',
  });
}
