import type Database from 'better-sqlite3';
import { z } from 'zod';
import { type BusEvent, eventId, isFor } from '../src/domain/bus-event.ts';
import { jsonSchema } from '../src/domain/json.ts';
import { isTerminal, runStatuses } from '../src/domain/run.ts';
import type { Bus, Claim, Listener, ListenerSignal, Wanted } from '../src/ports/bus.ts';
import { BusLog, EVENT_COLUMNS, TEAM_OF_RUN, toEvent } from './bus-log.ts';
import type { EventLog } from './event-log.ts';

/** Events of the past that a new listener looks through at once. */
const PAGE = 200;
/** What one transaction hands on, about: one event may have hundreds of subscribers, and nothing else runs meanwhile. */
const MOST_HANDED = 500;
/** Listeners remembered as told of; beyond that they are told once more. */
const MOST_TOLD = 10_000;
type Wants = (listener: Listener, event: BusEvent) => Wanted;

/** The bus on SQLite. Prepared statements, because one event may have many subscribers. */
export function createBus(raw: Database.Database, log: EventLog): Bus {
  const sql = prepare(raw);
  const bus = new BusLog(raw);
  const once = <T>(work: () => T): T => {
    try {
      return raw.transaction(work).immediate();
    } catch (error) {
      log.forget();
      throw error;
    }
  };
  const position = (): number => z.coerce.number().parse(sql.position.get() ?? 0);

  /** Told once for each listener of this process: an event that comes often must not fill the run's own record. */
  const told = new Set<string>();
  function noteAbsent({ id, runId, rule }: Listener, now: number): void {
    if (rule === null || told.has(id)) return;
    if (told.size >= MOST_TOLD) told.clear();
    told.add(id);
    const node = (id.split('/').at(-1) ?? id).replace(/#\d+$/, '');
    log.append(runId, { type: 'rule.evaluated', node, rule, outcome: 'absent' }, now);
  }

  /** Gives a listener an event, once. Returns how many more it wants. */
  function hand(listener: Listener, event: BusEvent, wanted: Wanted, now: number): number {
    if (wanted === false) return listener.remaining;
    if (wanted === 'absent') {
      noteAbsent(listener, now);
      return listener.remaining;
    }
    const { id, runId, signal } = listener;
    const status = runStatus.parse(sql.runStatus.get(runId) ?? null);
    const gone = status === null || isTerminal(status);
    if (gone || typeof wanted === 'object') sql.unlisten.run(id);
    if (gone) return 0;
    if (sql.delivered.run(id, event.seq, now, 'done', runId, null).changes === 0) return listener.remaining;
    const payload: ListenerSignal = typeof wanted === 'object' ? { failure: wanted } : { event };
    const key = `${eventId(event.seq)}:${id}`;
    sql.signal.run(runId, signal, JSON.stringify(payload), key, now);
    log.append(runId, { type: 'signal.received', name: signal }, now);
    if (typeof wanted === 'object') return 0;
    const remaining = listener.remaining - 1;
    if (remaining === 0) sql.unlisten.run(id);
    else sql.handed.run(remaining, id);
    return remaining;
  }

  /** Null: it belongs to no workspace, and hears what is for all. */
  const teamOf = (runId: string): string | null =>
    z
      .string()
      .nullable()
      .parse(sql.team.get(runId) ?? null);

  /** What a new listener may have of the past. */
  function lookBack(listener: Listener, since: number, wants: Wants, now: number): void {
    const until = position();
    const team = teamOf(listener.runId);
    let { remaining } = listener;
    for (let after = 0; remaining > 0; ) {
      const page = sql.past.all(listener.name, after, until, since, PAGE).map(toEvent);
      for (const event of page) {
        const current = { ...listener, remaining };
        if (remaining > 0 && isFor(event, team)) remaining = hand(current, event, wants(current, event), now);
      }
      const last = page.at(-1);
      if (last === undefined || page.length < PAGE) return;
      after = last.seq;
    }
  }

  return {
    async publish(event) {
      return once(() => bus.publish(event));
    },
    async listen(listener, since, wants, now) {
      once(() => {
        const { id, runId, name, signal, rule, facts, remaining } = listener;
        if (sql.heard.get(id, id) !== undefined) return;
        // What was published and not handed on yet is of the past too, when only what comes is wanted.
        const after = since === null ? sql.newest.get() : (sql.before.get(position(), since) ?? position());
        sql.listen.run(
          id,
          runId,
          name,
          signal,
          rule,
          JSON.stringify(facts),
          remaining,
          z.number().nullable().parse(after) ?? 0,
        );
        if (since !== null) lookBack(listener, since, wants, now);
      });
    },
    async unlisten(id) {
      sql.unlisten.run(id);
    },
    async route({ limit, now, wants, subscribers }) {
      // Asked after every commit of the engine; mostly there is nothing, and nothing to lock.
      if (sql.next.get(position(), 1) === undefined) return { events: 0, runs: [], deliveries: 0 };
      return once(() => {
        const events = sql.next.all(position(), limit).map(toEvent);
        const runs = new Set<string>();
        let deliveries = 0;
        let handed = 0;
        const done: BusEvent[] = [];
        const listeners = new Map<string, Hearing[]>();
        for (const event of events) {
          if (handed >= MOST_HANDED) break;
          done.push(event);
          let hearing = listeners.get(event.name);
          if (hearing === undefined) {
            hearing = sql.listeners.all(event.name).map(toListener);
            listeners.set(event.name, hearing);
          }
          const left: typeof hearing = [];
          for (const listener of hearing) {
            const { afterSeq } = listener;
            const wanted = afterSeq < event.seq && isFor(event, listener.team) && wants(listener, event);
            const remaining = hand(listener, event, wanted, now);
            if (wanted !== false && wanted !== 'absent') {
              runs.add(listener.runId);
              handed += 1;
            }
            if (remaining > 0) left.push({ ...listener, remaining });
          }
          listeners.set(event.name, left);
          for (const { id, refused } of subscribers(event)) {
            const status = refused === null ? 'pending' : 'refused';
            handed += 1;
            deliveries += sql.delivered.run(id, event.seq, event.at, status, null, refused).changes;
          }
        }
        const last = done.at(-1);
        if (last !== undefined) sql.moved.run(String(last.seq), now);
        return { events: done.length, runs: [...runs], deliveries };
      });
    },
    async waiting(subscription, limit) {
      const rows = waitingRows.parse(sql.waiting.all(subscription, limit));
      const [first] = rows;
      if (first === undefined) return null;
      const lastAt = z.number().parse(sql.waitingLast.get(subscription));
      return { ids: rows.map(({ id }) => id), firstSeq: first.seq, firstAt: first.at, lastAt };
    },
    async blocked({ team, names, deliveries }) {
      const given = { team, names: JSON.stringify(names), deliveries: JSON.stringify(deliveries) };
      return z.number().parse(sql.blocked.get(given));
    },
    async claim(batch, deliveries) {
      once(() => {
        for (const id of deliveries) sql.claim.run(batch, id);
      });
    },
    async claimed() {
      const claims = new Map<string, { subscription: string; events: BusEvent[] }>();
      for (const row of sql.claimed.all()) {
        const { batch, subscriber } = claimRow.parse(row);
        const claim = claims.get(batch) ?? { subscription: subscriber, events: [] };
        claim.events.push(toEvent(row));
        claims.set(batch, claim);
      }
      return [...claims].map(([batch, claim]): Claim => ({ batch, ...claim }));
    },
    async settle(batch, end) {
      if ('runId' in end) sql.settle.run('done', end.runId, null, batch);
      else sql.settle.run('refused', null, end.refused, batch);
    },
    async refuseOthers(subscriptions, reason) {
      return sql.refuseOthers.run(reason, JSON.stringify(subscriptions)).changes;
    },
    async underWay() {
      return z.number().parse(sql.underWay.get());
    },
  };
}

const runStatus = z.enum(runStatuses).nullable();
const waitingRows = z.array(z.object({ id: z.number(), seq: z.number(), at: z.number() }));
const claimRow = z.object({ batch: z.string(), subscriber: z.string() });
const listenerRow = z.object({
  id: z.string(),
  runId: z.string(),
  name: z.string(),
  signal: z.string(),
  rule: z.string().nullable(),
  facts: z.string(),
  remaining: z.number(),
  afterSeq: z.number(),
  team: z.string().nullable(),
});
/** A listener with what it may hear: events after one, of its workspace or of none. */
type Hearing = Listener & { readonly afterSeq: number; readonly team: string | null };

function toListener(row: unknown): Hearing {
  const { facts, ...rest } = listenerRow.parse(row);
  return { ...rest, facts: z.record(z.string(), jsonSchema).parse(JSON.parse(facts)) };
}

const POSITION = 'bus-position';

function prepare(raw: Database.Database) {
  return {
    position: raw.prepare(`select value from settings where key = '${POSITION}'`).pluck(),
    moved: raw.prepare(
      `insert into settings (key, value, at) values ('${POSITION}', ?, ?) on conflict (key) do update set value = excluded.value, at = excluded.at`,
    ),
    next: raw.prepare(
      `select ${EVENT_COLUMNS} from bus_events e where e.seq > ? and e.refused is null order by e.seq limit ?`,
    ),
    past: raw.prepare(
      `select ${EVENT_COLUMNS} from bus_events e where e.name = ? and e.seq > ? and e.seq <= ? and e.at >= ? and e.refused is null order by e.seq limit ?`,
    ),
    newest: raw.prepare('select max(seq) from bus_events').pluck(),
    /** The last event before a moment, so that one that is not handed on yet and lies before it stays out. */
    before: raw
      .prepare('select seq from bus_events where seq > ? and at < ? order by seq desc limit 1')
      .pluck(),
    heard: raw.prepare(
      'select 1 from bus_listeners where id = ? union all select 1 from bus_deliveries where subscriber = ? limit 1',
    ),
    listen: raw.prepare(
      'insert into bus_listeners (id, run_id, name, signal, rule, facts, remaining, after_seq) values (?, ?, ?, ?, ?, ?, ?, ?)',
    ),
    unlisten: raw.prepare('delete from bus_listeners where id = ?'),
    listeners: raw.prepare(
      'select l.id, l.run_id as runId, l.name, l.signal, l.rule, l.facts, l.remaining, l.after_seq as afterSeq, s.team from bus_listeners l left join runs r on r.id = l.run_id left join sessions s on s.id = r.session_id where l.name = ? order by l.rowid',
    ),
    team: raw.prepare(TEAM_OF_RUN).pluck(),
    handed: raw.prepare('update bus_listeners set remaining = ? where id = ?'),
    runStatus: raw.prepare('select status from runs where id = ?').pluck(),
    delivered: raw.prepare(
      'insert into bus_deliveries (subscriber, seq, at, status, run_id, reason) values (?, ?, ?, ?, ?, ?) on conflict (subscriber, seq) do nothing',
    ),
    signal: raw.prepare(
      'insert into signals (run_id, name, payload, idempotency_key, at) values (?, ?, ?, ?, ?) on conflict do nothing',
    ),
    waiting: raw.prepare(
      "select id, seq, at from bus_deliveries where subscriber = ? and status = 'pending' order by id limit ?",
    ),
    waitingLast: raw
      .prepare(
        "select at from bus_deliveries where subscriber = ? and status = 'pending' order by id desc limit 1",
      )
      .pluck(),
    blocked: raw
      .prepare(
        `with named (id) as (
           select run_id from bus_listeners where name in (select value from json_each(@names))
           union all
           select json_extract(e.payload, '$.run') from bus_deliveries d join bus_events e on e.seq = d.seq
             where d.id in (select value from json_each(@deliveries))
         ), roots (id) as (
           select distinct substr(n.id, 1, instr(n.id || '.', '.') - 1) from named n
             join runs r on r.id = n.id and r.status in ('waiting', 'paused')
         )
         select count(*) from roots join runs r on r.id = roots.id join sessions s on s.id = r.session_id
           where s.team = @team`,
      )
      .pluck(),
    claim: raw.prepare(
      "update bus_deliveries set status = 'claimed', batch = ? where id = ? and status = 'pending'",
    ),
    claimed: raw.prepare(
      `select d.batch, d.subscriber, ${EVENT_COLUMNS} from bus_deliveries d join bus_events e on e.seq = d.seq where d.status = 'claimed' order by d.id`,
    ),
    settle: raw.prepare(
      "update bus_deliveries set status = ?, run_id = ?, reason = ? where batch = ? and status = 'claimed'",
    ),
    refuseOthers: raw.prepare(
      "update bus_deliveries set status = 'refused', reason = ? where status = 'pending' and subscriber not in (select value from json_each(?))",
    ),
    underWay: raw
      .prepare(
        "select count(*) from runs r where r.status in ('queued', 'running', 'waiting', 'paused') and exists (select 1 from bus_deliveries d where d.run_id = r.id and d.batch is not null)",
      )
      .pluck(),
  };
}
