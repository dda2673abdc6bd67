import type { Store } from '../src/ports/store.ts';
import type { TellClosed } from '../src/ports/telling.ts';
import { createApprovalStore } from './approvals.ts';
import { createAuditStore } from './audit-store.ts';
import { createDecisionStore } from './decisions.ts';
import { createDelegationStore } from './delegations.ts';
import type { EventLog } from './event-log.ts';
import { GroupCommit } from './group-commit.ts';
import { createGuidanceStore } from './guidance.ts';
import { createInbox } from './inbox.ts';
import { createInstallationStore } from './installations.ts';
import type { Db } from './open.ts';
import { createPersonTaskStore } from './person-tasks.ts';
import { createHousekeeping, createProjections, createReplayGuard, createRunReader } from './projections.ts';
import { createSessionStore } from './sessions.ts';

/** All that is kept beside the journal, on one open database. `log` must be the one the journal uses. */
export function createStore(
  db: Db,
  log: EventLog,
  humanMinuteUsd: number | null = null,
  tell: () => TellClosed | null = () => null,
  group: GroupCommit = new GroupCommit(db, log),
): Store {
  return {
    sessions: createSessionStore(db, log),
    decisions: createDecisionStore(db, log),
    approvals: createApprovalStore(db, log, humanMinuteUsd, tell),
    delegations: createDelegationStore(db, log),
    personTasks: createPersonTaskStore(db, log),
    audit: createAuditStore(db, log),
    installations: createInstallationStore(db, log),
    inbox: createInbox(db, group),
    projections: createProjections(db, log, group),
    runs: createRunReader(db),
    housekeeping: createHousekeeping(db),
    replays: createReplayGuard(db),
    guidance: createGuidanceStore(db, log),
  };
}
