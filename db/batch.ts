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
  /** Of `ROWS` rows, used again and again. */
  readonly #values: Value[];
  #filled = 0;

  /** `row` is the tuple of one row as SQL, with a `?` for each parameter. */
  constructor(raw: Database.Database, insert: string, row: string) {
    this.#width = row.split('?').length - 1;
    this.#values = Array<Value>(ROWS * this.#width).fill(null);
    this.#one = raw.prepare(`${insert} values ${row}`);
    this.#many = raw.prepare(`${insert} values ${Array(ROWS).fill(row).join(', ')}`);
  }

  add(...row: readonly Value[]): void {
    for (const value of row) {
      this.#values[this.#filled] = value;
      this.#filled += 1;
    }
    if (this.#filled < this.#values.length) return;
    this.#filled = 0;
    this.#many.run(this.#values);
  }

  flush(): void {
    const end = this.#filled;
    this.#filled = 0;
    for (let at = 0; at < end; at += this.#width) this.#one.run(this.#values.slice(at, at + this.#width));
  }

  /** Forgets what a transaction that failed had collected. */
  clear(): void {
    this.#filled = 0;
  }
}
