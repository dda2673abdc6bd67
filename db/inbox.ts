import { jsonSchema } from '../src/domain/json.ts';
import type { Delivery, Inbox } from '../src/ports/store.ts';
import { and, asc, eq, gt, isNull, sql } from './drizzle.ts';
import type { GroupCommit } from './group-commit.ts';
import type { Db } from './open.ts';
import { deliveries } from './tables/slack.ts';

/** Used with every delivery: built once, since building them takes longer than running them. */
function statements(db: Db) {
  const value = (name: string) => sql`${sql.placeholder(name)}`;
  const byId = eq(deliveries.id, sql.placeholder('id'));
  return {
    accept: db
      .insert(deliveries)
      .values({
        intent: value('intent'),
        kind: value('kind'),
        payload: value('payload'),
        receivedAt: value('receivedAt'),
      })
      .onConflictDoNothing()
      .returning()
      .prepare(),
    attempt: db
      .update(deliveries)
      .set({ attempts: sql`${deliveries.attempts} + 1` })
      .where(byId)
      .prepare(),
    handled: db
      .update(deliveries)
      .set({ handledAt: value('handledAt'), error: value('error') })
      .where(byId)
      .prepare(),
  };
}

export function createInbox(db: Db, group: GroupCommit): Inbox {
  const { accept, attempt, handled } = statements(db);
  return {
    async accept(intent, kind, payload, now) {
      const row = await group.run(() =>
        accept.get({ intent, kind, payload: JSON.stringify(payload), receivedAt: now }),
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
      await group.run(() => attempt.run({ id }));
    },
    async handled(id, now, error) {
      await group.run(() => handled.run({ id, handledAt: now, error }));
    },
  };
}

function toDelivery(row: typeof deliveries.$inferSelect): Delivery {
  return { ...row, payload: jsonSchema.parse(JSON.parse(row.payload)) };
}
