import { type Claim, grants, type Inventory, type Uses, usesSchema } from '../src/domain/resources.ts';
import { isTerminal } from '../src/domain/run.ts';
import { type LeaseStore, leaseSignal } from '../src/ports/leases.ts';
import { and, asc, eq } from './drizzle.ts';
import type { EventLog } from './event-log.ts';
import type { Db } from './open.ts';
import { leases, runs, signals, timers } from './tables/runs.ts';
import { atomically, type Tx } from './transaction.ts';

/** @param inventory how much there is of what, as `baton.yaml` says */
export function createLeaseStore(db: Db, log: EventLog, inventory: Inventory): LeaseStore {
  return {
    async claim({ id, runId, timer, wants, now }) {
      return atomically(db, log, (tx) => {
        if (!alive(tx, runId, timer)) return 'gone';
        const row = { id, runId, timer, wants: JSON.stringify(wants), held: 0, askedAt: now };
        tx.insert(leases).values(row).onConflictDoNothing().run();
        const claims = claimsOf(rows(tx));
        if (claims.some((claim) => claim.id === id && claim.held)) return 'held';
        // Only this one: the others whose turn it may be are told by `settle`, which wakes their runs.
        if (!grants(claims, inventory, now).grant.includes(id)) return 'waiting';
        hold(tx, id);
        return 'held';
      });
    },
    async settle(now) {
      return atomically(db, log, (tx) => {
        for (const { id, runId, timer } of tx.select().from(leases).all()) {
          if (alive(tx, runId, timer)) continue;
          tx.delete(leases).where(eq(leases.id, id)).run();
          log.append(runId, { type: 'resource.released', lease: id }, now);
        }
        return { ...grantAll(tx, log, inventory, now), open: rows(tx).length };
      });
    },
    async all() {
      return rows(db).map(({ id, runId, wants, held, askedAt }) => ({
        id,
        runId,
        wants: parsed(wants),
        held: held === 1,
        askedAt,
      }));
    },
  };
}

function rows(tx: Pick<Tx, 'select'>) {
  return tx.select().from(leases).orderBy(asc(leases.seq)).all();
}

function parsed(wants: string): Uses {
  return usesSchema.parse(JSON.parse(wants));
}

/** Whether the holder is still there: its run goes on, and its timer stands. */
function alive(tx: Tx, runId: string, timer: string): boolean {
  const run = tx.select({ status: runs.status }).from(runs).where(eq(runs.id, runId)).get();
  if (run === undefined || isTerminal(run.status)) return false;
  const at = and(eq(timers.runId, runId), eq(timers.key, timer));
  return tx.select({ key: timers.key }).from(timers).where(at).get() !== undefined;
}

function claimsOf(found: ReturnType<typeof rows>): Claim[] {
  return found.map(({ id, wants, held }) => ({ id, wants: parsed(wants), held: held === 1 }));
}

function hold(tx: Tx, id: string): void {
  tx.update(leases).set({ held: 1 }).where(eq(leases.id, id)).run();
}

/** Grants what is free to whoever waits for it, and sends the run the signal it waits for. */
function grantAll(tx: Tx, log: EventLog, inventory: Inventory, now: number) {
  const found = rows(tx);
  const { grant, refuse, nextAt } = grants(claimsOf(found), inventory, now);
  const wake = new Set<string>();
  const tell = (id: string, refused: string | null): void => {
    const runId = found.find((row) => row.id === id)?.runId;
    if (runId === undefined) return;
    const name = leaseSignal(id);
    const payload = JSON.stringify({ refused });
    tx.insert(signals)
      .values({ runId, name, payload, idempotencyKey: name, at: now })
      .onConflictDoNothing()
      .run();
    log.append(runId, { type: 'signal.received', name }, now);
    wake.add(runId);
  };
  for (const id of grant) {
    hold(tx, id);
    tell(id, null);
  }
  for (const { id, why } of refuse) {
    tx.delete(leases).where(eq(leases.id, id)).run();
    tell(id, why);
  }
  return { wake: [...wake], nextAt };
}
