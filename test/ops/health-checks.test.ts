import { createServer, type Server } from 'node:http';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createHealthStore } from '../../db/health.ts';
import { joinChecks } from '../../src/compose/checks.ts';
import { quarantined, stateOf, TRIP_AT } from '../../src/domain/circuit.ts';
import { runnersSchema } from '../../src/domain/runner-settings.ts';
import type { HealthChecks } from '../../src/ops/health-checks.ts';
import { type TempStore, tempStore } from '../db/support.ts';
import { VirtualClock } from '../support/virtual-clock.ts';

/** A real server that goes down and comes back, looked at by a clock that the test moves. */
const clock = new VirtualClock();
let store: TempStore;
let server: Server | null = null;
let port = 0;
let status = 200;
let keys: (string | undefined)[] = [];
let checks: HealthChecks | null = null;
let told: string[] = [];
let next = Promise.withResolvers<void>();

async function up(): Promise<void> {
  server = createServer((request, response) => {
    keys.push(request.headers.authorization);
    response.writeHead(status, { 'content-type': 'application/json' }).end('{"data":[]}');
  });
  await new Promise<void>((resolve) => server?.listen(port, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  port = address.port;
}
async function down(): Promise<void> {
  server?.closeAllConnections();
  await new Promise<void>((resolve) => {
    if (server === null) resolve();
    else server.close(() => resolve());
  });
  server = null;
}

beforeEach(async () => {
  [status, port, keys, told] = [200, 0, [], []];
  store = tempStore();
  await up();
});
afterEach(async () => {
  await checks?.stop();
  await down();
  store.remove();
});

const name = () => `m@127.0.0.1:${port}`;
const open = () => {
  const health = createHealthStore(store.raw, () => clock.now());
  checks = joinChecks({
    model: { api: 'chat', apiKey: 'key-of-the-server', baseUrl: `http://127.0.0.1:${port}/v1`, model: 'm' },
    rehearsal: false,
    clock,
    redact: (text) => text.replaceAll('key-of-the-server', '[redacted]'),
    runners: runnersSchema.parse({
      there: { kind: 'acp', command: '/bin/sh' },
      missing: { kind: 'acp', command: 'no-such-agent' },
    }),
    health,
    onHealth: ({ kind, name: of, problem }) => {
      told.push(`${kind} ${of}: ${problem ?? 'fine'}`);
      next.resolve();
    },
  });
  return { health, checks };
};
/** The next word of the checks, and what it was. */
async function said(): Promise<string> {
  await next.promise;
  next = Promise.withResolvers<void>();
  return told.at(-1) ?? '';
}

test('everything is looked at when asked, at no cost and without more than a list', async () => {
  const { checks: all } = open();
  expect(await all.look()).toEqual([
    { kind: 'model', name: name(), problem: null },
    { kind: 'runner', name: 'there', problem: null },
    { kind: 'runner', name: 'missing', problem: 'no-such-agent was not found' },
  ]);
  expect(keys).toEqual(['Bearer key-of-the-server']);
});

test.each([
  [401, 'does not accept the key'],
  [503, 'answers with 503'],
  [404, null],
])('a server that answers %i', async (answered, words) => {
  status = answered;
  const [first] = await open().checks.look(({ kind }) => kind === 'model');
  if (words === null) expect(first?.problem).toBeNull();
  else expect(first?.problem).toContain(words);
});

test('a server that goes down and comes back is used again at once, its rest over; who is out of use stays so', async () => {
  next = Promise.withResolvers<void>();
  const { health, checks: all } = open();
  await down();
  all.start();
  while (!(await said()).startsWith('model')) expect(told.length).toBeLessThan(5);
  expect(told.join()).toContain('does not answer');
  expect(all.problemOf(name())).toContain('does not answer');
  // Work failed meanwhile, so it rests; and a person took another one out of use.
  await health.change('model', name(), (circuit) => ({
    ...circuit,
    failures: TRIP_AT,
    openedAt: clock.now(),
  }));
  await up();
  // Until the next look is due in a minute.
  while (clock.next() !== clock.now() + 60_000) await new Promise((resolve) => setImmediate(resolve));
  clock.advance(60_000);
  expect(await said()).toBe(`model ${name()}: fine`);
  expect(stateOf((await health.read('model', name())).circuit, clock.now())).toBe('closed');
  await health.change('model', name(), (circuit) => quarantined(circuit, 'U1', 'odd', clock.now()));
  await all.look();
  expect(stateOf((await health.read('model', name())).circuit, clock.now())).toBe('quarantined');
});
