import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import Database from 'better-sqlite3';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { z } from 'zod';
import { EventLog } from '../../db/event-log.ts';
import { SqliteJournal } from '../../db/journal.ts';
import { type OpenStore, openStore } from '../../db/open.ts';
import { codeOf } from '../../db/store-errors.ts';
import { EmbeddedEngine } from '../../src/engine/engine.ts';
import { VirtualClock } from '../support/virtual-clock.ts';
import { does, Lab, program } from './lab.ts';
import { specOf } from './rig.ts';

/** Trouble as SQLite itself makes it, on a real file, while a step is under way. */
let folder = '';
let store: OpenStore;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'baton-trouble-'));
  store = openStore(path.join(folder, 'baton.db'));
});
afterEach(() => {
  store.close();
  rmSync(folder, { recursive: true, force: true });
});

/** Begins the trouble; what is returned ends it. */
type Trouble = (store: OpenStore, file: string) => () => void;

const troubles: readonly (readonly [code: string, begin: Trouble])[] = [
  [
    'SQLITE_FULL',
    ({ raw }) => {
      const pages = z.number().parse(raw.pragma('page_count', { simple: true }));
      raw.pragma(`max_page_count = ${pages}`);
      return () => void raw.pragma('max_page_count = 1073741823');
    },
  ],
  [
    'SQLITE_READONLY',
    ({ raw }) => {
      raw.pragma('query_only = on');
      return () => void raw.pragma('query_only = off');
    },
  ],
  [
    'SQLITE_BUSY',
    ({ raw }, file) => {
      raw.pragma('busy_timeout = 0');
      const other = new Database(file, { timeout: 0 });
      other.exec('begin immediate');
      return () => {
        other.exec('rollback');
        other.close();
      };
    },
  ],
];

test.each(troubles)(
  '%s: no work is taken, it is said, nothing is lost, and it goes on by itself',
  async (code, begin) => {
    const clock = new VirtualClock();
    const lab = new Lab();
    const said: unknown[] = [];
    const engine = new EmbeddedEngine({
      journal: new SqliteJournal(store.raw, new EventLog(store.raw)),
      programs: [
        program('p', function* (flow, input) {
          return [yield* does(flow, 'a'), yield* does(flow, 'b'), input];
        }),
      ],
      activities: [lab.activity],
      clock,
      random: () => 0.5,
      crashed: false,
      onStoreTrouble: (error) => said.push(error === null ? null : codeOf(error)),
    });
    const settle = async (): Promise<void> => {
      for (let turn = 0; turn < 60; turn += 1) await new Promise((resolve) => setImmediate(resolve));
    };
    lab.hold('a');
    await engine.start('r', specOf('p', 'x'));
    await settle();
    expect(lab.underWay.has('a')).toBe(true);

    const end = begin(store, path.join(folder, 'baton.db'));
    await expect(engine.start('other', specOf('p', 'x'.repeat(100_000)))).rejects.toThrow();
    lab.open('a');
    for (let second = 0; second < 3; second += 1) {
      await settle();
      clock.advance(1_000);
    }
    expect(said[0]).toBe(code);
    expect(await engine.status('other')).toBe(null);

    end();
    for (let second = 0; second < 3; second += 1) {
      clock.advance(1_000);
      await settle();
    }
    expect(said.at(-1)).toBe(null);
    expect((await engine.status('r'))?.outcome).toEqual({ ok: true, value: ['a@1', 'b@1', 'x'] });
    expect(lab.calls.map(({ name }) => name)).toEqual(['a', 'b']);
    await engine.start('other', specOf('p', 'y'));
    await settle();
    expect((await engine.status('other'))?.status).toBe('completed');
    await engine.stop();
  },
);
