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
  told: z.string().nullable(),
});
const toldSchema = z.object({
  type: z.string(),
  to: z.string().nullable().default(null),
  as: z.string().nullable().default(null),
  inPlaceOf: z.string().nullable().default(null),
  channel: z.string().nullable().default(null),
  group: z.string().nullable().default(null),
  moved: z.object({ turn: z.number(), from: z.string() }).nullable().default(null),
});
/** One thing that was done so that a question reaches somebody, as the run's events tell it. */
export type Told = z.infer<typeof toldSchema>;
const foundDecision = z
  .object({ choice: z.string(), actorKind: z.string(), actor: z.string(), kind: z.string() })
  .optional();
const votesSchema = z.array(z.looseObject({ by: z.string(), inPlaceOf: z.string().optional() }));

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
  readonly #deeds = new Map<string, Told[]>();
  readonly #raised = new Map<number, number>();

  constructor(w: World) {
    this.#w = w;
  }

  approval(id: string): Row {
    const found = foundRow.parse(this.#ask().approval.get(id));
    if (found === undefined) throw new Broken('A10', `${id} is lost`);
    return found;
  }

  /** From whose seat this person's yes was said, as the row has it; undefined: there is no such yes. */
  seatOf({ votes }: Row, by: string): string | undefined {
    const vote = votesSchema.parse(JSON.parse(votes)).find((each) => each.by === by);
    return vote === undefined ? undefined : (vote.inPlaceOf ?? by);
  }

  /** What was done so that this question reaches somebody, oldest first. */
  deeds(approval: string): readonly Told[] {
    return this.#deeds.get(approval) ?? [];
  }

  /** How often a budget was raised to that. */
  raised(to: number): number {
    return this.#raised.get(to) ?? 0;
  }

  decision(id: string): z.infer<typeof foundDecision> {
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
      const { n, runId, type, about, told } = eventSchema.parse(found);
      this.#event = n;
      this.#told.add(`${runId} ${type} ${about}`);
      if (told === null) continue;
      const event: unknown = JSON.parse(told);
      if (type === 'budget.raised') {
        const { to } = z.object({ to: z.number() }).parse(event);
        this.#raised.set(to, this.raised(to) + 1);
      } else if (about !== null) this.#deeds.set(about, [...this.deeds(about), toldSchema.parse(event)]);
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
    decision: raw.prepare('select choice, actor_kind actorKind, actor, kind from decisions where id = ?'),
    audit: raw.prepare(
      `select seq, at, kind, actor, actor_kind actorKind, team, run_id runId, approval_id approvalId, shown, executed,
        detail, prev, hash from audit where seq > ? order by seq`,
    ),
    events: raw.prepare(
      `select rowid n, run_id runId, type, json_extract(data, '$.approvalId') about,
        case when type in ('approval.reminded', 'approval.raised', 'approval.escalated', 'approval.called',
          'budget.raised') then data end told from events
        where rowid > ? order by rowid`,
    ),
  };
}
