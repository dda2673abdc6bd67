import { outcomeSchema, runSpecSchema } from '../src/domain/run.ts';
import type { Housekeeping, Projections, ReplayGuard, RunReader } from '../src/ports/store.ts';
import { sweepBus } from './bus-sweep.ts';
import { and, asc, desc, eq, gt, inArray, isNotNull, lt, sql } from './drizzle.ts';
import type { EventLog } from './event-log.ts';
import type { GroupCommit } from './group-commit.ts';
import { sweepAnswers } from './model-answers.ts';
import type { Db } from './open.ts';
import { enqueueRows } from './outbox.ts';
import { runs, steps } from './tables/runs.ts';
import { deliveries, outbox, replays } from './tables/slack.ts';

const DAY_MS = 86_400_000;
/** A redelivery comes within minutes; a week leaves room for somebody who looks into a problem. */
const KEEP_DELIVERIES_MS = 7 * DAY_MS;
const KEEP_OUTBOX_MS = 30 * DAY_MS;
/** Twice the window in which a signature is accepted. */
const KEEP_SIGNATURES_MS = 2 * 10 * 60_000;

/** One look into the primary key per open run, so thousands of parked runs cost next to nothing. */
const hasNews = sql`exists (select 1 from events e where e.run_id = ${runs.id} and e.seq > ${runs.projectedSeq})`;

export function createProjections(db: Db, log: EventLog, group: GroupCommit): Projections {
  return {
    async behind() {
      return db
        .select({
          runId: runs.id,
          sessionId: sql<string>`${runs.sessionId}`,
          projectedSeq: runs.projectedSeq,
        })
        .from(runs)
        .where(and(eq(runs.projectionDone, 0), isNotNull(runs.sessionId), hasNews))
        .orderBy(asc(runs.id))
        .all();
    },
    async events(runId, after, limit) {
      return log.after(runId, after, limit);
    },
    async advance({ runId, seq, done, messages, now }) {
      await group.run((tx) => {
        const news = log.after(runId, seq, 1).length > 0;
        const moved = tx
          .update(runs)
          .set({ projectedSeq: seq, projectionDone: done && !news ? 1 : 0 })
          .where(and(eq(runs.id, runId), lt(runs.projectedSeq, seq)))
          .run();
        if (moved.changes > 0) enqueueRows(tx, messages, now);
      });
    },
  };
}

export function createRunReader(db: Db): RunReader {
  // Their ids begin with its own and a dot; the digit after the dot in ASCII is a slash, so this is a range of the key.
  const parts = db
    .select({ id: runs.id })
    .from(runs)
    .where(and(gt(runs.id, sql.placeholder('from')), lt(runs.id, sql.placeholder('to'))))
    // Those begun in one turn have one time: the row's own number tells which came first.
    .orderBy(asc(runs.createdAt), sql`rowid`)
    .prepare();
  return {
    async parts(runId) {
      return parts.all({ from: `${runId}.`, to: `${runId}/` }).map(({ id }) => id);
    },
    async position(runIds) {
      const rows = db
        .select({ id: steps.runId, last: sql<number>`max(${steps.settledSeq})` })
        .from(steps)
        .where(inArray(steps.runId, [...runIds]))
        .groupBy(steps.runId)
        .all();
      return Object.fromEntries(rows.map(({ id, last }) => [id, last]));
    },
    async status(runId) {
      const row = db.select().from(runs).where(eq(runs.id, runId)).get();
      if (row === undefined) return null;
      return {
        status: row.status,
        outcome: row.outcome === null ? null : outcomeSchema.parse(JSON.parse(row.outcome)),
        spec: runSpecSchema.parse(JSON.parse(row.spec)),
        createdAt: row.createdAt,
        endedAt: row.endedAt,
      };
    },
  };
}

export function createHousekeeping(db: Db): Housekeeping {
  return {
    async sweep(now) {
      const old = db
        .delete(deliveries)
        .where(lt(deliveries.handledAt, now - KEEP_DELIVERIES_MS))
        .run().changes;
      const told = db
        .delete(outbox)
        .where(
          and(
            inArray(outbox.status, ['sent', 'dropped']),
            eq(outbox.kind, 'update'),
            lt(outbox.endedAt, now - KEEP_OUTBOX_MS),
          ),
        )
        .run().changes;
      const seen = db
        .delete(replays)
        .where(lt(replays.seenAt, now - KEEP_SIGNATURES_MS))
        .run().changes;
      return old + told + seen + sweepBus(db, now) + sweepAnswers(db, now);
    },
    async endedRuns(limit) {
      return db
        .select({ id: runs.id })
        .from(runs)
        .where(isNotNull(runs.endedAt))
        .orderBy(desc(runs.endedAt))
        .limit(limit)
        .all()
        .map(({ id }) => id);
    },
  };
}

export function createReplayGuard(db: Db): ReplayGuard {
  return {
    async firstSeen(signature, now) {
      return db.insert(replays).values({ signature, seenAt: now }).onConflictDoNothing().run().changes > 0;
    },
  };
}
