import type Database from 'better-sqlite3';

/**
 * Rows in one statement. Each call into the driver costs about as much as SQLite's own work on a row, so eight rows
 * in one call take half the time of eight calls; with more, building the statement's values costs what is won.
 */
const ROWS = 8;

type Value = string | number | null;

/** Inserts collected during a transaction and written a few rows at a time. Must be flushed before it ends. */
export class Batch {
  readonly #one: Database.Statement;
  readonly #many: Database.Statement;
  readonly #width: number;
  #values: Value[] = [];

  /** `row` is the tuple of one row as SQL, with a `?` for each parameter. */
  constructor(raw: Database.Database, insert: string, row: string, onConflict = '') {
    this.#width = row.split('?').length - 1;
    this.#one = raw.prepare(`${insert} values ${row} ${onConflict}`);
    this.#many = raw.prepare(`${insert} values ${Array(ROWS).fill(row).join(', ')} ${onConflict}`);
  }

  add(...values: readonly Value[]): void {
    this.#values.push(...values);
    if (this.#values.length === ROWS * this.#width) {
      const full = this.#values;
      this.#values = [];
      this.#many.run(full);
    }
  }

  flush(): void {
    const rest = this.#values;
    this.#values = [];
    for (let at = 0; at < rest.length; at += this.#width) this.#one.run(rest.slice(at, at + this.#width));
  }

  /** Forgets what a transaction that failed had collected. */
  clear(): void {
    this.#values = [];
  }
}
