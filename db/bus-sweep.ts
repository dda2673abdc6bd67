import { sql } from './drizzle.ts';
import type { Db } from './open.ts';

const DAY_MS = 86_400_000;
/** As long as people look back, and `receive` with `since`. */
const KEEP_EVENTS_MS = 30 * DAY_MS;
/** Longer than anything that was published could come again: a webhook's own times are believed for a week. */
const KEEP_KEYS_MS = 90 * DAY_MS;

const open = sql`('queued', 'running', 'waiting', 'paused')`;

/**
 * Deletes events that were handed on, and that no run under way was given: how many events led to its own is counted
 * from them. What still waits to start a run stays however old it is. Returns how many rows went.
 */
export function sweepBus(db: Db, now: number): number {
  const old = now - KEEP_EVENTS_MS;
  const events = db.run(sql`delete from bus_events where at < ${old}
    and seq <= coalesce((select cast(value as integer) from settings where key = 'bus-position'), 0)
    and not exists (select 1 from bus_deliveries d left join runs r on r.id = d.run_id
      where d.seq = bus_events.seq and (d.status in ('pending', 'claimed') or r.status in ${open}))`);
  const deliveries = db.run(sql`delete from bus_deliveries where at < ${old}
    and not exists (select 1 from bus_events e where e.seq = bus_deliveries.seq)`);
  const listeners = db.run(sql`delete from bus_listeners
    where not exists (select 1 from runs r where r.id = bus_listeners.run_id and r.status in ${open})`);
  const keys = db.run(sql`delete from bus_keys where at < ${now - KEEP_KEYS_MS}`);
  return events.changes + deliveries.changes + listeners.changes + keys.changes;
}
