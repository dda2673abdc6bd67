import { z } from 'zod';
import type { McpPins } from '../src/ports/mcp-pins.ts';
import { eq } from './drizzle.ts';
import type { Db } from './open.ts';
import { settings } from './tables/machine.ts';

const hashesSchema = z.record(z.string(), z.string());

/** Kept with the facts about this home. @param now milliseconds since the epoch */
export function createMcpPins(db: Db, now: () => number): McpPins {
  const keyOf = (server: string) => `mcp-pins:${server}`;
  const read = (from: Pick<Db, 'select'>, server: string) => {
    const row = from
      .select({ value: settings.value })
      .from(settings)
      .where(eq(settings.key, keyOf(server)))
      .get();
    return row === undefined ? {} : hashesSchema.parse(JSON.parse(row.value));
  };
  return {
    of: async (server) => read(db, server),
    pin: async (server, hashes, replace) => {
      db.transaction(
        (tx) => {
          const known = read(tx, server);
          const value = JSON.stringify(replace ? { ...known, ...hashes } : { ...hashes, ...known });
          tx.insert(settings)
            .values({ key: keyOf(server), value, at: now() })
            .onConflictDoUpdate({ target: settings.key, set: { value, at: now() } })
            .run();
        },
        { behavior: 'immediate' },
      );
    },
  };
}
