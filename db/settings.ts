import type Database from 'better-sqlite3';
import type { ProviderPauses } from '../src/ports/provider-pauses.ts';
import { and, drizzle, eq, gte, lt } from './drizzle.ts';
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

const REFUSED = 'slack-refused:';

/** Workspaces whose token Slack refuses, kept where `baton doctor` sees it. */
export interface RefusedTokens {
  /** @param code Slack's own word for it */
  note(team: string, code: string): void;
  has(team: string): boolean;
  /** There may be a good one now: forgets them all. @returns whether there were any */
  clear(): boolean;
}

export function createRefusedTokens(db: Db, now: () => number): RefusedTokens {
  return {
    note(team, code) {
      const row = { value: code, at: now() };
      db.insert(settings)
        .values({ key: `${REFUSED}${team}`, ...row })
        .onConflictDoUpdate({ target: settings.key, set: row })
        .run();
    },
    has: (team) =>
      db
        .select()
        .from(settings)
        .where(eq(settings.key, `${REFUSED}${team}`))
        .get() !== undefined,
    clear: () => db.delete(settings).where(ofRefused()).run().changes > 0,
  };
}

/** Which tokens Slack refuses, as the last Baton that ran here found out. */
export function refusedTokens(
  raw: Database.Database,
): { readonly team: string; readonly code: string; readonly at: number }[] {
  return drizzle(raw)
    .select()
    .from(settings)
    .where(ofRefused())
    .all()
    .map(({ key, value, at }) => ({ team: key.slice(REFUSED.length), code: value, at }));
}

/** The keys that begin so: a range of the primary key. */
function ofRefused() {
  return and(gte(settings.key, REFUSED), lt(settings.key, `${REFUSED}\u{10ffff}`));
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
