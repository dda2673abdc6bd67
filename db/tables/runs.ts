import { runStatuses } from '../../src/domain/run.ts';
import { check, index, integer, primaryKey, real, sql, sqliteTable, text, uniqueIndex } from '../drizzle.ts';
import { oneOf } from './one-of.ts';

/** What runs are, what they did and what it took. */

/** One epic: a request, its thread, its people. */
export const sessions = sqliteTable(
  'sessions',
  {
    id: text().primaryKey(),
    team: text().notNull(),
    channel: text().notNull(),
    requester: text().notNull(),
    request: text().notNull(),
    workflow: text().notNull(),
    repository: text().notNull(),
    createdAt: integer('created_at').notNull(),
    /** The latest run; a retry is a new run of the same session. */
    currentRunId: text('current_run_id').notNull(),
  },
  (t) => [index('sessions_by_team').on(t.team, t.createdAt)],
);

/** One execution. `spec` is the pinned definition and input; `hash` its digest. */
export const runs = sqliteTable(
  'runs',
  {
    id: text().primaryKey(),
    sessionId: text('session_id'),
    status: text({ enum: runStatuses }).notNull(),
    spec: text().notNull(),
    hash: text().notNull(),
    createdAt: integer('created_at').notNull(),
    endedAt: integer('ended_at'),
    /** JSON: the outcome of a run that ended, or the failure that paused it. */
    outcome: text(),
    /** Events up to this number have been told to people. */
    projectedSeq: integer('projected_seq').notNull().default(0),
    /** 1 when the end itself has been told. */
    projectionDone: integer('projection_done').notNull().default(0),
  },
  (t) => [
    index('runs_by_status').on(t.status),
    index('runs_by_session').on(t.sessionId),
    index('runs_unprojected').on(t.projectionDone).where(sql`projection_done = 0 and session_id is not null`),
    check('runs_status', oneOf('status', runStatuses)),
  ],
);

export const opKinds = ['step', 'sleep', 'signal', 'value', 'child'] as const;
export const opStatuses = ['done', 'failed'] as const;

/**
 * The journal: one row per operation of a run that has an outcome. `settledSeq` orders the replay. That a step has
 * begun is said by its event alone.
 */
export const steps = sqliteTable(
  'steps',
  {
    runId: text('run_id').notNull(),
    key: text().notNull(),
    kind: text({ enum: opKinds }).notNull(),
    status: text({ enum: opStatuses }).notNull(),
    /** The one that led to this outcome. */
    attempt: integer().notNull(),
    settledSeq: integer('settled_seq').notNull(),
    outcome: text().notNull(),
  },
  (t) => [primaryKey({ columns: [t.runId, t.key] })],
);

/** Signals are stored before they are waited for; the first per idempotency key wins. */
export const signals = sqliteTable(
  'signals',
  {
    id: integer().primaryKey({ autoIncrement: true }),
    runId: text('run_id').notNull(),
    name: text().notNull(),
    payload: text().notNull(),
    idempotencyKey: text('idempotency_key').notNull(),
    at: integer().notNull(),
    consumedBy: text('consumed_by'),
  },
  (t) => [
    uniqueIndex('signals_once').on(t.runId, t.idempotencyKey),
    index('signals_waiting').on(t.runId).where(sql`consumed_by is null`),
  ],
);

export const timers = sqliteTable(
  'timers',
  {
    runId: text('run_id').notNull(),
    key: text().notNull(),
    fireAt: integer('fire_at').notNull(),
  },
  (t) => [primaryKey({ columns: [t.runId, t.key] }), index('timers_due').on(t.fireAt)],
);

/** Claims on named resources, of all runs; `seq` is the order in which they came. A claim lives as long as its timer. */
export const leases = sqliteTable(
  'leases',
  {
    seq: integer().primaryKey({ autoIncrement: true }),
    id: text().notNull().unique(),
    runId: text('run_id').notNull(),
    timer: text().notNull(),
    wants: text().notNull(),
    held: integer().notNull(),
    askedAt: integer('asked_at').notNull(),
  },
  (t) => [index('leases_by_run').on(t.runId)],
);

/**
 * Append-only, numbered per run. Rows stand in the order in which they came, whatever their run: a turn of many runs
 * then adds pages at the end of the table instead of changing one for each run.
 */
export const events = sqliteTable(
  'events',
  {
    runId: text('run_id').notNull(),
    seq: integer().notNull(),
    at: integer().notNull(),
    type: text().notNull(),
    data: text().notNull(),
  },
  (t) => [uniqueIndex('events_by_run').on(t.runId, t.seq)],
);

export const usage = sqliteTable(
  'usage',
  {
    id: integer().primaryKey({ autoIncrement: true }),
    runId: text('run_id').notNull(),
    key: text().notNull(),
    kind: text({ enum: ['model', 'tool', 'compute', 'human'] }).notNull(),
    agent: text(),
    model: text(),
    /** The server a model was called at; null where none was, and of versions that did not say. */
    host: text(),
    inputTokens: integer('input_tokens').notNull(),
    cachedTokens: integer('cached_tokens').notNull(),
    outputTokens: integer('output_tokens').notNull(),
    reasoningTokens: integer('reasoning_tokens').notNull(),
    durationMs: real('duration_ms').notNull(),
    /** Null: no price is known. */
    costUsd: real('cost_usd'),
    at: integer().notNull(),
  },
  (t) => [index('usage_by_run').on(t.runId)],
);
