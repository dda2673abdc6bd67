import { approvalStatuses, voidReasons } from '../src/domain/approval.ts';
import { actorKinds } from '../src/domain/audit.ts';
import { eventSources } from '../src/domain/bus-event.ts';
import { personTaskStatuses } from '../src/domain/person-task.ts';
import { runStatuses } from '../src/domain/run.ts';
import { busDeliveryStatuses } from '../src/ports/bus.ts';
import { healthKinds } from '../src/ports/health.ts';
import { lanes, outboxStatuses } from '../src/ports/outbox.ts';
import { check, index, integer, primaryKey, real, sql, sqliteTable, text, uniqueIndex } from './drizzle.ts';

/** Times are milliseconds since the epoch. JSON is kept as text and parsed with zod where it is read. */

function oneOf(column: string, values: readonly string[]) {
  return sql.raw(`"${column}" in (${values.map((value) => `'${value}'`).join(', ')})`);
}

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

/** Any recorded choice, human or automatic. */
export const decisions = sqliteTable(
  'decisions',
  {
    id: text().primaryKey(),
    runId: text('run_id').notNull(),
    kind: text().notNull(),
    /** A person's id, or the part of Baton that chose. */
    actor: text().notNull(),
    actorKind: text('actor_kind', { enum: actorKinds }).notNull(),
    choice: text().notNull(),
    reason: text().notNull(),
    alternatives: text().notNull().default('[]'),
    /** What it was based on: digests, quality, ballots. JSON. */
    evidence: text().notNull().default('{}'),
    at: integer().notNull(),
  },
  (t) => [index('decisions_by_run').on(t.runId, t.at)],
);

export const approvals = sqliteTable(
  'approvals',
  {
    id: text().primaryKey(),
    nonce: text().notNull().unique(),
    runId: text('run_id').notNull(),
    key: text().notNull(),
    team: text().notNull(),
    requester: text().notNull(),
    status: text({ enum: approvalStatuses }).notNull(),
    subject: text().notNull(),
    policy: text().notNull(),
    requestedAt: integer('requested_at').notNull(),
    expiresAt: integer('expires_at').notNull(),
    decidedBy: text('decided_by'),
    decidedAt: integer('decided_at'),
    comment: text(),
    /** JSON: who said what, one entry per person. */
    votes: text().notNull().default('[]'),
    /** JSON: the admin who went past who may decide, and why. */
    breakGlass: text('break_glass'),
    voidReason: text('void_reason', { enum: voidReasons }),
    executeBy: integer('execute_by'),
    takenBy: text('taken_by'),
    takenAt: integer('taken_at'),
    auditHash: text('audit_hash'),
  },
  (t) => [
    index('approvals_by_run').on(t.runId),
    index('approvals_open').on(t.status).where(sql`status in ('pending', 'approved')`),
    check('approvals_status', oneOf('status', approvalStatuses)),
  ],
);

/** Who decides in whose place while they are away. */
export const delegations = sqliteTable(
  'delegations',
  {
    id: text().primaryKey(),
    team: text().notNull(),
    from: text('from_user').notNull(),
    to: text('to_user').notNull(),
    since: integer().notNull(),
    until: integer().notNull(),
    endedAt: integer('ended_at'),
  },
  (t) => [index('delegations_standing').on(t.team, t.until).where(sql`ended_at is null`)],
);

/** One task for a person. What nobody looks for by itself is in `detail`. */
export const personTasks = sqliteTable(
  'person_tasks',
  {
    id: text().primaryKey(),
    nonce: text().notNull().unique(),
    runId: text('run_id').notNull(),
    team: text().notNull(),
    status: text({ enum: personTaskStatuses }).notNull(),
    assignee: text().notNull(),
    askedAt: integer('asked_at').notNull(),
    /** JSON: the task as a whole. */
    detail: text().notNull(),
  },
  (t) => [
    index('person_tasks_by_run').on(t.runId),
    index('person_tasks_open').on(t.team, t.askedAt).where(sql`status = 'open'`),
    check('person_tasks_status', oneOf('status', personTaskStatuses)),
  ],
);

/**
 * Who did what, append-only: triggers refuse to change or delete a row, and each row's hash covers the one before.
 * Each hash also goes to a file beside the database, so that cutting off the end shows.
 */
export const audit = sqliteTable(
  'audit',
  {
    /** From 1, without gaps. */
    seq: integer().primaryKey(),
    at: integer().notNull(),
    kind: text().notNull(),
    actor: text().notNull(),
    actorKind: text('actor_kind', { enum: actorKinds }).notNull(),
    team: text(),
    runId: text('run_id'),
    approvalId: text('approval_id'),
    /** Digest of what was shown to whoever decided, and of what was found or carried out. */
    shown: text(),
    executed: text(),
    detail: text().notNull(),
    prev: text().notNull(),
    hash: text().notNull(),
  },
  (t) => [index('audit_by_run').on(t.runId)],
);

export const outbox = sqliteTable(
  'outbox',
  {
    id: integer().primaryKey({ autoIncrement: true }),
    team: text().notNull(),
    key: text().notNull(),
    kind: text({ enum: ['post', 'update', 'ephemeral'] }).notNull(),
    /** JSON of `Target`. */
    target: text().notNull(),
    user: text(),
    thread: text(),
    lane: text({ enum: lanes }).notNull(),
    text: text().notNull(),
    blocks: text().notNull(),
    status: text({ enum: outboxStatuses }).notNull(),
    attempts: integer().notNull().default(0),
    notBefore: integer('not_before').notNull().default(0),
    error: text(),
    createdAt: integer('created_at').notNull(),
    endedAt: integer('ended_at'),
  },
  (t) => [
    index('outbox_waiting').on(t.id).where(sql`status in ('pending', 'sending')`),
    uniqueIndex('outbox_one_post').on(t.key).where(sql`kind <> 'update'`),
    uniqueIndex('outbox_one_update').on(t.key).where(sql`kind = 'update' and status = 'pending'`),
    check('outbox_status', oneOf('status', outboxStatuses)),
  ],
);

/** Workspaces and organisations that have installed Baton. What opens them is sealed: see `src/slack/oauth/seal.ts`. */
export const installations = sqliteTable('installations', {
  /** Key of the workspace; of an organisation as a whole, its enterprise's id. */
  id: text().primaryKey(),
  name: text().notNull(),
  sealed: text().notNull(),
  /** Which of the keys opens it. */
  keyId: text('key_id').notNull(),
  installedAt: integer('installed_at').notNull(),
  /** When it was taken back, and how; null while it holds. */
  revokedAt: integer('revoked_at'),
  revokedBy: text('revoked_by'),
});

/** Where our messages stand in Slack. */
export const messages = sqliteTable(
  'messages',
  {
    key: text().primaryKey(),
    team: text().notNull(),
    channel: text().notNull(),
    ts: text().notNull(),
    outboxId: integer('outbox_id').notNull(),
  },
  (t) => [uniqueIndex('messages_by_place').on(t.team, t.channel, t.ts)],
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

/** Whether agents and models can be relied on: the circuit of each as JSON, and how agents' tasks ended. */
export const health = sqliteTable(
  'health',
  {
    kind: text({ enum: healthKinds }).notNull(),
    name: text().notNull(),
    circuit: text().notNull(),
    done: integer().notNull(),
    failed: integer().notNull(),
    /** JSON: code, message, when. */
    lastFailure: text('last_failure'),
  },
  (t) => [primaryKey({ columns: [t.kind, t.name] })],
);

/** Answers of models that may be given again, by a digest over everything that was asked and where. */
export const modelAnswers = sqliteTable(
  'model_answers',
  {
    digest: text().primaryKey(),
    reply: text().notNull(),
    bytes: integer().notNull(),
    at: integer().notNull(),
  },
  (t) => [index('model_answers_by_time').on(t.at)],
);

/** What came in, by intent: a redelivery finds its row and changes nothing. */
export const deliveries = sqliteTable(
  'deliveries',
  {
    id: integer().primaryKey({ autoIncrement: true }),
    intent: text().notNull().unique(),
    kind: text().notNull(),
    payload: text().notNull(),
    receivedAt: integer('received_at').notNull(),
    handledAt: integer('handled_at'),
    attempts: integer().notNull().default(0),
    error: text(),
  },
  (t) => [index('deliveries_open').on(t.id).where(sql`handled_at is null`)],
);

/** Request signatures seen within the timestamp window (HTTP mode). */
export const replays = sqliteTable('replays', {
  signature: text().primaryKey(),
  seenAt: integer('seen_at').notNull(),
});

/** Answers people gave for this machine, such as whether commands may run unsandboxed. */
export const settings = sqliteTable('settings', {
  key: text().primaryKey(),
  value: text().notNull(),
  at: integer().notNull(),
});

/**
 * The bus: what was published, in order. `seq` is the order and, as `evt_<seq>`, the name. Refused ones are kept
 * for people to see and reach nobody.
 */
export const busEvents = sqliteTable(
  'bus_events',
  {
    seq: integer().primaryKey({ autoIncrement: true }),
    name: text().notNull(),
    payload: text().notNull(),
    sourceKind: text('source_kind', { enum: eventSources }).notNull(),
    source: text().notNull(),
    /** How many events led to this one. */
    hops: integer().notNull(),
    at: integer().notNull(),
    refused: text(),
  },
  (t) => [
    index('bus_events_by_name').on(t.name, t.seq),
    check('bus_events_source', oneOf('source_kind', eventSources)),
  ],
);

/** What makes a publication the same one when it comes again; kept longer than the events themselves. */
export const busKeys = sqliteTable(
  'bus_keys',
  { key: text().primaryKey(), seq: integer().notNull(), at: integer().notNull() },
  (t) => [index('bus_keys_by_time').on(t.at)],
);

/** Runs that wait for events. A row goes when its last event has been handed over. */
export const busListeners = sqliteTable(
  'bus_listeners',
  {
    /** The run's id and the path of its node. */
    id: text().primaryKey(),
    runId: text('run_id').notNull(),
    name: text().notNull(),
    signal: text().notNull(),
    rule: text(),
    /** JSON: what the rule may speak of beside the event. */
    facts: text().notNull(),
    remaining: integer().notNull(),
    /** Only events after this one. */
    afterSeq: integer('after_seq').notNull(),
  },
  (t) => [index('bus_listeners_by_name').on(t.name), index('bus_listeners_by_run').on(t.runId)],
);

/** Who was given which event: a subscriber gets each once. Those of a subscription wait here until they start a run. */
export const busDeliveries = sqliteTable(
  'bus_deliveries',
  {
    id: integer().primaryKey({ autoIncrement: true }),
    subscriber: text().notNull(),
    seq: integer().notNull(),
    at: integer().notNull(),
    status: text({ enum: busDeliveryStatuses }).notNull(),
    /** Deliveries that start one run together. */
    batch: text(),
    runId: text('run_id'),
    reason: text(),
  },
  (t) => [
    uniqueIndex('bus_deliveries_once').on(t.subscriber, t.seq),
    index('bus_deliveries_pending').on(t.subscriber, t.id).where(sql`status = 'pending'`),
    index('bus_deliveries_claimed').on(t.id).where(sql`status = 'claimed'`),
    index('bus_deliveries_by_run').on(t.runId).where(sql`run_id is not null`),
    index('bus_deliveries_by_seq').on(t.seq),
    check('bus_deliveries_status', oneOf('status', busDeliveryStatuses)),
  ],
);
