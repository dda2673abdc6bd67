import type Database from 'better-sqlite3';
import { z } from 'zod';
import { dollarsOf, type Used, type WorstCase } from '../src/domain/budget.ts';
import { rootRun } from '../src/domain/run.ts';
import { type Usage, usageSchema } from '../src/domain/usage.ts';
import type { Meter } from '../src/ports/usage.ts';

const rowSchema = z.object({
  id: z.number(),
  runId: z.string(),
  kind: usageSchema.shape.kind,
  inputTokens: z.number(),
  outputTokens: z.number(),
  durationMs: z.number(),
  costUsd: z.number().nullable(),
});
type Counted = Pick<Usage, 'kind' | 'inputTokens' | 'outputTokens' | 'durationMs' | 'costUsd'>;

/** Runs whose sums are kept at hand; the others are added up again when they are asked about. */
const MAX_RUNS = 1_000;
const MS_PER_MINUTE = 60_000;

const nothing: Used = { usd: 0, tokens: 0, turns: 0, minutes: 0, assumedUsd: 0, assumed: 0 };

/**
 * Adds up the table of usage, each row once: sums are kept in memory with how far they have come, so that a look costs
 * what is new since the last one and not what a run has used in all. After a restart they are made again.
 * @param worst what counts where no price is known
 */
export function createMeter(raw: Database.Database, worst: WorstCase): Meter {
  const columns =
    'id, run_id as runId, kind, input_tokens as inputTokens, output_tokens as outputTokens, duration_ms as durationMs, cost_usd as costUsd';
  const since = raw.prepare(`select ${columns} from usage where id > ? order by id`);
  // Parts are named after their root and a dot; the digit after the dot in ASCII is a slash.
  const ofRun = raw.prepare(
    `select ${columns} from usage where (run_id = @root or (run_id > @root || '.' and run_id < @root || '/')) and id <= @upTo`,
  );
  const newest = raw.prepare('select coalesce(max(id), 0) from usage').pluck();
  const runs = new Map<string, Used>();
  const underWay = new Map<string, Set<() => readonly Usage[]>>();
  let upTo = z.number().parse(newest.get());

  const catchUp = (): void => {
    for (const row of z.array(rowSchema).parse(since.all(upTo))) {
      const root = rootRun(row.runId);
      const before = runs.get(root);
      if (before !== undefined) runs.set(root, plus(before, row, worst));
      upTo = row.id;
    }
  };

  const stored = (root: string): Used => {
    const known = runs.get(root);
    if (known !== undefined) return known;
    const rows = z.array(rowSchema).parse(ofRun.all({ root, upTo }));
    const used = rows.reduce((sum, row) => plus(sum, row, worst), nothing);
    const [oldest] = runs.keys();
    if (runs.size >= MAX_RUNS && oldest !== undefined) runs.delete(oldest);
    runs.set(root, used);
    return used;
  };

  return {
    used(root) {
      catchUp();
      const open = [...(underWay.get(root) ?? [])].flatMap((source) => source());
      return open.reduce((sum, usage) => plus(sum, usage, worst), stored(root));
    },
    watch(runId, source) {
      const root = rootRun(runId);
      const of = underWay.get(root) ?? new Set();
      underWay.set(root, of.add(source));
      return () => {
        of.delete(source);
        if (of.size === 0 && underWay.get(root) === of) underWay.delete(root);
      };
    },
  };
}

function plus(sum: Used, row: Counted, worst: WorstCase): Used {
  const { usd, assumed } = dollarsOf(row, worst);
  return {
    usd: sum.usd + usd,
    tokens: sum.tokens + row.inputTokens + row.outputTokens,
    turns: sum.turns + (row.kind === 'model' ? 1 : 0),
    minutes: sum.minutes + (row.kind === 'human' ? 0 : row.durationMs / MS_PER_MINUTE),
    assumedUsd: sum.assumedUsd + (assumed ? usd : 0),
    assumed: sum.assumed + (assumed ? 1 : 0),
  };
}
