import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  admit,
  type Circuit,
  type CircuitOutcome,
  circuitSchema,
  closedCircuit,
  quarantined,
  REST_MS,
  restOver,
  restored,
  settle,
  stateOf,
  TRIP_AT,
} from '../../src/domain/circuit.ts';

const failing = (times: number, at = 0): Circuit => {
  let circuit = closedCircuit;
  for (let n = 0; n < times; n += 1) circuit = settle(circuit, 'x', 'failure', at);
  return circuit;
};
const tripped = failing(TRIP_AT);
const trying = (by = 'one', at = REST_MS): Circuit => {
  const found = admit(tripped, by, at);
  if (!found.ok) throw new Error('not admitted');
  return found.circuit;
};

describe('a circuit', () => {
  test.each([
    ['four failures keep it closed', failing(TRIP_AT - 1), 0, 'closed'],
    ['five open it', tripped, 0, 'open'],
    ['it rests for 300 s', tripped, 299_999, 'open'],
    ['and is then half-open', tripped, 300_000, 'half_open'],
    ['a success between starts the count anew', settle(failing(4), 'x', 'success', 0), 0, 'closed'],
    ['a trial that works closes it', settle(trying(), 'one', 'success', REST_MS), REST_MS, 'closed'],
    ['one that fails opens it again', settle(trying(), 'one', 'failure', REST_MS), REST_MS + 1, 'open'],
    [
      'one that says nothing leaves it half-open',
      settle(trying(), 'one', 'neither', REST_MS),
      REST_MS,
      'half_open',
    ],
    ['what began before the rest does not close it', settle(tripped, 'old', 'success', 1), 1, 'open'],
    ['nor does it lengthen the rest', settle(tripped, 'old', 'failure', 299_000), 300_000, 'half_open'],
    ['a stranger does not end the trial', settle(trying(), 'two', 'success', REST_MS), REST_MS, 'half_open'],
    ['a person takes it out of use', quarantined(closedCircuit, 'U1', 'odd answers', 5), 9e9, 'quarantined'],
    [
      'a check does not give it back',
      restored(quarantined(tripped, 'U1', 'odd', 5), 'check'),
      9e9,
      'quarantined',
    ],
    ['a person does', restored(quarantined(tripped, 'U1', 'odd', 5), 'person'), 0, 'closed'],
    ['a check ends a rest', restored(tripped, 'check'), 0, 'closed'],
  ])('%s', (_name, circuit, now, state) => {
    expect(stateOf(circuit, now)).toBe(state);
  });

  test.each([
    ['closed: anybody', closedCircuit, 'two', 0, true, undefined],
    ['open: nobody, and says how long', tripped, 'two', 100_000, false, 200_000],
    ['half-open: the first', tripped, 'two', REST_MS, true, undefined],
    ['then nobody else', trying('one'), 'two', REST_MS + 1_000, false, REST_MS - 1_000],
    ['but the same again', trying('one'), 'one', REST_MS + 1_000, true, undefined],
    ['until a trial that nobody ended is given on', trying('one'), 'two', 2 * REST_MS, true, undefined],
    ['quarantined: nobody', quarantined(closedCircuit, 'U', '', 0), 'two', 9e9, false, null],
  ])('admits %s', (_name, circuit, by, now, ok, retryInMs) => {
    const found = admit(circuit, by, now);
    expect(found.ok).toBe(ok);
    if (!found.ok) expect(found.retryInMs).toBe(retryInMs);
  });

  test('whatever happens: at most one trial at a time, never used while it rests, and it survives being stored', () => {
    const seen = { trials: 0, opened: 0, closedAgain: 0 };
    const step = fc.record({
      by: fc.constantFrom('a', 'b', 'c'),
      wait: fc.constantFrom(0, 1, 60_000, REST_MS),
      outcome: fc.constantFrom<CircuitOutcome>('success', 'failure', 'failure', 'failure', 'neither'),
      asks: fc.boolean(),
    });
    fc.assert(
      fc.property(
        fc.array(step, { maxLength: 80 }),
        fc.constantFrom(closedCircuit, failing(4), tripped),
        (steps, start) => {
          let circuit: Circuit = start;
          let now = 0;
          // Whoever is at it; and since when, to see that a trial given on was old.
          const using = new Map<string, number>();
          for (const { by, wait, outcome, asks } of steps) {
            now += wait;
            const before = stateOf(circuit, now);
            if (asks) {
              const found = admit(circuit, by, now);
              expect(found.ok).toBe(found.ok && before !== 'open');
              if (before === 'closed') expect(found.ok).toBe(true);
              if (!found.ok) continue;
              if (before === 'half_open') {
                seen.trials += 1;
                const held = circuit.trial;
                if (held !== null && held.by !== by) expect(now - held.at).toBeGreaterThanOrEqual(REST_MS);
              }
              using.set(by, now);
              circuit = found.circuit;
            } else if (using.delete(by)) {
              circuit = settle(circuit, by, outcome, now);
              const after = stateOf(circuit, now);
              if (before === 'closed' && after === 'open') seen.opened += 1;
              if (before === 'half_open' && after === 'closed') seen.closedAgain += 1;
              if (before === 'open') expect(after).toBe('open');
              if (after === 'closed') expect(circuit.failures).toBeLessThan(TRIP_AT);
            }
            expect(circuitSchema.parse(JSON.parse(JSON.stringify(circuit)))).toEqual(circuit);
          }
        },
      ),
      { numRuns: 2_000 },
    );
    // The walk must have been through all of it.
    for (const count of Object.values(seen)) expect(count).toBeGreaterThan(20);
  });
});

test('when a person tries again the rest is over: one trial, and only of what rests', () => {
  const open: Circuit = {
    ...closedCircuit,
    failures: TRIP_AT,
    openedAt: 1_000,
    trial: { by: 'gone', at: 1_000 },
  };
  const mended = restOver(open, 2_000);
  expect(stateOf(mended, 2_000)).toBe('half_open');
  const first = admit(mended, 'a', 2_000);
  const trial = first.ok ? first.circuit : closedCircuit;
  expect(admit(trial, 'b', 2_001).ok).toBe(false);
  expect(stateOf(settle(trial, 'a', 'failure', 2_002), 2_003)).toBe('open');
  expect(restOver(closedCircuit, 2_000)).toBe(closedCircuit);
  const away = quarantined(open, 'U1', 'broken', 1_500);
  expect(admit(restOver(away, 2_000), 'a', 2_000).ok).toBe(false);
});
