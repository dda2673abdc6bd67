import { eventSources } from '../../src/domain/bus-event.ts';
import { busDeliveryStatuses } from '../../src/ports/bus.ts';
import { check, index, integer, sql, sqliteTable, text, uniqueIndex } from '../drizzle.ts';
import { oneOf } from './one-of.ts';

/** Events between runs. */

/**
 * The bus: what was published, in order. `seq` is the order and, as `evt_<seq>`, the name. Refused ones are kept
 * for people to see and reach nobody.
 */
export const busEvents = sqliteTable(
  'bus_events',
  {
    seq: integer().primaryKey({ autoIncrement: true }),
    name: text().notNull(),
    payload: text().notNull(),
    sourceKind: text('source_kind', { enum: eventSources }).notNull(),
    source: text().notNull(),
    /** Key of the workspace whose run published it, and whose runs alone are given it; null: it came from outside. */
    team: text(),
    /** How many events led to this one. */
    hops: integer().notNull(),
    at: integer().notNull(),
    refused: text(),
  },
  (t) => [
    index('bus_events_by_name').on(t.name, t.seq),
    check('bus_events_source', oneOf('source_kind', eventSources)),
  ],
);

/** What makes a publication the same one when it comes again; kept longer than the events themselves. */
export const busKeys = sqliteTable(
  'bus_keys',
  { key: text().primaryKey(), seq: integer().notNull(), at: integer().notNull() },
  (t) => [index('bus_keys_by_time').on(t.at)],
);

/** Runs that wait for events. A row goes when its last event has been handed over. */
export const busListeners = sqliteTable(
  'bus_listeners',
  {
    /** The run's id and the path of its node. */
    id: text().primaryKey(),
    runId: text('run_id').notNull(),
    name: text().notNull(),
    signal: text().notNull(),
    rule: text(),
    /** JSON: what the rule may speak of beside the event. */
    facts: text().notNull(),
    remaining: integer().notNull(),
    /** Only events after this one. */
    afterSeq: integer('after_seq').notNull(),
  },
  (t) => [index('bus_listeners_by_name').on(t.name), index('bus_listeners_by_run').on(t.runId)],
);

/** Who was given which event: a subscriber gets each once. Those of a subscription wait here until they start a run. */
export const busDeliveries = sqliteTable(
  'bus_deliveries',
  {
    id: integer().primaryKey({ autoIncrement: true }),
    subscriber: text().notNull(),
    seq: integer().notNull(),
    at: integer().notNull(),
    status: text({ enum: busDeliveryStatuses }).notNull(),
    /** Deliveries that start one run together. */
    batch: text(),
    runId: text('run_id'),
    reason: text(),
  },
  (t) => [
    uniqueIndex('bus_deliveries_once').on(t.subscriber, t.seq),
    index('bus_deliveries_pending').on(t.subscriber, t.id).where(sql`status = 'pending'`),
    index('bus_deliveries_claimed').on(t.id).where(sql`status = 'claimed'`),
    index('bus_deliveries_by_run').on(t.runId).where(sql`run_id is not null`),
    index('bus_deliveries_by_seq').on(t.seq),
    check('bus_deliveries_status', oneOf('status', busDeliveryStatuses)),
  ],
);
