import type Database from 'better-sqlite3';
import { z } from 'zod';
import { type CircuitOutcome, circuitSchema, closedCircuit, settle } from '../src/domain/circuit.ts';
import type { RunEvent } from '../src/domain/events.ts';
import { type Health, type HealthKind, type HealthStore, healthKinds } from '../src/ports/health.ts';

const rowSchema = z
  .object({
    kind: z.enum(healthKinds),
    name: z.string(),
    circuit: z.string().transform((text) => circuitSchema.parse(JSON.parse(text))),
    done: z.number(),
    failed: z.number(),
    last_failure: z
      .string()
      .nullable()
      .transform((text) => (text === null ? null : failureSchema.parse(JSON.parse(text)))),
  })
  .transform(({ last_failure: lastFailure, ...row }): Health => ({ ...row, lastFailure }));
const failureSchema = z.object({ code: z.string(), message: z.string(), at: z.number() });

/** Characters kept of what went wrong last. */
const MESSAGE_CHARS = 400;

/** @param now milliseconds since the epoch */
export function createHealthStore(raw: Database.Database, now: () => number): HealthStore {
  const rows = new HealthRows(raw);
  return {
    read: async (kind, name) => rows.read(kind, name),
    all: async () => rows.all(),
    change: async (kind, name, change, failure) =>
      raw
        .transaction(() => {
          const row = rows.read(kind, name);
          const after = change(row.circuit);
          if (after !== row.circuit || failure !== undefined)
            rows.write({
              ...row,
              circuit: after,
              lastFailure: failure === undefined ? row.lastFailure : { ...failure, at: now() },
            });
          return { before: row.circuit, after };
        })
        .immediate(),
    ended: async (kind, name, by, outcome, failure) =>
      raw.transaction(() => rows.ended(kind, name, { by, outcome, failure, at: now() })).immediate(),
  };
}

interface Ended {
  readonly by: string;
  readonly outcome: CircuitOutcome;
  readonly failure: { readonly code: string; readonly message: string } | undefined;
  readonly at: number;
}

/** The table of circuits. Writing is for inside a transaction. */
export class HealthRows {
  readonly #sql: ReturnType<typeof prepare>;

  constructor(raw: Database.Database) {
    this.#sql = prepare(raw);
  }

  read(kind: HealthKind, name: string): Health {
    const found = this.#sql.read.get(kind, name);
    return found === undefined
      ? { kind, name, circuit: closedCircuit, done: 0, failed: 0, lastFailure: null }
      : rowSchema.parse(found);
  }

  all(): Health[] {
    return z.array(rowSchema).parse(this.#sql.all.all());
  }

  write({ kind, name, circuit, done, failed, lastFailure }: Health): void {
    const last =
      lastFailure === null ? null : { ...lastFailure, message: lastFailure.message.slice(0, MESSAGE_CHARS) };
    this.#sql.write.run(
      kind,
      name,
      JSON.stringify(circuit),
      done,
      failed,
      last === null ? null : JSON.stringify(last),
    );
  }

  /** What an event of a run says of an agent, counted in the transaction that stores it. */
  told(runId: string, event: RunEvent, at: number): void {
    if (event.type !== 'agent.ended') return;
    const { agent, outcome, holder, failure } = event;
    this.ended('agent', agent, { by: `${runId}/${holder}`, outcome, failure, at });
  }

  ended(kind: HealthKind, name: string, { by, outcome, failure, at }: Ended): void {
    const row = this.read(kind, name);
    this.write({
      ...row,
      circuit: settle(row.circuit, by, outcome, at),
      done: row.done + (outcome === 'success' ? 1 : 0),
      failed: row.failed + (outcome === 'failure' ? 1 : 0),
      lastFailure: failure === undefined ? row.lastFailure : { ...failure, at },
    });
  }
}

function prepare(raw: Database.Database) {
  return {
    read: raw.prepare('select * from health where kind = ? and name = ?'),
    all: raw.prepare('select * from health order by kind, name'),
    write: raw.prepare(
      'insert into health (kind, name, circuit, done, failed, last_failure) values (?, ?, ?, ?, ?, ?) on conflict (kind, name) do update set circuit = excluded.circuit, done = excluded.done, failed = excluded.failed, last_failure = excluded.last_failure',
    ),
  };
}
