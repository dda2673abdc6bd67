import type { Json } from '../domain/json.ts';

/** Approvals may overtake results, and those progress; within a lane and thread the order holds. */
export const lanes = ['approvals', 'results', 'progress'] as const;
export type Lane = (typeof lanes)[number];

/** `sending` was given to Slack and not yet answered for: after a crash it is ambiguous and is read back first. */
export const outboxStatuses = ['pending', 'sending', 'sent', 'failed', 'dropped'] as const;
export type OutboxStatus = (typeof outboxStatuses)[number];

/** Where a message goes: a channel by its id, or a person's DM, opened when it is sent. */
export type Target =
  | { readonly kind: 'channel'; readonly channel: string }
  | { readonly kind: 'dm'; readonly user: string };

/**
 * A message to be sent. `key` names the message for ever ("epic:ses_…"); an `update` rewrites the message of
 * that key, and waits until it was posted. `thread` is the key of the parent. Enqueuing is idempotent:
 * one post per key; one pending update per key, the latest content winning.
 */
export interface OutboxMessage {
  readonly team: string;
  readonly key: string;
  readonly kind: 'post' | 'update' | 'ephemeral';
  readonly target: Target;
  /** Ephemeral only: who sees it. */
  readonly user?: string;
  readonly thread?: string;
  readonly lane: Lane;
  /** What is shown where blocks cannot be, and read by screen readers. Always complete. */
  readonly text: string;
  readonly blocks: readonly Json[];
}

export interface OutboxRow extends OutboxMessage {
  /** Rises with each row; carried in the message's metadata, so that a post can be recognised when read back. */
  readonly id: number;
  readonly status: OutboxStatus;
  readonly attempts: number;
  readonly notBefore: number;
  readonly error: string | null;
  readonly createdAt: number;
}

/** Where a message of ours stands in Slack. */
export interface MessageRef {
  readonly key: string;
  readonly channel: string;
  readonly ts: string;
}

/** A call that was made, and where; channel null where it is not known. */
export interface RecentSend {
  readonly team: string;
  readonly kind: OutboxMessage['kind'];
  readonly channel: string | null;
  readonly at: number;
}

/** The sender's side of the outbox. Rows are enqueued in the transaction of the change they tell of. */
export interface OutboxStore {
  /** For tests and rare direct notices; changes of state enqueue inside their own transaction instead. */
  enqueue(messages: readonly OutboxMessage[], now: number): Promise<void>;
  /** Everything pending or ambiguous, oldest first, at most `limit`. */
  waiting(limit: number): Promise<OutboxRow[]>;
  /** pending -> sending (attempt counted), before the call; false when it is not pending any more. */
  claim(id: number, now: number): Promise<boolean>;
  /** sending -> sent, and the reference of the message kept. */
  sent(id: number, ref: MessageRef | null, now: number): Promise<void>;
  /** sending -> pending, not before `notBefore`. */
  retry(id: number, notBefore: number, error: string): Promise<void>;
  /** -> failed; kept for people to see. */
  fail(id: number, error: string, now: number): Promise<void>;
  /** -> dropped: an update that changes nothing, or for a message that is gone. */
  drop(id: number, reason: string, now: number): Promise<void>;
  /** What was sent since a moment: a sender that starts anew owes Slack the same patience as the one before. */
  sentSince(at: number): Promise<RecentSend[]>;
  ref(key: string): Promise<MessageRef | null>;
  /** Message references by place, for replies and clicks: which message of ours is this? */
  refAt(team: string, channel: string, ts: string): Promise<MessageRef | null>;
  /** Messages of ours in a channel whose key begins so, the newest two hundred, oldest first. */
  refsIn(team: string, channel: string, beginning: string): Promise<MessageRef[]>;
}
