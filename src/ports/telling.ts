import type { Approval } from '../domain/approval.ts';
import type { RunEvent } from '../domain/events.ts';
import type { RunView } from '../domain/run-view.ts';
import type { OutboxMessage } from './outbox.ts';
import type { Session } from './store.ts';

/** A question that was just closed, as those are told of it who stand around it. */
export interface Closed {
  readonly event: Extract<RunEvent, { type: 'approval.closed' | 'approval.broke_glass' }>;
  readonly approval: Approval;
  /** What the run's events say of the question, and the plan; nothing else. */
  readonly view: RunView;
  readonly session: Session;
  readonly now: number;
}

/** What a decision leads to in the chat: put into the outbox in the decision's own transaction (A1). Pure. */
export type TellClosed = (closed: Closed) => readonly OutboxMessage[];
