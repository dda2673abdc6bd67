import { z } from 'zod';
import type { RunEvent } from '../src/domain/events.ts';
import { jsonSchema } from '../src/domain/json.ts';
import type { Decision, DecisionStore, NewDecision } from '../src/ports/decisions.ts';
import { asc, eq, sql } from './drizzle.ts';
import type { EventLog } from './event-log.ts';
import type { Db } from './open.ts';
import { decisions } from './tables/people.ts';
import { atomically, type Tx } from './transaction.ts';

/** Writes a decision, its event and its audit row, inside the caller's transaction. The first of an id stands. */
export function recordDecision(
  tx: Tx,
  log: EventLog,
  runId: string,
  decision: NewDecision,
  now: number,
  tell?: RunEvent,
): void {
  const { alternatives, evidence, ...rest } = decision;
  const row = {
    ...rest,
    runId,
    at: now,
    alternatives: JSON.stringify(alternatives),
    evidence: JSON.stringify(evidence),
  };
  const inserted = tx.insert(decisions).values(row).onConflictDoNothing().run();
  if (inserted.changes === 0) return;
  log.append(runId, { type: 'decision.made', decisionId: decision.id }, now);
  if (tell !== undefined) log.append(runId, tell, now);
  const { id, kind, actor, actorKind, choice, reason } = decision;
  log.audit.append({
    at: now,
    kind: `decision.${kind}`,
    actor,
    actorKind,
    team: null,
    runId,
    approvalId: null,
    shown: null,
    executed: null,
    detail: { id, choice, reason, alternatives: [...alternatives], evidence },
  });
}

export function createDecisionStore(db: Db, log: EventLog): DecisionStore {
  // Asked for each run of every list: built once.
  const ofRun = db
    .select()
    .from(decisions)
    .where(eq(decisions.runId, sql.placeholder('runId')))
    .orderBy(asc(decisions.at))
    .prepare();
  return {
    async record(runId, decision, now, tell) {
      atomically(db, log, (tx) => recordDecision(tx, log, runId, decision, now, tell));
    },
    async ofRun(runId) {
      return ofRun.all({ runId }).map(toDecision);
    },
  };
}

const alternativesSchema = z.array(z.string());

function toDecision(row: typeof decisions.$inferSelect): Decision {
  return {
    ...row,
    alternatives: alternativesSchema.parse(JSON.parse(row.alternatives)),
    evidence: jsonSchema.parse(JSON.parse(row.evidence)),
  };
}
