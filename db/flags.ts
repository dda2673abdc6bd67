import type { FlagStore } from '../src/ports/flags.ts';
import { and, asc, eq } from './drizzle.ts';
import type { EventLog } from './event-log.ts';
import type { Db } from './open.ts';
import { flags } from './tables/people.ts';
import { atomically } from './transaction.ts';

/** Flags per channel of a workspace. */
export function createFlagStore(db: Db, log: EventLog): FlagStore {
  return {
    async of(team, channel) {
      return db
        .select({ name: flags.name, on: flags.on, by: flags.by, at: flags.at })
        .from(flags)
        .where(and(eq(flags.team, team), eq(flags.channel, channel)))
        .orderBy(asc(flags.name))
        .all();
    },
    async set({ team, channel }, { name, on, by, at }) {
      atomically(db, log, (tx) => {
        tx.insert(flags)
          .values({ team, channel, name, on, by, at })
          .onConflictDoUpdate({ target: [flags.team, flags.channel, flags.name], set: { on, by, at } })
          .run();
        log.audit.append({
          at,
          kind: 'flag',
          actor: by,
          actorKind: 'person',
          team,
          runId: null,
          approvalId: null,
          shown: null,
          executed: null,
          detail: { channel, name, on },
        });
      });
    },
  };
}
