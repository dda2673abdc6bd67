import type Database from 'better-sqlite3';
import { z } from 'zod';
import { type BranchWork, type CleaningReport, keepReasons } from '../src/domain/cleaning.ts';
import { isTerminal, rootRun, runStatuses } from '../src/domain/run.ts';
import type { CleaningStore } from '../src/ports/cleaning.ts';

const REPORT = 'cleaned';

const runsSchema = z.array(
  z.object({
    id: z.string(),
    status: z.enum(runStatuses),
    endedAt: z.number().nullable(),
    location: z.string().nullable(),
    branch: z.string().nullable(),
  }),
);
const waitingSchema = z.array(z.object({ id: z.string() }));
const reportSchema = z.object({
  at: z.number(),
  branches: z.number(),
  states: z.number(),
  kept: z.array(z.object({ ref: z.string(), why: z.enum(keepReasons) })),
});

/** What runs left where, as far as the database knows; also over a connection that may only read. */
export function createCleaningStore(raw: Database.Database): CleaningStore {
  return {
    async works() {
      return worksOf(raw);
    },
    async report(report) {
      raw
        .prepare(
          `insert into settings (key, value, at) values (?, ?, ?)
           on conflict (key) do update set value = excluded.value, at = excluded.at`,
        )
        .run(REPORT, JSON.stringify(report), report.at);
    },
    async lastReport(): Promise<CleaningReport | null> {
      const row = raw.prepare('select value from settings where key = ?').get(REPORT);
      const found = z.object({ value: z.string() }).safeParse(row);
      return found.success ? reportSchema.parse(JSON.parse(found.data.value)) : null;
    },
  };
}

function worksOf(raw: Database.Database): BranchWork[] {
  const rows = runsSchema.parse(
    raw
      .prepare(
        `select id, status, ended_at as endedAt, json_extract(spec, '$.input.repository') as location,
                json_extract(spec, '$.input.branch') as branch
         from runs order by id`,
      )
      .all(),
  );
  const asked = waitingSchema.parse(
    raw
      .prepare(
        `select run_id as id from approvals where status = 'pending'
         union select run_id as id from person_tasks where status = 'open'`,
      )
      .all(),
  );
  // A part that is open, such as one that asks whether to take the run back, holds its root.
  const open = new Set([
    ...rows.filter(({ status }) => !isTerminal(status)).map(({ id }) => rootRun(id)),
    ...asked.map(({ id }) => rootRun(id)),
  ]);
  const roots = rows.filter(
    ({ id, location, branch }) => id === rootRun(id) && location !== null && branch !== null,
  );
  const groups = Map.groupBy(roots, ({ location, branch }) => `${location}\0${branch}`);
  return [...groups.values()].flatMap((group): BranchWork[] => {
    const [first] = group;
    if (first === undefined || first.location === null || first.branch === null) return [];
    const runIds = group.map(({ id }) => id);
    const isOpen = group.some(({ id, endedAt }) => open.has(id) || endedAt === null);
    const endedAt = isOpen ? null : Math.max(...group.map((each) => each.endedAt ?? 0));
    return [{ location: first.location, branch: first.branch, runIds, endedAt }];
  });
}
