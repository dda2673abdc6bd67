import { expect, test } from 'vitest';
import { z } from 'zod';
import type { Flow, Operation } from '../../../src/ports/flow.ts';
import { does, hopeless, nap } from '../lab.ts';
import { specOf } from '../rig.ts';
import type { SetUp } from './set-up.ts';

const DAY = 86_400_000;
const text = z.string();

export function concurrency(setUp: SetUp): void {
  test('a fan-out of 200 keeps to its limit, loses nothing in a crash and answers in order', async () => {
    const most = { now: 0, ever: 0 };
    const names = Array.from({ length: 200 }, (_, i) => `n${i}`);
    const { lab, rig, start, ended, outcome } = setUp(
      function* (flow) {
        return yield* flow.all(
          'fan',
          names.map((each) => ({ name: each, run: (f: Flow) => does(f, each) })),
          200,
        );
      },
      { maxStepsPerRun: 16 },
    );
    for (const each of names) {
      lab.rule(each, async () => {
        most.now += 1;
        most.ever = Math.max(most.ever, most.now);
        await new Promise((resolve) => setImmediate(resolve));
        most.now -= 1;
      });
    }
    await start();
    await rig.until(() => lab.calls.length > 60);
    most.now = 0;
    await rig.crash();
    await ended();
    expect(await outcome()).toEqual({ ok: true, value: names.map((each) => `${each}@1`) });
    expect(most.ever).toBe(16);
    // Only what was in flight at the crash runs twice.
    expect(lab.calls.length).toBeLessThanOrEqual(200 + 16);
  });

  test('cancel leaves no step running, no timer set, and no child alive', async () => {
    const { lab, rig, start } = setUp(function* (flow, input) {
      if (input === 'child') return yield* does(flow, 'deep');
      return yield* flow.all('all', [
        { name: 'a', run: (f) => does(f, 'a') },
        { name: 'b', run: (f) => nap(f, DAY) },
        { name: 'c', run: (f) => f.child('kid', specOf('p', 'child'), z.string()) },
      ]);
    });
    lab.hold('a');
    lab.hold('deep');
    await start();
    await rig.until(() => lab.underWay.has('a') && lab.underWay.has('deep'));
    await rig.engine.cancel('r', 'Stopped by hand');
    await rig.until(() => lab.underWay.size === 0, 'the effects to end');
    expect(await rig.engine.status('r')).toMatchObject({
      status: 'cancelled',
      outcome: { failure: { message: 'Stopped by hand' } },
    });
    const child = lab.calls.find((call) => call.name === 'deep')?.key.split('/')[0] ?? '';
    expect(await rig.status(child)).toBe('cancelled');
    const before = lab.calls.length;
    await rig.advance(2 * DAY);
    await rig.crash();
    await rig.advance(DAY);
    expect(lab.calls.length).toBe(before);
    await rig.engine.cancel('r', 'again');
    expect(await rig.status('r')).toBe('cancelled');
  });

  test('a cancel in the moment of the start, and of a step about to begin, starts nothing', async () => {
    const { lab, rig, start } = setUp(function* (flow) {
      return yield* does(flow, 'a');
    });
    await Promise.all([start(), rig.engine.cancel('r', 'Changed my mind')]);
    await rig.settle();
    expect([await rig.status('r'), lab.calls.length]).toEqual(['cancelled', 0]);
  });

  test('a child runs once, through crashes, and hands its value or its failure to the parent', async () => {
    const { lab, rig, start, ended, outcome } = setUp(function* (flow, input) {
      if (input === 'bad') return yield* does(flow, 'bad');
      if (input !== null) return yield* does(flow, 'good');
      const value = yield* flow.child('good', specOf('p', 'good'), text);
      const [end] = yield* flow.settle('s', [
        { name: 'bad', run: (f) => f.child('kid', specOf('p', 'bad'), text) },
      ]);
      return [value, end?.status ?? 'none'];
    });
    lab.fail('bad', hopeless);
    lab.hold('good');
    await start();
    await rig.until(() => lab.underWay.has('good'));
    await rig.crash();
    await rig.until(() => lab.count('good') === 2);
    lab.open('good');
    await ended();
    expect(await outcome()).toEqual({ ok: true, value: ['good@1', 'failed'] });
  });

  test('losers of a race are given up, whatever they had reached, through a crash at any moment', async () => {
    for (const crashAt of ['never', 'before', 'after']) {
      const { lab, rig, start, ended, outcome } = setUp(function* (flow, input) {
        if (input === 'child') return yield* does(flow, 'kid');
        const won = yield* flow.race('race', [
          { name: 'now', run: (f) => losing(f) },
          { name: 'win', run: (f) => does(f, 'win') },
          {
            name: 'nap',
            run: (f) => nap(f, DAY),
          },
          { name: 'sig', run: (f) => f.waitSignal('w', 'never', text) },
          { name: 'kid', run: (f) => f.child('kid', specOf('p', 'child'), text) },
        ]);
        return [won.value, yield* does(flow, 'after')];
      });
      lab.hold('win');
      lab.hold('lose');
      lab.hold('kid');
      lab.hold('after');
      await start();
      await rig.until(() => lab.underWay.size === 3);
      if (crashAt === 'before') {
        await rig.crash();
        await rig.until(() => lab.count('win') === 2);
      }
      lab.open('win');
      await rig.until(() => lab.underWay.has('after'));
      if (crashAt === 'after') await rig.crash();
      lab.open('after');
      await ended();
      expect(await outcome()).toEqual({ ok: true, value: ['win@1', 'after@1'] });
      await rig.until(() => crashAt !== 'never' || lab.underWay.size === 0, 'the losers to be aborted');
      const child = lab.calls.find((call) => call.name === 'kid')?.key.split('/')[0] ?? '';
      expect(await rig.status(child)).toBe('cancelled');
      const before = lab.calls.length;
      await rig.advance(2 * DAY);
      expect(lab.calls.length).toBe(before);
    }
  });

  test('two branches answered in the same moment: one wins, and a replay agrees', async () => {
    const { lab, rig, start, ended, outcome } = setUp(function* (flow) {
      const won = yield* flow.race('clocks', [
        { name: 'a', run: (f) => f.now('t') },
        { name: 'b', run: (f) => f.now('t') },
        { name: 'c', run: (f) => f.child('kid', specOf('p', 'none'), z.number()) },
      ]);
      return [won.index, yield* does(flow, 'after')];
    });
    lab.hold('after');
    await start();
    await rig.until(() => lab.underWay.has('after'));
    await rig.crash();
    await rig.until(() => lab.count('after') === 2);
    lab.open('after');
    await ended();
    expect(await outcome()).toEqual({ ok: true, value: [0, 'after@1'] });
  });

  test('nesting of a thousand levels runs, is replayed, and writes no longer keys for it', async () => {
    function* dig(flow: Flow, level: number): Operation<number> {
      if (level === 0) {
        yield* does(flow, 'bottom');
        return 0;
      }
      return 1 + (yield* flow.call(`level-${level}`, (inner) => dig(inner, level - 1)));
    }
    const { lab, rig, start, ended, outcome } = setUp((flow) => dig(flow, 1_000));
    lab.hold('bottom');
    await start();
    await rig.until(() => lab.underWay.has('bottom'));
    await rig.crash();
    await rig.until(() => lab.count('bottom') === 2);
    lab.open('bottom');
    await ended();
    expect(await outcome()).toEqual({ ok: true, value: 1_000 });
    expect(lab.calls[0]?.key.length).toBeLessThan(200);
  });
}

function* losing(flow: Flow): Operation<string> {
  yield* flow.now('t');
  return yield* does(flow, 'lose');
}
