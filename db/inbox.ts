import { jsonSchema } from '../src/domain/json.ts';
import type { Delivery, Inbox } from '../src/ports/store.ts';
import { and, asc, eq, gt, isNull, sql } from './drizzle.ts';
import type { GroupCommit } from './group-commit.ts';
import type { Db } from './open.ts';
import { deliveries } from './schema.ts';

export function createInbox(db: Db, group: GroupCommit): Inbox {
  return {
    async accept(intent, kind, payload, now) {
      const row = await group.run((tx) =>
        tx
          .insert(deliveries)
          .values({ intent, kind, payload: JSON.stringify(payload), receivedAt: now })
          .onConflictDoNothing()
          .returning()
          .get(),
      );
      // The driver returns nothing for a row that was already there.
      return row === undefined ? null : toDelivery(row);
    },
    async open(limit, after = 0) {
      return db
        .select()
        .from(deliveries)
        .where(and(isNull(deliveries.handledAt), gt(deliveries.id, after)))
        .orderBy(asc(deliveries.id))
        .limit(limit)
        .all()
        .map(toDelivery);
    },
    async attempt(id) {
      await group.run((tx) =>
        tx
          .update(deliveries)
          .set({ attempts: sql`${deliveries.attempts} + 1` })
          .where(eq(deliveries.id, id))
          .run(),
      );
    },
    async handled(id, now, error) {
      await group.run((tx) =>
        tx.update(deliveries).set({ handledAt: now, error }).where(eq(deliveries.id, id)).run(),
      );
    },
  };
}

function toDelivery(row: typeof deliveries.$inferSelect): Delivery {
  return { ...row, payload: jsonSchema.parse(JSON.parse(row.payload)) };
}
