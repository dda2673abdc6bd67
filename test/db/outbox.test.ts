import Database from 'better-sqlite3';
import { afterEach, expect, test } from 'vitest';
import { drizzle, migrate } from '../../db/drizzle.ts';
import { createOutboxStore, enqueueRows, pruneOutbox } from '../../db/outbox.ts';
import { outbox } from '../../db/tables/slack.ts';
import type { OutboxMessage } from '../../src/ports/outbox.ts';

const MIGRATIONS = new URL('../../db/migrations', import.meta.url).pathname;
const open: Database.Database[] = [];

function setUp() {
  const raw = new Database(':memory:');
  open.push(raw);
  const db = drizzle(raw);
  migrate(db, { migrationsFolder: MIGRATIONS });
  return { raw, db, store: createOutboxStore(db) };
}

afterEach(() => {
  for (const raw of open.splice(0)) raw.close();
});

function message(key: string, text: string, more: Partial<OutboxMessage> = {}): OutboxMessage {
  return {
    team: 'T1',
    key,
    kind: 'post',
    target: { kind: 'channel', channel: 'C1' },
    lane: 'progress',
    text,
    blocks: [{ type: 'divider' }],
    ...more,
  };
}
const update = (key: string, text: string) => message(key, text, { kind: 'update' });

async function sendAll(store: ReturnType<typeof createOutboxStore>, now: number): Promise<string[]> {
  const texts: string[] = [];
  for (const row of await store.waiting(100)) {
    if (!(await store.claim(row.id, now))) continue;
    texts.push(row.text);
    await store.sent(row.id, { key: row.key, channel: 'C1', ts: `${row.key}.1` }, now);
  }
  return texts;
}

test('a post of the same key is taken once, even after it was sent', async () => {
  const { store } = setUp();
  await store.enqueue([message('a', 'one'), message('a', 'two')], 1);
  expect(await sendAll(store, 2)).toEqual(['one']);
  await store.enqueue([message('a', 'three'), message('a', 'four', { kind: 'ephemeral', user: 'U1' })], 3);
  expect(await store.waiting(10)).toEqual([]);
});

test('a message comes back as it went in', async () => {
  const { store } = setUp();
  const given = message('a', 'x', {
    thread: 't',
    user: 'U1',
    kind: 'ephemeral',
    target: { kind: 'dm', user: 'U2' },
    lane: 'approvals',
  });
  await store.enqueue([given], 5);
  const [row] = await store.waiting(1);
  expect(row).toEqual({
    ...given,
    id: 1,
    status: 'pending',
    attempts: 0,
    notBefore: 0,
    error: null,
    createdAt: 5,
  });
});

test('of several updates the latest stays, in the place of the first', async () => {
  const { store } = setUp();
  await store.enqueue([message('a', 'one')], 1);
  await sendAll(store, 2);
  await store.enqueue([update('a', 'two')], 10);
  await store.enqueue([update('a', 'three')], 20);
  const rows = await store.waiting(10);
  expect(rows.map(({ text, createdAt }) => ({ text, createdAt }))).toEqual([
    { text: 'three', createdAt: 10 },
  ]);
});

test('a row whose content was replaced between reading and claiming cannot be claimed', async () => {
  const { store } = setUp();
  await store.enqueue([message('a', 'one')], 1);
  await sendAll(store, 2);
  await store.enqueue([update('a', 'two')], 10);
  const [stale] = await store.waiting(10);
  await store.enqueue([update('a', 'three')], 20);
  expect(await store.claim(stale?.id ?? 0, 21)).toBe(false);
  expect(await sendAll(store, 22)).toEqual(['three']);
});

test('an update that changes nothing is dropped, and takes a pending one with it', async () => {
  const { store } = setUp();
  await store.enqueue([message('a', 'one'), update('a', 'one')], 1);
  expect(await sendAll(store, 2)).toEqual(['one']);
  await store.enqueue([update('a', 'one')], 3);
  expect(await store.waiting(10)).toEqual([]);
  await store.enqueue([update('a', 'two'), update('a', 'one')], 4);
  expect(await store.waiting(10)).toEqual([]);
  await store.enqueue([update('a', 'two')], 5);
  expect(await sendAll(store, 6)).toEqual(['two']);
  await store.enqueue([update('a', 'two')], 7);
  expect(await store.waiting(10)).toEqual([]);
});

test('with an update on its way, going back to the old content is kept', async () => {
  const { store } = setUp();
  await store.enqueue([message('a', 'one')], 1);
  await sendAll(store, 2);
  await store.enqueue([update('a', 'two')], 3);
  const [two] = await store.waiting(10);
  expect(await store.claim(two?.id ?? 0, 4)).toBe(true);
  await store.enqueue([update('a', 'one')], 5);
  await store.sent(two?.id ?? 0, null, 6);
  expect(await sendAll(store, 7)).toEqual(['one']);
});

test('the same content twice while it is on its way is not queued a second time', async () => {
  const { store, db } = setUp();
  await store.enqueue([message('a', 'one')], 1);
  await sendAll(store, 2);
  await store.enqueue([update('a', 'two')], 3);
  const [two] = await store.waiting(10);
  await store.claim(two?.id ?? 0, 4);
  await store.enqueue([update('a', 'two')], 5);
  await store.sent(two?.id ?? 0, null, 6);
  expect(await sendAll(store, 7)).toEqual([]);
  expect(
    db
      .select()
      .from(outbox)
      .all()
      .map(({ status }) => status),
  ).toEqual(['sent', 'sent']);
});

test('an update to be sent again gives way to a newer one', async () => {
  const { store } = setUp();
  await store.enqueue([message('a', 'one')], 1);
  await sendAll(store, 2);
  await store.enqueue([update('a', 'two')], 3);
  const [two] = await store.waiting(10);
  await store.claim(two?.id ?? 0, 4);
  await store.enqueue([update('a', 'three')], 5);
  await store.retry(two?.id ?? 0, 100, 'ECONNREFUSED');
  expect((await store.waiting(10)).map(({ text }) => text)).toEqual(['three']);
});

test('a retry keeps the attempts and says when; failed and dropped rows wait no more', async () => {
  const { store, db } = setUp();
  await store.enqueue([message('a', 'one'), message('b', 'two'), message('c', 'three')], 1);
  await store.claim(1, 2);
  await store.retry(1, 500, 'ratelimited');
  expect(await store.waiting(1)).toMatchObject([
    { id: 1, status: 'pending', attempts: 1, notBefore: 500, error: 'ratelimited' },
  ]);
  await store.fail(2, 'is_archived', 3);
  await store.drop(3, 'gone', 4);
  expect((await store.waiting(10)).map(({ id }) => id)).toEqual([1]);
  await store.fail(2, 'again', 9);
  expect(
    db
      .select()
      .from(outbox)
      .all()
      .map(({ error, endedAt }) => ({ error, endedAt })),
  ).toEqual([
    { error: 'ratelimited', endedAt: null },
    { error: 'is_archived', endedAt: 3 },
    { error: 'gone', endedAt: 4 },
  ]);
});

test('a reference is found by key and by place, and follows a repost', async () => {
  const { store } = setUp();
  await store.enqueue([message('a', 'one')], 1);
  await sendAll(store, 2);
  expect(await store.ref('a')).toEqual({ key: 'a', channel: 'C1', ts: 'a.1' });
  await store.enqueue([update('a', 'two')], 3);
  const [row] = await store.waiting(1);
  await store.claim(row?.id ?? 0, 4);
  await store.sent(row?.id ?? 0, { key: 'a', channel: 'C1', ts: '9.9' }, 5);
  expect(await store.refAt('T1', 'C1', '9.9')).toEqual({ key: 'a', channel: 'C1', ts: '9.9' });
  expect(await store.refAt('T1', 'C1', 'a.1')).toBeNull();
});

test('enqueued rows come and go with the transaction of their change', () => {
  const { db } = setUp();
  expect(() =>
    db.transaction((tx) => {
      enqueueRows(tx, [message('a', 'one')], 1);
      throw new Error('the change did not happen');
    }),
  ).toThrow('the change did not happen');
  expect(db.select().from(outbox).all()).toEqual([]);
});

test('pruning forgets old updates and keeps posts, failures and what is new', async () => {
  const { store, db } = setUp();
  await store.enqueue([message('a', 'one'), message('e', 'hi', { kind: 'ephemeral' })], 1);
  await sendAll(store, 2);
  await store.enqueue([update('a', 'two')], 3);
  await sendAll(store, 4);
  await store.enqueue([update('a', 'three')], 5);
  await sendAll(store, 50);
  expect(pruneOutbox(db, 10)).toBe(2);
  expect(
    db
      .select()
      .from(outbox)
      .all()
      .map(({ kind, text }) => `${kind} ${text}`),
  ).toEqual(['post three', 'update three']);
});

test('looking for what waits and for a key reads an index, however long the history', () => {
  const { raw } = setUp();
  const plan = (query: string) =>
    raw
      .prepare<[], { detail: string }>(`explain query plan ${query}`)
      .all()
      .map(({ detail }) => detail)
      .join('; ');
  expect(plan("select * from outbox where status in ('pending', 'sending') order by id limit 5")).toContain(
    'outbox_waiting',
  );
  expect(plan("select * from outbox where key = 'a' and kind <> 'update'")).toContain('outbox_one_post');
  expect(plan("select * from outbox where key = 'a' and kind = 'update' and status = 'pending'")).toContain(
    'outbox_one_update',
  );
});
