import { afterEach, expect, test } from 'vitest';
import { limitsSchema } from '../../src/domain/rate-limit.ts';
import { noStartOptions } from '../../src/domain/start-options.ts';
import { turnEvents } from '../agents/model-server.ts';
import { turnsIn } from '../agents/world.ts';
import { type ProviderWorld, providerWorld } from './world.ts';

/** Of runs that wait for the same model the urgent one gets more turns, and the one that can wait is still served. */

const TURNS = 6;
const URGENCIES = ['flexible', 'normal', 'urgent'] as const;

let world: ProviderWorld;
afterEach(() => world.close());

test('runs that wait for a model take turns by their urgency, over the whole of Baton', async () => {
  world = await providerWorld('chat', { limits: limitsSchema.parse({ calls_per_minute: 1 }) });
  const order: string[] = [];
  world.answer = (asked) => {
    const text = JSON.stringify(asked.body);
    order.push(URGENCIES.find((urgency) => text.includes(`Be ${urgency}.`)) ?? 'nobody');
    const turn = turnsIn(asked);
    return {
      events: turnEvents(
        'chat',
        turn === TURNS - 1
          ? { text: JSON.stringify({ summary: 'All done.', files: [], warnings: [] }) }
          : { calls: [{ name: 'read', args: { path: `no-${turn}.txt` } }] },
      ),
    };
  };
  const runs: string[] = [];
  for (const timeline of URGENCIES) {
    const { currentRunId } = await world.core.orchestrator.start({
      intent: timeline,
      receivedAt: world.clock.now(),
      team: 'T',
      channel: 'C',
      requester: 'U',
      workflow: 'work',
      request: `Be ${timeline}.`,
      repository: null,
      autoStart: true,
      options: { ...noStartOptions, timeline },
    });
    runs.push(currentRunId);
  }
  expect(await world.followAll(runs)).toEqual(['completed', 'completed', 'completed']);
  expect(order).toHaveLength(URGENCIES.length * TURNS);
  const before = (urgency: string): number => {
    const end = order.lastIndexOf('urgent');
    return order.slice(0, end).filter((each) => each === urgency).length;
  };
  // Whoever came first had a turn before anybody waited; from then on it goes by weight.
  expect(before('normal')).toBeLessThanOrEqual(3);
  expect(before('flexible')).toBeLessThanOrEqual(2);
  expect(order.lastIndexOf('normal')).toBeLessThan(order.lastIndexOf('flexible'));
  // One call a minute, as the limit says.
  for (const [at, call] of world.calls.slice(1).entries()) expect(call - (world.calls[at] ?? 0)).toBe(60_000);
});
