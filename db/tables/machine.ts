import { healthKinds } from '../../src/ports/health.ts';
import { index, integer, primaryKey, sqliteTable, text } from '../drizzle.ts';

/** What this machine has learned and been told, beyond any run. */

/** Whether agents and models can be relied on: the circuit of each as JSON, and how agents' tasks ended. */
export const health = sqliteTable(
  'health',
  {
    kind: text({ enum: healthKinds }).notNull(),
    name: text().notNull(),
    circuit: text().notNull(),
    done: integer().notNull(),
    failed: integer().notNull(),
    /** JSON: code, message, when. */
    lastFailure: text('last_failure'),
  },
  (t) => [primaryKey({ columns: [t.kind, t.name] })],
);

/** Answers of models that may be given again, by a digest over everything that was asked and where. */
export const modelAnswers = sqliteTable(
  'model_answers',
  {
    digest: text().primaryKey(),
    reply: text().notNull(),
    bytes: integer().notNull(),
    at: integer().notNull(),
  },
  (t) => [index('model_answers_by_time').on(t.at)],
);

/** Facts about this home. */
export const settings = sqliteTable('settings', {
  key: text().primaryKey(),
  value: text().notNull(),
  at: integer().notNull(),
});
