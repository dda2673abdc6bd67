import type { EventLog } from './event-log.ts';
import type { Db } from './open.ts';

export type Tx = Parameters<Parameters<Db['transaction']>[0]>[0];

/** One immediate transaction; when it fails, the event numbers it had taken are forgotten with it. */
export function atomically<T>(db: Db, log: EventLog, work: (tx: Tx) => T): T {
  try {
    return db.transaction(work, { behavior: 'immediate' });
  } catch (error) {
    log.forget();
    throw error;
  }
}
