import { createHash } from 'node:crypto';
import type { AuditStore } from '../src/ports/store.ts';
import type { EventLog } from './event-log.ts';
import type { Db } from './open.ts';
import { atomically } from './transaction.ts';

/** Hex digits of the digest of a value that was not offered: enough to see that two are the same. */
const DIGITS = 16;

export function createAuditStore(db: Db, log: EventLog): AuditStore {
  return {
    async ofRun(runId) {
      return log.audit.ofRun(runId);
    },
    async turnedAway({ team, user, place, what, value, why }, now) {
      atomically(db, log, () => {
        log.audit.append({
          at: now,
          kind: 'turned_away',
          actor: user,
          actorKind: 'person',
          team,
          runId: null,
          approvalId: null,
          shown: null,
          executed: null,
          detail: {
            what,
            why,
            place,
            value: createHash('sha256').update(value).digest('hex').slice(0, DIGITS),
          },
        });
      });
    },
  };
}
