import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { EventLog, textOf } from '../../db/event-log.ts';
import { SqliteJournal } from '../../db/journal.ts';
import { type OpenStore, openStore } from '../../db/open.ts';
import type { RunEvent } from '../../src/domain/events.ts';
import { BatonError } from '../../src/domain/failure.ts';
import type { Json } from '../../src/domain/json.ts';
import type { Outcome, RunSpec } from '../../src/domain/run.ts';
import type { JournalWrite } from '../../src/ports/journal.ts';

let folder = '';
let store: OpenStore;
let log: EventLog;
let journal: SqliteJournal;

beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'baton-journal-'));
  store = openStore(path.join(folder, 'baton.db'));
  log = new EventLog(store.raw);
  journal = new SqliteJournal(store.raw, log);
});
afterEach(() => {
  store.close();
  rmSync(folder, { recursive: true, force: true });
});

const spec: RunSpec = { program: 'p', programVersion: 1, definition: null, input: null, hash: 'h' };
const create = (runId: string): JournalWrite => ({ w: 'run', runId, spec, at: 1 });
const running = (runId: string): JournalWrite => ({
  w: 'status',
  runId,
  status: 'running',
  outcome: null,
  at: 1,
});
const begin = (key: string, attempt = 1, crashes?: number): JournalWrite => ({
  w: 'event',
  runId: 'r',
  event: { type: 'step.started', key, label: key, attempt, ...(crashes === undefined ? {} : { crashes }) },
  at: 1,
});
const note = (text: string, at = 1): JournalWrite => ({
  w: 'event',
  runId: 'r',
  event: { type: 'note', text },
  at,
});
const settle = (key: string, value: Json = null): JournalWrite => {
  const outcome: Outcome = { ok: true, value };
  return {
    w: 'settle',
    runId: 'r',
    key,
    kind: 'step',
    outcome,
    attempt: 1,
    event: { type: 'step.completed', key },
    at: 2,
  };
};
const seqs = (): number[] => log.after('r', 0, 1_000).map(({ seq }) => seq);

test('settled operations come back in the order in which they ended, whatever the size of the turn', () => {
  // Around and beyond the number of rows that are written at once.
  for (const size of [1, 7, 8, 9, 40]) {
    const keys = Array.from({ length: size }, (_, i) => `${size}-${i}`);
    journal.commit([create('r'), running('r'), ...keys.map((key) => begin(key))]);
    journal.commit(keys.toReversed().map((key) => settle(key, key)));
  }
  const stored = journal.load('r');
  const wanted = [1, 7, 8, 9, 40].flatMap((size) =>
    Array.from({ length: size }, (_, i) => `${size}-${size - 1 - i}`),
  );
  expect(stored?.settled.map(({ key }) => key)).toEqual(wanted);
  expect(stored?.settled.every(({ key, outcome }) => outcome.ok && outcome.value === key)).toBe(true);
});

test('numbers of events have no gap, also when others append between turns and after a failed turn', () => {
  journal.commit([create('r'), note('a'), note('b')]);
  log.append('r', { type: 'note', text: 'from elsewhere' }, 1);
  const signal: JournalWrite = {
    w: 'usage',
    runId: 'r',
    key: 'k',
    usage: JSON.parse('{"kind":"model"}'),
    at: 1,
  };
  expect(() => journal.commit([note('lost'), begin('lost'), settle('also-lost'), signal])).toThrow();
  journal.commit([note('c')]);
  expect(seqs()).toEqual([1, 2, 3, 4, 5]);
  expect(
    log.after('r', 0, 100).map(({ event }) => (event.type === 'note' ? event.text : event.type)),
  ).toEqual(['run.created', 'a', 'b', 'from elsewhere', 'c']);
  expect(store.raw.prepare('select count(*) from steps').pluck().get()).toBe(0);
});

test('tells which runs are new and have nothing waiting for them', () => {
  journal.commit([{ w: 'signal', runId: 'early', name: 'n', payload: 1, idempotencyKey: 'k', at: 1 }]);
  expect(journal.commit([create('new'), create('early')])).toEqual(['new']);
  expect(journal.commit([create('new')])).toEqual([]);
  expect(journal.load('early')?.signals).toMatchObject([{ name: 'n', payload: 1 }]);
});

test('the latest attempt at each step is known, and the crashes it survived', () => {
  journal.commit([create('r'), running('r'), begin('a'), begin('b')]);
  journal.commit([begin('a', 2, 1), note('between')]);
  journal.commit([begin('b', 2, 2)]);
  journal.commit([begin('b', 1)]);
  expect([...journal.attempts('r')]).toEqual([
    ['a', { attempt: 2, crashes: 1 }],
    ['b', { attempt: 1, crashes: 0 }],
  ]);
});

test('events are read the same from any number on and in pages of any size, however they were written', () => {
  journal.commit([create('r'), ...Array.from({ length: 120 }, (_, i) => note(`together ${i}`))]);
  for (let i = 0; i < 5; i += 1) journal.commit([note(`alone ${i}`)]);
  journal.commit([note('early'), note('later', 7), note('later still', 7)]);
  const all = log.after('r', 0, 1_000);
  expect(all.map(({ seq }) => seq)).toEqual(Array.from({ length: 129 }, (_, i) => i + 1));
  expect(all.slice(-3).map(({ at }) => at)).toEqual([1, 7, 7]);
  // Or nothing of this is about rows that hold several.
  expect(store.raw.prepare('select count(*) from events').pluck().get()).toBeLessThan(15);
  fc.assert(
    fc.property(fc.nat(140), fc.integer({ min: 1, max: 140 }), (after, limit) => {
      expect(log.after('r', after, limit)).toEqual(all.slice(after, after + limit));
    }),
  );
});

test('a cancelled run keeps no timers, not even those of the same turn', () => {
  const timer: JournalWrite = { w: 'timer', runId: 'r', key: 't', fireAt: 5 };
  const end: JournalWrite = { w: 'status', runId: 'r', status: 'cancelled', outcome: null, at: 3 };
  journal.commit([create('r'), running('r'), timer]);
  journal.commit([{ ...timer, key: 'u' }, end]);
  expect(journal.nextTimer()).toBe(null);
});

test('paused runs have no timers to wait for; waiting ones do', () => {
  journal.commit([create('r'), running('r'), { w: 'timer', runId: 'r', key: 't', fireAt: 5 }]);
  expect([journal.nextTimer(), journal.due(5, 10), journal.due(4, 10)]).toEqual([5, ['r'], []]);
  journal.commit([{ w: 'status', runId: 'r', status: 'paused', outcome: null, at: 1 }]);
  expect([journal.nextTimer(), journal.due(5, 10)]).toEqual([null, []]);
});

test('a run whose rows cannot be read is its own misfortune, said as such', () => {
  journal.commit([create('r'), running('r'), create('fine')]);
  store.raw.exec("update runs set spec = '{\"program\": 7}' where id = 'r'");
  try {
    journal.load('r');
    throw new Error('It was read');
  } catch (error) {
    expect(error).toBeInstanceOf(BatonError);
    expect(error instanceof BatonError && error.failure.code).toBe('run_unreadable');
  }
  expect(journal.load('fine')?.status).toBe('queued');
});

test('events put together by hand are the text that JSON.stringify gives', () => {
  const words = fc.string({ unit: 'binary' });
  const event = fc.oneof(
    fc.record({ type: fc.constant('step.completed' as const), key: words }),
    fc.record({ type: fc.constant('step.started' as const), key: words, label: words, attempt: fc.nat() }),
    fc.record({
      type: fc.constant('step.started' as const),
      key: words,
      label: words,
      attempt: fc.nat(),
      node: words,
    }),
  );
  fc.assert(
    fc.property(event, (each: RunEvent) => textOf(each) === JSON.stringify(each)),
    { numRuns: 500 },
  );
});

test('a definition nested two thousand deep is stored and read', () => {
  let deep: Json = 'bottom';
  for (let level = 0; level < 2_000; level += 1) deep = { body: deep };
  journal.commit([{ w: 'run', runId: 'r', spec: { ...spec, definition: deep }, at: 1 }]);
  expect(JSON.stringify(journal.load('r')?.spec.definition)).toBe(JSON.stringify(deep));
});
