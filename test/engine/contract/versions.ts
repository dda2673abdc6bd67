import { expect, test } from 'vitest';
import { z } from 'zod';
import type { Program } from '../../../src/ports/flow.ts';
import { does, program } from '../lab.ts';
import { specOf } from '../rig.ts';
import type { SetUp } from './set-up.ts';

const text = z.string();

export function versions(setUp: SetUp): void {
  test('a version that does not know the program pauses the run, and the one that does goes on', async () => {
    const { lab, rig, start, ended, outcome } = setUp(function* (flow) {
      yield* does(flow, 'a');
      return yield* flow.waitSignal('w', 'go', text);
    });
    await start();
    await rig.until(async () => (await rig.status('r')) === 'waiting');
    const other: Program = {
      ...program('p', (flow) => does(flow, 'other')),
      version: 2,
    };
    await rig.crash({ programs: [other] });
    await rig.engine.signal('r', 'go', 'on', 'k');
    await rig.until(async () => (await rig.status('r')) === 'paused');
    expect(await rig.engine.status('r')).toMatchObject({
      outcome: { failure: { code: 'program_unknown', message: expect.stringContaining('"p" version 1') } },
    });
    await rig.engine.resume('r');
    expect(await rig.status('r')).toBe('paused');
    await rig.crash({
      programs: [
        other,
        program('p', function* (flow) {
          yield* does(flow, 'a');
          return yield* flow.waitSignal('w', 'go', text);
        }),
      ],
    });
    await rig.engine.resume('r');
    await ended();
    expect(await outcome()).toEqual({ ok: true, value: 'on' });
    expect(lab.count('a')).toBe(1);
  });

  test('a run that this version cannot continue can still be cancelled, with its children', async () => {
    const { lab, rig, start } = setUp(function* (flow, input) {
      return input === null
        ? yield* flow.child('kid', specOf('p', 'child'), text)
        : yield* does(flow, 'deep');
    });
    lab.hold('deep');
    await start();
    await rig.until(() => lab.underWay.has('deep'));
    const child = lab.calls[0]?.key.split('/')[0] ?? '';
    await rig.crash({ programs: [] });
    await rig.until(async () => (await rig.status(child)) === 'paused');
    await rig.engine.cancel('r', 'Too old');
    await rig.settle();
    expect([await rig.status('r'), await rig.status(child)]).toEqual(['cancelled', 'cancelled']);
  });

  test('a program that asks for other things than recorded pauses instead of guessing', async () => {
    const { lab, rig, start } = setUp(function* (flow) {
      yield* does(flow, 'a');
      return yield* flow.waitSignal('w', 'go', text);
    });
    await start();
    await rig.until(async () => (await rig.status('r')) === 'waiting');
    await rig.crash({
      programs: [
        program('p', function* (flow) {
          return yield* does(flow, 'z');
        }),
      ],
    });
    rig.engine.wake('r');
    await rig.until(async () => (await rig.status('r')) === 'paused');
    expect(await rig.engine.status('r')).toMatchObject({
      outcome: { failure: { code: 'history_mismatch' } },
    });
    expect(lab.count('z')).toBe(0);
  });
}
