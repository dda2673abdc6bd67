import Database from 'better-sqlite3';
import { drizzle, migrate } from '../../db/drizzle.ts';
import { createOutboxStore } from '../../db/outbox.ts';
import { outbox } from '../../db/tables/slack.ts';
import type { OutboxMessage, OutboxRow } from '../../src/ports/outbox.ts';
import { createClients } from '../../src/slack/clients.ts';
import { createSender } from '../../src/slack/out/sender.ts';
import { createTransport } from '../../src/slack/out/transport.ts';
import { fakeClock } from './fake-clock.ts';
import { startFakeSlack } from './fake-slack.ts';

const MIGRATIONS = new URL('../../db/migrations', import.meta.url).pathname;

/** The store's schema in memory. */
export function memoryDb() {
  const raw = new Database(':memory:');
  const db = drizzle(raw);
  migrate(db, { migrationsFolder: MIGRATIONS });
  return { db, close: () => raw.close() };
}

/** A sender on a real store, with the real client, before a small server; time moves only when told. */
export async function senderHarness() {
  const clock = fakeClock();
  const slack = await startFakeSlack(() => clock.monotonic());
  const { db, close } = memoryDb();
  const store = createOutboxStore(db);
  const log: { level: string; message: string; fields: Readonly<Record<string, unknown>> }[] = [];
  const to = (level: string) => (fields: Readonly<Record<string, unknown>>, message: string) =>
    void log.push({ level, message, fields });
  const logger = { info: to('info'), warn: to('warn'), error: to('error') };
  const hooks = { afterRead: async () => {} };
  const frozen: { team: string; code: string }[] = [];
  const undelivered: { key: string; code: string }[] = [];
  const clients = createClients({
    token: 'xoxb-test',
    apiUrl: slack.url,
    redact: (text) => text,
    log: logger,
  });
  const transport = createTransport(clients);
  const start = () =>
    createSender({
      store: {
        ...store,
        waiting: async (limit) => {
          const rows = await store.waiting(limit);
          await hooks.afterRead();
          return rows;
        },
      },
      transport: (team) => (team === 'T-none' ? null : transport),
      clock,
      log: logger,
      random: () => 0.5,
      onUndeliverable: async (row: OutboxRow, code) => void undelivered.push({ key: row.key, code }),
      onFrozen: (team, code) => void frozen.push({ team, code }),
    });
  let sender = start();
  const senders = [sender];

  return {
    clock,
    slack,
    store,
    log,
    /** `afterRead` holds up what the sender has read, so that it is out of date when it gets it. */
    hooks,
    undelivered,
    frozen,
    get sender() {
      return sender;
    },
    rows: () => db.select().from(outbox).all(),
    /** As a new process finds things. */
    restart: () => {
      sender = start();
      senders.push(sender);
    },
    enqueue: async (...messages: readonly OutboxMessage[]) => {
      await store.enqueue(messages, clock.now());
      await sender.tick();
      await sender.settled();
    },
    /** Lets everything happen that time alone brings, for at most `ms`. */
    pass: async (ms: number) => {
      await sender.tick();
      await sender.settled();
      for (let left = ms; left > 0; ) {
        const step = Math.min(left, clock.next() ?? left);
        clock.advance(Math.max(1, step));
        left -= Math.max(1, step);
        await sender.settled();
      }
    },
    close: async () => {
      await Promise.all(senders.map((each) => each.stop()));
      await slack.close();
      close();
    },
  };
}

export type Harness = Awaited<ReturnType<typeof senderHarness>>;

export function post(key: string, more: Partial<OutboxMessage> = {}): OutboxMessage {
  return {
    team: 'T1',
    key,
    kind: 'post',
    target: { kind: 'channel', channel: 'C1' },
    lane: 'progress',
    text: key,
    blocks: [{ type: 'section', text: { type: 'plain_text', text: key } }],
    ...more,
  };
}

export function update(key: string, text: string, more: Partial<OutboxMessage> = {}): OutboxMessage {
  return post(key, { kind: 'update', text, ...more });
}
