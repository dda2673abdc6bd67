import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { z } from 'zod';
import { createBus } from '../../db/bus.ts';
import { EventLog } from '../../db/event-log.ts';
import { SqliteJournal } from '../../db/journal.ts';
import { openStore } from '../../db/open.ts';
import { createStore } from '../../db/store.ts';
import { busEventSchema } from '../../src/domain/bus-event.ts';
import type { Bus, Listener, NewBusEvent } from '../../src/ports/bus.ts';
import { NOW, spec } from './support.ts';

/** A bus on a real file, which can be closed and opened again at any moment. */
export function busWorld(wrap: (bus: Bus) => Bus = (bus) => bus) {
  const folder = mkdtempSync(path.join(tmpdir(), 'bus-'));
  const open = () => {
    const opened = openStore(path.join(folder, 'baton.db'));
    const log = new EventLog(opened.raw);
    const journal = new SqliteJournal(opened.raw, log);
    return {
      ...opened,
      bus: wrap(createBus(opened.raw, log)),
      store: createStore(opened.db, log),
      journal,
      log,
    };
  };
  let current = open();
  return {
    get now() {
      return current;
    },
    get bus() {
      return current.bus;
    },
    reopen(): void {
      current.close();
      current = open();
    },
    /** A run that waits, so that it may be given something. */
    run(runId: string): void {
      current.journal.commit([
        { w: 'run', runId, spec, at: NOW },
        { w: 'status', runId, status: 'waiting', outcome: null, at: NOW },
      ]);
    },
    /** What a run was sent under a signal's name, in order. */
    signals(runId: string, signal: string): number[] {
      return current.journal
        .signals(runId)
        .filter(({ name }) => name === signal)
        .map(({ payload }) => z.object({ event: busEventSchema }).parse(payload).event.seq);
    },
    count: (table: string): number =>
      z.number().parse(current.raw.prepare(`select count(*) from ${table}`).pluck().get()),
    remove(): void {
      current.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

export function published(name: string, key: string, more: Partial<NewBusEvent> = {}): NewBusEvent {
  return {
    keys: [key],
    name,
    payload: { n: 1 },
    sourceKind: 'hook',
    source: 'test',
    runId: null,
    at: NOW,
    ...more,
  };
}

export function listener(id: string, more: Partial<Listener> = {}): Listener {
  return {
    id,
    runId: 'run_1',
    name: 'a',
    signal: `event:${id}`,
    rule: null,
    facts: {},
    remaining: 1,
    ...more,
  };
}
