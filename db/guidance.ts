import { z } from 'zod';
import { guidanceSchema } from '../src/domain/steering.ts';
import type { GuidanceStore } from '../src/ports/guidance.ts';
import { recordDecision } from './decisions.ts';
import { and, asc, eq, sql } from './drizzle.ts';
import type { EventLog } from './event-log.ts';
import { createNoteReader } from './notes.ts';
import type { Db } from './open.ts';
import { events } from './tables/runs.ts';
import { atomically } from './transaction.ts';

const rowSchema = z.object({ guidance: guidanceSchema });

export function createGuidanceStore(db: Db, log: EventLog): GuidanceStore {
  const notes = createNoteReader(db);
  return {
    async give(runId, guidance, why, now) {
      atomically(db, log, (tx) => {
        const known = tx
          .select({ seq: events.seq })
          .from(events)
          .where(
            and(
              eq(events.runId, runId),
              eq(events.type, 'guidance.given'),
              sql`json_extract(${events.data}, '$.guidance.id') = ${guidance.id}`,
            ),
          )
          .get();
        if (known !== undefined) return;
        log.append(runId, { type: 'guidance.given', guidance }, now);
        recordDecision(tx, log, runId, why, now);
      });
    },
    async of(runId) {
      return db
        .select({ data: events.data })
        .from(events)
        .where(and(eq(events.runId, runId), eq(events.type, 'guidance.given')))
        .orderBy(asc(events.seq))
        .all()
        .map(({ data }) => rowSchema.parse(JSON.parse(data)).guidance);
    },
    async notes(runId) {
      return notes(runId);
    },
  };
}
