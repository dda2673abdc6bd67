import type { Approval } from '../src/domain/approval.ts';
import type { Done } from '../src/domain/escalation.ts';
import { type DeedEvent, deedOf } from '../src/domain/escalation-events.ts';
import { type RunEvent, runEventSchema } from '../src/domain/events.ts';
import { emptyRunView, fold, type RunView } from '../src/domain/run-view.ts';
import type { Session } from '../src/ports/store.ts';
import { and, asc, eq, exists, inArray, sql } from './drizzle.ts';
import type { EventLog } from './event-log.ts';
import type { Db } from './open.ts';
import { approvals } from './tables/people.ts';
import { events, runs, sessions } from './tables/runs.ts';
import type { Tx } from './transaction.ts';

const DEEDS: readonly DeedEvent['type'][] = [
  'approval.reminded',
  'approval.escalated',
  'approval.raised',
  'approval.called',
];
/** A plan is among the first events of its run; further on there is none. */
const PLAN_WITHIN = 60;

/** Reads what was done about a question; built once for a connection, and used inside whatever transaction it is in. */
export function deedStatement(db: Db) {
  return db
    .select({ data: events.data, at: events.at })
    .from(events)
    .where(
      and(
        eq(events.runId, sql.placeholder('runId')),
        inArray(events.type, DEEDS),
        sql`json_extract(${events.data}, '$.approvalId') = ${sql.placeholder('id')}`,
      ),
    )
    .orderBy(asc(events.seq))
    .prepare();
}
type DeedStatement = ReturnType<typeof deedStatement>;

/** Questions of a workspace that wait, and were put to somebody by name. */
export function askedOf(db: Db, team: string): string[] {
  const asked: DeedEvent['type'] = 'approval.escalated';
  const found = db
    .select({ id: events.seq })
    .from(events)
    .where(
      and(
        eq(events.runId, approvals.runId),
        eq(events.type, asked),
        sql`json_extract(${events.data}, '$.approvalId') = ${approvals.id}`,
      ),
    );
  return db
    .select({ id: approvals.id })
    .from(approvals)
    .where(and(eq(approvals.team, team), eq(approvals.status, 'pending'), exists(found)))
    .all()
    .map(({ id }) => id);
}

/** What was done so that somebody answers, oldest first. */
export function deedsOf(read: DeedStatement, approval: Approval): Done[] {
  return deedEvents(read, approval).map(({ event, at }) => ({ deed: deedOf(event), at }));
}

function deedEvents(read: DeedStatement, { id, runId }: Approval) {
  return read.all({ id, runId }).flatMap(({ data, at }) => {
    const event = runEventSchema.parse(JSON.parse(data));
    return isDeed(event) ? [{ event, at }] : [];
  });
}

function isDeed(event: RunEvent): event is DeedEvent {
  return DEEDS.some((type) => type === event.type);
}

/**
 * A question with what stands around it: whose session it is, who was asked, and the plan's title. Null: it belongs to no
 * session, and nobody is told. Only these events are read, so that a decision costs the same in a run of any length.
 */
export function questionOf(
  tx: Tx,
  log: EventLog,
  read: DeedStatement,
  approval: Approval,
): { readonly session: Session; readonly view: RunView } | null {
  const found = tx
    .select({ session: sessions })
    .from(runs)
    .innerJoin(sessions, eq(sessions.id, runs.sessionId))
    .where(eq(runs.id, approval.runId))
    .get();
  if (found === undefined) return null;
  const { runId, id: approvalId, requestedAt } = approval;
  const view = emptyRunView(runId);
  const plan = log.after(runId, 0, PLAN_WITHIN).filter(({ event }) => event.type === 'plan.ready');
  const about = [
    ...plan,
    { at: requestedAt, event: { type: 'approval.requested', approvalId } as const },
    ...deedEvents(read, approval),
  ];
  for (const [index, { at, event }] of about.entries()) fold(view, { runId, seq: index + 1, at, event });
  return { session: found.session, view };
}
