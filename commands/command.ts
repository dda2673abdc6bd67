import type { CleaningReport } from '../src/domain/cleaning.ts';
import type { Absences } from '../src/orchestrator/absences.ts';
import type { Catalog } from '../src/orchestrator/catalog.ts';
import type { Flags } from '../src/orchestrator/flags.ts';
import type { HandOvers } from '../src/orchestrator/hand-over/hand-overs.ts';
import type { Orchestrator } from '../src/orchestrator/orchestrator.ts';
import type { Queries } from '../src/orchestrator/queries.ts';
import type { Roles } from '../src/orchestrator/roles.ts';
import type { Rollbacks } from '../src/orchestrator/rollback/rollbacks.ts';
import type { RunSignals } from '../src/orchestrator/signals.ts';
import type { SteeringDesk } from '../src/orchestrator/steering.ts';
import type { HealthStore } from '../src/ports/health.ts';
import type { Redact } from '../src/ports/redactor.ts';
import type { ApprovalStore, AuditStore } from '../src/ports/store.ts';
import type { UsageReader } from '../src/ports/usage.ts';
import type { Message } from '../src/slack/message.ts';
import type { People } from '../src/slack/people.ts';

/** One `/orchestrate` command as it was kept: who typed what, where. */
export interface CommandCall {
  readonly intent: string;
  readonly receivedAt: number;
  readonly team: string;
  /** The workspace's bare id. */
  readonly homeTeam: string;
  readonly channel: string;
  readonly user: string;
  /** What follows the word. */
  readonly rest: string;
}

export interface CommandDeps {
  readonly orchestrator: Orchestrator;
  readonly queries: Queries;
  readonly signals: RunSignals;
  readonly steer: SteeringDesk;
  readonly absences: Absences;
  readonly rollbacks: Rollbacks;
  readonly handOvers: HandOvers;
  readonly roles: Roles;
  /** Why somebody may not even look, in words, which the audit has then; null when they may. */
  readonly gate: (team: string, user: string, channel: string) => Promise<string | null>;
  readonly flags: Flags;
  readonly people: People;
  readonly approvals: Pick<ApprovalStore, 'byId'>;
  readonly audit: AuditStore;
  readonly catalog: Catalog;
  readonly rehearsal: boolean;
  readonly defaultRepository: string;
  readonly health: HealthStore;
  readonly usage: UsageReader;
  /** The models, as far as people ask about them. */
  readonly models: {
    readonly model: string;
    readonly host: string;
    readonly load: ReadonlyMap<string, { readonly open: number; readonly waiting: number }>;
  };
  /** What was seen at the last look at something by its name: null, it is there; undefined, nobody has looked yet. */
  readonly checks: { problemOf(name: string): string | null | undefined };
  /** Names of the runners of baton.yaml. */
  readonly runners: readonly string[];
  /** Names of the tool servers of baton.yaml. */
  readonly toolServers: readonly string[];
  /** Who may approve in a workspace; null: any member. */
  readonly approvers: (team: string) => readonly string[] | null;
  /** The last tidying up in repositories; null: there was none yet. */
  readonly tidied: () => Promise<CleaningReport | null>;
  readonly redact: Redact;
  readonly now: () => number;
}

/** One word of `/orchestrate`. What it returns is shown to that person only; null when the work itself will tell. */
export interface Command {
  readonly word: string;
  readonly usage: string;
  readonly description: string;
  /** The name of the workflow that it starts; absent for the fixed words. */
  readonly starts?: string;
  /** Shown at once, with the acknowledgement; null where `run` has an answer itself, such as that somebody may not. */
  readonly first?: (call: CommandCall, deps: CommandDeps) => Promise<string | null>;
  run(call: CommandCall, deps: CommandDeps): Promise<Message | null>;
}
