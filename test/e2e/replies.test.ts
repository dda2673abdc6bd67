import { readdir } from 'node:fs/promises';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { toFailure } from '../../src/domain/failure.ts';
import { newTrace } from '../agents/drive.ts';
import { type Answer, type Api, apis, type Turn, turnEvents } from '../agents/model-server.ts';
import { workDone } from '../agents/support.ts';
import { startWorld, type World } from '../agents/world.ts';

/**
 * Replies as broken servers and weak models give them. Each would write a canary if what came of it were carried out in part.
 * `turn` are replies in the model's words, `answer` what goes wrong on the wire.
 */
interface Kind {
  readonly name: string;
  readonly make: (api: Api, at: number, cut: number) => Answer;
}

const write = (at: number) => JSON.stringify({ path: `canary-${at}.txt`, content: `${'x'.repeat(40)}${at}` });
const said =
  (turn: (at: number, cut: number) => Turn): Kind['make'] =>
  (api, at, cut) => ({
    events: turnEvents(api, turn(at, cut)),
  });
/** Always shorter than the whole. */
const part = (text: string, cut: number) => text.slice(0, Math.floor(((cut % 1000) / 1000) * text.length));

const kinds: readonly Kind[] = [
  {
    name: 'cut at the length limit',
    make: said((at) => ({ calls: [{ name: 'write', args: write(at) }], finish: 'length' })),
  },
  {
    name: 'arguments cut anywhere',
    make: said((at, cut) => ({ calls: [{ name: 'write', args: part(write(at), cut) || '{' }] })),
  },
  {
    name: 'arguments that are no object',
    make: said((at) => ({ calls: [{ name: 'write', args: `[${write(at)}]` }] })),
  },
  {
    name: 'two objects for arguments',
    make: said((at) => ({ calls: [{ name: 'write', args: `${write(at)}${write(at)}` }] })),
  },
  {
    name: 'arguments of the wrong kind',
    make: said((at) => ({ calls: [{ name: 'write', args: { path: [`canary-${at}.txt`], content: at } }] })),
  },
  {
    name: 'a tool that is not there',
    make: said((at) => ({ calls: [{ name: 'write_file', args: write(at) }] })),
  },
  { name: 'nothing at all', make: said(() => ({})) },
  {
    name: 'a call in prose',
    make: said((at) => ({ text: `I will now call write(${write(at)}).` })),
  },
  {
    name: 'a result of another shape',
    make: said((at, cut) => ({ text: cut % 2 === 0 ? JSON.stringify({ done: at }) : part(workDone, cut) })),
  },
  {
    name: 'a stream that ends early',
    make: (api, at, cut) => {
      const events = turnEvents(api, { text: 'I write.', calls: [{ name: 'write', args: write(at) }] });
      // Chat ends with the finish reason and then the usage, Responses with one event.
      const most = events.length - (api === 'chat' ? 2 : 1);
      return { events: events.slice(0, cut % (most + 1)), after: cut % 2 === 0 ? 'end' : 'break' };
    },
  },
];

const RUNS = 100;
const worlds: World[] = [];
afterAll(async () => {
  for (const world of worlds) await world.close();
});

describe('a thousand malformed replies', () => {
  it.each(kinds)(
    '$name: nothing is done in part, and it comes to an end',
    async ({ make }) => {
      let at = 0;
      let cut = 0;
      let bad = 0;
      const asked = { count: 0 };
      const shared: { api: Api; spoiled: boolean } = { api: 'chat', spoiled: false };
      const made: Partial<Record<Api, World>> = {};
      for (const api of apis) {
        const world = await startWorld((request) => {
          asked.count += 1;
          const malformed = bad > 0;
          bad -= 1;
          void request;
          return malformed
            ? make(shared.api, at, cut)
            : { events: turnEvents(shared.api, { text: workDone }) };
        }, api);
        worlds.push(world);
        made[api] = world;
      }
      const ends = new Map<string, number>();
      await fc.assert(
        fc.asyncProperty(
          fc.constantFrom(...apis),
          fc.integer({ min: 0, max: 100_000 }),
          fc.integer({ min: 1, max: 8 }),
          async (api, where, times) => {
            const world = made[api];
            if (world === undefined) throw new Error('no world');
            shared.api = api;
            at += 1;
            cut = where;
            bad = times;
            const trace = newTrace();
            const before = asked.count;
            const end = await world.run({ limits: { turns: 10, tokens: 1e9, timeoutMs: 1e9 } }, trace).then(
              ({ summary }) => summary,
              (error: unknown) => toFailure(error).code,
            );
            ends.set(end, (ends.get(end) ?? 0) + 1);
            // A turn is tried at most five times, and there are at most ten.
            expect(asked.count - before).toBeLessThanOrEqual(50);
            expect([
              'Done.',
              'result_invalid',
              'model_truncated',
              'no_progress',
              'stream_cut',
              'turn_limit',
            ]).toContain(end);
            // No call was carried out: each is a step of its own.
            expect(trace.performed.filter((key) => key.includes('call'))).toEqual([]);
          },
        ),
        { numRuns: RUNS, endOnFailure: true },
      );
      for (const api of apis) {
        const names = await readdir(made[api]?.workspace.folder ?? '', { recursive: true });
        expect(names.filter((name) => name.includes('canary'))).toEqual([]);
      }
      // Not vacuous: the malformed replies were sent, and both good and bad ends were met where there are both.
      expect(at).toBe(RUNS);
      expect(ends.size).toBeGreaterThan(0);
    },
    60_000,
  );

  it('would show a call that is carried out', async () => {
    const world = await startWorld([{ calls: [{ name: 'write', args: write(0) }] }, { text: workDone }]);
    worlds.push(world);
    const trace = newTrace();
    await world.run({}, trace);
    expect(trace.performed.filter((key) => key.includes('call'))).toHaveLength(1);
    expect(await readdir(world.workspace.folder)).toContain('canary-0.txt');
  });
});
