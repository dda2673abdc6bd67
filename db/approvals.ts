import { createHash } from 'node:crypto';
import type { Approval, Verdict } from '../src/domain/approval.ts';
import {
  breakGlass,
  type DecideResult,
  decide,
  expire,
  lapse,
  notAllowed,
  notNow,
  take,
  withdraw,
} from '../src/domain/approval-rules.ts';
import { keyOf } from '../src/domain/escalation.ts';
import { eventOf } from '../src/domain/escalation-events.ts';
import type { Json } from '../src/domain/json.ts';
import { type DecisionSignal, decisionSignal } from '../src/ports/activities.ts';
import type { ApprovalStore, Word } from '../src/ports/store.ts';
import type { TellClosed } from '../src/ports/telling.ts';
import { toApproval, toRow } from './approval-rows.ts';
import { ApprovalWriter, approvalStatements, type Who } from './approval-writer.ts';
import { and, asc, eq, inArray, lte, or, sql } from './drizzle.ts';
import { refuseEnded } from './ended.ts';
import type { EventLog } from './event-log.ts';
import type { Db } from './open.ts';
import { askedOf, deedsOf } from './question.ts';
import { approvals } from './tables/people.ts';
import { signals } from './tables/runs.ts';
import { atomically, type Tx } from './transaction.ts';

/** Longest that a person is taken to have looked at a question: what came in between is not known. */
const ATTENTION_MS = 5 * 60_000;
const CLOCK: Who = { actor: 'clock', actorKind: 'clock' };
const BATON: Who = { actor: 'baton', actorKind: 'baton' };
/** Of what ran out, so many in one transaction: the next sweep takes the rest. */
const SWEPT = 500;

/** A person's time for a decision: from the question to the answer, at most five minutes. */
function attention({ runId, key, requestedAt }: Approval, now: number, minuteUsd: number | null) {
  const durationMs = Math.min(ATTENTION_MS, Math.max(0, now - requestedAt));
  const costUsd = minuteUsd === null ? null : (durationMs / 60_000) * minuteUsd;
  return { runId, key, durationMs, costUsd, at: now };
}

/**
 * The only doors to an approval's state. Each is one transaction with its audit row, event and signal (A1).
 * @param humanMinuteUsd what a minute of a person costs; null when nobody said
 * @param chat what a closed question leads to in the chat, once there is one
 */
export function createApprovalStore(
  db: Db,
  log: EventLog,
  humanMinuteUsd: number | null = null,
  chat: () => TellClosed | null = () => null,
): ApprovalStore {
  // Read with every click and every look at a question: built once, they cost a fifth.
  const found = (column: typeof approvals.id | typeof approvals.nonce) =>
    db
      .select()
      .from(approvals)
      .where(eq(column, sql.placeholder('value')))
      .prepare();
  const byId = found(approvals.id);
  const byNonce = found(approvals.nonce);
  const ofRun = db
    .select()
    .from(approvals)
    .where(eq(approvals.runId, sql.placeholder('runId')))
    .orderBy(asc(approvals.requestedAt))
    .prepare();
  const one = (query: typeof byId, value: string): Approval | null => {
    const row = query.get({ value });
    return row === undefined ? null : toApproval(row);
  };
  const statements = approvalStatements(db);
  const within = <T>(work: (tx: Tx, writer: ApprovalWriter) => T): T =>
    atomically(db, log, (tx) => work(tx, new ApprovalWriter(tx, log, statements, chat())));

  /** A person's word: what the rules make of it is written, whatever it is. */
  const say = (
    input: Word & { readonly digest: string },
    { choice, verdict, comment, edited }: Spoken,
    rule: (approval: Approval) => DecideResult,
  ): DecideResult | null =>
    within((tx, writer) => {
      const current = one(byNonce, input.nonce);
      if (current === null) return null;
      const result = rule(current);
      const { by, now, place, digest } = input;
      const who = person(by.id);
      if (!result.ok) {
        writer.refused(current, { ...who, refusal: result.refusal, choice, place, digest }, now);
        settleRefused(tx, log, writer, current, result.refusal, by.id, now);
        return result;
      }
      statements.attention.run(attention(current, now, humanMinuteUsd));
      const next = result.approval;
      const detail: Json = {
        choice,
        comment,
        place,
        votes: next.votes.map((vote) => vote.by),
        ...inPlaceOf(next, by.id),
        ...amountOf(next, by.id),
        ...(edited === undefined ? {} : { edited: digestOf(edited) }),
      };
      if (next.status === 'pending') {
        writer.vote(current, next, { ...who, detail, digest }, now);
        return { ok: true, approval: next };
      }
      if (next.breakGlass !== null) writer.brokeGlass(next, now);
      const stored = writer.close(current, next, { ...who, detail, executed: digest }, now);
      writer.decision(next, choice, by.id, 'person', { shown: next.subject.digest, found: digest }, now);
      const signal = { verdict, by: by.id, comment, ...(edited === undefined ? {} : { edited }) };
      tell(tx, log, current, signal, now);
      return { ok: true, approval: stored };
    });

  return {
    async open(approval) {
      return within((tx, writer) => {
        refuseEnded(tx, approval.runId);
        const inserted = statements.open.run(toRow(approval));
        const stored = one(byId, approval.id);
        if (stored === null) throw new Error(`The approval ${approval.id} could not be stored`);
        if (inserted.changes > 0) writer.opened(stored);
        return stored;
      });
    },
    async byNonce(nonce) {
      return one(byNonce, nonce);
    },
    async byId(id) {
      return one(byId, id);
    },
    async decide(input) {
      const { verdict, comment, edited, ...word } = input;
      if (edited === undefined)
        return say(input, { choice: verdict, verdict, comment }, (approval) =>
          decide(approval, { ...word, verdict, comment }),
        );
      return say(input, { choice: 'edit', verdict, comment, edited }, (approval) =>
        decide(approval, { ...word, verdict, comment, edited: digestOf(edited) }),
      );
    },
    async check({ choice, ...word }) {
      return within((tx, writer) => {
        const current = one(byNonce, word.nonce);
        if (current === null) return null;
        const refusal = notNow(current, word);
        if (refusal === null) return { ok: true, approval: current };
        const { by, now, place, digest } = word;
        writer.refused(current, { ...person(by.id), refusal, choice, place, digest }, now);
        settleRefused(tx, log, writer, current, refusal, by.id, now);
        return { ok: false, refusal, approval: one(byNonce, word.nonce) ?? current };
      });
    },
    async breakGlass(input) {
      const words = { choice: 'break_glass', verdict: 'approve', comment: input.reason } as const;
      return say(input, words, (approval) => breakGlass(approval, input));
    },
    async ask({ id, nonce, by, text, place, now }) {
      return within((_tx, writer) => {
        const current = one(byNonce, nonce);
        if (current === null || current.status !== 'pending' || by.team !== current.team) return false;
        if (notAllowed(current, by) !== null) return false;
        writer.asked(current, { id, by: by.id, text, place }, now);
        return true;
      });
    },
    async refused({ nonce, by, refusal, verdict, place, now }) {
      within((_tx, writer) => {
        const current = one(byNonce, nonce);
        if (current !== null)
          writer.refused(current, { ...person(by), refusal, choice: verdict, place, digest: null }, now);
      });
    },
    async take({ id, key, digest, voters, now }) {
      return within((_tx, writer) => {
        const current = one(byId, id);
        if (current === null) throw new Error(`There is no approval ${id}`);
        const result = take(current, { key, digest, voters, now });
        if (result.ok && !result.again) writer.taken(result.approval, digest, now);
        if (!result.ok && result.approval !== current) {
          const who = result.approval.status === 'lapsed' ? CLOCK : BATON;
          writer.close(
            current,
            result.approval,
            { ...who, detail: { why: result.why, key }, executed: digest },
            now,
          );
          if (result.approval.status === 'lapsed') writer.timeout(current, 'execute', now);
        } else if (!result.ok) {
          writer.refused(current, { ...BATON, refusal: result.why, choice: 'take', place: key, digest }, now);
        }
        return result;
      });
    },
    async expire(id, now) {
      return within((_tx, writer) => {
        const current = one(byId, id);
        const expired = current === null ? null : expire(current, now);
        if (current === null || expired === null) return current?.status === 'expired';
        timeOut(writer, current, expired, now);
        return true;
      });
    },
    async expireDue(now) {
      return within((tx, writer) => {
        const due = tx
          .select()
          .from(approvals)
          .where(
            or(
              and(eq(approvals.status, 'pending'), lte(approvals.expiresAt, now)),
              and(eq(approvals.status, 'approved'), lte(approvals.executeBy, now)),
            ),
          )
          .limit(SWEPT)
          .all()
          .map(toApproval);
        for (const current of due) {
          const next = expire(current, now) ?? lapse(current, now);
          if (next !== null) timeOut(writer, current, next, now);
        }
        return due.length;
      });
    },
    async nudged(id, deed, now, calling) {
      atomically(db, log, () => {
        const approval = one(byId, id);
        if (approval?.status !== 'pending') return;
        // A step that crashed after its transaction comes again: the event already there says so.
        const done = deedsOf(statements.deeds, approval).map((each) => keyOf(each.deed));
        if (!done.includes(keyOf(deed))) log.append(approval.runId, eventOf(id, deed, calling), now);
      });
    },
    async askedOf(team) {
      return askedOf(db, team);
    },
    async deedsOf(id) {
      const approval = one(byId, id);
      return approval === null ? [] : deedsOf(statements.deeds, approval);
    },
    async ofRun(runId) {
      return ofRun.all({ runId }).map(toApproval);
    },
    async voidAll(runId, now) {
      within((tx, writer) => {
        const open = tx
          .select()
          .from(approvals)
          .where(and(eq(approvals.runId, runId), inArray(approvals.status, ['pending', 'approved'])))
          .all()
          .map(toApproval);
        for (const current of open) {
          const next = withdraw(current, 'withdrawn', now);
          const why = { ...BATON, detail: { why: 'the run ended' }, executed: null };
          if (next !== null) writer.close(current, next, why, now);
        }
      });
    },
  };
}

/** What somebody says, as it is written down. */
interface Spoken {
  readonly choice: string;
  readonly verdict: Verdict;
  readonly comment: string | null;
  readonly edited?: string;
}

function digestOf(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

/** In whose place somebody spoke, for the audit. */
function inPlaceOf({ votes }: Approval, by: string): { readonly inPlaceOf?: string } {
  const away = votes.find((vote) => vote.by === by)?.inPlaceOf;
  return away === undefined ? {} : { inPlaceOf: away };
}

/** The amount somebody named, for the audit. */
function amountOf({ votes }: Approval, by: string): { readonly amount?: number } {
  const amount = votes.find((vote) => vote.by === by)?.amount;
  return amount === undefined ? {} : { amount };
}

function person(actor: string): Who {
  return { actor, actorKind: 'person' };
}

/** Two refusals find something that has to be recorded; neither can be answered by a later click then. */
function settleRefused(
  tx: Tx,
  log: EventLog,
  writer: ApprovalWriter,
  current: Approval,
  refusal: string,
  by: string,
  now: number,
): void {
  if (current.status !== 'pending') return;
  if (refusal === 'content_changed') {
    // Withdrawn, not left open: no later click may count for something else than was shown.
    const next = withdraw(current, 'content_changed', now);
    if (next === null) return;
    writer.close(current, next, { ...BATON, detail: { why: refusal }, executed: null }, now);
    tell(tx, log, current, { verdict: refusal, by, comment: null }, now);
  }
  // A clock that is set back must not open it again. The run's own timer finds it expired.
  const expired = refusal === 'expired' ? expire(current, now) : null;
  if (expired !== null) timeOut(writer, current, expired, now);
}

function timeOut(writer: ApprovalWriter, from: Approval, to: Approval, now: number): void {
  const what = to.status === 'lapsed' ? 'execute' : 'decide';
  writer.close(from, to, { ...CLOCK, detail: { timeout: what }, executed: null }, now);
  writer.timeout(from, what, now);
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
