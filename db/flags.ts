import { z } from 'zod';
import type { FlagStore } from '../src/ports/flags.ts';
import { and, asc, gte, lt } from './drizzle.ts';
import type { EventLog } from './event-log.ts';
import type { Db } from './open.ts';
import { settings } from './tables/machine.ts';
import { atomically } from './transaction.ts';

const valueSchema = z.object({ on: z.boolean(), by: z.string() });

/** Flags per channel, kept among the facts about this home. */
export function createFlagStore(db: Db, log: EventLog): FlagStore {
  const prefix = (team: string, channel: string): string => `flag:${team}:${channel}:`;
  return {
    async of(team, channel) {
      const start = prefix(team, channel);
      return (
        db
          .select()
          .from(settings)
          // Names are lower-case letters, digits and `_`, all of which come before `{`.
          .where(and(gte(settings.key, start), lt(settings.key, `${start}{`)))
          .orderBy(asc(settings.key))
          .all()
          // `_` stands for any letter in a pattern.
          .filter(({ key }) => key.startsWith(start))
          .map(({ key, value, at }) => ({
            name: key.slice(start.length),
            ...valueSchema.parse(JSON.parse(value)),
            at,
          }))
      );
    },
    async set({ team, channel }, { name, on, by, at }) {
      atomically(db, log, (tx) => {
        const row = { key: `${prefix(team, channel)}${name}`, value: JSON.stringify({ on, by }), at };
        tx.insert(settings)
          .values(row)
          .onConflictDoUpdate({ target: settings.key, set: { value: row.value, at } })
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
