import { z } from 'zod';
import { approvalStatuses } from '../../src/domain/approval.ts';
import { AUDIT_ROOT, auditText } from '../../src/domain/audit.ts';
import { Broken } from './broken.ts';
import { hash, type World } from './world.ts';

type Raw = World['raw'];

const jsonText = z.json();

/** A row of the table as it lies there, read past all of Baton's own code. */
const rowSchema = z.object({
  nonce: z.string(),
  status: z.enum(approvalStatuses),
  votes: z.string(),
  breakGlass: z.string().nullable(),
  decidedBy: z.string().nullable(),
  comment: z.string().nullable(),
  voidReason: z.string().nullable(),
  executeBy: z.number().nullable(),
  takenBy: z.string().nullable(),
  auditHash: z.string().nullable(),
});
const foundRow = rowSchema.optional();
export type Row = z.infer<typeof rowSchema>;

const auditSchema = z.object({
  seq: z.number(),
  at: z.number(),
  kind: z.string(),
  actor: z.string(),
  actorKind: z.enum(['person', 'baton', 'clock']),
  team: z.string().nullable(),
  runId: z.string().nullable(),
  approvalId: z.string().nullable(),
  shown: z.string().nullable(),
  executed: z.string().nullable(),
  detail: z.string().transform((text) => jsonText.parse(JSON.parse(text))),
  prev: z.string(),
  hash: z.string(),
});
const eventSchema = z.object({
  n: z.number(),
  runId: z.string(),
  type: z.string(),
  about: z.string().nullable(),
});
const foundDecision = z.object({ choice: z.string(), actorKind: z.string() }).optional();

/**
 * What the database says, read from its tables and not through Baton. The audit and the events are read on from
 * where the last look ended, so that a look costs what is new and not what there is; the chain is checked on the way.
 */
export class Witness {
  readonly #w: World;
  #of: Raw | null = null;
  #queries: ReturnType<typeof prepare> | null = null;
  #seq = 0;
  #head = AUDIT_ROOT;
  #event = 0;
  readonly #audited = new Set<string>();
  readonly #told = new Set<string>();

  constructor(w: World) {
    this.#w = w;
  }

  approval(id: string): Row {
    const found = foundRow.parse(this.#ask().approval.get(id));
    if (found === undefined) throw new Broken('A10', `${id} is lost`);
    return found;
  }

  decision(id: string): { readonly choice: string; readonly actorKind: string } | undefined {
    return foundDecision.parse(this.#ask().decision.get(id));
  }

  /** Whether a row of that kind is in the audit, said to be of that person where one is named. */
  audited(approval: string, kind: string, actor = ''): boolean {
    return this.#audited.has(`${approval} ${kind} ${actor}`);
  }

  told(run: string, type: string, approval: string): boolean {
    return this.#told.has(`${run} ${type} ${approval}`);
  }

  /** Reads what was written since the last time. */
  readOn(): void {
    const queries = this.#ask();
    for (const found of queries.audit.all(this.#seq)) {
      const { hash: own, ...row } = auditSchema.parse(found);
      if (row.seq !== this.#seq + 1 || row.prev !== this.#head || hash(auditText(row)) !== own)
        throw new Broken('A12', `row ${row.seq} does not follow from the one before`);
      this.#seq = row.seq;
      this.#head = own;
      this.#audited.add(`${row.approvalId} ${row.kind} `).add(`${row.approvalId} ${row.kind} ${row.actor}`);
    }
    for (const found of queries.events.all(this.#event)) {
      const { n, runId, type, about } = eventSchema.parse(found);
      this.#event = n;
      this.#told.add(`${runId} ${type} ${about}`);
    }
  }

  #ask(): ReturnType<typeof prepare> {
    const { raw } = this.#w;
    if (this.#queries === null || this.#of !== raw) this.#queries = prepare(raw);
    this.#of = raw;
    return this.#queries;
  }
}

function prepare(raw: Raw) {
  return {
    approval: raw.prepare(
      `select nonce, status, votes, break_glass breakGlass, decided_by decidedBy, comment, void_reason voidReason,
        execute_by executeBy, taken_by takenBy, audit_hash auditHash from approvals where id = ?`,
    ),
    decision: raw.prepare('select choice, actor_kind actorKind from decisions where id = ?'),
    audit: raw.prepare(
      `select seq, at, kind, actor, actor_kind actorKind, team, run_id runId, approval_id approvalId, shown, executed,
        detail, prev, hash from audit where seq > ? order by seq`,
    ),
    events: raw.prepare(
      `select rowid n, run_id runId, type, json_extract(data, '$.approvalId') about from events
        where rowid > ? order by rowid`,
    ),
  };
}
