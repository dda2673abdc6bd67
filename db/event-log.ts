import type Database from 'better-sqlite3';
import { z } from 'zod';
import { type RunEvent, runEventSchema, type StoredEvent } from '../src/domain/events.ts';
import { Batch } from './batch.ts';

/** Counters kept in memory; above this they are all forgotten and read again, which costs one look-up each. */
const MAX_COUNTERS = 10_000;

/**
 * The one place that appends events, so that numbers rise by one within each run whoever writes. Must be called
 * inside a transaction; after a rollback call {@link forget}.
 */
export class EventLog {
  readonly #next = new Map<string, number>();
  readonly #insert: Database.Statement;
  readonly #batch: Batch;
  readonly #last: Database.Statement;
  readonly #read: Database.Statement;

  constructor(raw: Database.Database) {
    const insert = 'insert into events (run_id, seq, at, type, data)';
    this.#insert = raw.prepare(`${insert} values (?, ?, ?, ?, ?)`);
    this.#batch = new Batch(raw, insert, '(?, ?, ?, ?, ?)');
    this.#last = raw.prepare('select max(seq) from events where run_id = ?').pluck();
    this.#read = raw.prepare(
      'select seq, at, data from events where run_id = ? and seq > ? order by seq limit ?',
    );
  }

  /** Returns the event's number. */
  append(runId: string, event: RunEvent, at: number): number {
    const seq = this.#number(runId);
    this.#insert.run(runId, seq, at, event.type, textOf(event));
    return seq;
  }

  /** As {@link append}, but written with others: call {@link flush} before the transaction ends. */
  add(runId: string, event: RunEvent, at: number): number {
    const seq = this.#number(runId);
    this.#batch.add(runId, seq, at, event.type, textOf(event));
    return seq;
  }

  flush(): void {
    this.#batch.flush();
  }

  #number(runId: string): number {
    const seq = this.#next.get(runId) ?? this.#lastSeq(runId) + 1;
    this.#next.set(runId, seq + 1);
    return seq;
  }

  /** Events of a run after `seq`, in order. */
  after(runId: string, seq: number, limit: number): StoredEvent[] {
    return rows.parse(this.#read.all(runId, seq, limit)).map((row) => ({
      runId,
      seq: row.seq,
      at: row.at,
      event: runEventSchema.parse(JSON.parse(row.data)),
    }));
  }

  /** Forgets the next number of a run, or (after a rollback) of all, with what was still to be written. */
  forget(runId?: string): void {
    if (runId !== undefined) {
      this.#next.delete(runId);
      return;
    }
    this.#next.clear();
    this.#batch.clear();
  }

  #lastSeq(runId: string): number {
    if (this.#next.size >= MAX_COUNTERS) this.#next.clear();
    return z.number().nullable().parse(this.#last.get(runId)) ?? 0;
  }
}

const rows = z.array(z.object({ seq: z.number(), at: z.number(), data: z.string() }));

/**
 * An event as JSON. The two that every step writes are put together by hand: twice as fast, and the same text.
 */
export function textOf(event: RunEvent): string {
  if (event.type === 'step.completed') return `{"type":"step.completed","key":${JSON.stringify(event.key)}}`;
  if (event.type !== 'step.started') return JSON.stringify(event);
  const { key, label, attempt, node } = event;
  const last = node === undefined ? '' : `,"node":${JSON.stringify(node)}`;
  return `{"type":"step.started","key":${JSON.stringify(key)},"label":${JSON.stringify(label)},"attempt":${attempt}${last}}`;
}
