import { expect, test } from 'vitest';
import { z } from 'zod';
import { Machine } from '../../src/engine/machine.ts';
import type { Flow, NamedBody, Operation } from '../../src/ports/flow.ts';

type Body = (flow: Flow) => Operation<void>;

function begun(bodies: Readonly<Record<string, Body>>, until: () => boolean = () => false): Machine {
  const machine = new Machine();
  const named = Object.entries(bodies).map(([name, run]): NamedBody<void> => ({ name, run }));
  machine.start(function* (flow) {
    const ends = yield* flow.settle('all', named, { until });
    for (const end of ends) if (end.status === 'failed') throw end.error;
    return ends.map(({ status }) => status);
  });
  return machine;
}
const ok = (machine: Machine, key: string): boolean => machine.settle(key, { ok: true, value: null });

test('a fiber goes on once what others do makes its condition hold, and leaves nothing in the journal', () => {
  const told: string[] = [];
  let done = 0;
  const machine = begun({
    *waits(flow) {
      told.push(`held ${yield* flow.until(() => done === 2)}`);
    },
    *one(flow) {
      yield* flow.sleep('s', 1);
      done += 1;
    },
    *two(flow) {
      yield* flow.sleep('s', 1);
      done += 1;
    },
  });
  expect(machine.pending().map(({ key }) => key)).toEqual(['all/one/s', 'all/two/s']);
  ok(machine, 'all/one/s');
  expect(told).toEqual([]);
  ok(machine, 'all/two/s');
  expect(told).toEqual(['held true']);
  expect(machine.result).toEqual({ ok: true, value: ['done', 'done', 'done'] });
});

test('of several who may go on, one does at a time, the longest waiting first', () => {
  const told: string[] = [];
  let held = false;
  const user = (name: string): Body =>
    function* (flow) {
      yield* flow.until(() => !held);
      held = true;
      told.push(`${name} in`);
      try {
        yield* flow.sleep('s', 1);
      } finally {
        held = false;
        told.push(`${name} out`);
      }
    };
  const machine = begun({ a: user('a'), b: user('b'), c: user('c') });
  for (const key of ['all/a/s', 'all/b/s', 'all/c/s']) expect(ok(machine, key)).toBe(true);
  expect(told).toEqual(['a in', 'a out', 'b in', 'b out', 'c in', 'c out']);
  expect(machine.result?.ok).toBe(true);
});

test('who waits in vain is told so when nothing can happen any more, watchers last', () => {
  const told: string[] = [];
  let rescued = false;
  const machine = begun(
    {
      *watcher(flow) {
        yield* flow.until(() => false, { patient: true });
        told.push('the watcher was woken');
      },
      *first(flow) {
        told.push(`first ${yield* flow.until(() => false)}`);
        rescued = true;
      },
      *second(flow) {
        told.push(`second ${yield* flow.until(() => rescued)}`);
      },
      *slow(flow) {
        yield* flow.sleep('s', 1);
        told.push('slow');
      },
    },
    () => told.length === 3,
  );
  expect(told).toEqual([]);
  ok(machine, 'all/slow/s');
  expect(told).toEqual(['slow', 'first false', 'second true']);
  expect(machine.result).toEqual({ ok: true, value: ['cancelled', 'done', 'done', 'done'] });
});

test('a fiber that is given up waits no more, a condition that throws fails its fiber, watchers alone are a fault', () => {
  let looked = 0;
  const dropped = begun(
    {
      *waits(flow) {
        yield* flow.until(() => {
          looked += 1;
          return false;
        });
      },
      *ends(flow) {
        yield* flow.sleep('s', 1);
      },
    },
    () => true,
  );
  ok(dropped, 'all/ends/s');
  expect(dropped.result).toEqual({ ok: true, value: ['cancelled', 'done'] });
  expect(looked).toBe(1);

  const throws = begun({
    *waits(flow) {
      yield* flow.until(() => {
        throw new Error('bad condition');
      });
    },
  });
  expect(throws.result?.ok).toBe(false);

  const watched = begun({
    *waits(flow) {
      yield* flow.until(() => false, { patient: true });
    },
  });
  expect(watched.result).toMatchObject({ ok: false, failure: { class: 'structural' } });
});

test('an idle wait is no part of the work: who waits in vain is told so all the same, and the signal still counts', () => {
  const told: string[] = [];
  const idle: Body = function* (flow) {
    told.push(`signal ${yield* flow.waitSignal('wait', 'end', z.string(), { idle: true })}`);
  };
  const machine = begun({
    idle,
    *vain(flow) {
      told.push(`held ${yield* flow.until(() => false)}`);
    },
  });
  expect(told).toEqual(['held false']);
  expect(machine.settle('all/idle/wait', { ok: true, value: 'now' })).toBe(true);
  expect(told).toEqual(['held false', 'signal now']);
  expect(machine.result).toMatchObject({ ok: true });
});

test('an idle wait that is dropped is forgotten: the next that waits in vain is told', () => {
  const told: string[] = [];
  const machine = begun({
    *first(flow) {
      yield* flow.race('race', [
        { name: 'idle', run: (inner) => inner.waitSignal('wait', 'end', z.string(), { idle: true }) },
        {
          name: 'job',
          *run(inner) {
            yield* inner.sleep('s', 1);
            return 'done';
          },
        },
      ]);
      // Something outside is waited for: nobody waits in vain yet.
      yield* flow.sleep('later', 1);
    },
    *vain(flow) {
      told.push(`held ${yield* flow.until(() => false)}`);
    },
  });
  ok(machine, 'all/first/race/job/s');
  expect(told).toEqual([]);
  ok(machine, 'all/first/later');
  expect(told).toEqual(['held false']);
});
