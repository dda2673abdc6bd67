import {
  type Approval,
  approvalPolicySchema,
  approvalSubjectSchema,
  decide,
  expire,
} from '../src/domain/approval.ts';
import { type DecisionSignal, decisionSignal } from '../src/ports/activities.ts';
import type { ApprovalStore, NewDecision } from '../src/ports/store.ts';
import { recordDecision } from './decisions.ts';
import { and, asc, eq, sql } from './drizzle.ts';
import type { EventLog } from './event-log.ts';
import type { Db } from './open.ts';
import { approvals, events, signals, usage } from './schema.ts';
import { atomically, type Tx } from './transaction.ts';

/** Longest that a person is taken to have looked at a question: what came in between is not known. */
const ATTENTION_MS = 5 * 60_000;

/** A person's time for a decision: from the question to the answer, at most five minutes. */
function attention(
  { runId, key, requestedAt }: Approval,
  now: number,
  minuteUsd: number | null,
): typeof usage.$inferInsert {
  const durationMs = Math.min(ATTENTION_MS, Math.max(0, now - requestedAt));
  const costUsd = minuteUsd === null ? null : (durationMs / 60_000) * minuteUsd;
  const tokens = { inputTokens: 0, cachedTokens: 0, outputTokens: 0, reasoningTokens: 0 };
  return { runId, key, kind: 'human', agent: null, model: null, ...tokens, durationMs, costUsd, at: now };
}

/** @param humanMinuteUsd what a minute of a person costs; null when nobody said */
export function createApprovalStore(
  db: Db,
  log: EventLog,
  humanMinuteUsd: number | null = null,
): ApprovalStore {
  const one = (tx: Tx | Db, where: ReturnType<typeof eq>): Approval | null => {
    const row = tx.select().from(approvals).where(where).get();
    return row === undefined ? null : toApproval(row);
  };
  return {
    async open(approval) {
      return atomically(db, log, (tx) => {
        const { subject, policy, ...rest } = approval;
        const row = {
          ...rest,
          status: 'pending' as const,
          subject: JSON.stringify(subject),
          policy: JSON.stringify(policy),
        };
        const inserted = tx.insert(approvals).values(row).onConflictDoNothing().run();
        if (inserted.changes > 0)
          log.append(
            approval.runId,
            { type: 'approval.requested', approvalId: approval.id },
            approval.requestedAt,
          );
        const stored = one(tx, eq(approvals.id, approval.id));
        if (stored === null) throw new Error(`The approval ${approval.id} could not be stored`);
        return stored;
      });
    },
    async byNonce(nonce) {
      return one(db, eq(approvals.nonce, nonce));
    },
    async byId(id) {
      return one(db, eq(approvals.id, id));
    },
    async decide(input) {
      return atomically(db, log, (tx) => {
        const current = one(tx, eq(approvals.nonce, input.nonce));
        if (current === null) return null;
        const result = decide(current, input);
        if (!result.ok) {
          // Voided, not left open: no later click may count for something else than was shown.
          if (result.refusal === 'content_changed') {
            close(tx, log, { ...current, status: 'voided', decidedAt: input.now }, input.now);
            tell(tx, log, current, { verdict: result.refusal, by: input.by.id, comment: null }, input.now);
          }
          return result;
        }
        if (!close(tx, log, result.approval, input.now))
          throw new Error('The approval changed under its own lock');
        const { verdict, by, comment } = input;
        recordDecision(tx, log, current.runId, decisionOf(result.approval, verdict, input.digest), input.now);
        tell(tx, log, current, { verdict, by: by.id, comment }, input.now);
        tx.insert(usage)
          .values(attention(current, input.now, humanMinuteUsd))
          .run();
        return result;
      });
    },
    async expire(id, now) {
      return atomically(db, log, (tx) => {
        const current = one(tx, eq(approvals.id, id));
        const expired = current === null ? null : expire(current, now);
        if (expired === null) return current?.status === 'expired';
        close(tx, log, expired, now);
        recordDecision(
          tx,
          log,
          expired.runId,
          {
            id: `dec_${id}`,
            kind: 'approval',
            actor: 'clock',
            actorKind: 'clock',
            choice: 'timeout',
            reason: 'Nobody decided in time',
            alternatives: [],
            evidence: { digest: expired.subject.digest },
          },
          now,
        );
        return true;
      });
    },
    async nudged(id, to, now) {
      atomically(db, log, (tx) => {
        const approval = one(tx, eq(approvals.id, id));
        if (approval?.status !== 'pending' || wasNudged(tx, approval, to)) return;
        const event =
          to === null
            ? ({ type: 'approval.reminded', approvalId: id } as const)
            : ({ type: 'approval.escalated', approvalId: id, to } as const);
        log.append(approval.runId, event, now);
      });
    },
    async ofRun(runId) {
      return db
        .select()
        .from(approvals)
        .where(eq(approvals.runId, runId))
        .orderBy(asc(approvals.requestedAt))
        .all()
        .map(toApproval);
    },
    async voidAll(runId, now) {
      atomically(db, log, (tx) => {
        const open = tx
          .select()
          .from(approvals)
          .where(and(eq(approvals.runId, runId), eq(approvals.status, 'pending')))
          .all();
        for (const row of open) close(tx, log, { ...toApproval(row), status: 'voided', decidedAt: now }, now);
      });
    },
  };
}

/** A step that crashed after its transaction comes again: the event already there says so. */
function wasNudged(tx: Tx, { id, runId }: Approval, to: string | null): boolean {
  const found = tx
    .select({ seq: events.seq })
    .from(events)
    .where(
      and(
        eq(events.runId, runId),
        eq(events.type, to === null ? 'approval.reminded' : 'approval.escalated'),
        sql`json_extract(${events.data}, '$.approvalId') = ${id}`,
        to === null ? undefined : sql`json_extract(${events.data}, '$.to') = ${to}`,
      ),
    )
    .get();
  return found !== undefined;
}

/** The compare-and-set every end of an approval goes through. False when it was not pending any more. */
function close(tx: Tx, log: EventLog, to: Approval, now: number): boolean {
  const { status, decidedBy, decidedAt, comment } = to;
  const changed = tx
    .update(approvals)
    .set({ status, decidedBy, decidedAt, comment })
    .where(and(eq(approvals.id, to.id), eq(approvals.status, 'pending')))
    .run();
  if (changed.changes === 0) return false;
  log.append(to.runId, { type: 'approval.closed', approvalId: to.id }, now);
  return true;
}

/** Sends the answer to the run that waits for it. */
function tell(tx: Tx, log: EventLog, { id, runId }: Approval, signal: DecisionSignal, now: number): void {
  const name = decisionSignal(id);
  tx.insert(signals)
    .values({ runId, name, payload: JSON.stringify(signal), idempotencyKey: name, at: now })
    .onConflictDoNothing()
    .run();
  log.append(runId, { type: 'signal.received', name }, now);
}

function decisionOf(approval: Approval, verdict: string, digest: string): NewDecision {
  return {
    id: `dec_${approval.id}`,
    kind: 'approval',
    actor: approval.decidedBy ?? '',
    actorKind: 'person',
    choice: verdict,
    reason: approval.comment ?? '',
    alternatives: [],
    evidence: { shown: approval.subject.digest, found: digest, title: approval.subject.title },
  };
}

function toApproval(row: typeof approvals.$inferSelect): Approval {
  return {
    ...row,
    subject: approvalSubjectSchema.parse(JSON.parse(row.subject)),
    policy: approvalPolicySchema.parse(JSON.parse(row.policy)),
  };
}
