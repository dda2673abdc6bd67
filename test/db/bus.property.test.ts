import fc from 'fast-check';
import { expect, test } from 'vitest';
import { z } from 'zod';
import type { BusEvent } from '../../src/domain/bus-event.ts';
import type { Bus, Listener } from '../../src/ports/bus.ts';
import { busWorld, listener, published } from './bus-world.ts';
import { NOW } from './support.ts';

/** Subscriptions of the test: which events each wants. */
const SUBSCRIPTIONS: ReadonlyMap<string, (event: { name: string; n: number }) => boolean> = new Map([
  ['all-a', ({ name }) => name === 'a'],
  ['even', ({ n }) => n % 2 === 0],
  ['b-or-c', ({ name }) => name !== 'a'],
]);
const numberOf = (event: BusEvent): number => z.object({ n: z.number() }).parse(event.payload).n;
const fits = (rule: string | null, n: number): boolean => rule === null || n % 2 === 0;
const wants = (to: Listener, event: BusEvent): boolean => fits(to.rule, numberOf(event));

const name = fc.constantFrom('a', 'b', 'c');
/** After how many questions the process ends in the middle of the transaction; null: it does not. */
const cut = fc.option(fc.nat(4), { freq: 3 });
const action = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ do: fc.constant('publish' as const), name, n: fc.nat(9), again: fc.boolean() }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('listen' as const),
      name,
      even: fc.boolean(),
      count: fc.integer({ min: 1, max: 4 }),
      past: fc.boolean(),
      cut,
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constant('route' as const), limit: fc.integer({ min: 1, max: 3 }), cut }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('start' as const),
      of: fc.constantFrom(...SUBSCRIPTIONS.keys()),
      size: fc.integer({ min: 1, max: 3 }),
      /** Where the process ends: after the claim, or after the start. */
      dies: fc.constantFrom('claimed', 'started', null),
    }),
  },
  { weight: 3, arbitrary: fc.constant({ do: 'reopen' as const }) },
);
type Action = typeof action extends fc.Arbitrary<infer T> ? T : never;

class Killed extends Error {}
/** Throws at the nth question. */
function killer(after: number | null): () => void {
  let left = after;
  return () => {
    if (left === null) return;
    if (left === 0) throw new Killed();
    left -= 1;
  };
}

interface Reached {
  events: number;
  signals: number;
  starts: number;
  cuts: number;
  repeats: number;
}

/** Does what is asked, ends everything properly, and compares what each subscriber got with what it should have. */
async function play(actions: readonly Action[], wrap: (bus: Bus) => Bus, reached: Reached): Promise<void> {
  const world = busWorld(wrap);
  try {
    world.run('run_1');
    const all: { seq: number; name: string; n: number }[] = [];
    const heard: { id: string; name: string; even: boolean; count: number; from: number }[] = [];
    /** What the runs that were started were given, by batch: starting one again must change nothing. */
    const started = new Map<string, { of: string; seqs: number[] }>();

    const route = async (limit: number, ask: () => void): Promise<number> => {
      const { events } = await world.bus.route({
        limit,
        now: NOW,
        wants: (to, event) => {
          ask();
          return wants(to, event);
        },
        subscribers: (event) => {
          ask();
          return [...SUBSCRIPTIONS]
            .filter(([, has]) => has({ name: event.name, n: numberOf(event) }))
            .map(([id]) => ({ id, refused: null }));
        },
      });
      return events;
    };
    const finish = async (dies: 'started' | null): Promise<void> => {
      for (const { batch, subscription, events } of await world.bus.claimed()) {
        if (!started.has(batch)) started.set(batch, { of: subscription, seqs: events.map(({ seq }) => seq) });
        if (dies === 'started') return;
        await world.bus.settle(batch, { runId: 'run_of_batch' });
      }
    };
    const start = async (of: string, size: number, dies: 'claimed' | 'started' | null): Promise<boolean> => {
      await finish(null);
      const waiting = await world.bus.waiting(of, size);
      if (waiting === null) return false;
      await world.bus.claim(`${waiting.firstSeq}:${of}`, waiting.ids);
      if (dies !== 'claimed') await finish(dies);
      if (dies !== null) world.reopen();
      return true;
    };
    const killed = (error: unknown): void => {
      if (!(error instanceof Killed)) throw error;
      reached.cuts += 1;
      world.reopen();
    };

    for (const [index, act] of actions.entries()) {
      switch (act.do) {
        case 'publish': {
          const event = published(act.name, `key-${index}`, { payload: { n: act.n } });
          const first = await world.bus.publish(event);
          all.push({ seq: first.seq, name: act.name, n: act.n });
          if (act.again) {
            world.reopen();
            reached.repeats += 1;
            expect(await world.bus.publish(event)).toEqual({ ...first, again: true });
          }
          break;
        }
        case 'listen': {
          const { even, count, past } = act;
          const id = `run_1/${index}`;
          const one = listener(id, { name: act.name, remaining: count, rule: even ? 'even' : null });
          const ask = killer(act.cut);
          const asked = (to: Listener, event: BusEvent): boolean => {
            ask();
            return wants(to, event);
          };
          await world.bus.listen(one, past ? 0 : null, asked, NOW).catch(killed);
          // A step that crashed is done again; one that did not may be too.
          await world.bus.listen(one, past ? 0 : null, wants, NOW);
          heard.push({ id, name: act.name, even, count, from: past ? 0 : (all.at(-1)?.seq ?? 0) });
          break;
        }
        case 'route':
          await route(act.limit, killer(act.cut)).catch(killed);
          break;
        case 'start':
          await start(act.of, act.size, act.dies);
          break;
        case 'reopen':
          world.reopen();
          break;
        default:
          act satisfies never;
      }
    }
    while ((await route(2, () => undefined)) > 0);
    for (const of of SUBSCRIPTIONS.keys()) while (await start(of, 2, null));

    for (const { id, name: topic, even, count, from } of heard) {
      const due = all.filter(
        (each) => each.name === topic && each.seq > from && fits(even ? 'even' : null, each.n),
      );
      expect(world.signals('run_1', `event:${id}`), id).toEqual(due.slice(0, count).map(({ seq }) => seq));
      reached.signals += Math.min(count, due.length);
    }
    for (const [of, has] of SUBSCRIPTIONS) {
      const given = [...started.values()].filter((each) => each.of === of).flatMap(({ seqs }) => seqs);
      expect(given, of).toEqual(all.filter(has).map(({ seq }) => seq));
      reached.starts += given.length;
    }
    expect(world.count('bus_events')).toBe(all.length);
    reached.events += all.length;
  } finally {
    world.remove();
  }
}

const none = (): Reached => ({ events: 0, signals: 0, starts: 0, cuts: 0, repeats: 0 });
const plays = (wrap: (bus: Bus) => Bus, reached: Reached) =>
  fc.asyncProperty(fc.array(action, { minLength: 10, maxLength: 40, size: 'max' }), (actions) =>
    play(actions, wrap, reached),
  );

test('each subscriber gets each event it wants once, in order, whenever the process ends', async () => {
  const reached = none();
  await fc.assert(
    plays((bus) => bus, reached),
    { numRuns: 25 },
  );
  // The cases it is about did come up.
  expect(reached.events).toBeGreaterThan(100);
  expect(reached.signals).toBeGreaterThan(20);
  expect(reached.starts).toBeGreaterThan(100);
  expect(reached.cuts).toBeGreaterThan(5);
  expect(reached.repeats).toBeGreaterThan(20);
}, 60_000);

/** Buses with one mistake each. */
const PLANTED: Readonly<Record<string, (bus: Bus) => Bus>> = {
  'forgets what makes a publication the same': (bus) => {
    let count = 0;
    return { ...bus, publish: (event) => bus.publish({ ...event, keys: [`${event.keys[0]}-${count++}`] }) };
  },
  'goes on to the next when a transaction was cut off': (bus) => ({
    ...bus,
    route: (input) =>
      bus.route(input).catch(async (error: unknown) => {
        await bus.route({ ...input, limit: 1, wants: () => false, subscribers: () => [] });
        throw error;
      }),
  }),
  'asks a listener nothing about the past': (bus) => ({
    ...bus,
    listen: (one, _since, asked, now) => bus.listen(one, null, asked, now),
  }),
  'looks at no rule': (bus) => ({ ...bus, route: (input) => bus.route({ ...input, wants: () => true }) }),
  'takes up nothing that was claimed': (bus) => {
    let first = true;
    return {
      ...bus,
      claimed: async () => {
        const found = await bus.claimed();
        for (const { batch } of first ? found : []) await bus.settle(batch, { refused: 'lost' });
        first = false;
        return bus.claimed();
      },
    };
  },
  'gives the newest first': (bus) => ({
    ...bus,
    claimed: async () =>
      (await bus.claimed()).map((claim) => ({ ...claim, events: [...claim.events].reverse() })),
  }),
  'listens anew when the step comes again': (bus) => {
    let count = 0;
    return {
      ...bus,
      listen: (one, since, asked, now) =>
        bus.listen({ ...one, id: `${one.id}-${count++}` }, since, asked, now),
    };
  },
};

test.each(Object.entries(PLANTED))(
  'a bus that %s is found out',
  async (_name, wrap) => {
    const found = await fc.check(plays(wrap, none()), { numRuns: 60, endOnFailure: true });
    expect(found.failed).toBe(true);
  },
  60_000,
);
