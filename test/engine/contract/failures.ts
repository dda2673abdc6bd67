import { expect, test } from 'vitest';
import { does, flaky, hopeless, nap, stuck } from '../lab.ts';
import type { SetUp } from './set-up.ts';

const DAY = 86_400_000;

export function failures(setUp: SetUp): void {
  test('a transient failure is tried again after a wait that survives a crash', async () => {
    const { lab, rig, start, ended, outcome } = setUp(function* (flow) {
      return yield* does(flow, 'a', { retry: { tries: 3, baseMs: 1_000, maxMs: 60_000 } });
    });
    lab.fail('a', flaky, 2);
    await start();
    await rig.until(() => rig.events('r').some(({ type }) => type === 'timer.set'));
    expect(lab.count('a')).toBe(1);
    await rig.crash();
    await rig.settle();
    expect(lab.count('a')).toBe(1);
    await rig.advance(1_000);
    await rig.until(() => lab.count('a') === 2);
    await rig.advance(2_000);
    await ended();
    expect(await outcome()).toEqual({ ok: true, value: 'a@3' });
  });

  test('when tries are used up the run pauses, and resume gives it a fresh set', async () => {
    const { lab, rig, start, ended, outcome } = setUp(function* (flow) {
      return yield* does(flow, 'a', { retry: { tries: 2, baseMs: 1_000, maxMs: 60_000 } });
    });
    lab.fail('a', flaky, 3);
    await start();
    await rig.advance(2_000);
    await rig.until(async () => (await rig.status('r')) === 'paused');
    expect(rig.loaded).toBe(0);
    await rig.crash();
    await rig.advance(DAY);
    expect(lab.count('a')).toBe(2);
    await rig.engine.resume('r');
    await rig.advance(2_000);
    await ended();
    expect(lab.calls.map(({ attempt }) => attempt)).toEqual([1, 2, 1, 2]);
    expect(await outcome()).toEqual({ ok: true, value: 'a@2' });
  });

  test('a failure goes to the pattern when it is terminal, or when the pattern has another way', async () => {
    const { lab, start, ended, outcome } = setUp(function* (flow) {
      const ends = yield* flow.settle('s', [
        { name: 'x', run: (f) => does(f, 'hopeless') },
        { name: 'y', run: (f) => does(f, 'stuck', { giveUp: 'throw' }) },
      ]);
      return ends.map(({ status }) => status);
    });
    lab.fail('hopeless', hopeless);
    lab.fail('stuck', stuck);
    await start();
    await ended();
    expect(await outcome()).toEqual({ ok: true, value: ['failed', 'failed'] });
  });

  test('a pause starts nothing new and fires no timer; resume goes on where it was', async () => {
    const { lab, rig, start, ended } = setUp(function* (flow) {
      yield* flow.all('both', [
        { name: 'a', run: (f) => does(f, 'a') },
        { name: 'b', run: (f) => nap(f, DAY) },
        { name: 'c', run: (f) => nap(f, 5 * DAY) },
      ]);
      return yield* does(flow, 'b');
    });
    lab.hold('a');
    await start();
    await rig.until(() => lab.underWay.has('a'));
    await rig.engine.pause('r', stuck);
    lab.open('a');
    await rig.advance(2 * DAY);
    await rig.restart();
    await rig.advance(DAY);
    expect([await rig.status('r'), lab.calls.length]).toEqual(['paused', 1]);
    await rig.engine.resume('r');
    await rig.settle();
    // The sleep that is not over yet must fire by itself after the resume.
    await rig.advance(2 * DAY);
    await ended();
    expect(lab.calls.map((call) => call.name)).toEqual(['a', 'b']);
  });

  test('a step that takes too long is given up, aborted and tried again', async () => {
    const { lab, rig, start, ended, outcome } = setUp(function* (flow) {
      return yield* does(flow, 'slow', {
        timeoutMs: 10_000,
        retry: { tries: 2, baseMs: 1_000, maxMs: 1_000 },
      });
    });
    lab.hold('slow');
    await start();
    await rig.until(() => lab.underWay.has('slow'));
    await rig.advance(10_000);
    await rig.until(() => lab.underWay.size === 0, 'the abort');
    lab.open('slow');
    await rig.advance(1_000);
    await ended();
    expect(await outcome()).toEqual({ ok: true, value: 'slow@2' });
    expect(rig.events('r').find(({ type }) => type === 'step.failed')).toMatchObject({
      failure: { code: 'step_timeout' },
    });
  });

  test('commits that fail lose nothing and spend nothing twice', async () => {
    const { lab, rig, start, ended, outcome } = setUp(function* (flow) {
      return [yield* does(flow, 'a'), yield* does(flow, 'b'), yield* does(flow, 'c')];
    });
    lab.hold('b');
    await start();
    await rig.until(() => lab.underWay.has('b'));
    rig.breakStore(true);
    await expect(start('other')).rejects.toThrow('disk is full');
    lab.open('b');
    await rig.advance(1_000);
    await rig.advance(1_000);
    expect(rig.troubles.length).toBeGreaterThan(1);
    rig.breakStore(false);
    await rig.advance(1_000);
    await ended();
    expect(await outcome()).toEqual({ ok: true, value: ['a@1', 'b@1', 'c@1'] });
    // The outcome of b could not be written for two seconds; it was kept, not earned again.
    expect(lab.calls.map((call) => call.name)).toEqual(['a', 'b', 'c']);
    expect(rig.troubles.at(-1)).toBe(null);
    expect(await rig.status('other')).toBe('unknown');
  });

  test('timers that come due while commits fail fire when they work again', async () => {
    const { rig, start, ended } = setUp(function* (flow) {
      yield* flow.sleep('nap', 10_000);
      return 'rested';
    });
    await start();
    await rig.until(async () => (await rig.status('r')) === 'waiting');
    rig.breakStore(true);
    for (let second = 0; second < 15; second += 1) await rig.advance(1_000);
    // Tried again about once a second, not as fast as the loop turns.
    expect(rig.troubles.length).toBeLessThan(20);
    rig.breakStore(false);
    await rig.advance(1_000);
    await rig.advance(1_000);
    await ended();
  });

  test('whatever a program throws or returns ends its own run and no other', async () => {
    const circular: { self?: unknown } = {};
    circular.self = circular;
    const { rig, start, ended, outcome } = setUp(function* (flow, input) {
      yield* does(flow, 'a');
      if (input === 'throws') throw new TypeError('a bug');
      if (input === 'until') {
        const until = (): boolean => {
          throw new RangeError('a bug in a rule');
        };
        yield* flow.settle(
          's',
          [
            { name: 'x', run: (f) => does(f, 'x') },
            { name: 'y', run: (f) => does(f, 'y') },
          ],
          { until },
        );
      }
      if (input === 'twins')
        yield* flow.all('s', [
          { name: 'x', run: (f) => does(f, 'x') },
          { name: 'x', run: (f) => does(f, 'y') },
        ]);
      if (input === 'nan') yield* flow.sleep('s', Number.NaN);
      return 'fine';
    });
    const ids = ['throws', 'until', 'twins', 'nan', 'fine'];
    await Promise.all(ids.map((id) => start(id, id)));
    for (const id of ids) await ended(id);
    expect(await Promise.all(ids.map((id) => rig.status(id)))).toEqual([
      'failed',
      'failed',
      'failed',
      'failed',
      'completed',
    ]);
    expect(await outcome('throws')).toMatchObject({ failure: { class: 'terminal', message: 'a bug' } });
    expect(await outcome('twins')).toMatchObject({ failure: { code: 'key_clash' } });
  });

  test('an activity that returns what is no JSON, or tells nonsense, fails its own step', async () => {
    const { lab, start, ended, outcome } = setUp(function* (flow) {
      return yield* does(flow, 'a');
    });
    lab.rule('a', (context) =>
      context.use({
        kind: 'model',
        agent: null,
        model: null,
        inputTokens: Number.NaN,
        cachedTokens: 0,
        outputTokens: 0,
        reasoningTokens: 0,
        durationMs: 0,
        costUsd: null,
      }),
    );
    await start();
    await ended();
    expect(await outcome()).toMatchObject({ ok: false, failure: { class: 'terminal' } });
  });
}
