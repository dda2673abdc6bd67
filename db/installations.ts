import type Database from 'better-sqlite3';
import { z } from 'zod';
import type { ActorKind } from '../src/domain/audit.ts';
import type { Json } from '../src/domain/json.ts';
import type { InstallationStore } from '../src/ports/installations.ts';
import { and, eq, isNull } from './drizzle.ts';
import type { EventLog } from './event-log.ts';
import type { Db } from './open.ts';
import { installations } from './tables/slack.ts';
import { atomically } from './transaction.ts';

const installedSchema = z.array(
  z.object({ id: z.string(), name: z.string(), gone: z.number().nullable(), by: z.string().nullable() }),
);

/** Who has installed Baton, and since when it was taken out; read beside a running Baton. Without what is sealed. */
export function installed(raw: Database.Database): z.infer<typeof installedSchema> {
  const sql =
    'select id, name, revoked_at as gone, revoked_by as by from installations order by installed_at';
  return installedSchema.parse(raw.prepare(sql).all());
}

export function createInstallationStore(db: Db, log: EventLog): InstallationStore {
  const note = (
    kind: string,
    team: string,
    actor: string,
    actorKind: ActorKind,
    at: number,
    detail: Json,
  ): void => {
    log.audit.append({
      at,
      kind: `workspace.${kind}`,
      actor,
      actorKind,
      team,
      runId: null,
      approvalId: null,
      shown: null,
      executed: null,
      detail,
    });
  };
  return {
    async put(row, by) {
      atomically(db, log, (tx) => {
        const held = { ...row, revokedAt: null, revokedBy: null };
        tx.insert(installations)
          .values(held)
          .onConflictDoUpdate({ target: installations.id, set: held })
          .run();
        note('installed', row.id, by, 'person', row.installedAt, { name: row.name });
      });
    },
    async reseal(id, was, sealed, keyId) {
      const same = and(
        eq(installations.id, id),
        eq(installations.sealed, was),
        isNull(installations.revokedAt),
      );
      return db.update(installations).set({ sealed, keyId }).where(same).run().changes > 0;
    },
    async revoke(id, how, at) {
      return atomically(db, log, (tx) => {
        const changed = tx
          .update(installations)
          .set({ sealed: '', revokedAt: at, revokedBy: how })
          .where(and(eq(installations.id, id), isNull(installations.revokedAt)))
          .run();
        if (changed.changes > 0) note('revoked', id, 'slack', 'baton', at, { how });
        return changed.changes > 0;
      });
    },
    async all() {
      return db.select().from(installations).where(isNull(installations.revokedAt)).all();
    },
  };
}
