import { type Delegation, delegationSchema } from '../src/domain/delegation.ts';
import type { DelegationStore } from '../src/ports/delegations.ts';
import { and, asc, eq, gt, gte, isNull, lte, or, sql } from './drizzle.ts';
import type { EventLog } from './event-log.ts';
import type { Db } from './open.ts';
import { delegations } from './tables/people.ts';
import { atomically, type Tx } from './transaction.ts';

export function createDelegationStore(db: Db, log: EventLog): DelegationStore {
  // Read with every click: built once, as the statements of approvals are.
  const found = db
    .select()
    .from(delegations)
    .where(
      and(
        eq(delegations.team, sql.placeholder('team')),
        isNull(delegations.endedAt),
        gt(delegations.until, sql.placeholder('now')),
      ),
    )
    .orderBy(asc(delegations.since), asc(delegations.id))
    .prepare();
  const standing = (team: string, now: number): Delegation[] =>
    found.all({ team, now }).map((row) => delegationSchema.parse(row));

  const note = (
    kind: 'made' | 'ended',
    { id, team, from, to, since, until }: Delegation,
    at: number,
  ): void => {
    log.audit.append({
      at,
      kind: `delegation.${kind}`,
      actor: from,
      actorKind: 'person',
      team,
      runId: null,
      approvalId: null,
      shown: null,
      executed: null,
      detail: { id, to, since, until },
    });
  };

  const end = (tx: Tx, team: string, from: string, now: number): Delegation[] => {
    const ended = standing(team, now).filter((each) => each.from === from);
    for (const each of ended) {
      tx.update(delegations).set({ endedAt: now }).where(eq(delegations.id, each.id)).run();
      note('ended', each, now);
    }
    return ended;
  };

  return {
    async make(delegation, now) {
      atomically(db, log, (tx) => {
        const known = tx.select().from(delegations).where(eq(delegations.id, delegation.id)).get();
        if (known !== undefined) return;
        end(tx, delegation.team, delegation.from, now);
        const made = { ...delegation, endedAt: null };
        tx.insert(delegations).values(made).run();
        note('made', made, now);
      });
    },
    async end(team, from, now) {
      return atomically(db, log, (tx) => end(tx, team, from, now));
    },
    async ofTeam(team, now) {
      return standing(team, now);
    },
    async changed(from, upTo) {
      const { since, until, endedAt } = delegations;
      const within = [since, until, endedAt].map((moment) => and(gte(moment, from), lte(moment, upTo)));
      return db
        .selectDistinct({ team: delegations.team })
        .from(delegations)
        .where(or(...within))
        .all()
        .map(({ team }) => team);
    },
  };
}
