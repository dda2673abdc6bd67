import { expect, test } from 'vitest';
import { z } from 'zod';
import { does } from '../lab.ts';
import type { SetUp } from './set-up.ts';

const DAY = 86_400_000;
const text = z.string();

export function lifecycle(setUp: SetUp): void {
  test('a run completes; the same id again is the same run', async () => {
    const { lab, start, ended, outcome } = setUp(function* (flow) {
      return [yield* does(flow, 'a'), yield* does(flow, 'b')];
    });
    await Promise.all([start(), start()]);
    await ended();
    await start();
    expect(await outcome()).toEqual({ ok: true, value: ['a@1', 'b@1'] });
    expect(lab.calls.map((call) => call.name)).toEqual(['a', 'b']);
    expect(lab.calls[0]?.key).toBe('r/a');
  });

  test('a crash in the middle of a step runs that step again and no other', async () => {
    const { lab, rig, start, ended, outcome } = setUp(function* (flow) {
      return [yield* does(flow, 'a'), yield* flow.now('t'), yield* flow.random('x'), yield* does(flow, 'b')];
    });
    lab.hold('b');
    await start();
    await rig.until(() => lab.underWay.has('b'));
    await rig.advance(5_000);
    await rig.crash();
    await rig.until(() => lab.count('b') === 2, 'the second attempt at b');
    lab.open('b');
    await ended();
    const end = await outcome();
    expect(end).toEqual({ ok: true, value: ['a@1', 1_800_000_000_000, 0.5, 'b@1'] });
    expect(lab.calls.map((call) => call.name)).toEqual(['a', 'b', 'b']);
  });

  test('a polite restart does the same and counts no crash', async () => {
    const { lab, rig, start, ended } = setUp(function* (flow) {
      return yield* does(flow, 'a');
    });
    lab.hold('a');
    await start();
    for (let round = 1; round <= 4; round += 1) {
      await rig.until(() => lab.count('a') === round);
      lab.hold('a');
      await rig.restart();
    }
    await rig.until(() => lab.count('a') === 5);
    lab.open('a');
    await ended();
    expect(await rig.status('r')).toBe('completed');
  });

  test('a step that a crash ended three times is not tried a fourth by itself', async () => {
    const { lab, rig, start, ended } = setUp(function* (flow) {
      return yield* does(flow, 'bad');
    });
    lab.hold('bad');
    await start();
    for (let crash = 1; crash <= 3; crash += 1) {
      await rig.until(() => lab.count('bad') === crash);
      await rig.crash();
    }
    await rig.until(async () => (await rig.status('r')) === 'paused', 'the quarantine');
    expect(lab.count('bad')).toBe(3);
    expect(await rig.engine.status('r')).toMatchObject({ outcome: { failure: { code: 'poison_step' } } });
    lab.open('bad');
    await rig.engine.resume('r');
    await ended();
    expect(await rig.status('r')).toBe('completed');
  });

  test('a signal before the wait, before the run even, counts', async () => {
    const { lab, rig, start, ended, outcome } = setUp(function* (flow) {
      yield* does(flow, 'a');
      return [yield* flow.waitSignal('w', 'go', text), yield* flow.waitSignal('w', 'go', text)];
    });
    lab.hold('a');
    await rig.engine.signal('r', 'go', 'first', '1');
    await start();
    await rig.engine.signal('r', 'go', 'second', '2');
    await rig.until(() => lab.underWay.has('a'));
    await rig.crash();
    lab.open('a');
    await ended();
    expect(await outcome()).toEqual({ ok: true, value: ['first', 'second'] });
  });

  test('of two signals with one idempotency key the first wins', async () => {
    const { rig, start, ended, outcome } = setUp(function* (flow) {
      return [yield* flow.waitSignal('one', 'go', text), yield* flow.waitSignalFor('two', 'go', text, DAY)];
    });
    await start();
    await Promise.all([rig.engine.signal('r', 'go', 'yes', 'k'), rig.engine.signal('r', 'go', 'no', 'k')]);
    await rig.until(() => rig.events('r').some(({ type }) => type === 'timer.set'));
    await rig.engine.signal('r', 'go', 'later', 'k');
    await rig.advance(DAY);
    await ended();
    expect(await outcome()).toEqual({ ok: true, value: ['yes', null] });
  });

  test('a signal stored in another transaction is found by a wake, or by the next start', async () => {
    const { rig, start, ended, outcome } = setUp(function* (flow) {
      return yield* flow.waitSignal('w', 'go', text);
    });
    for (const id of ['a', 'b']) await start(id);
    await rig.until(
      async () => (await rig.status('a')) === 'waiting' && (await rig.status('b')) === 'waiting',
    );
    rig.storeSignal('a', 'go', '"hello"');
    rig.engine.wake('a');
    await ended('a');
    rig.storeSignal('b', 'go', '"again"');
    await rig.crash();
    await ended('b');
    expect([await outcome('a'), await outcome('b')]).toMatchObject([{ value: 'hello' }, { value: 'again' }]);
  });

  test('a long sleep holds no memory, outlives restarts and 2^31 ms', async () => {
    const { rig, start, ended } = setUp(function* (flow) {
      yield* flow.sleep('nap', 60 * DAY);
      return yield* flow.now('end');
    });
    await start();
    await rig.until(async () => (await rig.status('r')) === 'waiting');
    expect(rig.loaded).toBe(0);
    await rig.crash();
    for (let day = 0; day < 59; day += 1) await rig.advance(DAY);
    expect(await rig.status('r')).toBe('waiting');
    await rig.advance(DAY);
    await ended();
    expect(await rig.status('r')).toBe('completed');
  });

  test('a sleep that ended while the process was gone ends at its start', async () => {
    const { rig, start, ended } = setUp(function* (flow) {
      yield* flow.sleep('nap', DAY);
      return 'rested';
    });
    await start();
    await rig.until(async () => (await rig.status('r')) === 'waiting');
    await rig.crash();
    await rig.advance(2 * DAY);
    await ended();
  });
}
