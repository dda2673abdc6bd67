import { z } from 'zod';
import type { RunMetrics } from '../src/ports/metrics.ts';
import { and, eq, isNotNull, ne, or, sql } from './drizzle.ts';
import { PACKED } from './event-log.ts';
import type { Db } from './open.ts';
import { events, usage } from './tables/runs.ts';

export function createRunMetrics(db: Db): RunMetrics {
  return {
    lastSteps(runId, most) {
      // A row holds one event, or a list of all that one turn brought about.
      const rows = z.array(z.object({ type: z.string() })).parse(
        db.all(sql`
          select json_extract(each.value, '$.type') as type
          from ${events}, json_each(
            case ${events.type} when ${PACKED} then ${events.data} else json_array(json(${events.data})) end
          ) as each
          where ${events.runId} = ${runId}
            and ${events.type} in ('step.completed', 'step.failed', ${PACKED})
            and json_extract(each.value, '$.type') in ('step.completed', 'step.failed')
          order by ${events.seq} desc, each.key desc
          limit ${most}`),
      );
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
