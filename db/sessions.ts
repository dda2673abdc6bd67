import { and, desc, eq, like, or } from 'drizzle-orm';
import { isTerminal, type RunSpec } from '../src/domain/run.ts';
import type { Session, SessionStore } from '../src/ports/store.ts';
import { recordDecision } from './decisions.ts';
import type { EventLog } from './event-log.ts';
import type { Db } from './open.ts';
import { runs, sessions } from './schema.ts';
import { atomically, type Tx } from './transaction.ts';

export function createSessionStore(db: Db, log: EventLog): SessionStore {
  return {
    async create(session, spec, why) {
      return atomically(db, log, (tx) => {
        const inserted = tx.insert(sessions).values(session).onConflictDoNothing().run();
        if (inserted.changes === 0) return false;
        insertRun(tx, log, session.currentRunId, session.id, spec, session.createdAt);
        recordDecision(tx, log, session.currentRunId, why, session.createdAt);
        return true;
      });
    },
    async restart(sessionId, runId, spec, why, now) {
      return atomically(db, log, (tx) => {
        const session = tx.select().from(sessions).where(eq(sessions.id, sessionId)).get();
        if (session === undefined) return false;
        const current = tx
          .select({ status: runs.status })
          .from(runs)
          .where(eq(runs.id, session.currentRunId))
          .get();
        if (current !== undefined && !isTerminal(current.status)) return false;
        insertRun(tx, log, runId, sessionId, spec, now);
        tx.update(sessions).set({ currentRunId: runId }).where(eq(sessions.id, sessionId)).run();
        recordDecision(tx, log, runId, why, now);
        return true;
      });
    },
    async get(sessionId) {
      return db.select().from(sessions).where(eq(sessions.id, sessionId)).get() ?? null;
    },
    async byRun(runId) {
      const row = db
        .select({ session: sessions })
        .from(runs)
        .innerJoin(sessions, eq(sessions.id, runs.sessionId))
        .where(eq(runs.id, runId))
        .get();
      return row?.session ?? null;
    },
    async recent(team, limit): Promise<Session[]> {
      return db
        .select()
        .from(sessions)
        .where(eq(sessions.team, team))
        .orderBy(desc(sessions.createdAt))
        .limit(limit)
        .all();
    },
    async find(team, text): Promise<Session[]> {
      // Ids are letters and digits, so nothing in a pattern can mean anything else once that is checked.
      if (!/^[a-z0-9_]{4,64}$/.test(text)) return [];
      const ending = `%${text.replaceAll('_', '\\_')}`;
      const matches = or(like(sessions.id, ending), like(sessions.currentRunId, ending));
      return db
        .select()
        .from(sessions)
        .where(and(eq(sessions.team, team), matches))
        .orderBy(desc(sessions.createdAt))
        .limit(5)
        .all();
    },
  };
}

function insertRun(
  tx: Tx,
  log: EventLog,
  runId: string,
  sessionId: string,
  spec: RunSpec,
  now: number,
): void {
  tx.insert(runs)
    .values({
      id: runId,
      sessionId,
      status: 'queued',
      spec: JSON.stringify(spec),
      hash: spec.hash,
      createdAt: now,
    })
    .run();
  log.append(runId, { type: 'run.created', program: spec.program, hash: spec.hash }, now);
}
