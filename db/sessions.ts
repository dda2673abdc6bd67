import type { AnySQLiteColumn } from 'drizzle-orm/sqlite-core';
import { isTerminal, type RunSpec, runStatuses } from '../src/domain/run.ts';
import type { Session, SessionStore } from '../src/ports/store.ts';
import { recordDecision } from './decisions.ts';
import { and, desc, eq, notInArray, or, sql } from './drizzle.ts';
import type { EventLog } from './event-log.ts';
import { copyBeginning } from './fork.ts';
import type { Db } from './open.ts';
import { runs, sessions } from './tables/runs.ts';
import { atomically, type Tx } from './transaction.ts';

/** Fewer characters of an id would meet others by chance. */
const SHORTEST_ENDING = 4;

export function createSessionStore(db: Db, log: EventLog): SessionStore {
  // Asked with every click and every message: built once.
  const ofRun = db
    .select({ session: sessions })
    .from(runs)
    .innerJoin(sessions, eq(sessions.id, runs.sessionId))
    .where(eq(runs.id, sql.placeholder('runId')))
    .prepare();
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
        if (tx.select({ id: runs.id }).from(runs).where(eq(runs.id, runId)).get() !== undefined) return false;
        insertRun(tx, log, runId, sessionId, spec, now);
        tx.update(sessions).set({ currentRunId: runId }).where(eq(sessions.id, sessionId)).run();
        recordDecision(tx, log, runId, why, now);
        return true;
      });
    },
    async replace({ sessionId, from, runId, spec, why, now }) {
      return atomically(db, log, (tx) => {
        const session = tx.select().from(sessions).where(eq(sessions.id, sessionId)).get();
        if (session?.currentRunId === runId) return true;
        if (session?.currentRunId !== from) return false;
        insertRun(tx, log, runId, sessionId, spec, now);
        tx.update(sessions).set({ currentRunId: runId }).where(eq(sessions.id, sessionId)).run();
        recordDecision(tx, log, runId, why, now);
        return true;
      });
    },
    async fork({ sessionId, from, runId, spec, why, now }) {
      return atomically(db, log, (tx) => {
        const session = tx.select().from(sessions).where(eq(sessions.id, sessionId)).get();
        if (session?.currentRunId === runId) return true;
        if (session?.currentRunId !== from || spec.forkedFrom === undefined) return false;
        // Two that work on one branch would undo each other's work.
        const before = tx.select({ status: runs.status }).from(runs).where(eq(runs.id, from)).get();
        if (before === undefined || !isTerminal(before.status)) return false;
        insertRun(tx, log, runId, sessionId, spec, now);
        const last = copyBeginning(tx, log, { from, to: runId, seq: spec.forkedFrom.seq, now });
        // What the other run told is not told again.
        tx.update(runs).set({ projectedSeq: last }).where(eq(runs.id, runId)).run();
        tx.update(sessions).set({ currentRunId: runId }).where(eq(sessions.id, sessionId)).run();
        recordDecision(tx, log, runId, why, now);
        return true;
      });
    },
    async attach({ sessionId, runId, spec, now }) {
      atomically(db, log, (tx) => {
        if (tx.select({ id: runs.id }).from(runs).where(eq(runs.id, runId)).get() !== undefined) return;
        insertRun(tx, log, runId, sessionId, spec, now);
      });
    },
    async get(sessionId) {
      return db.select().from(sessions).where(eq(sessions.id, sessionId)).get() ?? null;
    },
    async byRun(runId) {
      return ofRun.get({ runId })?.session ?? null;
    },
    async recent(team, limit, only = {}): Promise<Session[]> {
      const theirs = only.requester === undefined ? undefined : eq(sessions.requester, only.requester);
      const open = only.open === true ? notInArray(runs.status, runStatuses.filter(isTerminal)) : undefined;
      const { visibleTo } = only;
      const visible =
        visibleTo === undefined
          ? undefined
          : or(eq(sessions.channel, visibleTo.channel), eq(sessions.requester, visibleTo.user));
      return db
        .select({ session: sessions })
        .from(sessions)
        .innerJoin(runs, eq(runs.id, sessions.currentRunId))
        .where(and(eq(sessions.team, team), theirs, open, visible))
        .orderBy(desc(sessions.createdAt), desc(sessions.id))
        .limit(limit)
        .all()
        .map(({ session }) => session);
    },
    async teams() {
      return db
        .selectDistinct({ team: sessions.team })
        .from(sessions)
        .all()
        .map(({ team }) => team);
    },
    async find(team, text): Promise<Session[]> {
      if (text.length < SHORTEST_ENDING) return [];
      const ends = (column: AnySQLiteColumn) => sql`substr(${column}, ${-text.length}) = ${text}`;
      const matches = or(ends(sessions.id), ends(sessions.currentRunId));
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
