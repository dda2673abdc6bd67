import { createHash } from 'node:crypto';
import { closeSync, fchmodSync, openSync, readFileSync, writeSync } from 'node:fs';
import type Database from 'better-sqlite3';
import { z } from 'zod';
import {
  AUDIT_ROOT,
  type AuditEntry,
  type AuditProblem,
  type AuditRow,
  auditProblem,
  auditRowSchema,
  auditText,
} from '../src/domain/audit.ts';

/** Where each head is kept outside the database: in BATON_HOME, for its owner's eyes only. */
export const HEADS_FILE = 'audit-heads.txt';
const OWNER_ONLY = 0o600;

/**
 * The one place that appends to the audit. A row is written inside the transaction of what it tells of; its hash
 * goes to the file outside once that is committed, and what a crash kept from there goes with the next.
 */
export class AuditLog {
  readonly #raw: Database.Database;
  readonly #head: Database.Statement;
  readonly #insert: Database.Statement;
  readonly #after: Database.Statement;
  readonly #file: string | null;
  #dirty = true;
  #outside: number | null = null;

  /** @param file null: heads are kept nowhere else, as in tests and `baton run` */
  constructor(raw: Database.Database, file: string | null) {
    this.#raw = raw;
    this.#file = file;
    this.#head = raw.prepare('select seq, hash from audit order by seq desc limit 1');
    this.#insert = raw.prepare(
      'insert into audit (seq, at, kind, actor, actor_kind, team, run_id, approval_id, shown, executed, detail, prev, hash) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)',
    );
    this.#after = raw.prepare('select seq, hash from audit where seq > ? order by seq');
  }

  /** To be called inside a transaction. @returns the row's hash, the head of the audit from now on */
  append(entry: AuditEntry): string {
    const head = lastHead.parse(this.#head.get());
    const row = { ...entry, seq: (head?.seq ?? 0) + 1, prev: head?.hash ?? AUDIT_ROOT };
    const hash = sha256(auditText(row));
    this.#insert.run(
      row.seq,
      row.at,
      row.kind,
      row.actor,
      row.actorKind,
      row.team,
      row.runId,
      row.approvalId,
      row.shown,
      row.executed,
      JSON.stringify(row.detail),
      row.prev,
      hash,
    );
    this.#dirty = true;
    return hash;
  }

  /** What was done in or about a run, in order. */
  ofRun(runId: string): AuditRow[] {
    return [...auditRows(this.#raw, runId)];
  }

  /**
   * Writes the heads that are committed and not yet outside. A full disk must not undo what was committed: what
   * cannot be written now is written with the next, and until then `baton audit verify` says so.
   */
  publish(): void {
    if (!this.#dirty || this.#file === null) return;
    try {
      this.#outside ??= furthest(readHeads(this.#file));
      const rows = newHeads.parse(this.#after.all(this.#outside));
      const last = rows.at(-1);
      if (last !== undefined) {
        appendPrivately(this.#file, rows.map(({ seq, hash }) => `${seq} ${hash}\n`).join(''));
        this.#outside = last.seq;
      }
      this.#dirty = false;
    } catch {
      this.#outside = null;
    }
  }
}

const headRow = z.object({ seq: z.number(), hash: z.string() });
const lastHead = headRow.optional();
const newHeads = z.array(headRow);

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

function appendPrivately(file: string, text: string): void {
  const handle = openSync(file, 'a', OWNER_ONLY);
  try {
    fchmodSync(handle, OWNER_ONLY);
    writeSync(handle, text);
  } finally {
    closeSync(handle);
  }
}

function furthest(heads: ReadonlyMap<number, readonly string[]>): number {
  let last = 0;
  for (const seq of heads.keys()) last = Math.max(last, seq);
  return last;
}

/** The heads kept outside, by row; a row has several only when somebody rewrote history. Empty without a file. */
export function readHeads(file: string): ReadonlyMap<number, readonly string[]> {
  const heads = new Map<number, string[]>();
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return heads;
    throw error;
  }
  for (const line of text.split('\n')) {
    const found = /^(\d+) ([0-9a-f]{64})$/.exec(line);
    if (found === null) continue;
    const seq = Number(found[1]);
    heads.set(seq, [...(heads.get(seq) ?? []), found[2] ?? '']);
  }
  return heads;
}

const storedRow = z
  .object({
    seq: z.number(),
    at: z.number(),
    kind: z.string(),
    actor: z.string(),
    actor_kind: z.string(),
    team: z.string().nullable(),
    run_id: z.string().nullable(),
    approval_id: z.string().nullable(),
    shown: z.string().nullable(),
    executed: z.string().nullable(),
    detail: z.string(),
    prev: z.string(),
    hash: z.string(),
  })
  .transform(({ actor_kind: actorKind, run_id: runId, approval_id: approvalId, detail, ...row }) =>
    auditRowSchema.parse({ ...row, actorKind, runId, approvalId, detail: JSON.parse(detail) }),
  );

/** Every row in order, one at a time; only those of a run and its parts when one is named. */
export function* auditRows(raw: Database.Database, runId: string | null = null): Generator<AuditRow> {
  const found =
    runId === null
      ? raw.prepare('select * from audit order by seq').iterate()
      : raw
          .prepare('select * from audit where run_id = ? or (run_id > ? and run_id < ?) order by seq')
          .iterate(runId, `${runId}.`, `${runId}/`);
  for (const row of found) yield storedRow.parse(row);
}

/** Looks at the whole audit and the heads outside. @returns how many rows there are, and what is wrong first */
export function verifyAudit(
  raw: Database.Database,
  file: string,
): {
  readonly rows: number;
  readonly head: string;
  readonly outside: number;
  readonly problem: AuditProblem | null;
} {
  let rows = 0;
  let head = AUDIT_ROOT;
  const heads = readHeads(file);
  function* counted(): Generator<AuditRow> {
    for (const row of auditRows(raw)) {
      rows += 1;
      head = row.hash;
      yield row;
    }
  }
  const problem = auditProblem(counted(), heads, sha256);
  return { rows, head, outside: furthest(heads), problem };
}
