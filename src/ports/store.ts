import type { Approval, ApprovalPolicy, Refusal, Verdict, Voter } from '../domain/approval.ts';
import type { DecideResult, TakeResult } from '../domain/approval-rules.ts';
import type { AuditRow } from '../domain/audit.ts';
import type { Deed, Done } from '../domain/escalation.ts';
import type { StoredEvent } from '../domain/events.ts';
import type { Json } from '../domain/json.ts';
import type { Outcome, RunSpec, RunStatus } from '../domain/run.ts';
import type { DecisionStore, NewDecision } from './decisions.ts';
import type { DelegationStore } from './delegations.ts';
import type { GuidanceStore } from './guidance.ts';
import type { InstallationStore } from './installations.ts';
import type { OutboxMessage } from './outbox.ts';
import type { PersonTaskStore } from './person-tasks.ts';

/**
 * What is kept beside the journal. Each method that changes something is one whole transaction and the only door
 * for that change; it appends the run's event in the same transaction.
 */

/** One epic. `id` follows from the delivery that asked for it, so a redelivery finds it. */
export interface Session {
  readonly id: string;
  readonly team: string;
  readonly channel: string;
  readonly requester: string;
  readonly request: string;
  readonly workflow: string;
  readonly repository: string;
  readonly createdAt: number;
  readonly currentRunId: string;
}

export interface SessionStore {
  /** Session and first run, as `queued`, together. False when the session exists: nothing changes. */
  create(session: Session, spec: RunSpec, why: NewDecision): Promise<boolean>;
  /** A new run of the session becomes its current one, when the current one has ended and this one is new. False otherwise. */
  restart(sessionId: string, runId: string, spec: RunSpec, why: NewDecision, now: number): Promise<boolean>;
  /**
   * Another run takes the place of one whose plan was not started: it becomes the current run. False when the session
   * has moved on meanwhile; true again for the same run.
   */
  replace(change: {
    readonly sessionId: string;
    readonly from: string;
    readonly runId: string;
    readonly spec: RunSpec;
    readonly why: NewDecision;
    readonly now: number;
  }): Promise<boolean>;
  /**
   * A run that goes on from where an earlier one was (`spec.forkedFrom`) becomes the current one, with that part of its
   * journal. False when the session has moved on, or the earlier run has not ended; true again for the same run.
   */
  fork(change: {
    readonly sessionId: string;
    readonly from: string;
    readonly runId: string;
    readonly spec: RunSpec;
    readonly why: NewDecision;
    readonly now: number;
  }): Promise<boolean>;
  /** A run that belongs to the session and is not its work: the asking around a rollback. Idempotent by its id. */
  attach(run: {
    readonly sessionId: string;
    readonly runId: string;
    readonly spec: RunSpec;
    readonly now: number;
  }): Promise<void>;
  get(sessionId: string): Promise<Session | null>;
  byRun(runId: string): Promise<Session | null>;
  /** Newest first; only one person's, or only those whose current run has not ended, when asked so. */
  recent(
    team: string,
    limit: number,
    only?: {
      readonly requester?: string;
      readonly open?: boolean;
      /** Those of this channel, and this person's own wherever they are. */
      readonly visibleTo?: { readonly user: string; readonly channel: string };
    },
  ): Promise<Session[]>;
  /** Sessions of the team whose id or current run's id ends with `text`. */
  find(team: string, text: string): Promise<Session[]>;
  /** Keys of the workspaces in which somebody ever asked for work. */
  teams(): Promise<string[]>;
}

export interface NewApproval {
  readonly id: string;
  readonly nonce: string;
  readonly runId: string;
  readonly key: string;
  readonly team: string;
  readonly requester: string;
  readonly subject: Approval['subject'];
  readonly policy: ApprovalPolicy;
  readonly requestedAt: number;
  readonly expiresAt: number;
}

/** A person's word on an approval, as the store takes it. */
export interface Word {
  readonly nonce: string;
  readonly by: Voter;
  /** Where it was said: a channel's id, or the part of Baton that passed it on. For the audit. */
  readonly place: string;
  readonly now: number;
}

export interface ApprovalStore {
  /** Idempotent by id. Returns what is stored. */
  open(approval: NewApproval): Promise<Approval>;
  byNonce(nonce: string): Promise<Approval | null>;
  byId(id: string): Promise<Approval | null>;
  /**
   * A person's decision: compare-and-set on `pending`, with audit row, decision, the signal to the run and the
   * event that every message comes from in the same transaction. A refusal changes nothing but the audit; two
   * record what they found: content that changed withdraws the question, time that ran out is a timeout.
   */
  decide(
    input: Word & {
      readonly verdict: Verdict;
      readonly comment: string | null;
      /** Of what the button was shown with, computed anew from the content as it is now. */
      readonly digest: string;
      /** To how much a budget is to be raised, where the person named an amount of their own. */
      readonly amount?: number | undefined;
      /** What they wrote in place of choosing; goes to the run with the decision. */
      readonly edited?: string;
    },
  ): Promise<DecideResult | null>;
  /** Whether somebody's word would count now, which changes nothing; a refusal is recorded as {@link decide} does. */
  check(input: Word & { readonly digest: string; readonly choice: string }): Promise<DecideResult | null>;
  /** The admin's way past who may decide; otherwise as {@link decide}. */
  breakGlass(
    input: Word & { readonly reason: string; readonly digest: string },
  ): Promise<DecideResult | null>;
  /** Somebody who may decide wants to know something first. False when there is nothing to ask about any more. */
  ask(input: Word & { readonly id: string; readonly text: string }): Promise<boolean>;
  /** A click that was turned away before it came to a decision: nothing changes but the audit. */
  refused(
    input: Omit<Word, 'by'> & { readonly by: string; readonly refusal: Refusal; readonly verdict: string },
  ): Promise<void>;
  /**
   * Takes a yes for one action: compare-and-set on `approved`, with audit row and event. The row that says so is the
   * action's intent: whoever holds it begins, and begins again after a crash. What may not be taken is closed.
   */
  take(input: {
    readonly id: string;
    /** The action's idempotency key. */
    readonly key: string;
    /** Of the content that is about to be carried out. */
    readonly digest: string;
    /** Those who said yes, as they are now. */
    readonly voters: readonly Voter[];
    readonly now: number;
  }): Promise<TakeResult>;
  /** The clock's decision. False when somebody was faster. */
  expire(id: string, now: number): Promise<boolean>;
  /** Closes what ran out unnoticed: questions nobody waits for, and yeses nobody used. @returns how many */
  expireDue(now: number): Promise<number>;
  /** Questions of a workspace that wait, and were put to somebody by name. */
  askedOf(team: string): Promise<string[]>;
  /**
   * Records that a question was put to people once more, with the event that every message comes from. Each deed once,
   * however often it is recorded; none once the question is closed.
   * @param calling for a reminder: those of the people who decide who may be disturbed; absent: all of them
   */
  nudged(id: string, deed: Deed, now: number, calling?: readonly string[]): Promise<void>;
  /** What was done so far so that a question reaches somebody, in order. */
  deedsOf(id: string): Promise<Done[]>;
  ofRun(runId: string): Promise<Approval[]>;
  /** A run ended: what it still asked, and what it did not use, is void. */
  voidAll(runId: string, now: number): Promise<void>;
}

/** Reads the audit. */
export interface AuditReader {
  /** Of a run, in order. */
  ofRun(runId: string): Promise<AuditRow[]>;
}

/** Somebody's click, form or word that led nowhere, before it came to anything that keeps an audit of its own. */
export interface TurnedAway {
  readonly team: string;
  readonly user: string;
  /** A channel's id, or "" where there is none: a form. */
  readonly place: string;
  /** What was tried: the button's or form's name. */
  readonly what: string;
  /** What it was said to be about. Only its digest is kept: it may be anything. */
  readonly value: string;
  readonly why: string;
}

export interface AuditStore extends AuditReader {
  /** Changes nothing but the audit. */
  turnedAway(what: TurnedAway, now: number): Promise<void>;
}

/** What came in from Slack, kept before it is acknowledged. */
export interface Delivery {
  readonly id: number;
  readonly intent: string;
  readonly kind: string;
  readonly payload: Json;
  readonly receivedAt: number;
  readonly attempts: number;
}

export interface Inbox {
  /** False when this intent was received before. */
  accept(intent: string, kind: string, payload: Json, now: number): Promise<Delivery | null>;
  /** Accepted and not handled, oldest first; only ids above `after`. */
  open(limit: number, after?: number): Promise<Delivery[]>;
  /** Counts an attempt before it is made. */
  attempt(id: number): Promise<void>;
  handled(id: number, now: number, error: string | null): Promise<void>;
}

/** What projections read, and the one way in which they move on. */
export interface Projections {
  /** Runs of sessions with events that were not told yet. */
  behind(): Promise<{ readonly runId: string; readonly sessionId: string; readonly projectedSeq: number }[]>;
  events(runId: string, after: number, limit: number): Promise<StoredEvent[]>;
  /** Messages and the new position together, so that nothing is told twice or never. */
  advance(input: {
    readonly runId: string;
    readonly seq: number;
    readonly done: boolean;
    readonly messages: readonly OutboxMessage[];
    readonly now: number;
  }): Promise<void>;
}

export interface RunReader {
  /** Runs that a run began as parts of itself, and theirs, oldest first. */
  parts(runId: string): Promise<string[]>;
  /** How far a run and its parts have come: the number of the last outcome of each that has one, by id. */
  position(runIds: readonly string[]): Promise<Readonly<Record<string, number>>>;
  status(runId: string): Promise<{
    readonly status: RunStatus;
    readonly outcome: Outcome | null;
    readonly spec: RunSpec;
    readonly createdAt: number;
    readonly endedAt: number | null;
  } | null>;
}

/** Keeps the file small. */
export interface Housekeeping {
  /** Deletes what no longer serves anybody; returns how many rows went. */
  sweep(now: number): Promise<number>;
  /** Runs that have ended, for their worktrees' sake; newest first. */
  endedRuns(limit: number): Promise<string[]>;
}

/** Signatures of HTTP requests seen within their window. */
export interface ReplayGuard {
  /** False when this signature was seen before. */
  firstSeen(signature: string, now: number): Promise<boolean>;
}

export interface Store {
  readonly sessions: SessionStore;
  readonly decisions: DecisionStore;
  readonly approvals: ApprovalStore;
  readonly delegations: DelegationStore;
  readonly personTasks: PersonTaskStore;
  readonly audit: AuditStore;
  readonly installations: InstallationStore;
  readonly inbox: Inbox;
  readonly projections: Projections;
  readonly runs: RunReader;
  readonly housekeeping: Housekeeping;
  readonly replays: ReplayGuard;
  readonly guidance: GuidanceStore;
}
