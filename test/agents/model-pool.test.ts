import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { createHealthStore } from '../../db/health.ts';
import { openStore } from '../../db/open.ts';
import { createRecentCalls } from '../../db/recent-calls.ts';
import { createModelClient } from '../../src/agents/model/model-client.ts';
import { type Caller, type Endpoint, ModelPool } from '../../src/agents/model/model-pool.ts';
import { REST_MS } from '../../src/domain/circuit.ts';
import { toFailure } from '../../src/domain/failure.ts';
import type { RateLimit } from '../../src/domain/rate-limit.ts';
import { VirtualClock } from '../support/virtual-clock.ts';
import { type Answer, type ModelServer, startModelServer, turnEvents } from './model-server.ts';
import { realClock } from './support.ts';

const good: Answer = { events: turnEvents('chat', { text: 'well' }) };
const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

async function serve(answer: (count: number) => Answer): Promise<ModelServer> {
  const server = await startModelServer((_asked, count) => answer(count));
  closing.push(() => server.close());
  return server;
}

const at = (server: ModelServer, model: string): Endpoint => ({
  client: createModelClient({ api: 'chat', apiKey: 'k', baseUrl: server.url, model, clock: realClock }),
  host: `${model}.test`,
  rests: true,
});

/** A pool on a real database, and what it takes to open that again. */
function poolOf(endpoints: readonly [Endpoint, ...Endpoint[]], limit?: RateLimit) {
  const home = mkdtempSync(path.join(tmpdir(), 'baton-pool-'));
  closing.push(() => rmSync(home, { recursive: true, force: true }));
  const clock = new VirtualClock();
  const open = () => {
    const store = openStore(path.join(home, 'baton.db'));
    const health = createHealthStore(store.raw, () => clock.now());
    const recent = createRecentCalls(store.raw);
    const pool = new ModelPool({ endpoints, clock, health, recent, limitOf: () => limit ?? NONE });
    return { store, health, pool };
  };
  const first = open();
  closing.push(() => first.store.close());
  return {
    ...first,
    clock,
    restart: () => {
      first.store.close();
      const again = open();
      closing.push(() => again.store.close());
      return again;
    },
  };
}
const NONE: RateLimit = { calls_per_minute: null, tokens_per_minute: null, concurrent: null };

const request = {
  messages: [{ role: 'user' as const, text: 'Say well' }],
  tools: [],
  toolChoice: 'none' as const,
  format: null,
  maxOutputTokens: null,
};
const caller = (runId: string, changes: Partial<Caller> = {}): Caller => ({
  runId,
  step: `${runId}/turn-1`,
  weight: 1,
  signal: new AbortController().signal,
  onWait: () => undefined,
  onTurn: () => undefined,
  onFailover: async () => undefined,
  ...changes,
});
const codeOf = async (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'answered',
    (error: unknown) => toFailure(error).code,
  );

const settled = () => new Promise(setImmediate);

describe('a model that fails', () => {
  test('rests after five failures, is not called meanwhile, also after a restart, and is tried once after 300 s', async () => {
    let well = false;
    const server = await serve(() => (well ? good : { status: 500 }));
    const { pool, clock, restart } = poolOf([at(server, 'm')]);
    for (let n = 0; n < 5; n += 1)
      expect(await codeOf(pool.complete(null, request, caller('r')))).toBe('model_error');
    expect(await codeOf(pool.complete(null, request, caller('r')))).toBe('model_resting');
    const { pool: again, health } = restart();
    const failure = await again.complete(null, request, caller('r2')).catch(toFailure);
    expect(failure).toMatchObject({ code: 'model_resting', class: 'transient', retryAfterMs: REST_MS });
    expect(server.asked).toHaveLength(5);

    clock.advance(REST_MS);
    expect(await codeOf(again.complete(null, request, caller('r')))).toBe('model_error');
    expect(await codeOf(again.complete(null, request, caller('r')))).toBe('model_resting');
    expect(server.asked).toHaveLength(6);
    clock.advance(REST_MS);
    well = true;
    expect((await again.complete(null, request, caller('r'))).reply.text).toBe('well');
    expect((await health.read('model', 'm@m.test')).circuit).toMatchObject({ failures: 0, openedAt: null });
  });

  test('is followed by its backup in the very call that makes it rest, and in all after it', async () => {
    const [bad, other] = [await serve(() => ({ status: 500 })), await serve(() => good)];
    const { pool } = poolOf([at(bad, 'm'), at(other, 'backup')]);
    const told: string[] = [];
    const onFailover = async (from: string, to: string, why: string) =>
      void told.push(`${from} ${to} ${why}`);
    for (let n = 0; n < 4; n += 1)
      expect(await codeOf(pool.complete(null, request, caller('r')))).toBe('model_error');
    for (let n = 0; n < 2; n += 1)
      expect(await pool.complete(null, request, caller('r', { onFailover }))).toMatchObject({
        model: 'backup',
      });
    expect([bad.asked.length, other.asked.length]).toEqual([5, 2]);
    expect(told[0]).toMatch(/^m@m\.test backup@backup\.test The model server .* failed \(500\)/);
    expect(told[1]).toContain('rests for 300 s');
  });

  test.each([
    ['401', { status: 401 }, 'answered', 1],
    ['a model nobody knows', { status: 404 }, 'answered', 1],
    ['no credit', { status: 402 }, 'answered', 1],
    ['too many', { status: 429 }, 'model_busy', 0],
    ['a request that is wrong', { status: 400 }, 'model_rejected', 0],
    ['a broken stream', { events: [], after: 'break' as const }, 'stream_cut', 0],
  ])('%s: who goes on', async (_name, answer, code, second) => {
    const [bad, other] = [await serve(() => answer), await serve(() => good)];
    const { pool, health } = poolOf([at(bad, 'm'), at(other, 'backup')]);
    expect(await codeOf(pool.complete(null, request, caller('r')))).toBe(code);
    expect(other.asked).toHaveLength(second);
    const { circuit } = await health.read('model', 'm@m.test');
    expect(circuit.failures).toBe(code === 'stream_cut' ? 1 : 0);
  });
});

describe('limits', () => {
  test('a pause one run was asked for holds every run of that server, and no other server', async () => {
    const busy = await serve((count) =>
      count === 1 ? { status: 429, headers: { 'retry-after': '20' } } : good,
    );
    const { pool, clock } = poolOf([at(busy, 'm')]);
    const failure = await pool.complete(null, request, caller('first')).catch(toFailure);
    expect(failure).toMatchObject({ code: 'model_busy', retryAfterMs: 20_000 });
    const waits: number[] = [];
    const other = pool.complete(null, request, caller('second', { onWait: (ms) => waits.push(ms) }));
    await settled();
    clock.advance(19_999);
    expect(busy.asked).toHaveLength(1);
    clock.advance(1);
    expect((await other).reply.text).toBe('well');
    expect(waits).toEqual([20_000]);
  });

  test('a kept pause that could not be read is read again by the next call', async () => {
    const server = await serve(() => good);
    const reads = [Promise.reject(new Error('SQLITE_BUSY')), Promise.resolve(null)];
    const pool = new ModelPool({
      endpoints: [at(server, 'm')],
      clock: realClock,
      health: null,
      pauses: { read: () => reads.shift() ?? Promise.resolve(null), write: async () => undefined },
    });
    expect(await codeOf(pool.complete(null, request, caller('r')))).not.toBe('answered');
    expect(await codeOf(pool.complete(null, request, caller('r')))).toBe('answered');
    expect(reads).toHaveLength(0);
  });

  test('calls over the limit wait their turn, by run and weight, and say how long; who is stopped leaves', async () => {
    const server = await serve(() => good);
    const { pool, clock } = poolOf([at(server, 'm')], { ...NONE, calls_per_minute: 2 });
    const done: string[] = [];
    const waits: string[] = [];
    const stop = new AbortController();
    const call = (runId: string, n: number, weight = 1, signal = stop.signal): Promise<unknown> =>
      pool
        .complete(
          null,
          request,
          caller(runId, {
            step: `${runId}/${n}`,
            weight,
            signal,
            onWait: (ms) => waits.push(`${runId}${n} ${ms}`),
          }),
        )
        .then(() => done.push(`${runId}${n}`))
        .catch((error: unknown) => done.push(`${runId}${n} ${toFailure(error).code}`));
    const never = new AbortController().signal;
    await Promise.all([call('a', 1, 1, never), call('a', 2, 1, never)]);
    const [gone, second, third] = [call('a', 3), call('a', 4, 1, never), call('b', 1, 1, never)];
    await settled();
    // b has had no turn yet, so it goes before those that a still wants.
    expect(waits).toEqual(['a3 60000', 'a4 90000', 'b1 60000']);
    stop.abort();
    await gone;
    clock.advance(60_000);
    await Promise.all([second, third]);
    expect(done.sort()).toEqual(['a1', 'a2', 'a3 cancelled', 'a4', 'b1']);
    expect(server.asked).toHaveLength(4);
    expect(pool.load.get('m.test')).toEqual({ open: 0, waiting: 0 });
  });

  test('a call that does not end in its time is given up as timed out', async () => {
    const server = await serve(() => ({
      events: turnEvents('chat', { text: 'w' }).slice(0, 1),
      after: 'hang',
    }));
    const clock = new VirtualClock();
    const pool = new ModelPool({ endpoints: [at(server, 'm')], clock, health: null, callMs: 1_000 });
    const work = codeOf(pool.complete(null, request, caller('r')));
    while (server.asked.length === 0 || clock.next() === null) await new Promise(setImmediate);
    clock.advance(1_000);
    expect(await work).toBe('model_timeout');
  });
});

describe('a limit of calls and tokens', () => {
  /** As the step that made it leaves it, in the transaction of its result. */
  function enter(store: ReturnType<typeof openStore>, at: number, tokens: number): void {
    const row = store.raw.prepare(
      "insert into usage (run_id, key, kind, model, host, input_tokens, cached_tokens, output_tokens, reasoning_tokens, duration_ms, at) values ('r', 'k', 'model', 'm', ?, ?, 0, 0, 0, 1000, ?)",
    );
    row.run('m.test', tokens, at);
    row.run('other.test', tokens, at);
  }

  test.each([
    ['calls', { ...NONE, calls_per_minute: 3 }],
    ['tokens', { ...NONE, tokens_per_minute: 30_000 }],
  ])('of %s goes on counting after a restart', async (_what, limit) => {
    const server = await serve(() => good);
    const { store, clock, restart } = poolOf([at(server, 'm')], limit);
    // Three calls that took a second each: one long ago, and those of the last minute.
    enter(store, clock.now() - 70_000, 10_000);
    for (const ago of [40_000, 20_000, 0]) enter(store, clock.now() - ago, 10_000);
    const { pool } = restart();
    const waits: number[] = [];
    const answer = pool.complete(null, request, caller('r', { onWait: (ms) => waits.push(ms) }));
    let over = false;
    void answer.then(() => {
      over = true;
    });
    while (pool.load.get('m.test')?.waiting !== 1) await settled();
    // The oldest of them began 41 seconds ago.
    expect(waits).toEqual([19_000]);
    clock.advance(18_999);
    await settled();
    expect(over).toBe(false);
    expect(server.asked).toHaveLength(0);
    clock.advance(1);
    await answer;
    expect(server.asked).toHaveLength(1);
  });
});
