import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import Database from 'better-sqlite3';
import { drizzle } from 'drizzle-orm/better-sqlite3';
import { migrate } from 'drizzle-orm/better-sqlite3/migrator';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { EventLog } from '../../db/event-log.ts';
import { createFlagStore } from '../../db/flags.ts';
import { openStore } from '../../db/open.ts';
import { busWorld, listener, published } from './bus-world.ts';
import { decision, NOW, session, spec } from './support.ts';

/** What two workspaces keep under the same ids stays two things. */
let folder = '';
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'apart-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe('flags', () => {
  test('of one channel id in several workspaces are told apart, whatever is set', async () => {
    const opened = openStore(path.join(folder, 'baton.db'));
    const flags = createFlagStore(opened.db, new EventLog(opened.raw));
    // A key is an organisation and a team: none of them may be read into another's.
    const teams = ['T1', 'T2', 'E1:T1', 'E1:T2', 'E1'];
    const channels = ['C1', 'T1:C1', 'C1:a'];
    const set = new Map<string, boolean>();
    let both = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...teams),
        fc.constantFrom(...channels),
        fc.constantFrom('a', 'b_1'),
        fc.boolean(),
        async (team, channel, name, on) => {
          await flags.set({ team, channel }, { name, on, by: 'U1', at: NOW });
          set.set(JSON.stringify([team, channel, name]), on);
          for (const each of teams)
            for (const place of channels) {
              const found = (await flags.of(each, place)).map((flag) => [flag.name, flag.on]);
              const known = ['a', 'b_1'].flatMap((flag) => {
                const is = set.get(JSON.stringify([each, place, flag]));
                return is === undefined ? [] : [[flag, is]];
              });
              expect(found).toEqual(known);
              if (found.length === 2) both += 1;
            }
        },
      ),
    );
    expect(both).toBeGreaterThan(0);
    opened.close();
  });

  test('and events that were kept before they were told apart keep their workspace', async () => {
    const all = fileURLToPath(new URL('../../db/migrations', import.meta.url));
    const before = path.join(folder, 'migrations');
    cpSync(all, before, { recursive: true });
    const journal = path.join(before, 'meta/_journal.json');
    const { entries, ...rest } = z
      .looseObject({ entries: z.array(z.looseObject({ tag: z.string() })) })
      .parse(JSON.parse(readFileSync(journal, 'utf8')));
    const upTo = entries.findIndex(({ tag }) => tag.endsWith('_scopes'));
    expect(upTo).toBeGreaterThan(0);
    writeFileSync(journal, JSON.stringify({ ...rest, entries: entries.slice(0, upTo) }));
    const file = path.join(folder, 'baton.db');
    const old = new Database(file);
    migrate(drizzle(old), { migrationsFolder: before });
    const flag = old.prepare('insert into settings (key, value, at) values (?, ?, 7)');
    flag.run('flag:T1:C1:fancy', JSON.stringify({ on: true, by: 'U1' }));
    flag.run('flag:E1:T2:C0AB9:a_1', JSON.stringify({ on: false, by: 'U2' }));
    flag.run('bus-position', '1');
    old.exec(
      `insert into sessions values ('s', 'E1:T2', 'C1', 'U1', 'r', 'w', '/x', 1, 'run_1');
       insert into runs (id, session_id, status, spec, hash, created_at) values ('run_1', 's', 'waiting', '{}', 'h', 1);
       insert into bus_events (name, payload, source_kind, source, hops, at) values
         ('a', '1', 'run', 'run_1', 0, 1), ('a', '1', 'baton', 'run_1', 0, 1), ('a', '1', 'hook', 'run_1', 0, 1);`,
    );
    old.close();
    const opened = openStore(file);
    const flags = createFlagStore(opened.db, new EventLog(opened.raw));
    expect(await flags.of('T1', 'C1')).toEqual([{ name: 'fancy', on: true, by: 'U1', at: 7 }]);
    expect(await flags.of('E1:T2', 'C0AB9')).toEqual([{ name: 'a_1', on: false, by: 'U2', at: 7 }]);
    expect(opened.raw.prepare('select key from settings order by key').pluck().all()).toEqual([
      'bus-position',
      'fence',
    ]);
    expect(opened.raw.prepare('select team from bus_events order by seq').pluck().all()).toEqual([
      'E1:T2',
      'E1:T2',
      null,
    ]);
    opened.close();
  });
});

describe('an event', () => {
  let world: ReturnType<typeof busWorld>;
  beforeEach(async () => {
    world = busWorld();
    for (const [n, team] of ['T1', 'T2', 'E1:T1'].entries()) {
      const [id, currentRunId] = [`ses_${n}`, `run_${n}`];
      await world.now.store.sessions.create(session({ id, team, currentRunId }), spec, decision(`dec_${n}`));
      world.now.journal.commit([
        { w: 'status', runId: currentRunId, status: 'waiting', outcome: null, at: NOW },
      ]);
    }
  });
  afterEach(() => world.remove());
  const asked: (string | null)[] = [];
  const route = () =>
    world.bus.route({
      limit: 100,
      now: NOW,
      wants: () => true,
      subscribers: (event) => {
        asked.push(event.team);
        return [];
      },
    });
  const heard = () => [0, 1, 2].map((n) => world.signals(`run_${n}`, 'go'));
  const listen = (n: number, since: number | null) =>
    world.bus.listen(
      listener(`run_${n}/a`, { runId: `run_${n}`, name: 'a', signal: 'go', remaining: 9 }),
      since,
      () => true,
      NOW,
    );

  test('that a run publishes is heard in its workspace alone; one from outside in each', async () => {
    for (const n of [0, 1, 2]) await listen(n, null);
    await world.bus.publish(published('a', 'of-0', { sourceKind: 'run', source: 'run_0', runId: 'run_0' }));
    await world.bus.publish(published('a', 'of-2', { sourceKind: 'run', source: 'run_2', runId: 'run_2' }));
    await world.bus.publish(published('a', 'hook'));
    await route();
    expect(heard()).toEqual([[1, 3], [3], [2, 3]]);
    expect(asked).toEqual(['T1', 'E1:T1', null]);
  });

  test('of the past is not found by another workspace that looks back', async () => {
    await world.bus.publish(published('a', 'of-0', { sourceKind: 'run', source: 'run_0', runId: 'run_0' }));
    await world.bus.publish(published('a', 'hook'));
    await route();
    for (const n of [0, 1, 2]) await listen(n, 0);
    expect(heard()).toEqual([[1, 2], [2], [2]]);
  });
});
