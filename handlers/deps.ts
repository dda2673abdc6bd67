import type { WebClient } from '@slack/web-api';
import type { SavedWorkflow, Workflow } from '../src/domain/workflow.ts';
import type { Catalog } from '../src/orchestrator/catalog.ts';
import type { HandOvers } from '../src/orchestrator/hand-over/hand-overs.ts';
import type { InboxWorker } from '../src/orchestrator/inbox-worker.ts';
import type { Orchestrator } from '../src/orchestrator/orchestrator.ts';
import type { PersonDesk } from '../src/orchestrator/person-desk.ts';
import type { PlanReviews } from '../src/orchestrator/plan-reviews.ts';
import type { Queries } from '../src/orchestrator/queries.ts';
import type { Roles } from '../src/orchestrator/roles.ts';
import type { Rollbacks } from '../src/orchestrator/rollback/rollbacks.ts';
import type { RunSignals } from '../src/orchestrator/signals.ts';
import type { SteeringDesk } from '../src/orchestrator/steering.ts';
import type { OutboxStore } from '../src/ports/outbox.ts';
import type { PersonTaskStore } from '../src/ports/person-tasks.ts';
import type { Redact } from '../src/ports/redactor.ts';
import type { ApprovalStore, AuditStore } from '../src/ports/store.ts';
import type { Answers } from '../src/slack/answers.ts';
import type { Homes } from '../src/slack/homes.ts';
import type { People } from '../src/slack/people.ts';

/** What the listeners need. */
export interface HandlerDeps {
  readonly worker: InboxWorker;
  readonly orchestrator: Orchestrator;
  readonly queries: Queries;
  readonly signals: RunSignals;
  readonly plans: PlanReviews;
  readonly steer: SteeringDesk;
  readonly persons: PersonDesk;
  readonly personTasks: Pick<PersonTaskStore, 'byNonce'>;
  readonly rollbacks: Rollbacks;
  readonly handOvers: HandOvers;
  readonly roles: Roles;
  /** Why somebody may not even look, in words, which the audit has then; null when they may. */
  readonly gate: (team: string, user: string, channel: string) => Promise<string | null>;
  readonly homes: Homes;
  /** The session whose epic is the message at a place; null: none of ours. */
  readonly sessionAt: (team: string, channel: string, ts: string) => Promise<string | null>;
  /** Where our messages stand. */
  readonly cards: Pick<OutboxStore, 'ref' | 'refAt' | 'refsIn'>;
  /** Baton's own member id in a workspace, by which it is mentioned; null: it is not installed there. */
  readonly botUser: (team: string) => string | null;
  /** Whether plain words of whoever asked for the work steer it, or only those that mention Baton. */
  readonly steering: 'mention' | 'requester';
  /** Writes a workflow into the folder of Baton's home. */
  readonly saveWorkflow: (workflow: Workflow) => SavedWorkflow;
  readonly approvals: ApprovalStore;
  readonly audit: AuditStore;
  readonly answers: Answers;
  readonly people: People;
  readonly catalog: Catalog;
  readonly views: (team: string) => WebClient;
  readonly rehearsal: boolean;
  readonly defaultRepository: string;
  readonly redact: Redact;
  readonly now: () => number;
}

/** What telling somebody that nothing came of it needs. */
export type TurnAwayDeps = Pick<HandlerDeps, 'audit' | 'answers' | 'rehearsal' | 'now'>;

/** What the listeners of approvals need of it. */
export type ApprovalDeps = TurnAwayDeps &
  Pick<HandlerDeps, 'worker' | 'approvals' | 'views'> & {
    readonly orchestrator: Pick<Orchestrator, 'approvals'>;
    readonly queries: Pick<Queries, 'byRun'>;
    readonly people: Pick<People, 'decider' | 'handles'>;
  };
