import type { Approval } from '../src/domain/approval.ts';
import { withdraw } from '../src/domain/approval-rules.ts';
import type { RunEvent } from '../src/domain/events.ts';
import type { Outcome } from '../src/domain/run.ts';
import type { TellClosed } from '../src/ports/telling.ts';
import { toApproval } from './approval-rows.ts';
import { ApprovalWriter, approvalStatements } from './approval-writer.ts';
import { and, eq, sql } from './drizzle.ts';
import type { EventLog } from './event-log.ts';
import type { Db } from './open.ts';
import { approvals } from './tables/people.ts';

/**
 * Closes questions that their run does without: it went on another way, or has ended. Must be called inside the transaction
 * of the journal that stores what happened, so that no card keeps its buttons when nothing would come of them.
 */
export class QuestionWithdrawals {
  readonly #db: Db;
  readonly #log: EventLog;
  readonly #chat: () => TellClosed | null;
  readonly #statements: ReturnType<typeof approvalStatements>;
  readonly #open: ReturnType<typeof openStatement>;

  /** @param chat what a closed question leads to in the chat, once there is one */
  constructor(db: Db, log: EventLog, chat: () => TellClosed | null) {
    this.#db = db;
    this.#log = log;
    this.#chat = chat;
    this.#statements = approvalStatements(db);
    this.#open = openStatement(db);
  }

  /** What an event of the run closes. */
  told(runId: string, event: RunEvent, at: number): void {
    if (event.type === 'approval.given_up')
      this.#close(runId, ({ id }) => id === event.approvalId, event.why, at);
    // Given up while it was being asked: whether it came to be asked is to be seen here alone.
    else if (event.type === 'step.cancelled')
      this.#close(runId, ({ key }) => key === event.key, event.why ?? GIVEN_UP, at);
  }

  /** The run has ended: nothing that it asked is asked any more. */
  runEnded(runId: string, outcome: Outcome | null, at: number): void {
    const why = outcome === null || outcome.ok ? ENDED : outcome.failure.message;
    this.#close(runId, () => true, why, at);
  }

  #close(runId: string, isMeant: (approval: Approval) => boolean, why: string, at: number): void {
    const meant = this.#open.all({ runId }).map(toApproval).filter(isMeant);
    if (meant.length === 0) return;
    // What came before it in this transaction is written before it, too.
    this.#log.flush();
    this.#db.transaction((tx) => {
      const writer = new ApprovalWriter(tx, this.#log, this.#statements, this.#chat());
      for (const current of meant) {
        const next = withdraw(current, 'withdrawn', at);
        if (next === null) continue;
        const by = { actor: 'baton', actorKind: 'baton' } as const;
        // Nobody answered: the card says why it is gone.
        writer.close(current, { ...next, comment: why }, { ...by, detail: { why }, executed: null }, at);
      }
    });
  }
}

const GIVEN_UP = 'it was not needed any more';
const ENDED = 'the run ended without it';

/** What of a run still waits for an answer. A yes that nothing used yet may be a part's, and used by the whole. */
function openStatement(db: Db) {
  return db
    .select()
    .from(approvals)
    .where(and(eq(approvals.runId, sql.placeholder('runId')), eq(approvals.status, 'pending')))
    .prepare();
}
