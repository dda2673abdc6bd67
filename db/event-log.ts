import type Database from 'better-sqlite3';
import { z } from 'zod';
import { type RunEvent, runEventSchema, type StoredEvent } from '../src/domain/events.ts';
import { AuditLog } from './audit.ts';
import { Batch } from './batch.ts';

/** Counters kept in memory; above this they are all forgotten and read again, which costs one look-up each. */
const MAX_COUNTERS = 10_000;
/** Events in one row at most, so that a page of rows is never much more to parse than a page of events. */
const MAX_PACKED = 50;
/** The `type` of a row that holds several events. */
export const PACKED = 'packed';

/** Events of one run and moment that go into one row. */
interface Pack {
  readonly at: number;
  type: string;
  /** Number of the last. */
  seq: number;
  count: number;
  text: string;
}

/**
 * The one place that appends events, so that numbers rise by one within each run whoever writes. Must be called
 * inside a transaction; after a rollback call {@link forget}.
 *
 * A row holds one event, or all that one run's turn of the engine brought about: then `seq` is the number of the
 * last, `data` a list, and the others count back from it. Half the rows of a file that grows by events are so saved.
 */
export class EventLog {
  readonly #next = new Map<string, number>();
  readonly #packs = new Map<string, Pack>();
  readonly #insert: Database.Statement;
  readonly #batch: Batch;
  readonly #last: Database.Statement;
  readonly #read: Database.Statement;

  /** What is told in the audit too is written in the same transactions. */
  readonly audit: AuditLog;

  constructor(raw: Database.Database, audit = new AuditLog(raw, null)) {
    this.audit = audit;
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
    const pack = this.#packs.get(runId);
    if (pack === undefined)
      this.#packs.set(runId, { at, type: event.type, seq, count: 1, text: textOf(event) });
    else if (pack.at === at && pack.count < MAX_PACKED) {
      pack.type = PACKED;
      pack.seq = seq;
      pack.count += 1;
      pack.text += `,${textOf(event)}`;
    } else {
      this.#write(runId, pack);
      this.#packs.set(runId, { at, type: event.type, seq, count: 1, text: textOf(event) });
    }
    return seq;
  }

  flush(): void {
    for (const [runId, pack] of this.#packs) this.#write(runId, pack);
    this.#packs.clear();
    this.#batch.flush();
  }

  #write(runId: string, { seq, at, type, count, text }: Pack): void {
    this.#batch.add(runId, seq, at, type, count === 1 ? text : `[${text}]`);
  }

  #number(runId: string): number {
    const seq = this.#next.get(runId) ?? this.#lastSeq(runId) + 1;
    this.#next.set(runId, seq + 1);
    return seq;
  }

  /** Events of a run after `seq`, in order. */
  after(runId: string, seq: number, limit: number): StoredEvent[] {
    const found: StoredEvent[] = [];
    // Row by row: each may hold fifty events, and those beyond the page need not be read.
    for (const row of this.#read.iterate(runId, seq, limit)) {
      for (const stored of unpack(runId, rowSchema.parse(row)))
        if (stored.seq > seq && found.length < limit) found.push(stored);
      if (found.length >= limit) break;
    }
    return found;
  }

  /** Forgets the next number of a run, or (after a rollback) of all, with what was still to be written. */
  forget(runId?: string): void {
    if (runId !== undefined) {
      this.#next.delete(runId);
      return;
    }
    this.#next.clear();
    this.#packs.clear();
    this.#batch.clear();
  }

  #lastSeq(runId: string): number {
    if (this.#next.size >= MAX_COUNTERS) this.#next.clear();
    return lastNumber.parse(this.#last.get(runId)) ?? 0;
  }
}

const lastNumber = z.number().nullable();
const rowSchema = z.object({ seq: z.number(), at: z.number(), data: z.string() });

const dataSchema = z.union([z.array(runEventSchema), runEventSchema.transform((event) => [event])]);

/** The events of one row of the table, in order. */
export function unpack(
  runId: string,
  row: { readonly seq: number; readonly at: number; readonly data: string },
): StoredEvent[] {
  const events = dataSchema.parse(JSON.parse(row.data));
  const first = row.seq - events.length + 1;
  return events.map((event, index) => ({ runId, seq: first + index, at: row.at, event }));
}

/**
 * An event as JSON. The two that every step writes are put together by hand: twice as fast, and the same text.
 */
export function textOf(event: RunEvent): string {
  if (event.type === 'step.completed') return `{"type":"step.completed","key":${JSON.stringify(event.key)}}`;
  if (event.type !== 'step.started') return JSON.stringify(event);
  const { key, label, attempt, node, crashes } = event;
  const last = `${node === undefined ? '' : `,"node":${JSON.stringify(node)}`}${crashes === undefined ? '' : `,"crashes":${crashes}`}`;
  return `{"type":"step.started","key":${JSON.stringify(key)},"label":${JSON.stringify(label)},"attempt":${attempt}${last}}`;
}
