import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { InboxWorker } from '../../src/orchestrator/inbox-worker.ts';
import type { Delivery } from '../../src/ports/store.ts';
import { type TempStore, tempStore } from '../db/support.ts';
import { VirtualClock } from '../support/virtual-clock.ts';

let t: TempStore;
let clock: VirtualClock;
let told: string[];
beforeEach(() => {
  t = tempStore();
  clock = new VirtualClock();
  told = [];
});
afterEach(() => t.remove());

function worker(handler: (delivery: Delivery) => Promise<void>): InboxWorker {
  const made = new InboxWorker({
    inbox: t.store.inbox,
    clock,
    log: { error: () => undefined },
    onGivenUp: async ({ intent }, reason) => void told.push(`${intent}: ${reason}`),
  });
  made.handle('command', handler);
  return made;
}

/** Lets everything happen that needs no time, and passes the time until something else does. */
async function rest(until: () => boolean): Promise<void> {
  for (let turn = 0; turn < 2_000 && !until(); turn += 1) {
    await new Promise((resolve) => setImmediate(resolve));
    if (turn % 20 === 19) clock.advance(Math.max(0, (clock.next() ?? clock.now()) - clock.now()));
  }
  expect(until()).toBe(true);
}
const open = () => t.rows('deliveries').filter(({ handled_at }) => handled_at === null).length;
const total = () => t.rows('deliveries').length;

describe('from acknowledged to done', () => {
  test('each intent is handled once, however often it comes; accepted means kept', async () => {
    const handled: string[] = [];
    const w = worker(async ({ intent }) => void handled.push(intent));
    const accepted = await Promise.all(
      ['a', 'b', 'a', 'a', 'c'].map((intent) => w.accept(intent, 'command', {})),
    );
    expect(accepted).toEqual([true, true, false, false, true]);
    expect(total()).toBe(3);
    await rest(() => open() === 0);
    expect(handled.sort()).toEqual(['a', 'b', 'c']);
    expect(await w.accept('a', 'command', {})).toBe(false);
    await w.stop();
  });

  test('accepting never waits for what is being done', async () => {
    const gate = Promise.withResolvers<void>();
    const w = worker(() => gate.promise);
    for (let i = 0; i < 30; i += 1) expect(await w.accept(`i${i}`, 'command', {})).toBe(true);
    expect(open()).toBe(30);
    gate.resolve();
    await rest(() => open() === 0);
    await w.stop();
  });

  test('a failure is tried again later; three are the end, and the person is told once', async () => {
    const tries = new Map<string, number>();
    const w = worker(async ({ intent }) => {
      const count = (tries.get(intent) ?? 0) + 1;
      tries.set(intent, count);
      if (intent === 'never' || count < 3) throw new Error(`no luck with ${intent}`);
    });
    await w.accept('third', 'command', {});
    await w.accept('never', 'command', {});
    await w.accept('unknown', 'nobody handles this', {});
    await rest(() => open() === 0);
    expect(Object.fromEntries(tries)).toEqual({ third: 3, never: 3 });
    expect(told.sort()).toEqual([
      'never: no luck with never',
      'unknown: Nothing handles "nobody handles this"',
    ]);
    expect(t.rows('deliveries').map(({ intent, error }) => [intent, error === null])).toEqual([
      ['third', true],
      ['never', false],
      ['unknown', false],
    ]);
    await w.stop();
  });

  test('what a process accepted and did not finish, the next one does, in order', async () => {
    for (let i = 0; i < 20; i += 1) void t.store.inbox.accept(`i${i}`, 'command', { i }, clock.now());
    await rest(() => total() === 20);
    const handled: string[] = [];
    const w = worker(async ({ intent }) => void handled.push(intent));
    expect(await w.recover()).toBe(20);
    await rest(() => open() === 0);
    expect(handled).toEqual(Array.from({ length: 20 }, (_, i) => `i${i}`));
    await w.stop();
  });

  test('more than a page of them is taken up too', async () => {
    for (let i = 0; i < 1_001; i += 1) void t.store.inbox.accept(`i${i}`, 'command', { i }, clock.now());
    await rest(() => total() === 1_001);
    const w = worker(async () => undefined);
    expect(await w.recover()).toBe(1_001);
    await w.stop();
  });

  test('stopped: what is under way ends, nothing new begins, and nothing is lost', async () => {
    const gate = Promise.withResolvers<void>();
    const begun: string[] = [];
    const w = worker(async ({ intent }) => {
      begun.push(intent);
      await gate.promise;
    });
    await w.accept('first', 'command', {});
    await rest(() => begun.length === 1);
    const stopping = w.stop();
    await w.accept('late', 'command', {});
    gate.resolve();
    await stopping;
    await new Promise((resolve) => setImmediate(resolve));
    expect(begun).toEqual(['first']);
    expect(t.rows('deliveries').map(({ intent, handled_at }) => [intent, handled_at === null])).toEqual([
      ['first', false],
      ['late', true],
    ]);
  });
});
