import type { EventLog } from './event-log.ts';
import type { Db } from './open.ts';

export type Tx = Parameters<Parameters<Db['transaction']>[0]>[0];

/**
 * One immediate transaction; when it fails, the event numbers it had taken are forgotten with it. The audit's head
 * goes outside once it is committed.
 */
export function atomically<T>(db: Db, log: EventLog, work: (tx: Tx) => T): T {
  try {
    const result = db.transaction(work, { behavior: 'immediate' });
    log.audit.publish();
    return result;
  } catch (error) {
    log.forget();
    throw error;
  }
}
