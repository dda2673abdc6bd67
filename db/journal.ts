import type Database from 'better-sqlite3';
import { isTerminal } from '../src/domain/run.ts';
import type { Attempted, Journal, JournalWrite, StoredRun, StoredSignal } from '../src/ports/journal.ts';
import { Batch } from './batch.ts';
import { BusLog } from './bus-log.ts';
import type { EventLog } from './event-log.ts';
import {
  idRows,
  momentRow,
  parseOutcome,
  parsePayload,
  parseSpec,
  reading,
  runRow,
  signalRows,
  statusRow,
  stepRows,
  timerRows,
} from './journal-rows.ts';
import type { QuestionWithdrawals } from './question-withdrawals.ts';
import { RunRecords } from './run-records.ts';
import { TaskWithdrawals } from './task-withdrawals.ts';

/**
 * The journal on SQLite. Prepared statements of the driver rather than the query builder: this is the one path
 * whose speed is Baton's speed (see bench/engine.ts).
 */
export class SqliteJournal implements Journal {
  readonly #log: EventLog;
  readonly #commit: (writes: readonly JournalWrite[]) => string[];
  readonly #sql: ReturnType<typeof prepare>;
  // Steps end thousands of times a second, all else happens now and then.
  readonly #settled: Batch;
  readonly #bus: BusLog;
  readonly #records: RunRecords;
  readonly #withdrawals: TaskWithdrawals;
  readonly #questions: QuestionWithdrawals | null;

  /** @param questions closes what a run asks when it does without the answer; null where nobody is asked */
  constructor(raw: Database.Database, log: EventLog, questions: QuestionWithdrawals | null = null) {
    this.#log = log;
    this.#sql = prepare(raw);
    this.#bus = new BusLog(raw);
    this.#records = new RunRecords(raw, log.audit);
    this.#withdrawals = new TaskWithdrawals(raw);
    this.#questions = questions;
    this.#settled = new Batch(
      raw,
      'insert into steps (run_id, key, kind, status, attempt, settled_seq, outcome)',
      '(?, ?, ?, ?, ?, ?, ?)',
    );
    const transaction = raw.transaction((writes: readonly JournalWrite[]) => {
      const newborn: string[] = [];
      for (const write of writes) this.#apply(write, newborn);
      this.#settled.flush();
      log.flush();
      return newborn;
    });
    this.#commit = (writes) => transaction.immediate(writes);
  }

  commit(writes: readonly JournalWrite[]): readonly string[] {
    try {
      const newborn = this.#commit(writes);
      this.#log.audit.publish();
      return newborn;
    } catch (error) {
      this.#log.forget();
      this.#settled.clear();
      throw error;
    }
  }

  #apply(write: JournalWrite, newborn: string[]): void {
    const sql = this.#sql;
    switch (write.w) {
      case 'run': {
        const { runId, spec, at } = write;
        if (sql.run.run(runId, spec.parent?.runId ?? null, JSON.stringify(spec), spec.hash, at).changes === 0)
          return;
        const seq = this.#log.add(runId, { type: 'run.created', program: spec.program, hash: spec.hash }, at);
        // A signal that came before its run has left an event.
        if (seq === 1) newborn.push(runId);
        return;
      }
      case 'status': {
        const session = sql.status.get(
          write.status,
          write.outcome === null ? null : JSON.stringify(write.outcome),
          isTerminal(write.status) ? write.at : null,
          write.runId,
        );
        // One that was cancelled without being loaded still has its timers.
        if (write.status === 'cancelled') sql.untimerAll.run(write.runId);
        if (isTerminal(write.status)) {
          for (const event of this.#withdrawals.runEnded(write.runId, write.outcome, write.at))
            this.#log.add(write.runId, event, write.at);
          this.#questions?.runEnded(write.runId, write.outcome, write.at);
        }
        if (typeof session === 'string')
          this.#bus.runTurned(write.runId, write.status, write.outcome, write.at);
        return;
      }
      case 'settle': {
        const seq = this.#log.add(write.runId, write.event, write.at);
        const status = write.outcome.ok ? 'done' : 'failed';
        const outcome = JSON.stringify(write.outcome);
        this.#settled.add(write.runId, write.key, write.kind, status, write.attempt, seq, outcome);
        return;
      }
      case 'timer':
        sql.timer.run(write.runId, write.key, write.fireAt);
        return;
      case 'untimer':
        sql.untimer.run(write.runId, write.key);
        return;
      case 'signal': {
        const inserted = sql.signal.run(
          write.runId,
          write.name,
          JSON.stringify(write.payload),
          write.idempotencyKey,
          write.at,
        );
        if (inserted.changes > 0)
          this.#log.add(write.runId, { type: 'signal.received', name: write.name }, write.at);
        return;
      }
      case 'consume':
        sql.consume.run(write.key, write.signalId);
        return;
      case 'event': {
        const seq = this.#log.add(write.runId, write.event, write.at);
        const decisionId = this.#records.told(write.runId, seq, write.event, write.at);
        for (const event of this.#withdrawals.told(write.runId, write.event, write.at))
          this.#log.add(write.runId, event, write.at);
        this.#questions?.told(write.runId, write.event, write.at);
        if (decisionId !== null) this.#log.add(write.runId, { type: 'decision.made', decisionId }, write.at);
        return;
      }
      case 'usage': {
        const { usage: u } = write;
        sql.usage.run(
          write.runId,
          write.key,
          u.kind,
          u.agent,
          u.model,
          u.host ?? null,
          u.inputTokens,
          u.cachedTokens,
          u.outputTokens,
          u.reasoningTokens,
          u.durationMs,
          u.costUsd,
          write.at,
        );
        // Commands and tools on one's own machine cost nothing: kept, and not worth an event.
        if (u.kind !== 'model' && u.costUsd === 0) return;
        this.#log.add(
          write.runId,
          { type: 'usage.added', agent: u.agent, costUsd: u.costUsd, tokens: u.inputTokens + u.outputTokens },
          write.at,
        );
        return;
      }
      default:
        write satisfies never;
    }
  }

  load(runId: string): StoredRun | null {
    const found = this.#sql.load.get(runId);
    if (found === undefined) return null;
    return reading(runId, () => {
      const { status, spec, signalled } = runRow.parse(found);
      const signals = signalled === 0 ? [] : this.signals(runId);
      const base = { id: runId, status, spec: parseSpec(spec), signals };
      // Before its first turn a run has neither steps nor timers, unless it goes on from where another was.
      if (status === 'queued' && base.spec.forkedFrom === undefined)
        return { ...base, settled: [], timers: new Map() };
      return { ...base, ...this.#progress(runId) };
    });
  }

  #progress(runId: string): Pick<StoredRun, 'settled' | 'timers'> {
    const settled = stepRows
      .parse(this.#sql.steps.all(runId))
      .map(({ key, outcome }) => ({ key, outcome: parseOutcome(outcome) }));
    const timers = new Map(timerRows.parse(this.#sql.timers.all(runId)).map((row) => [row.key, row.fire_at]));
    return { settled, timers };
  }

  attempts(runId: string): ReadonlyMap<string, Attempted> {
    const found = new Map<string, Attempted>();
    reading(runId, () => {
      for (const { event } of this.#log.after(runId, 0, Number.MAX_SAFE_INTEGER)) {
        if (event.type !== 'step.started') continue;
        found.set(event.key, { attempt: event.attempt, crashes: event.crashes ?? 0 });
      }
    });
    return found;
  }

  signals(runId: string): StoredSignal[] {
    const rows = this.#sql.signals.all(runId);
    if (rows.length === 0) return [];
    return reading(runId, () =>
      signalRows.parse(rows).map(({ id, name, payload }) => ({ id, name, payload: parsePayload(payload) })),
    );
  }

  status(runId: string) {
    const found = this.#sql.outcome.get(runId);
    if (found === undefined) return null;
    return reading(runId, () => {
      const { status, outcome } = statusRow.parse(found);
      return { status, outcome: outcome === null ? null : parseOutcome(outcome) };
    });
  }

  recoverable(now: number): string[] {
    return idRows.parse(this.#sql.recoverable.all({ now }));
  }

  due(now: number, limit: number): string[] {
    return idRows.parse(this.#sql.due.all(now, limit));
  }

  nextTimer(): number | null {
    return momentRow.parse(this.#sql.nextTimer.get()) ?? null;
  }

  openChildren(runId: string): string[] {
    // Children are named after their parent (see the engine), so they are a range of the primary key.
    return idRows
      .parse(this.#sql.children.all(`${runId}.`, `${runId}/`))
      .filter((id) => !id.slice(runId.length + 1).includes('.'));
  }

  release(runId: string): void {
    this.#log.forget(runId);
  }
}

function prepare(raw: Database.Database) {
  return {
    run: raw.prepare(
      // A part of a run belongs to the same session: what happens in it is told in the same thread.
      "insert into runs (id, session_id, status, spec, hash, created_at) values (?, (select session_id from runs where id = ?), 'queued', ?, ?, ?) on conflict do nothing",
    ),
    status: raw
      .prepare('update runs set status = ?, outcome = ?, ended_at = ? where id = ? returning session_id')
      .pluck(),
    untimerAll: raw.prepare('delete from timers where run_id = ?'),
    timer: raw.prepare(
      'insert into timers (run_id, key, fire_at) values (?, ?, ?) on conflict (run_id, key) do update set fire_at = excluded.fire_at',
    ),
    untimer: raw.prepare('delete from timers where run_id = ? and key = ?'),
    signal: raw.prepare(
      'insert into signals (run_id, name, payload, idempotency_key, at) values (?, ?, ?, ?, ?) on conflict do nothing',
    ),
    consume: raw.prepare('update signals set consumed_by = ? where id = ?'),
    usage: raw.prepare(
      'insert into usage (run_id, key, kind, agent, model, host, input_tokens, cached_tokens, output_tokens, reasoning_tokens, duration_ms, cost_usd, at) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)',
    ),
    load: raw.prepare(
      'select status, spec, exists (select 1 from signals s where s.run_id = runs.id and s.consumed_by is null) as signalled from runs where id = ?',
    ),
    outcome: raw.prepare('select status, outcome from runs where id = ?'),
    steps: raw.prepare('select key, outcome from steps where run_id = ? order by settled_seq'),
    timers: raw.prepare('select key, fire_at from timers where run_id = ?'),
    signals: raw.prepare(
      'select id, name, payload from signals where run_id = ? and consumed_by is null order by id',
    ),
    recoverable: raw
      .prepare(
        "select id from runs where status in ('queued', 'running') union " +
          "select r.id from signals s join runs r on r.id = s.run_id where s.consumed_by is null and r.status = 'waiting' union " +
          "select r.id from timers t join runs r on r.id = t.run_id where t.fire_at <= @now and r.status = 'waiting' order by 1",
      )
      .pluck(),
    due: raw
      .prepare(
        "select distinct t.run_id from timers t join runs r on r.id = t.run_id where t.fire_at <= ? and r.status in ('running', 'waiting') limit ?",
      )
      .pluck(),
    nextTimer: raw
      .prepare(
        "select t.fire_at from timers t join runs r on r.id = t.run_id where r.status in ('running', 'waiting') order by t.fire_at limit 1",
      )
      .pluck(),
    children: raw
      .prepare(
        "select id from runs where id > ? and id < ? and status not in ('completed', 'failed', 'cancelled')",
      )
      .pluck(),
  };
}
