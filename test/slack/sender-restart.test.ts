import Database from 'better-sqlite3';
import { expect, test } from 'vitest';
import { drizzle, migrate } from '../../db/drizzle.ts';
import { createOutboxStore } from '../../db/outbox.ts';
import type { OutboxMessage } from '../../src/ports/outbox.ts';
import { createSender } from '../../src/slack/out/sender.ts';
import type { Transport } from '../../src/slack/out/transport.ts';
import { VirtualClock } from '../support/virtual-clock.ts';

const message = (n: number): OutboxMessage => ({
  team: 'T1',
  key: `k${n}`,
  kind: 'post',
  target: { kind: 'channel', channel: 'C1' },
  lane: 'progress',
  text: `message ${n}`,
  blocks: [],
});

test('a sender that starts anew keeps the distance to what the one before sent', async () => {
  const raw = new Database(':memory:');
  const db = drizzle(raw);
  migrate(db, { migrationsFolder: 'db/migrations' });
  const store = createOutboxStore(db);
  const clock = new VirtualClock();
  const posted: number[] = [];
  const never = () => Promise.reject(new Error('not asked for'));
  const transport: Transport = {
    post: async ({ channel }) => {
      posted.push(clock.now());
      return { channel, ts: `${posted.length}.0` };
    },
    update: never,
    ephemeral: never,
    open: never,
    find: never,
  };
  const options = {
    store,
    transport: () => transport,
    clock,
    log: { info: () => undefined, warn: () => undefined, error: () => undefined },
    random: () => 0.5,
    onUndeliverable: async () => undefined,
    onFrozen: () => undefined,
  };
  await store.enqueue([message(1)], clock.now());
  const first = createSender(options);
  await first.tick();
  await first.settled();
  await first.stop();
  await store.enqueue([message(2)], clock.now());
  clock.advance(200);
  const second = createSender(options);
  await second.tick();
  await second.settled();
  expect(posted).toHaveLength(1);
  for (let waited = 0; waited < 2_000 && posted.length < 2; waited += 50) {
    clock.advance(50);
    await second.settled();
  }
  await second.stop();
  raw.close();
  expect(posted).toHaveLength(2);
  expect((posted[1] ?? 0) - (posted[0] ?? 0)).toBeGreaterThanOrEqual(1_000);
});
