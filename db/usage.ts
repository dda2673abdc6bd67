import type Database from 'better-sqlite3';
import { z } from 'zod';
import { usageSchema } from '../src/domain/usage.ts';
import type { UsageReader } from '../src/ports/usage.ts';

const spendingSchema = z.object({
  count: z.number(),
  inputTokens: z.number(),
  cachedTokens: z.number(),
  outputTokens: z.number(),
  reasoningTokens: z.number(),
  durationMs: z.number(),
  costUsd: z.number(),
  unpriced: z.number(),
});
const lineSchema = spendingSchema.extend(usageSchema.pick({ kind: true, agent: true, model: true }).shape);
const channelSchema = spendingSchema.extend({ channel: z.string() });
const daySchema = spendingSchema.extend({ day: z.string() });
const agentSchema = spendingSchema.extend({ agent: z.string() });
const stepSchema = spendingSchema.extend({ step: z.string() });
const entrySchema = usageSchema.extend({
  at: z.number(),
  runId: z.string(),
  step: z.string(),
  session: z.string().nullable(),
  team: z.string().nullable(),
  channel: z.string().nullable(),
  requester: z.string().nullable(),
  workflow: z.string().nullable(),
});

const SUMS = `count(*) as count, coalesce(sum(u.input_tokens), 0) as inputTokens,
  coalesce(sum(u.cached_tokens), 0) as cachedTokens, coalesce(sum(u.output_tokens), 0) as outputTokens,
  coalesce(sum(u.reasoning_tokens), 0) as reasoningTokens, coalesce(sum(u.duration_ms), 0) as durationMs,
  coalesce(sum(u.cost_usd), 0) as costUsd, count(*) - count(u.cost_usd) as unpriced`;
/** What one person in one channel may know of: team, since, channel, person. */
const SEEN = `usage u join runs r on r.id = u.run_id join sessions s on s.id = r.session_id
  where s.team = ? and u.at >= ? and (s.channel = ? or s.requester = ?)`;
/** Rows whose order within one sum has no meaning are ordered by what they cost. */
const DEAREST = 'order by costUsd desc, inputTokens + outputTokens desc, durationMs desc';

/** A run with its parts, which are named after it and a dot; the sign after the dot in ASCII is a slash. */
const OF_RUN = "(u.run_id = @root or (u.run_id > @root || '.' and u.run_id < @root || '/'))";

export function createUsageReader(raw: Database.Database): UsageReader {
  const sql = {
    soFar: raw.prepare(
      `select ${SUMS} from usage u where u.run_id = ? and (u.kind <> 'human' or u.cost_usd is not null)
         and substr(u.key, 1, length(?)) = ?`,
    ),
    ofRun: raw.prepare(
      `select u.kind, u.agent, u.model, ${SUMS} from usage u where ${OF_RUN} group by u.kind, u.agent, u.model ${DEAREST}`,
    ),
    bySteps: raw.prepare(
      `select u.key as step, ${SUMS} from usage u where ${OF_RUN} group by u.key order by min(u.id)`,
    ),
    byChannel: raw.prepare(`select s.channel, ${SUMS} from ${SEEN} group by s.channel ${DEAREST}`),
    byDay: raw.prepare(
      `select date(u.at / 1000, 'unixepoch') as day, ${SUMS} from ${SEEN} group by day order by day desc`,
    ),
    byAgentSeen: raw.prepare(
      `select u.agent, ${SUMS} from ${SEEN} and u.agent is not null group by u.agent ${DEAREST}`,
    ),
    byAgent: raw.prepare(
      `select u.agent, ${SUMS} from usage u where u.at >= ? and u.agent is not null group by u.agent ${DEAREST}`,
    ),
    entries: raw.prepare(
      `select u.at, u.run_id as runId, u.key as step, r.session_id as session, s.team, s.channel, s.requester, s.workflow, u.kind, u.agent,
         u.model, u.input_tokens as inputTokens, u.cached_tokens as cachedTokens, u.output_tokens as outputTokens,
         u.reasoning_tokens as reasoningTokens, u.duration_ms as durationMs, u.cost_usd as costUsd
       from usage u left join runs r on r.id = u.run_id left join sessions s on s.id = r.session_id
       where u.at >= ? order by u.id`,
    ),
  };
  return {
    soFar: async (runId, below = '') => spendingSchema.parse(sql.soFar.get(runId, below, below)),
    ofRun: async (runId) => z.array(lineSchema).parse(sql.ofRun.all({ root: runId })),
    bySteps: async (runId) => z.array(stepSchema).parse(sql.bySteps.all({ root: runId })),
    byChannel: async ({ team, user, channel }, since) =>
      z.array(channelSchema).parse(sql.byChannel.all(team, since, channel, user)),
    byDay: async ({ team, user, channel }, since) =>
      z.array(daySchema).parse(sql.byDay.all(team, since, channel, user)),
    byAgentSeen: async ({ team, user, channel }, since) =>
      z.array(agentSchema).parse(sql.byAgentSeen.all(team, since, channel, user)),
    byAgent: async (since) =>
      new Map(
        z
          .array(agentSchema)
          .parse(sql.byAgent.all(since))
          .map(({ agent, ...spending }) => [agent, spending]),
      ),
    *entries(since) {
      for (const row of sql.entries.iterate(since)) yield entrySchema.parse(row);
    },
  };
}
