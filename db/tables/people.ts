import { approvalStatuses, voidReasons } from '../../src/domain/approval.ts';
import { actorKinds } from '../../src/domain/audit.ts';
import { personTaskStatuses } from '../../src/domain/person-task.ts';
import { check, index, integer, primaryKey, sql, sqliteTable, text } from '../drizzle.ts';
import { oneOf } from './one-of.ts';

/** What people are asked, what they decided, and who did what. */

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

/** Flags that people set in channels. */
export const flags = sqliteTable(
  'flags',
  {
    team: text().notNull(),
    channel: text().notNull(),
    name: text().notNull(),
    on: integer({ mode: 'boolean' }).notNull(),
    by: text().notNull(),
    at: integer().notNull(),
  },
  (t) => [primaryKey({ columns: [t.team, t.channel, t.name] })],
);
