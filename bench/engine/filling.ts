import type Database from 'better-sqlite3';

/** Events of one filled run: as many as a run of ten steps leaves. */
const EVENTS_PER_RUN = 23;
const STEPS_PER_RUN = 10;

/**
 * Fills a store with ended runs until it holds `events` events. Their ids are time-ordered and older than any the
 * benchmark makes, as in a file that has been in use for a while.
 */
export function fill(raw: Database.Database, events: number): void {
  const runs = Math.ceil(events / EVENTS_PER_RUN);
  const id = "'run_000' || printf('%016d', r.n)";
  const numbers = (name: string, last: number) =>
    `${name}(n) as (select 1 union all select n + 1 from ${name} where n < ${last})`;
  const tables = `with recursive ${numbers('r', runs)}, ${numbers('e', EVENTS_PER_RUN)}, ${numbers('s', STEPS_PER_RUN)} `;
  raw.transaction(() => {
    raw.exec(`insert into runs (id, status, spec, hash, created_at, ended_at, projection_done) ${tables}
      select ${id}, 'completed', '{}', 'filled', 0, 0, 1 from r`);
    raw.exec(`insert into events (run_id, seq, at, type, data) ${tables}
      select ${id}, e.n, 0, 'step.completed', '{"type":"step.completed","key":"root/s' || e.n || '/do"}' from r, e`);
    raw.exec(`insert into steps (run_id, key, kind, status, attempt, settled_seq, outcome) ${tables}
      select ${id}, 'root/s' || s.n || '/do', 'step', 'done', 1, s.n, '{"ok":true,"value":{"n":1}}' from r, s`);
  })();
  raw.pragma('wal_checkpoint(TRUNCATE)');
}
