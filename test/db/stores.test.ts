import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { noteCleanStop, takeCleanStop } from '../../db/settings.ts';
import type { OutboxMessage } from '../../src/ports/outbox.ts';
import {
  approval,
  begun,
  decision,
  NOW,
  session,
  spec,
  type Table,
  type TempStore,
  tempStore,
  yes,
} from './support.ts';

let t: TempStore;
beforeEach(() => {
  t = tempStore();
});
afterEach(() => t.remove());

const types = () => t.events().map(({ type }) => type);
const message = (key: string, text = key): OutboxMessage => ({
  team: 'T1',
  key,
  kind: 'post',
  target: { kind: 'channel', channel: 'C1' },
  lane: 'progress',
  text,
  blocks: [],
});

/** Every door with each table it writes to; `before` brings the store where the door is open. */
const doors: readonly (readonly [
  name: string,
  tables: readonly (readonly [Table, 'insert' | 'update'])[],
  before: () => Promise<unknown>,
  door: () => Promise<unknown>,
])[] = [
  [
    'sessions.create',
    [
      ['sessions', 'insert'],
      ['runs', 'insert'],
      ['events', 'insert'],
      ['decisions', 'insert'],
    ],
    async () => undefined,
    () => begun(t),
  ],
  [
    'sessions.restart',
    [
      ['runs', 'insert'],
      ['sessions', 'update'],
      ['events', 'insert'],
      ['decisions', 'insert'],
    ],
    async () => {
      await begun(t);
      t.status('failed');
    },
    () => t.store.sessions.restart('ses_1', 'run_2', spec, decision('dec_2'), NOW),
  ],
  [
    'decisions.record',
    [
      ['decisions', 'insert'],
      ['events', 'insert'],
    ],
    () => begun(t),
    () => t.store.decisions.record('run_1', decision('dec_2'), NOW),
  ],
  [
    'approvals.open',
    [
      ['approvals', 'insert'],
      ['events', 'insert'],
    ],
    () => begun(t),
    () => t.store.approvals.open(approval()),
  ],
  [
    'approvals.decide',
    [
      ['approvals', 'update'],
      ['decisions', 'insert'],
      ['signals', 'insert'],
      ['events', 'insert'],
    ],
    async () => {
      await begun(t);
      await t.store.approvals.open(approval());
    },
    () => t.store.approvals.decide(yes),
  ],
  [
    'approvals.expire',
    [
      ['approvals', 'update'],
      ['decisions', 'insert'],
      ['events', 'insert'],
    ],
    async () => {
      await begun(t);
      await t.store.approvals.open(approval());
    },
    () => t.store.approvals.expire('apr_1', NOW + 1_000),
  ],
  [
    'approvals.voidAll',
    [
      ['approvals', 'update'],
      ['events', 'insert'],
    ],
    async () => {
      await begun(t);
      await t.store.approvals.open(approval());
      await t.store.approvals.open(approval({ id: 'apr_2', nonce: 'n2' }));
    },
    () => t.store.approvals.voidAll('run_1', NOW),
  ],
  [
    'projections.advance',
    [
      ['runs', 'update'],
      ['outbox', 'insert'],
    ],
    () => begun(t),
    () =>
      t.store.projections.advance({
        runId: 'run_1',
        seq: 2,
        done: false,
        messages: [message('m')],
        now: NOW,
      }),
  ],
];

describe('each door is one transaction', () => {
  test.each(
    doors.flatMap(([name, tables, before, door]) =>
      tables.map(([table, on]) => [`${name}, ${on} into ${table}`, table, on, before, door] as const),
    ),
  )(
    'cut off at %s: nothing of it is kept, and it works afterwards',
    async (_name, table, on, before, door) => {
      await before();
      const untouched = t.dump();
      const heal = t.plant(table, on);
      await expect(door()).rejects.toThrow('planted');
      expect(t.dump()).toBe(untouched);
      heal();
      await door();
      expect(t.dump()).not.toBe(untouched);
      const seqs = t.rows('events').flatMap(({ run_id, seq }) => (run_id === 'run_1' ? [seq] : []));
      expect(seqs).toEqual(seqs.map((_, i) => i + 1));
    },
  );
});

describe('sessions', () => {
  test('session, run, event and decision together; the same session again changes nothing', async () => {
    expect(await t.store.sessions.create(session(), spec, decision())).toBe(true);
    expect(types()).toEqual(['run.created', 'decision.made']);
    expect(t.journal.load('run_1')).toMatchObject({ status: 'queued', spec });
    const before = t.dump();
    expect(await t.store.sessions.create(session({ request: 'other' }), spec, decision('dec_x'))).toBe(false);
    expect(t.dump()).toBe(before);
    expect(await t.store.sessions.get('ses_1')).toEqual(session());
    expect(await t.store.sessions.byRun('run_1')).toEqual(session());
    expect(await t.store.sessions.byRun('run_9')).toBeNull();
  });

  test.each([
    ['queued', false],
    ['running', false],
    ['waiting', false],
    ['paused', false],
    ['completed', true],
    ['failed', true],
    ['cancelled', true],
  ] as const)('a run that is %s may be followed by a new one: %s', async (status, may) => {
    await begun(t);
    if (status !== 'queued') t.status(status);
    const before = t.dump();
    expect(await t.store.sessions.restart('ses_1', 'run_2', spec, decision('dec_2'), NOW + 5)).toBe(may);
    if (!may) expect(t.dump()).toBe(before);
    expect((await t.store.sessions.get('ses_1'))?.currentRunId).toBe(may ? 'run_2' : 'run_1');
    expect(t.events('run_2').map(({ type }) => type)).toEqual(may ? ['run.created', 'decision.made'] : []);
    if (may) expect((await t.store.sessions.byRun('run_1'))?.id).toBe('ses_1');
  });

  test('the same restart again, even when its run has ended too, changes nothing', async () => {
    await begun(t);
    t.status('failed');
    expect(await t.store.sessions.restart('ses_1', 'run_2', spec, decision('dec_2'), NOW)).toBe(true);
    t.status('failed', 'run_2');
    const before = t.dump();
    expect(await t.store.sessions.restart('ses_1', 'run_2', spec, decision('dec_2'), NOW)).toBe(false);
    expect(await t.store.sessions.restart('ses_9', 'run_3', spec, decision('dec_3'), NOW)).toBe(false);
    expect(t.dump()).toBe(before);
  });

  test('found by the end of an id, within the team, and by nothing that means more in a pattern', async () => {
    const ids = ['ses_01aa11aaaa', 'ses_02bb22aaaa', 'ses_03cc33cccc'];
    for (const [i, id] of ids.entries())
      await t.store.sessions.create(
        session({
          id,
          currentRunId: id.replace('ses', 'run'),
          createdAt: NOW + i,
          team: i === 2 ? 'T2' : 'T1',
        }),
        spec,
        decision(`d${i}`),
      );
    const find = async (text: string, team = 'T1') =>
      (await t.store.sessions.find(team, text)).map(({ id }) => id);
    expect(await find('aaaa')).toEqual(['ses_02bb22aaaa', 'ses_01aa11aaaa']);
    expect(await find('ses_01aa11aaaa')).toEqual(['ses_01aa11aaaa']);
    expect(await find('run_02bb22aaaa')).toEqual(['ses_02bb22aaaa']);
    expect(await find('cccc')).toEqual([]);
    expect(await find('cccc', 'T2')).toEqual(['ses_03cc33cccc']);
    for (const text of ['aaa', '%', '____', '%%%%', "a' or 1=1", 'sesx01aa11aaaa', '', 'x'.repeat(65)])
      expect(await find(text)).toEqual([]);
  });

  test('the newest first, one person’s or those under way when asked so', async () => {
    for (let i = 1; i <= 6; i += 1)
      await t.store.sessions.create(
        session({
          id: `ses_${i}`,
          currentRunId: `run_${i}`,
          createdAt: NOW + i,
          requester: i % 2 === 0 ? 'U-bob' : 'U-alice',
          team: i === 6 ? 'T2' : 'T1',
        }),
        spec,
        decision(`d${i}`),
      );
    for (const i of [2, 4, 5]) t.status('completed', `run_${i}`);
    t.status('paused', 'run_3');
    const recent = async (limit: number, only = {}) =>
      (await t.store.sessions.recent('T1', limit, only)).map(({ id }) => id);
    expect(await recent(9)).toEqual(['ses_5', 'ses_4', 'ses_3', 'ses_2', 'ses_1']);
    expect(await recent(2)).toEqual(['ses_5', 'ses_4']);
    expect(await recent(1, { requester: 'U-bob' })).toEqual(['ses_4']);
    expect(await recent(9, { open: true })).toEqual(['ses_3', 'ses_1']);
    expect(await recent(9, { open: true, requester: 'U-bob' })).toEqual([]);
  });
});

describe('decisions', () => {
  test('the first of an id stands, and one event tells of it', async () => {
    await begun(t);
    await t.store.decisions.record('run_1', decision('dec_2', { choice: 'start' }), NOW + 1);
    await t.store.decisions.record('run_1', decision('dec_2', { choice: 'cancel' }), NOW + 2);
    expect((await t.store.decisions.ofRun('run_1')).map(({ id, choice, at }) => [id, choice, at])).toEqual([
      ['dec_1', 'feature', NOW],
      ['dec_2', 'start', NOW + 1],
    ]);
    expect(types().filter((type) => type === 'decision.made')).toHaveLength(2);
    expect((await t.store.decisions.ofRun('run_1'))[0]).toEqual({ ...decision(), runId: 'run_1', at: NOW });
  });
});

describe('the inbox', () => {
  test('an intent is accepted once, however many come at once, and kept until it is handled', async () => {
    const { inbox } = t.store;
    const accepted = await Promise.all(
      Array.from({ length: 20 }, (_, i) => inbox.accept(`intent-${i % 4}`, 'command', { i }, NOW + i)),
    );
    expect(accepted.filter((each) => each !== null).map((each) => each?.payload)).toEqual([
      { i: 0 },
      { i: 1 },
      { i: 2 },
      { i: 3 },
    ]);
    expect((await inbox.open(10)).map(({ intent, attempts }) => [intent, attempts])).toEqual([
      ['intent-0', 0],
      ['intent-1', 0],
      ['intent-2', 0],
      ['intent-3', 0],
    ]);
    const first = accepted[0]?.id ?? 0;
    await inbox.attempt(first);
    await inbox.attempt(first);
    expect((await inbox.open(1))[0]).toMatchObject({ id: first, attempts: 2, payload: { i: 0 } });
    await inbox.handled(first, NOW, null);
    expect((await inbox.open(10)).map(({ intent }) => intent)).toEqual(['intent-1', 'intent-2', 'intent-3']);
    expect(await inbox.accept('intent-0', 'command', {}, NOW)).toBeNull();
  });
});

describe('projections', () => {
  const advance = (seq: number, done = false, ...keys: string[]) =>
    t.store.projections.advance({
      runId: 'run_1',
      seq,
      done,
      messages: keys.map((key) => message(key)),
      now: NOW,
    });
  const keys = () => t.rows('outbox').map(({ key }) => key);

  test('moves forward with its messages; the same step, or an older one, again does nothing', async () => {
    await begun(t);
    await advance(1, false, 'a');
    await advance(1, false, 'b');
    await advance(2, false, 'c');
    await advance(1, true, 'd');
    expect(keys()).toEqual(['a', 'c']);
    expect(t.rows('runs')).toMatchObject([{ projected_seq: 2, projection_done: 0 }]);
  });

  test('behind are runs of sessions with news, and no others', async () => {
    await begun(t);
    await t.store.sessions.create(session({ id: 'ses_2', currentRunId: 'run_2' }), spec, decision('dec_2'));
    t.journal.commit([{ w: 'run', runId: 'run_2.child', spec, at: NOW }]);
    const behind = async () =>
      (await t.store.projections.behind()).map(({ runId, projectedSeq }) => [runId, projectedSeq]);
    expect(await behind()).toEqual([
      ['run_1', 0],
      ['run_2', 0],
    ]);
    await advance(1);
    expect(await behind()).toEqual([
      ['run_1', 1],
      ['run_2', 0],
    ]);
    await advance(2);
    expect(await behind()).toEqual([['run_2', 0]]);
    t.emit({ type: 'note', text: 'news' });
    expect(await behind()).toEqual([
      ['run_1', 2],
      ['run_2', 0],
    ]);
    await advance(3, true);
    t.emit({ type: 'note', text: 'after the end' });
    expect(await behind()).toEqual([['run_2', 0]]);
    expect((await t.store.projections.events('run_1', 2, 1)).map(({ seq, event }) => [seq, event])).toEqual([
      [3, { type: 'note', text: 'news' }],
    ]);
  });
});

describe('runs, signatures, housekeeping, settings', () => {
  test('a run as it stands', async () => {
    await begun(t);
    expect(await t.store.runs.status('run_1')).toEqual({
      status: 'queued',
      outcome: null,
      spec,
      createdAt: NOW,
      endedAt: null,
    });
    t.status('cancelled');
    expect(await t.store.runs.status('run_1')).toMatchObject({ status: 'cancelled', endedAt: NOW });
    expect(await t.store.runs.status('run_9')).toBeNull();
    expect(await t.store.housekeeping.endedRuns(5)).toEqual(['run_1']);
  });

  test('a signature is seen for the first time once', async () => {
    const seen = await Promise.all(Array.from({ length: 5 }, () => t.store.replays.firstSeen('v0=a', NOW)));
    expect(seen.filter(Boolean)).toHaveLength(1);
    expect(await t.store.replays.firstSeen('v0=b', NOW)).toBe(true);
  });

  test('a sweep takes what serves nobody any more, and nothing that is still open', async () => {
    const day = 86_400_000;
    const { inbox, replays, housekeeping } = t.store;
    const [old, recent] = [
      await inbox.accept('old', 'c', {}, NOW - 30 * day),
      await inbox.accept('recent', 'c', {}, NOW - 30 * day),
    ];
    await inbox.accept('never handled', 'c', {}, NOW - 300 * day);
    await inbox.handled(old?.id ?? 0, NOW - 8 * day, null);
    await inbox.handled(recent?.id ?? 0, NOW - 6 * day, null);
    await replays.firstSeen('old', NOW - 21 * 60_000);
    await replays.firstSeen('within the window', NOW - 11 * 60_000);
    await t.outbox.enqueue([message('post')], NOW - 90 * day);
    expect(await housekeeping.sweep(NOW)).toBe(2);
    expect(t.rows('deliveries').map(({ intent }) => intent)).toEqual(['recent', 'never handled']);
    expect(t.rows('replays').map(({ signature }) => signature)).toEqual(['within the window']);
    expect(t.rows('outbox')).toHaveLength(1);
    expect(await housekeeping.sweep(NOW)).toBe(0);
  });

  test('a clean stop is noted for one start', () => {
    expect(takeCleanStop(t.db)).toBe(false);
    noteCleanStop(t.db, NOW);
    noteCleanStop(t.db, NOW + 1);
    expect(takeCleanStop(t.db)).toBe(true);
    expect(takeCleanStop(t.db)).toBe(false);
  });
});
