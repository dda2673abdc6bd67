import { afterEach, describe, expect, it } from 'vitest';
import type { Usage } from '../../src/domain/usage.ts';
import { newTrace } from './drive.ts';
import { httpTools, mcpWorld, stdio, TOKEN } from './mcp-world.ts';
import { type ModelServer, startModelServer, turnEvents } from './model-server.ts';
import { found, type RunnerWorld, runnerWorld } from './runner-world.ts';

/** What each way to play an agent leaves in the table of usage, kind by kind. */

const done = JSON.stringify({ summary: 'Done.', files: [], warnings: [] });
const WRITE = { path: 'x.txt', content: 'x\n' };
const PRICES = { m: { input: 2, cached: 1, output: 10 } };
/** A hundred in, 40 of them cached, ten out, three of them thoughts: what the server of these tests tells of each call. */
const TOLD = { inputTokens: 100, cachedTokens: 40, outputTokens: 10, reasoningTokens: 3 };
const UNTOLD = { inputTokens: 0, cachedTokens: 0, outputTokens: 0, reasoningTokens: 0 };
/** 60 fresh at 2, 40 cached at 1, 10 out at 10 dollars a million. */
const CALL_USD = (60 * 2 + 40 * 1 + 10 * 10) / 1e6;

const servers: ModelServer[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) await server.close();
});

async function modelServer(api: 'chat' | 'responses' = 'chat'): Promise<string> {
  const server = await startModelServer(() => ({ events: turnEvents(api, { text: 'well' }) }));
  servers.push(server);
  return server.url;
}

async function rowsOf(world: RunnerWorld): Promise<{ readonly [kind in Usage['kind']]: Usage[] }> {
  const trace = newTrace();
  expect((await world.run({}, trace)).summary).toBe('Done.');
  const of = (kind: Usage['kind']) => trace.usage.filter((row) => row.kind === kind);
  expect(trace.usage.every(({ agent }) => agent === 'backend')).toBe(true);
  return { model: of('model'), tool: of('tool'), compute: of('compute'), human: of('human') };
}

const RUN = { argv: ['node', 'check.js'] };

describe.each(['responses', 'chat'] as const)("Baton's own loop over %s", (api) => {
  it('leaves a priced entry for each call, one for each tool, and the seconds of commands', async () => {
    const turns = [
      { calls: [{ name: 'write', args: WRITE }] },
      { calls: [{ name: 'run', args: RUN }] },
      { text: done },
    ];
    await using world = await runnerWorld({ kind: 'model', api, turns });
    const { model, tool, compute } = await rowsOf(world);
    expect(model).toHaveLength(3);
    // The world of these tests has a price of nothing for its model: known, and so not null.
    expect(model[0]).toMatchObject({ model: 'rehearsal', ...TOLD, costUsd: 0 });
    expect(tool).toMatchObject([{ model: 'write', costUsd: 0, ...UNTOLD }]);
    expect(compute).toHaveLength(1);
    expect(compute[0]?.durationMs).toBeGreaterThan(0);
  });
});

const money = { prices: PRICES, computeSecondUsd: 0.5 };
const told = { act: 'tell', usage: { input: 100, cached: 40, output: 10, reasoning: 3 } };

describe('a program', () => {
  it.each([
    ['that tells nothing is unknown', [], [{ model: 'them', ...UNTOLD, costUsd: null }]],
    [
      'that tells its calls has their tokens, and a price where it names a model that has one',
      [
        { ...told, usage: { ...told.usage, model: 'm' } },
        told,
        { ...told, usage: { ...told.usage, usd: 0.07 } },
      ],
      [
        { model: 'm', ...TOLD, costUsd: expect.closeTo(CALL_USD, 12) },
        { model: 'them', ...TOLD, costUsd: null },
        { model: 'them', ...TOLD, costUsd: 0.07 },
      ],
    ],
    [
      'that says that a call cost nothing is not believed',
      [{ ...told, usage: { ...told.usage, usd: 0 } }],
      [{ model: 'them', ...TOLD, costUsd: null }],
    ],
  ])('as a command %s', async (_what, acts, wanted) => {
    await using world = await runnerWorld(
      { kind: 'command', script: [...acts, { act: 'print', text: done }] },
      () => true,
      { money },
    );
    const { model, compute, tool } = await rowsOf(world);
    expect(model).toMatchObject(wanted);
    expect(tool).toEqual([]);
    expect(compute).toHaveLength(1);
    // Its seconds have a price of their own.
    expect(compute[0]?.costUsd).toBeCloseTo(((compute[0]?.durationMs ?? 0) / 1_000) * 0.5, 9);
    expect(compute[0]?.durationMs).toBeGreaterThan(0);
  });

  it.each([
    ['nothing is unknown', [], { ...UNTOLD, costUsd: null }],
    [
      'its tokens at the end of its turn has them',
      [
        {
          act: 'used',
          usage: { inputTokens: 100, outputTokens: 10, cachedReadTokens: 40, thoughtTokens: 3 },
        },
      ],
      { ...TOLD, costUsd: null },
    ],
    [
      'cached tokens and thoughts beside the others has all of them',
      [
        {
          act: 'used',
          usage: {
            inputTokens: 60,
            outputTokens: 7,
            cachedReadTokens: 40,
            thoughtTokens: 3,
            totalTokens: 110,
          },
        },
      ],
      { ...TOLD, costUsd: null },
    ],
    [
      'what its session cost has that price',
      [
        { act: 'tell', used: 50, cost: 0.25 },
        { act: 'used', usage: { inputTokens: 100, outputTokens: 10 } },
      ],
      { ...TOLD, cachedTokens: 0, reasoningTokens: 0, costUsd: 0.25 },
    ],
  ])('over ACP that tells %s', async (_what, acts, wanted) => {
    const script = [[{ act: 'write', ...WRITE }, ...acts, { act: 'say', text: done }]];
    await using world = await runnerWorld({ kind: 'acp', script }, () => true, { money });
    const { model, tool, compute } = await rowsOf(world);
    expect(model).toMatchObject([{ model: 'them', ...wanted }]);
    expect(tool).toMatchObject([{ model: 'write', costUsd: 0 }]);
    // Before and after the file was written for it: all of its time, once.
    expect(compute).toHaveLength(2);
  });

  it.each([
    ['command', [{ act: 'call', times: 2 }, told, { act: 'print', text: done }]],
    [
      'acp',
      [
        [
          { act: 'call', times: 2 },
          { act: 'tell', used: 5_000, cost: 9 },
          { act: 'say', text: done },
        ],
      ],
    ],
  ] as const)(
    '(%s) whose calls pass through Baton has an entry for each, whatever it tells',
    async (kind, script) => {
      await using world = await runnerWorld({ kind, script, model: await modelServer() }, () => true, {
        money,
      });
      const { model } = await rowsOf(world);
      const each = { model: 'm', ...TOLD, costUsd: expect.closeTo(CALL_USD, 12) };
      expect(model).toMatchObject([each, each]);
    },
  );

  it.each([
    [
      'a server that tells no model: Responses leaves it out here',
      turnEvents('responses', { text: 'well' }),
      TOLD,
    ],
    ['a server that tells no tokens', turnEvents('chat', { text: 'well' }).slice(0, -1), UNTOLD],
  ])('of which Baton saw calls at %s is of unknown price', async (_what, events, tokens) => {
    const server = await startModelServer(() => ({ events }));
    servers.push(server);
    const script = [
      { act: 'call', times: 1 },
      { act: 'print', text: done },
    ];
    await using world = await runnerWorld({ kind: 'command', script, model: server.url }, () => true, {
      money,
    });
    const { model } = await rowsOf(world);
    expect(model).toMatchObject([{ ...tokens, costUsd: null }]);
  });

  it('whose call the server refused has made none', async () => {
    const server = await startModelServer((_asked, count) =>
      count === 1 ? { status: 429 } : { body: { model: 'm', usage: { input_tokens: 7, output_tokens: 1 } } },
    );
    servers.push(server);
    const script = [
      { act: 'call', times: 2 },
      { act: 'print', text: done },
    ];
    await using world = await runnerWorld({ kind: 'command', script, model: server.url }, () => true, {
      money,
    });
    const { model } = await rowsOf(world);
    expect(model).toMatchObject([{ model: 'm', inputTokens: 7, outputTokens: 1 }]);
  });
});

describe('tools of servers', () => {
  const script = { tools: [{ name: 'find_issue' }] };
  const call = [{ calls: [{ name: 'tracker__find_issue', args: { text: 'hello' } }] }];
  const unpriced = { kind: 'tool', agent: 'backend', model: 'tracker/find_issue', ...UNTOLD, costUsd: null };

  async function toolRows(servers_: unknown): Promise<Usage[]> {
    await using world = await mcpWorld(servers_);
    const trace = newTrace();
    await world.run(call, {}, trace);
    expect(trace.usage.filter(({ kind }) => kind === 'model')).toHaveLength(2);
    return trace.usage.filter(({ kind }) => kind === 'tool');
  }

  it.skipIf(found.kind === 'none')(
    'that are programs leave an entry of unknown price for each call',
    async () => {
      const rows = await toolRows({ tracker: stdio(script, { find_issue: 'read' }) });
      expect(rows).toMatchObject([unpriced]);
      expect(rows[0]?.durationMs).toBeGreaterThan(0);
    },
  );

  it('over HTTP do so, too', async () => {
    const server = await httpTools(script);
    try {
      const settings = { kind: 'http', url: server.url, bearer: 'TRACKER_TOKEN', agents: ['*'] };
      const rows = await toolRows({ tracker: { ...settings, tools: { find_issue: 'read' } } });
      expect(rows).toMatchObject([unpriced]);
      expect(server.headers[0]?.authorization).toBe(`Bearer ${TOKEN}`);
    } finally {
      await server.close();
    }
  });
});
