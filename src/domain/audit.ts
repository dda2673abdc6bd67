import { z } from 'zod';
import { canonicalJson, jsonSchema } from './json.ts';

export const actorKinds = ['person', 'baton', 'clock'] as const;
export type ActorKind = (typeof actorKinds)[number];

/** One row of the audit (A12): who did what, where and when, on what they were shown. */
export const auditEntrySchema = z.object({
  /** Milliseconds since the epoch. */
  at: z.number(),
  /** "approval.approved", "decision.workflow". */
  kind: z.string(),
  /** A person's id, or the part of Baton that acted. */
  actor: z.string(),
  actorKind: z.enum(actorKinds),
  team: z.string().nullable(),
  runId: z.string().nullable(),
  approvalId: z.string().nullable(),
  /** Digest of what was shown to whoever decided. */
  shown: z.string().nullable(),
  /** Digest of what was there when it was decided on or carried out. */
  executed: z.string().nullable(),
  detail: jsonSchema,
});
export type AuditEntry = z.infer<typeof auditEntrySchema>;

export const auditRowSchema = auditEntrySchema.extend({
  /** From 1, without gaps. */
  seq: z.number().int(),
  prev: z.string(),
  hash: z.string(),
});
export type AuditRow = z.infer<typeof auditRowSchema>;

/** What stands where the first row's predecessor would. */
export const AUDIT_ROOT = '0'.repeat(64);

/** The text whose SHA-256 is a row's hash: all of it but the hash, with its number and the hash before it. */
export function auditText(row: Omit<AuditRow, 'hash'>): string {
  const { seq, at, kind, actor, actorKind, team, runId, approvalId, shown, executed, detail, prev } = row;
  return canonicalJson({
    seq,
    at,
    kind,
    actor,
    actorKind,
    team,
    runId,
    approvalId,
    shown,
    executed,
    detail,
    prev,
  });
}

/** The first row that is not as it should be. */
export interface AuditProblem {
  readonly seq: number;
  readonly problem: string;
}

/**
 * Whether the rows are the chain they claim to be, and reach as far as the heads kept outside.
 * @param hash SHA-256 in hex
 * @returns the first thing that is wrong, or null
 */
export function auditProblem(
  rows: Iterable<AuditRow>,
  heads: ReadonlyMap<number, readonly string[]>,
  hash: (text: string) => string,
): AuditProblem | null {
  let prev = AUDIT_ROOT;
  let last = 0;
  for (const row of rows) {
    const { seq } = row;
    if (seq !== last + 1) return { seq: last + 1, problem: 'this row is missing' };
    if (row.prev !== prev) return { seq, problem: 'this row does not follow the one before it' };
    if (hash(auditText(row)) !== row.hash) return { seq, problem: 'this row was changed' };
    if (heads.get(seq)?.some((head) => head !== row.hash))
      return { seq, problem: 'this row is not the one whose hash was kept outside the database' };
    prev = row.hash;
    last = seq;
  }
  let furthest = 0;
  for (const seq of heads.keys()) furthest = Math.max(furthest, seq);
  return furthest > last ? { seq: last + 1, problem: `rows up to ${furthest} were cut off` } : null;
}
