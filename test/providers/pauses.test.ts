import { afterEach, expect, test } from 'vitest';
import { turnEvents } from '../agents/model-server.ts';
import { type ProviderWorld, providerWorld } from './world.ts';

/** What a server asks for in Retry-After stands in the store: a restart does not shorten it, for whichever run. */

const done = { text: JSON.stringify({ summary: 'All done.', files: [], warnings: [] }) };
const HOUR = 3_600_000;

let world: ProviderWorld;
afterEach(() => world.close());

test.each(['seconds', 'a date'])('a pause of an hour in %s outlives a restart', async (given) => {
  world = await providerWorld('chat');
  const { clock, calls } = world;
  const t0 = clock.now();
  world.answer = () => ({
    status: 429,
    headers: { 'retry-after': given === 'seconds' ? '3600' : new Date(t0 + HOUR).toUTCString() },
    body: { error: { message: 'Slow down' } },
  });
  const first = await world.start('first');
  expect(await world.due(1)).toEqual([t0 + HOUR]);
  expect(calls).toEqual([t0]);

  await world.restart();
  world.answer = () => ({ events: turnEvents('chat', done) });
  clock.advance(HOUR / 2);
  // A run that was never told of the pause keeps it, too, and has it in the store.
  const second = await world.start('second');
  expect(await world.due(2)).toEqual([t0 + HOUR, t0 + HOUR]);
  clock.advance(HOUR / 2 - 1);
  expect(await world.due(2)).toEqual([t0 + HOUR, t0 + HOUR]);
  expect(calls).toEqual([t0]);

  clock.advance(1);
  expect((await world.follow(first)).status).toBe('completed');
  expect((await world.follow(second)).status).toBe('completed');
  expect(calls).toEqual([t0, t0 + HOUR, t0 + HOUR]);
});

test('a short pause is kept over a restart in which nobody waits for it', async () => {
  world = await providerWorld('responses');
  const { clock, calls } = world;
  const t0 = clock.now();
  world.answer = () => ({ status: 429, headers: { 'retry-after': '120' } });
  const first = await world.start('first');
  expect(await world.due(1)).toEqual([t0 + 120_000]);
  await world.core.engine.cancel(first, 'Not needed');
  await world.restart();
  world.answer = () => ({ events: turnEvents('responses', done) });
  const second = await world.start('second');
  expect((await world.follow(second)).status).toBe('completed');
  expect(calls).toEqual([t0, t0 + 120_000]);
});
