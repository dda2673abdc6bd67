import type { ProviderPauses } from '../src/ports/provider-pauses.ts';
import { eq } from './drizzle.ts';
import type { Db } from './open.ts';
import { settings } from './tables/machine.ts';

const CLEAN_STOP = 'clean-stop';

/** Notes a polite stop, so that the next start does not count what was under way as a crash. */
export function noteCleanStop(db: Db, now: number): void {
  db.insert(settings)
    .values({ key: CLEAN_STOP, value: 'yes', at: now })
    .onConflictDoUpdate({ target: settings.key, set: { at: now } })
    .run();
}

/** Whether the last process stopped politely; asking forgets it. */
export function takeCleanStop(db: Db): boolean {
  return db.delete(settings).where(eq(settings.key, CLEAN_STOP)).run().changes > 0;
}

/** Pauses that model servers asked for, one for each host. @param now milliseconds since the epoch */
export function createProviderPauses(db: Db, now: () => number): ProviderPauses {
  const key = (host: string): string => `model-pause:${host}`;
  return {
    read: async (host) => {
      const found = db
        .select()
        .from(settings)
        .where(eq(settings.key, key(host)))
        .get();
      return found === undefined ? null : Number(found.value);
    },
    write: async (host, until) => {
      const row = { value: String(until), at: now() };
      db.insert(settings)
        .values({ key: key(host), ...row })
        .onConflictDoUpdate({ target: settings.key, set: row })
        .run();
    },
  };
}
