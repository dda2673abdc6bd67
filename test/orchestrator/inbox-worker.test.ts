import { afterEach, beforeEach, expect, test } from 'vitest';
import { InboxWorker } from '../../src/orchestrator/inbox-worker.ts';
import type { Delivery, Inbox } from '../../src/ports/store.ts';
import { systemClock } from '../../src/system-clock.ts';

/** An inbox in memory that keeps what a database would keep of deliveries an earlier process left. */
function inboxOf(count: number, attempts = 0): Inbox & { readonly ended: Map<number, string | null> } {
  const rows: Delivery[] = Array.from({ length: count }, (_, i) => ({
    id: i + 1,
    intent: `i${i + 1}`,
    kind: 'k',
    payload: null,
    receivedAt: 0,
    attempts,
  }));
  const ended = new Map<number, string | null>();
  return {
    ended,
    accept: async () => null,
    open: async (limit, after = 0) => rows.filter(({ id }) => id > after && !ended.has(id)).slice(0, limit),
    attempt: async () => undefined,
    handled: async (id, _now, error) => void ended.set(id, error),
  };
}

const told: string[] = [];
let worker: InboxWorker | null = null;
beforeEach(() => void told.splice(0));
afterEach(() => worker?.stop());

function workerOf(inbox: Inbox): InboxWorker {
  worker = new InboxWorker({
    inbox,
    clock: systemClock,
    log: { error: () => undefined },
    onGivenUp: async ({ intent }, reason) => void told.push(`${intent}: ${reason}`),
  });
  return worker;
}

test('all that was left is taken up in order, however much it is, each once', async () => {
  const inbox = inboxOf(1_203);
  const seen: number[] = [];
  const { promise, resolve } = Promise.withResolvers<void>();
  const under = workerOf(inbox);
  under.handle('k', async ({ id }) => {
    seen.push(id);
    if (seen.length === 1_203) resolve();
  });
  expect(await under.recover()).toBe(1_203);
  await promise;
  await under.stop();
  expect(seen).toEqual(Array.from({ length: 1_203 }, (_, i) => i + 1));
  expect(inbox.ended.size).toBe(1_203);
});

test.each([
  [7, 1],
  [8, 0],
])('a delivery that was begun %d times and never ended is begun %d times more', async (before, times) => {
  const inbox = inboxOf(1, before);
  let begun = 0;
  const under = workerOf(inbox);
  under.handle('k', async () => {
    begun += 1;
  });
  await under.recover();
  while (inbox.ended.size === 0) await new Promise((resolve) => setImmediate(resolve));
  expect(begun).toBe(times);
  expect(told).toHaveLength(1 - times);
});
