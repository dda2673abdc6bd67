import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Lane, lanes, type OutboxRow } from '../../src/ports/outbox.ts';
import {
  channelFree,
  createSendState,
  noteBlocked,
  PER_MINUTE,
  POST_SPACING_MS,
  tidy,
  WINDOW_MS,
} from '../../src/slack/out/limits.ts';
import {
  BACKOFF_MAX_MS,
  backoffMs,
  type Decision,
  decide,
  noteEnd,
  noteStart,
} from '../../src/slack/out/schedule.ts';

/** One message of a made-up history: a thread's parent first, then replies and updates of it. */
interface Written {
  readonly row: OutboxRow;
  readonly arrives: number;
  readonly latency: number;
  /** Attempts that fail before one succeeds. */
  readonly failures: number;
}

interface Writing {
  readonly channel: number;
  readonly thread: number;
  readonly lane: Lane;
  readonly kind: 'post' | 'update';
  readonly arrives: number;
  readonly latency: number;
  /** Attempts that fail before one succeeds. */
  readonly failures: number;
}

interface Call {
  readonly row: OutboxRow;
  readonly kind: Decision['kind'];
  readonly start: number;
  readonly end: number;
  readonly failed: boolean;
}

const writing: fc.Arbitrary<Writing> = fc.record({
  channel: fc.integer({ min: 0, max: 2 }),
  thread: fc.integer({ min: 0, max: 3 }),
  lane: fc.constantFrom(...lanes),
  kind: fc.constantFrom<Writing['kind'][]>('post', 'post', 'post', 'update'),
  arrives: fc.integer({ min: 0, max: 5_000 }),
  latency: fc.integer({ min: 1, max: 900 }),
  failures: fc.constantFrom(0, 0, 0, 1, 2),
});
const history = fc.array(writing, { minLength: 5, maxLength: 120 }).map(toRows);

function toRows(written: readonly Writing[]): Written[] {
  const parents = new Set<string>();
  const rows: Written[] = [];
  const sorted = [...written].sort((a, b) => a.arrives - b.arrives);
  for (const { channel, thread, lane, kind, arrives, latency, failures } of sorted) {
    const parent = `C${channel}-t${thread}`;
    const isParent = !parents.has(parent);
    parents.add(parent);
    const id = rows.length + 1;
    const isUpdate =
      !isParent && kind === 'update' && !rows.some(({ row }) => row.kind === 'update' && row.key === parent);
    const row: OutboxRow = {
      id,
      team: 'T1',
      key: isParent || isUpdate ? parent : `m${id}`,
      kind: isUpdate ? 'update' : 'post',
      target: { kind: 'channel', channel: `C${channel}` },
      ...(isParent ? {} : { thread: parent }),
      lane,
      text: 'x',
      blocks: [],
      status: 'pending',
      attempts: 0,
      notBefore: 0,
      error: null,
      createdAt: arrives,
    };
    rows.push({ row, arrives, latency, failures });
  }
  return rows;
}

/** Plays a history against `decide` with a clock of its own; a call that fails is tried again 3 s later. */
function play(written: readonly Written[], limitMs: number): { calls: Call[]; left: number } {
  const state = createSendState(0);
  const calls: Call[] = [];
  const done = new Set<number>();
  const tried = new Map<number, { readonly attempts: number; readonly notBefore: number }>();
  let flying: { readonly call: Call }[] = [];
  for (let now = 0; now < limitMs; ) {
    for (const { call } of flying.filter(({ call: { end } }) => end <= now)) {
      noteEnd(state, call.row.id, call.end);
      if (call.failed) {
        tried.set(call.row.id, { attempts: call.row.attempts + 1, notBefore: call.end + 3_000 });
        continue;
      }
      done.add(call.row.id);
      if (call.row.kind === 'post')
        state.refs.set(call.row.key, { key: call.row.key, channel: 'C', ts: String(call.row.id) });
    }
    flying = flying.filter(({ call: { end } }) => end > now);
    const rows = written
      .filter(({ row, arrives }) => arrives <= now && !done.has(row.id))
      .map(({ row }) => ({ ...row, ...tried.get(row.id) }));
    const decision = decide({ rows, complete: true }, state, { wall: now, mono: now });
    if (decision.kind !== 'wait') {
      noteStart(state, decision, now);
      const { latency, failures } = written[decision.row.id - 1] ?? { latency: 1, failures: 0 };
      const failed = decision.row.attempts < failures;
      const call = { row: decision.row, kind: decision.kind, start: now, end: now + latency, failed };
      calls.push(call);
      flying.push({ call });
      continue;
    }
    const wakes = [
      ...(decision.ms === null ? [] : [now + decision.ms]),
      ...flying.map(({ call: { end } }) => end),
      ...written.filter(({ arrives }) => arrives > now).map(({ arrives }) => arrives),
    ];
    if (wakes.length === 0) break;
    now = Math.min(...wakes);
  }
  return { calls, left: written.length - done.size };
}

const posts = (calls: readonly Call[]) => calls.filter(({ kind }) => kind === 'post');

test('everything is sent once; order per lane and thread, spacing per channel and budgets hold', () => {
  let overtakings = 0;
  let waits = 0;
  let failures = 0;
  fc.assert(
    fc.property(history, (written) => {
      const { calls: all, left } = play(written, 3_600_000);
      expect(left).toBe(0);
      const calls = all.filter(({ failed }) => !failed);
      failures += all.length - calls.length;
      expect(new Set(calls.map(({ row }) => row.id)).size).toBe(calls.length);
      for (const [i, late] of calls.entries()) {
        for (const early of calls.slice(0, i)) {
          if (late.row.id < early.row.id && late.kind === 'post') overtakings += 1;
          const sameThread = early.row.thread === late.row.thread && early.row.lane === late.row.lane;
          if (sameThread && early.row.thread !== undefined && early.kind === 'post' && late.kind === 'post') {
            expect(early.row.id).toBeLessThan(late.row.id);
          }
        }
        const needs = late.row.kind === 'update' ? late.row.key : late.row.thread;
        if (needs !== undefined) {
          const parent = calls.find(({ row, kind }) => row.key === needs && kind === 'post');
          expect(parent?.end ?? Number.POSITIVE_INFINITY).toBeLessThanOrEqual(late.start);
        }
      }
      for (const channel of ['C0', 'C1', 'C2']) {
        const there = posts(calls).filter(
          ({ row: { target } }) => target.kind === 'channel' && target.channel === channel,
        );
        for (const [i, call] of there.entries()) {
          const before = there[i - 1];
          if (before === undefined) continue;
          waits += 1;
          expect(call.start - before.end).toBeGreaterThanOrEqual(POST_SPACING_MS);
        }
      }
      const updates = all.filter(({ kind }) => kind === 'update').map(({ start }) => start);
      for (const at of updates) {
        const inWindow = updates.filter((other) => other > at - WINDOW_MS && other <= at);
        expect(inWindow.length).toBeLessThanOrEqual(PER_MINUTE['chat.update']);
      }
    }),
    { numRuns: 150 },
  );
  // Guards: histories in which nothing waits and nothing overtakes would prove nothing.
  expect(waits).toBeGreaterThan(1_000);
  expect(overtakings).toBeGreaterThan(1_000);
  expect(failures).toBeGreaterThan(500);
});

/** A row with nothing special about it. */
function rowOf(id: number, more: Partial<OutboxRow>): OutboxRow {
  return {
    id,
    team: 'T1',
    key: `m${id}`,
    kind: 'post',
    target: { kind: 'channel', channel: 'C1' },
    lane: 'progress',
    text: 'x',
    blocks: [],
    status: 'pending',
    attempts: 0,
    notBefore: 0,
    error: null,
    createdAt: id,
    ...more,
  };
}

test('nothing starves: with approvals without end, the oldest row still gets its turn', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 10 }), (backlog) => {
      const old = Array.from({ length: backlog }, (_, i) => ({
        row: rowOf(i + 1, {}),
        arrives: 0,
        latency: 10,
        failures: 0,
      }));
      const approvals = Array.from({ length: 200 }, (_, i) => ({
        row: rowOf(backlog + i + 1, { lane: 'approvals', createdAt: i * 500 }),
        arrives: i * 500,
        latency: 10,
        failures: 0,
      }));
      const { calls } = play([...old, ...approvals], 110_000);
      const first = calls.filter(({ row }) => row.lane === 'progress');
      expect(first.length).toBe(backlog);
      // Guard: there was always an approval waiting when a progress row went.
      expect(calls.filter(({ row }) => row.lane === 'approvals').length).toBeGreaterThan(backlog * 6);
      expect(calls.length).toBeLessThan(old.length + approvals.length);
    }),
    { numRuns: 10 },
  );
});

test('a stored time far ahead, left by a clock that jumped, delays a row by a minute at most', () => {
  const state = createSendState(0);
  const row = rowOf(1, { notBefore: 10_000_000 });
  expect(decide({ rows: [row], complete: true }, state, { wall: 0, mono: 0 })).toEqual({
    kind: 'wait',
    ms: BACKOFF_MAX_MS,
  });
});

test('a channel that asked to wait blocks itself alone', () => {
  const state = createSendState(0);
  noteBlocked(state, 'T1#C1', 5_000);
  const rows = [rowOf(1, {}), rowOf(2, { target: { kind: 'channel', channel: 'C2' } })];
  expect(decide({ rows, complete: true }, state, { wall: 0, mono: 0 })).toMatchObject({
    kind: 'post',
    row: { id: 2 },
  });
  expect(decide({ rows: rows.slice(0, 1), complete: true }, state, { wall: 0, mono: 0 })).toEqual({
    kind: 'wait',
    ms: 5_000,
  });
});

test('a reply without a parent is an orphan only when everything waiting is known', () => {
  const state = createSendState(0);
  const rows = [rowOf(1, { thread: 'nobody' })];
  const now = { wall: 0, mono: 0 };
  expect(decide({ rows, complete: true }, state, now).kind).toBe('orphan');
  expect(decide({ rows, complete: false }, state, now)).toEqual({ kind: 'wait', ms: null });
});

test('waits grow, are capped and spread', () => {
  expect([1, 2, 3, 4].map((attempt) => backoffMs(attempt, 0))).toEqual([500, 1_000, 2_000, 4_000]);
  expect(backoffMs(1, 0.999)).toBeGreaterThan(backoffMs(1, 0));
  expect(backoffMs(60, 0.999_999)).toBeLessThanOrEqual(BACKOFF_MAX_MS);
});

test('what a sender keeps of messages long sent does not grow with every message', () => {
  const state = createSendState(0);
  for (let n = 0; n <= 10_000; n += 1) {
    state.refs.set(`k${n}`, { key: `k${n}`, channel: 'C', ts: String(n) });
    state.lastPost.set(`T1#C${n}`, n);
    state.lastUpdate.set(`k${n}`, n);
  }
  tidy(state, 10_000);
  expect(state.refs.size).toBe(0);
  // A channel that was posted in a moment ago still waits.
  expect(channelFree(state, 'T1#C10000')).toBe(10_000 + POST_SPACING_MS);
  expect([state.lastPost.has('T1#C0'), state.lastUpdate.has('k0')]).toEqual([false, false]);
  expect(state.lastUpdate.size).toBeLessThan(2_000);
});
