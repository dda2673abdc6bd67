import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import type { ProgramMoney } from '../../src/agents/programs/spending.ts';
import type { AgentTask } from '../../src/domain/agent.ts';
import { BatonError } from '../../src/domain/failure.ts';
import type { Usage } from '../../src/domain/usage.ts';
import { codeOf, newTrace } from './drive.ts';
import { type ModelServer, startModelServer, turnEvents } from './model-server.ts';
import { type RunnerWorld, runnerWorld } from './runner-world.ts';

/** Caps of a step and of its run hold programs, too: real processes, which would go on for ever. */

const done = JSON.stringify({ summary: 'Done.', files: [], warnings: [] });
/** A call of this server: 1,000 tokens, which cost 10 cents. */
const PRICES = { m: { input: 100, cached: 100, output: 100 } };
const plenty = { turns: 50, tokens: 1e9, timeoutMs: 60_000 };

const servers: ModelServer[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) await server.close();
});

async function modelServer(): Promise<ModelServer> {
  const server = await startModelServer(() => ({
    events: turnEvents('chat', { text: 'well', tokens: { input: 990, output: 10 } }),
  }));
  servers.push(server);
  return server;
}

/** A run that was given so many entries, and not one more. */
function runOf(entries: number): Partial<ProgramMoney> {
  const sources = new Set<() => readonly Usage[]>();
  return {
    prices: PRICES,
    watch: (_runId, source) => {
      sources.add(source);
      return () => sources.delete(source);
    },
    pass: async () => {
      const used = [...sources].flatMap((source) => source()).filter(({ kind }) => kind === 'model');
      if (used.length < entries) return;
      throw new BatonError({ class: 'budget', code: 'budget_reached', message: 'It was all used.' });
    },
  };
}

/** What a program of each kind does: each act as its script names it. */
const kinds = [
  ['command', (acts: readonly object[]) => [...acts, { act: 'print', text: done }]],
  ['acp', (acts: readonly object[]) => [[...acts, { act: 'say', text: done }]]],
] as const;

function livingIn(folder: string): string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        return readlinkSync(`/proc/${pid}/cwd`) === folder;
      } catch {
        return false;
      }
    });
}

async function endedBy(world: RunnerWorld, limits: AgentTask['limits'] = plenty) {
  const trace = newTrace();
  const code = await codeOf(world.run({ limits }, trace));
  expect(livingIn(world.workspace.info.path)).toEqual([]);
  const rows = trace.usage.filter(({ kind }) => kind === 'model');
  return { code, rows, trace };
}

describe.each(kinds)('a program (%s) that calls the model through Baton', (kind, scriptOf) => {
  const script = scriptOf([
    { act: 'write', path: 'kept.txt', content: 'kept\n' },
    { act: 'call', times: 30 },
    { act: 'hang' },
  ]);

  it.each([
    ['calls', { ...plenty, turns: 3 }, 'terminal turn_limit'],
    ['tokens', { ...plenty, tokens: 2_500 }, 'terminal token_limit'],
    ['money', { ...plenty, usd: 0.25 }, 'terminal cost_limit'],
  ])('makes no call beyond its %s, and what it did is kept', async (_what, limits, wanted) => {
    const server = await modelServer();
    await using world = await runnerWorld({ kind, script, model: server.url }, () => true, {
      money: { prices: PRICES },
    });
    const { code, rows } = await endedBy(world, limits);
    expect(code).toBe(wanted);
    expect(server.asked).toHaveLength(3);
    expect(rows).toHaveLength(3);
    expect(rows[0]).toMatchObject({
      agent: 'backend',
      model: 'm',
      inputTokens: 990,
      cachedTokens: 40,
      outputTokens: 10,
      reasoningTokens: 3,
      costUsd: 0.1,
    });
    expect(readFileSync(join(world.workspace.info.path, 'kept.txt'), 'utf8')).toBe('kept\n');
  });

  it('makes no call beyond what its run was given, and leaves its entries', async () => {
    const server = await modelServer();
    await using world = await runnerWorld({ kind, script, model: server.url }, () => true, {
      money: runOf(4),
    });
    const { code, rows } = await endedBy(world);
    expect(code).toBe('budget budget_reached');
    expect(server.asked).toHaveLength(4);
    expect(rows).toHaveLength(4);
  });

  it('may use all of its caps and end well', async () => {
    const server = await modelServer();
    await using world = await runnerWorld(
      { kind, script: scriptOf([{ act: 'call', times: 3 }]), model: server.url },
      () => true,
      { money: { prices: PRICES } },
    );
    const trace = newTrace();
    const limits = { ...plenty, turns: 3, tokens: 3_000, usd: 0.3 };
    expect((await world.run({ limits }, trace)).summary).toBe('Done.');
    expect(trace.usage.filter(({ kind: of }) => of === 'model')).toHaveLength(3);
  });
});

describe('a program that tells what it uses', () => {
  const call = { act: 'tell', usage: { model: 'm', input: 990, output: 10 } };
  const hangs = { act: 'hang' };

  it.each([
    ['calls', { ...plenty, turns: 2 }, 'terminal turn_limit'],
    ['tokens', { ...plenty, tokens: 2_500 }, 'terminal token_limit'],
    ['money', { ...plenty, usd: 0.25 }, 'terminal cost_limit'],
  ])('on lines of its own is ended at its %s', async (_what, limits, wanted) => {
    await using world = await runnerWorld(
      { kind: 'command', script: [call, call, call, hangs] },
      () => true,
      { money: { prices: PRICES } },
    );
    const { code, rows } = await endedBy(world, limits);
    expect(code).toBe(wanted);
    expect(rows).toHaveLength(3);
    expect(rows.every(({ costUsd }) => costUsd === 0.1)).toBe(true);
  });

  it('on lines of its own is ended where its run was given no more', async () => {
    await using world = await runnerWorld({ kind: 'command', script: [call, call, hangs] }, () => true, {
      money: runOf(2),
    });
    const { code, rows } = await endedBy(world);
    expect(code).toBe('budget budget_reached');
    expect(rows).toHaveLength(2);
  });

  it.each([
    [
      'the money of its session',
      { act: 'tell', used: 10, cost: 0.3 },
      { ...plenty, usd: 0.25 },
      'cost_limit',
    ],
    ['its context', { act: 'tell', used: 3_000, cost: 0 }, { ...plenty, tokens: 2_500 }, 'token_limit'],
  ])('over ACP is ended by %s in the middle of its turn', async (_what, tells, limits, code) => {
    await using world = await runnerWorld({ kind: 'acp', script: [[tells, hangs]] });
    const ended = await endedBy(world, limits);
    expect(ended.code).toBe(`terminal ${code}`);
    expect(ended.rows).toMatchObject([
      { inputTokens: tells.used, costUsd: tells.cost === 0 ? null : tells.cost },
    ]);
  });

  it('over ACP is ended in the middle of its turn where its run was given no more', async () => {
    await using world = await runnerWorld(
      { kind: 'acp', script: [[{ act: 'tell', used: 10, cost: 0.3 }, hangs]] },
      () => true,
      { money: runOf(1) },
    );
    expect((await endedBy(world)).code).toBe('budget budget_reached');
  });

  it('over ACP at the end of a turn is given no other once a cap is reached', async () => {
    const usage = { inputTokens: 2_990, outputTokens: 10 };
    const turn = [
      { act: 'used', usage },
      { act: 'say', text: 'I think it is fine.' },
    ];
    await using world = await runnerWorld({ kind: 'acp', script: [turn] });
    const { code, rows, trace } = await endedBy(world, { ...plenty, tokens: 2_500 });
    expect(code).toBe('terminal token_limit');
    expect(rows).toMatchObject([{ inputTokens: 2_990, outputTokens: 10 }]);
    expect(trace.keys.filter((key) => key.startsWith('exchange'))).toHaveLength(1);
  });

  it.each(kinds)('nothing (%s) is held by time alone, and its price is unknown', async (kind, scriptOf) => {
    await using world = await runnerWorld({ kind, script: scriptOf([hangs]) });
    const { code, rows } = await endedBy(world, { turns: 1, tokens: 1, usd: 0.01, timeoutMs: 1_500 });
    expect(code).toBe('terminal time_limit');
    expect(rows).toMatchObject([{ model: 'them', inputTokens: 0, outputTokens: 0, costUsd: null }]);
  });
});
