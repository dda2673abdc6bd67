import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Core } from '../../src/compose/core.ts';
import { type BusEvent, MAX_HOPS } from '../../src/domain/bus-event.ts';
import type { RunEvent } from '../../src/domain/events.ts';
import { isTerminal, type RunStatus } from '../../src/domain/run.ts';
import { systemClock } from '../../src/system-clock.ts';
import { coreAt, openPlace, type Place, startRun, workflowOf } from '../support/core.ts';

const workflows = [
  workflowOf('tell', {
    kind: 'emit',
    id: 'say',
    event: 'release-cut',
    payload: { version: '{{ request }}', size: 3 },
  }),
  workflowOf('hear', {
    kind: 'receive',
    id: 'hear',
    event: 'release-cut',
    where: 'event.version == "2" and event.size == 3',
  }),
  workflowOf('hear-past', { kind: 'receive', id: 'hear', event: 'release-cut', count: 2, since: '1h' }),
  workflowOf('hear-wrong', {
    kind: 'receive',
    id: 'hear',
    event: 'release-cut',
    where: 'event.size > "much"',
  }),
  workflowOf('hear-notes', {
    kind: 'receive',
    id: 'hear',
    event: 'release-cut',
    where: 'event.notes == "big"',
  }),
  workflowOf('compare', {
    kind: 'conditional',
    id: 'fork',
    cases: [{ if: 'request > 3', then: { kind: 'end', id: 'over', status: 'failed' } }],
  }),
  // Neither tried again nor skipped: what nobody can decide is no failure that a chain has an answer to.
  workflowOf('compare-in-chain', {
    kind: 'sequence',
    id: 'all',
    on_error: ['retry', 'degrade', 'skip'],
    stages: [
      {
        kind: 'conditional',
        id: 'fork',
        cases: [{ if: 'request > 3', then: { kind: 'end', id: 'over', status: 'failed' } }],
      },
    ],
  }),
  workflowOf('hear-unknown', { kind: 'receive', id: 'hear', event: 'no-such-thing' }),
  workflowOf('hear-end', {
    kind: 'receive',
    id: 'hear',
    event: 'task_completion',
    where: 'event.workflow == "tell"',
  }),
  workflowOf('hear-failure', { kind: 'receive', id: 'hear', event: 'error_encountered' }),
  workflowOf('hear-next', { kind: 'receive', id: 'hear', event: 'release-cut' }),
  workflowOf('late', {
    kind: 'receive',
    id: 'hear',
    event: 'release-cut',
    within: '50ms',
    on_timeout: 'go_on',
  }),
  workflowOf('misspelt', { kind: 'emit', id: 'say', event: 'release-cut', payload: { verison: '1' } }),
];

let place: Place;
let core: Core;
const open = async (): Promise<void> => {
  core = await coreAt(place, {
    redact: (text) => text.replaceAll('s3cret', '***'),
    events: {
      declared: { 'release-cut': { version: 'text', size: 'number', notes: 'text?' } },
      subscriptions: [],
    },
    extraWorkflows: workflows,
  });
  core.engine.recover();
  core.events.wake();
};
beforeEach(async () => {
  place = await openPlace();
  await open();
});
afterEach(async () => {
  await core.stop();
  await place.close();
});

const start = (name: string, request = 'Go on'): Promise<string> =>
  startRun(core, name, `${name}:${request}`, request);

async function until(check: () => Promise<boolean>): Promise<void> {
  for (;;) {
    const next = Promise.withResolvers<void>();
    const off = core.engine.onCommit(() => next.resolve());
    try {
      if (await check()) return;
      await next.promise;
    } finally {
      off();
    }
  }
}

const statusOf = async (runId: string): Promise<RunStatus> =>
  (await core.store.runs.status(runId))?.status ?? 'queued';
/** Until a run waits for events. */
const parked = (runId: string) => until(async () => (await statusOf(runId)) === 'waiting');

async function ended(runId: string): Promise<{ status: RunStatus; events: RunEvent[]; words: string }> {
  await until(async () => isTerminal(await statusOf(runId)));
  const stored = await core.store.projections.events(runId, 0, 500);
  const events = stored.map(({ event }) => event);
  const words = events.flatMap((event) => (event.type === 'node.finished' ? [event.summary] : [])).join('\n');
  return { status: await statusOf(runId), events, words };
}

describe('an event between runs', () => {
  test('wakes the run that waits for it, and no other', async () => {
    const waits = await start('hear');
    await parked(waits);
    expect((await ended(await start('tell', '1'))).status).toBe('completed');
    expect(await statusOf(waits)).toBe('waiting');
    const told = await ended(await start('tell', '2'));
    expect(told.words).toContain('published "release-cut" (evt_');
    const heard = await ended(waits);
    expect([heard.status, heard.words]).toEqual(['completed', '"release-cut" came']);
    // What it did not want did not even wake it.
    expect(heard.events.filter(({ type }) => type === 'signal.received')).toHaveLength(1);
  });

  test('is there for a run that waits while Baton is stopped and started again', async () => {
    const waits = await start('hear');
    await parked(waits);
    await core.stop();
    await open();
    await ended(await start('tell', '2'));
    expect((await ended(waits)).status).toBe('completed');
  });

  test('of the past is there for whoever asks for it', async () => {
    for (const version of ['1', '2']) await ended(await start('tell', version));
    const heard = await ended(await start('hear-past'));
    expect(heard.words).toBe('"release-cut" came 2 times');
  });

  test('that does not come in time is gone on without', async () => {
    const late = await ended(await start('late'));
    expect([late.status, late.words]).toEqual(['completed', '"release-cut" came 0 of 1 times within 50ms']);
  });

  test('with a rule that cannot be decided pauses the run that waits; it goes on listening once somebody says so', async () => {
    const waits = await start('hear-wrong');
    for (const intent of ['first', 'second']) {
      await parked(waits);
      await ended(await start('tell', intent));
      await until(async () => (await statusOf(waits)) === 'paused');
      const { outcome } = (await core.store.runs.status(waits)) ?? {};
      expect(JSON.stringify(outcome)).toContain('rule_type');
      expect(await core.orchestrator.retry(waits, 'U', intent, systemClock.now())).toBe('done');
    }
    await parked(waits);
  });

  test('without a field that a rule speaks of does not match, and that is recorded, once', async () => {
    const waits = await start('hear-notes');
    await parked(waits);
    for (const version of ['1', '2']) await ended(await start('tell', version));
    const absent = async () =>
      (await core.store.projections.events(waits, 0, 500)).flatMap(({ event }) =>
        event.type === 'rule.evaluated' ? [[event.node, event.rule, event.outcome]] : [],
      );
    await until(async () => (await absent()).length > 0);
    expect(await absent()).toEqual([['hear', 'event.notes == "big"', 'absent']]);
    expect(await statusOf(waits)).toBe('waiting');
  });

  test.each(['compare', 'compare-in-chain'])(
    'a rule of a node that cannot be decided pauses the run; Retry goes on as if it did not match (%s)',
    async (name) => {
      const runId = await start(name);
      await until(async () => (await statusOf(runId)) === 'paused');
      expect(await core.orchestrator.retry(runId, 'U', 'again', systemClock.now())).toBe('done');
      const end = await ended(runId);
      expect([end.status, end.events.filter(({ type }) => type === 'rule.evaluated')]).toEqual([
        'completed',
        [expect.objectContaining({ rule: 'request > 3', outcome: 'false' })],
      ]);
    },
  );

  test('that nobody declared, or with fields it has not, is refused', async () => {
    expect((await ended(await start('hear-unknown'))).words).toContain('There is no event "no-such-thing"');
    const misspelt = await ended(await start('misspelt'));
    expect([misspelt.status, misspelt.words]).toEqual([
      'failed',
      expect.stringContaining('That is not what "release-cut" says (version:'),
    ]);
  });

  test('tells of a run that ended, and of one that failed', async () => {
    const waits = await Promise.all([start('hear-end'), start('hear-failure')]);
    await Promise.all(waits.map(parked));
    await ended(await start('misspelt'));
    await ended(await start('tell', '1'));
    expect((await Promise.all(waits.map(ended))).map(({ status }) => status)).toEqual([
      'completed',
      'completed',
    ]);
  });

  test('keeps no secret', async () => {
    await ended(await start('tell', 'the s3cret'));
    const { seq } = await core.events.publish({
      keys: ['again'],
      name: 'external_change',
      payload: { change: 'the s3cret', details: [{ also: 's3cret' }] },
      sourceKind: 'person',
      source: 'U',
      runId: null,
      at: systemClock.now(),
    });
    expect(seq).toBeGreaterThan(0);
    const kept: unknown[] = [];
    // A listener looks at the past once it has been handed on.
    for (let turn = 0; kept.length === 0; turn += 1) {
      const one = { id: `x${turn}`, runId: 'none', signal: 's', rule: null, facts: {}, remaining: 9 };
      const look = (_listener: unknown, event: BusEvent): boolean => {
        kept.push(event.payload);
        return false;
      };
      await core.bus.listen({ ...one, name: 'external_change' }, 0, look, 0);
      await new Promise(setImmediate);
    }
    expect(kept).toEqual([{ change: 'the ***', details: [{ also: '***' }] }]);
  });
});

test('events that follow from each other end somewhere', async () => {
  // Each run was given the event that the one before published.
  let before: string | null = null;
  for (let hop = 0; hop <= MAX_HOPS + 1; hop += 1) {
    const next = await start('hear-next', `hop ${hop}`);
    await parked(next);
    const { refused } = await core.events.publish({
      keys: [`hop-${hop}`],
      name: 'release-cut',
      payload: { version: `${hop}`, size: 1 },
      sourceKind: 'run',
      source: 'test',
      runId: before,
      at: systemClock.now(),
    });
    if (hop > MAX_HOPS) expect(refused).toContain('8 is the most');
    else {
      expect(refused).toBe(null);
      await ended(next);
    }
    before = next;
  }
  expect(await statusOf(before ?? '')).toBe('waiting');
}, 60_000);
