import type Database from 'better-sqlite3';
import { z } from 'zod';
import type { Memory, Recall } from '../src/ports/memory.ts';
import { PACKED } from './event-log.ts';

/** Runs that are looked through, the newest; entries of each kind; entries that are told. */
const RUNS = 60;
const LOOKED = 3_000;
const TOLD = 20;
/** Of a query. */
const WORDS = 12;
/** Decisions that say how Baton itself went on, and nothing of the repository. */
const OF_NO_USE = ['workflow', 'failover', 'resume', 'pause', 'plan'];

const placeSchema = z
  .object({
    root: z.string(),
    team: z.string(),
    channel: z.string(),
    requester: z.string(),
    repository: z.string(),
  })
  .optional();
const rowSchema = z.object({
  at: z.number(),
  kind: z.enum(['decision', 'guidance', 'result']),
  text: z.string(),
});

/** Looks into what runs left in the journal of events and among decisions: nothing is kept twice. */
export function createMemory(raw: Database.Database): Recall {
  const place = raw.prepare(
    "select s.id as root, s.team, s.channel, s.requester, s.repository from runs r join sessions s on s.id = r.session_id where r.id = substr(?, 1, instr(? || '.', '.') - 1)",
  );
  const runs =
    'select r.id from runs r join sessions s on s.id = r.session_id where s.repository = @repository and s.team = @team and (s.channel = @channel or s.requester = @requester) and s.id <> @root order by r.created_at desc limit @runs';
  const left = raw.prepare(`
    with theirs as (${runs})
    select at, 'decision' as kind, choice || ': ' || reason as text from decisions
      where run_id in theirs and kind not in (${OF_NO_USE.map(() => '?').join(', ')})
    union all
    select at, 'guidance', json_extract(data, '$.guidance.text') from events
      where run_id in theirs and type = 'guidance.given'
    union all
    select e.at, 'result', json_extract(one.value, '$.status') || ': ' || json_extract(one.value, '$.summary')
      from events e, json_each(case e.type when '${PACKED}' then e.data else json_array(json(e.data)) end) one
      where e.run_id in theirs and (e.type = 'result' or (e.type = '${PACKED}' and instr(e.data, '"type":"result"') > 0))
        and json_extract(one.value, '$.type') = 'result'
    order by 1 desc limit @looked`);
  return async (runId, query) => {
    const here = placeSchema.parse(place.get(runId, runId));
    if (here === undefined) return { entries: [], more: 0 };
    const rows = z.array(rowSchema).parse(left.all(...OF_NO_USE, { ...here, runs: RUNS, looked: LOOKED }));
    const words = wordsOf(query);
    const fitting = rows
      .map((entry) => ({ entry, score: scoreOf(entry, words) }))
      .filter(({ score }) => score > 0)
      // Among those that fit as well, the newest; rows come newest first, and the order of equals is kept.
      .sort((a, b) => b.score - a.score)
      .map(({ entry }) => entry);
    return { entries: fitting.slice(0, TOLD), more: Math.max(0, fitting.length - TOLD) };
  };
}

/** Words of three letters and more, without their endings: "exports" finds "export". */
function wordsOf(query: string): string[] {
  const words = query.toLowerCase().match(/[\p{L}\p{N}_-]{3,}/gu) ?? [];
  return [...new Set(words.map((word) => word.replace(/(?:ing|ed|es|s)$/, '')))].slice(0, WORDS);
}

function scoreOf({ text }: Memory, words: readonly string[]): number {
  const within = text.toLowerCase();
  return words.filter((word) => within.includes(word)).length;
}
