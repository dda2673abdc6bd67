import type { Approval } from '../src/domain/approval.ts';
import type { ActorKind } from '../src/domain/audit.ts';
import type { RunEvent } from '../src/domain/events.ts';
import type { Json } from '../src/domain/json.ts';
import type { Closed, TellClosed } from '../src/ports/telling.ts';
import { recordDecision } from './decisions.ts';
import { and, eq, sql } from './drizzle.ts';
import type { EventLog } from './event-log.ts';
import type { Db } from './open.ts';
import { enqueueRows } from './outbox.ts';
import { deedStatement, questionOf } from './question.ts';
import { approvals } from './tables/people.ts';
import { usage } from './tables/runs.ts';
import type { Tx } from './transaction.ts';

export interface Who {
  readonly actor: string;
  readonly actorKind: ActorKind;
}

/**
 * The statements of nearly every change. Built once for a connection and used inside whatever transaction it is
 * in: putting them together anew each time cost as much as running them.
 */
export function approvalStatements(db: Db) {
  const value = (name: string) => sql`${sql.placeholder(name)}`;
  return {
    open: db
      .insert(approvals)
      .values({
        id: value('id'),
        nonce: value('nonce'),
        runId: value('runId'),
        key: value('key'),
        team: value('team'),
        requester: value('requester'),
        status: 'pending',
        subject: value('subject'),
        policy: value('policy'),
        requestedAt: value('requestedAt'),
        expiresAt: value('expiresAt'),
      })
      .onConflictDoNothing()
      .prepare(),
    attention: db
      .insert(usage)
      .values({
        runId: value('runId'),
        key: value('key'),
        kind: 'human',
        inputTokens: 0,
        cachedTokens: 0,
        outputTokens: 0,
        reasoningTokens: 0,
        durationMs: value('durationMs'),
        costUsd: value('costUsd'),
        at: value('at'),
      })
      .prepare(),
    set: db
      .update(approvals)
      .set({
        status: value('status'),
        decidedBy: value('decidedBy'),
        decidedAt: value('decidedAt'),
        comment: value('comment'),
        voidReason: value('voidReason'),
        executeBy: value('executeBy'),
        takenBy: value('takenBy'),
        takenAt: value('takenAt'),
        auditHash: value('auditHash'),
        votes: value('votes'),
        breakGlass: value('breakGlass'),
      })
      .where(and(eq(approvals.id, sql.placeholder('id')), eq(approvals.status, sql.placeholder('from'))))
      .prepare(),
    deeds: deedStatement(db),
    head: db
      .update(approvals)
      .set({ auditHash: value('auditHash') })
      .where(eq(approvals.id, sql.placeholder('id')))
      .prepare(),
  };
}

/** What is written about approvals inside one transaction: the row, its audit row, its event, its decision. */
export class ApprovalWriter {
  readonly #tx: Tx;
  readonly #log: EventLog;
  readonly #statements: ReturnType<typeof approvalStatements>;

  readonly #tell: TellClosed | null;

  /** @param tell what a closed question leads to in the chat; null: nobody is told by this store */
  constructor(
    tx: Tx,
    log: EventLog,
    statements: ReturnType<typeof approvalStatements>,
    tell: TellClosed | null,
  ) {
    this.#tx = tx;
    this.#log = log;
    this.#statements = statements;
    this.#tell = tell;
  }

  opened(approval: Approval): void {
    const { subject, policy, requester, requestedAt, id } = approval;
    const hash = this.#audit(
      approval,
      'opened',
      { actor: 'baton', actorKind: 'baton' },
      { title: subject.title, requester, policy: policy.version, expiresAt: approval.expiresAt },
      subject.digest,
      requestedAt,
    );
    this.#statements.head.run({ id, auditHash: hash });
    this.#event(approval, { type: 'approval.requested', approvalId: id }, requestedAt);
  }

  /** The compare-and-set that every change of a status goes through. @throws when somebody else changed it */
  close(
    from: Approval,
    to: Approval,
    why: Who & { readonly detail: Json; readonly executed: string | null },
    now: number,
  ): Approval {
    const auditHash = this.#audit(to, to.status, why, why.detail, why.executed, now);
    this.#set(from, { ...to, auditHash });
    const event = { type: 'approval.closed', approvalId: to.id } as const;
    this.#event(to, event, now);
    this.#outbox(event, { ...to, auditHash }, now);
    return { ...to, auditHash };
  }

  vote(
    from: Approval,
    to: Approval,
    who: Who & { readonly detail: Json; readonly digest: string },
    now: number,
  ): void {
    const auditHash = this.#audit(to, 'voted', who, who.detail, who.digest, now);
    this.#set(from, { ...to, auditHash });
    this.#event(to, { type: 'approval.voted', approvalId: to.id, by: who.actor }, now);
  }

  /** The intent of the action that was allowed. */
  taken(to: Approval, executed: string, now: number): void {
    const who: Who = { actor: 'baton', actorKind: 'baton' };
    const auditHash = this.#audit(to, 'taken', who, { key: to.takenBy }, executed, now);
    this.#set({ ...to, status: 'approved' }, { ...to, auditHash });
    this.#event(to, { type: 'approval.taken', approvalId: to.id }, now);
  }

  brokeGlass(to: Approval, now: number): void {
    if (to.breakGlass === null) return;
    const { by, reason } = to.breakGlass;
    this.#audit(to, 'broke_glass', { actor: by, actorKind: 'person' }, { reason }, to.subject.digest, now);
    const event = { type: 'approval.broke_glass', approvalId: to.id, by, reason } as const;
    this.#event(to, event, now);
    this.#outbox(event, to, now);
  }

  asked(
    approval: Approval,
    question: { readonly id: string; readonly by: string; readonly text: string; readonly place: string },
    now: number,
  ): void {
    const { id, by, text, place } = question;
    recordDecision(
      this.#tx,
      this.#log,
      approval.runId,
      {
        id,
        kind: 'question',
        actor: by,
        actorKind: 'person',
        choice: 'ask',
        reason: text,
        alternatives: [],
        evidence: { approvalId: approval.id, place },
      },
      now,
    );
    this.#event(approval, { type: 'approval.asked', approvalId: approval.id, by, text }, now);
  }

  /** Somebody, or something, was turned away: nothing changes, and it is kept. */
  refused(
    approval: Approval,
    why: Who & {
      readonly refusal: string;
      readonly choice: string;
      readonly place: string;
      readonly digest: string | null;
    },
    now: number,
  ): void {
    const { refusal, choice, place, digest } = why;
    this.#audit(approval, 'refused', why, { refusal, choice, place }, digest, now);
  }

  decision(
    approval: Approval,
    choice: string,
    actor: string,
    actorKind: ActorKind,
    evidence: { readonly shown: string; readonly found: string },
    now: number,
  ): void {
    const { title } = approval.subject;
    const votes = approval.votes.map(({ by, verdict, at, inPlaceOf, amount }) => ({
      by,
      verdict,
      at,
      ...(inPlaceOf === undefined ? {} : { inPlaceOf }),
      ...(amount === undefined ? {} : { amount }),
    }));
    recordDecision(
      this.#tx,
      this.#log,
      approval.runId,
      {
        id: `dec_${approval.id}`,
        kind: 'approval',
        actor,
        actorKind,
        choice,
        reason: approval.comment ?? '',
        alternatives: [],
        evidence: { ...evidence, title, votes },
      },
      now,
    );
  }

  /** A timeout is recorded as one, and never as somebody's rejection (A7). */
  timeout(approval: Approval, what: 'decide' | 'execute', now: number): void {
    const decide = what === 'decide';
    recordDecision(
      this.#tx,
      this.#log,
      approval.runId,
      {
        id: decide ? `dec_${approval.id}` : `dec_${approval.id}_execute`,
        kind: 'approval',
        actor: 'clock',
        actorKind: 'clock',
        choice: 'timeout',
        reason: decide ? 'Nobody decided in time' : 'It was allowed, and not begun in time',
        alternatives: [],
        evidence: { digest: approval.subject.digest },
      },
      now,
    );
  }

  #set(from: Approval, to: Approval): void {
    const { id, status, decidedBy, decidedAt, comment, voidReason, executeBy, takenBy, takenAt, auditHash } =
      to;
    const changed = this.#statements.set.run({
      id,
      from: from.status,
      status,
      decidedBy,
      decidedAt,
      comment,
      voidReason,
      executeBy,
      takenBy,
      takenAt,
      auditHash,
      votes: JSON.stringify(to.votes),
      breakGlass: to.breakGlass === null ? null : JSON.stringify(to.breakGlass),
    });
    if (changed.changes === 0) throw new Error('The approval changed under its own lock');
  }

  #audit(
    { id, runId, team, subject }: Approval,
    kind: string,
    { actor, actorKind }: Who,
    detail: Json,
    executed: string | null,
    at: number,
  ): string {
    return this.#log.audit.append({
      at,
      kind: `approval.${kind}`,
      actor,
      actorKind,
      team,
      runId,
      approvalId: id,
      shown: subject.digest,
      executed,
      detail,
    });
  }

  /** What people are told of it goes with it or not at all. */
  #outbox(event: Closed['event'], approval: Approval, now: number): void {
    if (this.#tell === null) return;
    const about = questionOf(this.#tx, this.#log, this.#statements.deeds, approval);
    if (about !== null) enqueueRows(this.#tx, this.#tell({ ...about, event, approval, now }), now);
  }

  #event({ runId }: Approval, event: RunEvent, now: number): void {
    this.#log.append(runId, event, now);
  }
}
