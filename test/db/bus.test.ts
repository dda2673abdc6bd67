import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { busWorld, listener, published } from './bus-world.ts';
import { decision, NOW, session, spec } from './support.ts';

const DAY = 86_400_000;
let world: ReturnType<typeof busWorld>;
beforeEach(() => {
  world = busWorld();
});
afterEach(() => world.remove());

const route = (subscriber: string | null = null, refused: string | null = null) =>
  world.bus.route({
    limit: 100,
    now: NOW,
    wants: () => true,
    subscribers: () => (subscriber === null ? [] : [{ id: subscriber, refused }]),
  });
const eventsLeft = () => world.count('bus_events');

describe('old events', () => {
  test('go, with what was handed on of them; their keys stay longer', async () => {
    await world.bus.publish(published('a', 'one'));
    await route('sub:x', 'no');
    expect(await world.now.store.housekeeping.sweep(NOW + 29 * DAY)).toBe(0);
    expect(await world.now.store.housekeeping.sweep(NOW + 31 * DAY)).toBe(2);
    expect([eventsLeft(), world.count('bus_deliveries'), world.count('bus_keys')]).toEqual([0, 0, 1]);
    expect(await world.bus.publish(published('a', 'one'))).toMatchObject({ again: true });
    await world.now.store.housekeeping.sweep(NOW + 91 * DAY);
    expect(world.count('bus_keys')).toBe(0);
  });
  test('stay until they are handed on, and until they have started their run', async () => {
    await world.bus.publish(published('a', 'one'));
    await world.now.store.housekeeping.sweep(NOW + 99 * DAY);
    expect(eventsLeft()).toBe(1);
    await route('sub:x');
    await world.now.store.housekeeping.sweep(NOW + 99 * DAY);
    expect(eventsLeft()).toBe(1);
    expect(await world.bus.refuseOthers(['sub:y'], 'gone')).toBe(1);
    await world.now.store.housekeeping.sweep(NOW + 99 * DAY);
    expect(eventsLeft()).toBe(0);
  });
  test('stay while a run that was given them is under way, and no listener outlives its run', async () => {
    world.run('run_1');
    await world.bus.listen(listener('run_1/a', { remaining: 2 }), null, () => true, NOW);
    await world.bus.publish(published('a', 'one'));
    await route();
    await world.now.store.housekeeping.sweep(NOW + 99 * DAY);
    expect([eventsLeft(), world.count('bus_listeners')]).toEqual([1, 1]);
    world.now.journal.commit([{ w: 'status', runId: 'run_1', status: 'cancelled', outcome: null, at: NOW }]);
    await world.now.store.housekeeping.sweep(NOW + 99 * DAY);
    expect([eventsLeft(), world.count('bus_listeners')]).toEqual([0, 0]);
  });
});

describe('the end of a session\u2019s run', () => {
  const end = async (
    status: 'completed' | 'failed' | 'cancelled' | 'paused',
    failure?: { class: 'terminal' | 'budget'; code: string },
  ) => {
    await world.now.store.sessions.create(session(), spec, decision());
    const outcome =
      failure === undefined ? null : { ok: false as const, failure: { ...failure, message: 'm' } };
    world.now.journal.commit([{ w: 'status', runId: 'run_1', status, outcome, at: NOW }]);
    return world.now.raw.prepare('select name from bus_events order by seq').pluck().all();
  };
  test('done', async () => expect(await end('completed')).toEqual(['task_completion']));
  test('cancelled', async () => expect(await end('cancelled')).toEqual([]));
  test('failed', async () =>
    expect(await end('failed', { class: 'terminal', code: 'race_lost' })).toEqual(['error_encountered']));
  test('not good enough', async () =>
    expect(await end('failed', { class: 'terminal', code: 'not_good_enough' })).toEqual([
      'error_encountered',
      'quality_issue',
    ]));
  test('paused for money', async () =>
    expect(await end('paused', { class: 'budget', code: 'budget' })).toEqual(['resource_constraint']));
  test('paused for something else', async () =>
    expect(await end('paused', { class: 'terminal', code: 'x' })).toEqual([]));
  test('is not kept when its event cannot be', async () => {
    await world.now.store.sessions.create(session(), spec, decision());
    world.now.raw.exec(
      "create temp trigger planted before insert on main.bus_events begin select raise(abort, 'planted'); end",
    );
    expect(() =>
      world.now.journal.commit([
        { w: 'status', runId: 'run_1', status: 'completed', outcome: null, at: NOW },
      ]),
    ).toThrow('planted');
    expect(world.now.journal.status('run_1')?.status).toBe('queued');
  });
});
