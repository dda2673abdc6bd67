import type Database from 'better-sqlite3';
import type { RunEvent } from '../src/domain/events.ts';
import { HealthRows } from './health.ts';

/** What some events of a run mean beyond the run. Must be called inside the transaction that stores the event. */
export class RunRecords {
  readonly #health: HealthRows;
  readonly #decide: Database.Statement;

  constructor(raw: Database.Database) {
    this.#health = new HealthRows(raw);
    this.#decide = raw.prepare(
      "insert into decisions (id, run_id, kind, actor, actor_kind, choice, reason, alternatives, evidence, at) values (?, ?, 'failover', 'baton', 'baton', ?, ?, '[]', ?, ?) on conflict do nothing",
    );
  }

  /** Returns the id of the decision that was recorded with it; null when there is none. */
  told(runId: string, seq: number, event: RunEvent, at: number): string | null {
    if (event.type === 'agent.ended') this.#health.told(runId, event, at);
    if (event.type !== 'error.handled' || event.action !== 'failover') return null;
    const id = `dec_failover_${runId}_${seq}`;
    const choice = `Somebody else goes on with ${event.node}`;
    this.#decide.run(id, runId, choice, event.reason, JSON.stringify({ node: event.node }), at);
    return id;
  }
}
