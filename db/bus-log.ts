import type Database from 'better-sqlite3';
import { z } from 'zod';
import { type BusEvent, busEventSchema, MAX_HOPS } from '../src/domain/bus-event.ts';
import { isTerminal, type Outcome, type RunStatus } from '../src/domain/run.ts';
import { BUDGET_DELIVERED } from '../src/domain/run-view.ts';
import type { NewBusEvent, Published } from '../src/ports/bus.ts';

/** Failures that say that work was not good enough, rather than that something broke. */
const QUALITY_CODES = new Set(['not_good_enough', 'phase_failed']);

/** The one place that publishes. Must be called inside a transaction. */
export class BusLog {
  readonly #sql: ReturnType<typeof prepare>;

  constructor(raw: Database.Database) {
    this.#sql = prepare(raw);
  }

  /** The same keys publish once; what goes round in circles is kept, and refused. */
  publish({ keys, name, payload, sourceKind, source, runId, at }: NewBusEvent): Published {
    for (const key of keys) {
      const known = this.#sql.known.get(key);
      if (known !== undefined) {
        const { seq, refused } = knownRow.parse(known);
        return { seq, refused, again: true };
      }
    }
    const hops = runId === null ? 0 : z.number().parse(this.#sql.hops.get(runId));
    const refused =
      hops > MAX_HOPS ? `It follows from ${hops} events, one after the other; ${MAX_HOPS} is the most` : null;
    const team = runId === null ? null : (this.#sql.team.get(runId) ?? null);
    const row = this.#sql.insert.run(
      name,
      JSON.stringify(payload),
      sourceKind,
      source,
      team,
      hops,
      at,
      refused,
    );
    const seq = Number(row.lastInsertRowid);
    for (const key of new Set(keys)) this.#sql.key.run(key, seq, at);
    return { seq, refused, again: false };
  }

  /** What a session's run tells others when it ends, or pauses for money. In the transaction of its new status. */
  runTurned(runId: string, status: RunStatus, outcome: Outcome | null, at: number): void {
    const failure = outcome === null || outcome.ok ? null : outcome.failure;
    const tells = status === 'completed' || status === 'failed' || failure?.class === 'budget';
    const found = tells ? this.#sql.session.get(runId) : undefined;
    if (found === undefined) return;
    const { id: session, ...about } = sessionRow.parse(found);
    const common = { run: runId, session, ...about };
    const say = (name: string, payload: NewBusEvent['payload'], key = `end:${runId}:${name}`): void => {
      this.publish({ keys: [key], name, payload, sourceKind: 'baton', source: runId, runId, at });
    };
    if (status === 'completed') say('task_completion', { ...common, task: about.request });
    if (failure === null) return;
    const { code, message } = failure;
    // People took what was there: nothing went wrong, and nothing was completed.
    if (code === BUDGET_DELIVERED) return;
    if (status === 'failed') say('error_encountered', { ...common, code, message });
    if (status === 'failed' && QUALITY_CODES.has(code)) say('quality_issue', { ...common, message });
    if (!isTerminal(status))
      say('resource_constraint', { ...common, resource: 'budget', message }, `pause:${runId}:${at}`);
  }
}

/** Events that reach people's runs and subscriptions, as rows of the table are read. */
export function toEvent(row: unknown): BusEvent {
  const { payload, ...rest } = eventRow.parse(row);
  return busEventSchema.parse({ ...rest, payload: JSON.parse(payload) });
}

export const EVENT_COLUMNS =
  'e.seq, e.name, e.payload, e.source_kind as sourceKind, e.source, e.team, e.hops, e.at';

const eventRow = z.object({
  seq: z.number(),
  name: z.string(),
  payload: z.string(),
  sourceKind: z.string(),
  source: z.string(),
  team: z.string().nullable(),
  hops: z.number(),
  at: z.number(),
});
const knownRow = z.object({ seq: z.number(), refused: z.string().nullable() });
const sessionRow = z.object({
  id: z.string(),
  workflow: z.string(),
  request: z.string(),
  repository: z.string(),
});

/** Key of the workspace that a run belongs to, or one of its parts. */
export const TEAM_OF_RUN = 'select s.team from runs r join sessions s on s.id = r.session_id where r.id = ?';

function prepare(raw: Database.Database) {
  return {
    known: raw.prepare(
      'select k.seq, e.refused from bus_keys k left join bus_events e on e.seq = k.seq where k.key = ?',
    ),
    // One more than the longest chain among the events that this run was given.
    hops: raw
      .prepare(
        'select coalesce(max(e.hops) + 1, 0) from bus_deliveries d join bus_events e on e.seq = d.seq where d.run_id = ?',
      )
      .pluck(),
    insert: raw.prepare(
      'insert into bus_events (name, payload, source_kind, source, team, hops, at, refused) values (?, ?, ?, ?, ?, ?, ?, ?)',
    ),
    team: raw.prepare(TEAM_OF_RUN).pluck(),
    key: raw.prepare('insert into bus_keys (key, seq, at) values (?, ?, ?) on conflict do nothing'),
    // Asking about a rollback is no work: nobody waits for its end.
    session: raw.prepare(
      "select s.id, s.workflow, s.request, s.repository from runs r join sessions s on s.id = r.session_id where r.id = ? and r.id not like '%.back-%'",
    ),
  };
}
