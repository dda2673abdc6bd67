import type { RunMetrics } from '../src/ports/metrics.ts';
import { and, desc, eq, inArray, isNotNull, ne, or, sql } from './drizzle.ts';
import type { Db } from './open.ts';
import { events, usage } from './schema.ts';

export function createRunMetrics(db: Db): RunMetrics {
  return {
    lastSteps(runId, most) {
      const rows = db
        .select({ type: events.type })
        .from(events)
        .where(and(eq(events.runId, runId), inArray(events.type, ['step.completed', 'step.failed'])))
        .orderBy(desc(events.seq))
        .limit(most)
        .all();
      const failed = rows.filter(({ type }) => type === 'step.failed').length;
      return { completed: rows.length - failed, failed };
    },
    costUsd(runId) {
      const { unknown, total } = db
        .select({
          unknown: sql<number>`count(*) - count(${usage.costUsd})`,
          total: sql<number>`coalesce(sum(${usage.costUsd}), 0)`,
        })
        .from(usage)
        // People's time has a price only where somebody set one, and counts only then.
        .where(and(eq(usage.runId, runId), or(ne(usage.kind, 'human'), isNotNull(usage.costUsd))))
        .get() ?? { unknown: 0, total: 0 };
      return unknown > 0 ? null : total;
    },
  };
}
