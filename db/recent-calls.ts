import type Database from 'better-sqlite3';
import { z } from 'zod';
import type { RecentCalls } from '../src/ports/recent-calls.ts';

const rowSchema = z.object({
  at: z.number(),
  host: z.string().nullable(),
  durationMs: z.number(),
  tokens: z.number(),
});

/** Reads the newest entries of usage, back to the moment that is asked about: they stand in the order in which they were stored. */
export function createRecentCalls(raw: Database.Database): RecentCalls {
  const newest = raw.prepare(
    'select at, host, duration_ms as durationMs, input_tokens + output_tokens as tokens from usage order by id desc',
  );
  return {
    of: async (host, since) => {
      const calls: { readonly beganAt: number; readonly tokens: number }[] = [];
      for (const read of newest.iterate()) {
        const row = rowSchema.parse(read);
        if (row.at < since) break;
        if (row.host === host) calls.push({ beganAt: row.at - row.durationMs, tokens: row.tokens });
      }
      return calls.sort((a, b) => a.beganAt - b.beganAt);
    },
  };
}
