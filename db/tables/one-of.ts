import { sql } from '../drizzle.ts';

/** The condition that a column holds one of these words. */
export function oneOf(column: string, values: readonly string[]) {
  return sql.raw(`"${column}" in (${values.map((value) => `'${value}'`).join(', ')})`);
}
