import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, test } from 'vitest';
import { loadCasts } from '../../src/cast/load.ts';
import { startCast } from '../../src/cast/server.ts';
import { SHIPPED } from '../../src/compose/catalog.ts';
import { type Core, createCore } from '../../src/compose/core.ts';
import type { RunEvent } from '../../src/domain/events.ts';
import { mcpSchema } from '../../src/domain/mcp-settings.ts';
import { isTerminal } from '../../src/domain/run.ts';
import { runnersSchema } from '../../src/domain/runner-settings.ts';
import { readPolicy } from '../../src/policy/approval-settings.ts';
import { createRedactor } from '../../src/policy/redact.ts';
import { runCostBlocks } from '../../src/slack/builders/spending.ts';
import { systemClock } from '../../src/system-clock.ts';
import { stdio, TOKEN } from '../agents/mcp-world.ts';
import { type Api, startModelServer, type Turn, turnEvents } from '../agents/model-server.ts';
import { found } from '../agents/runner-world.ts';
import { turnsIn } from '../agents/world.ts';
import { everybody } from '../support/directory.ts';

if (found.kind === 'none') console.warn(`SKIPPED: programs as agents need a sandbox here. ${found.reason}`);

/** One run with every kind of player in it, through engine, database, git and sandbox. */
const PROGRAMS = fileURLToPath(new URL('../agents/programs', import.meta.url));
const result = (summary: string) => JSON.stringify({ summary, files: [], warnings: [] });
const wrote = (name: string) => ({ path: `${name}.txt`, content: `by ${name}\n` });

const turns: readonly Turn[] = [
  { calls: [{ name: 'tracker__find_issue', args: { text: 'hello' } }] },
  { calls: [{ name: 'tracker__comment', args: { text: 'on it' } }] },
  { calls: [{ name: 'write', args: wrote('model') }] },
  { text: result('The model is done.') },
];

const program = (kind: 'acp' | 'command', script: unknown, agents: readonly string[]) => ({
  kind,
  command: 'node',
  args: [`${PROGRAMS}/${kind}-agent.ts`, JSON.stringify(script)],
  reads: [PROGRAMS],
  agents,
});

const left: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const undo of left.splice(0).toReversed()) await undo();
});

async function modelServer(player: Api | 'rehearsal'): Promise<string> {
  if (player === 'rehearsal') {
    const casts = await loadCasts([path.join(SHIPPED, 'casts/generic.yaml')]);
    const cast = await startCast({ casts, delayMs: 0, port: 0 });
    left.push(() => cast.close());
    return cast.url;
  }
  const server = await startModelServer((asked) => {
    const turn = turns[turnsIn(asked)];
    if (turn === undefined) throw new Error('the script is over');
    return { events: turnEvents(player, turn) };
  });
  left.push(() => server.close());
  return server.url;
}

async function open(player: Api | 'rehearsal'): Promise<Core> {
  const home = mkdtempSync(path.join(tmpdir(), 'baton-mixed-'));
  left.push(() => rmSync(home, { recursive: true, force: true }));
  const baseUrl = await modelServer(player);
  const core = await createCore({
    home,
    clock: systemClock,
    redact: createRedactor([TOKEN]),
    model: { api: player === 'responses' ? player : 'chat', apiKey: null, baseUrl, model: 'rehearsal' },
    rehearsal: player === 'rehearsal',
    repository: null,
    repositories: null,
    policy: readPolicy({ remind_after: '1000s', escalate_after: '2000s', expire_after: '3000s' }, {}),
    directory: everybody,
    prices: {},
    runners: runnersSchema.parse({
      coder: program(
        'acp',
        [
          [
            { act: 'write', ...wrote('acp') },
            { act: 'say', text: result('ACP is done.') },
          ],
        ],
        ['developer'],
      ),
      script: program(
        'command',
        [
          { act: 'write', ...wrote('command') },
          { act: 'print', text: result('The command is done.') },
        ],
        ['frontend'],
      ),
    }),
    mcp: {
      servers: mcpSchema.parse({
        tracker: stdio(
          { tools: [{ name: 'find_issue' }, { name: 'comment' }] },
          { find_issue: 'read', comment: 'network' },
          { agents: ['backend'] },
        ),
      }),
      values: { TRACKER_TOKEN: TOKEN },
    },
    extraWorkflows: [
      {
        name: 'mixed',
        title: 'mixed',
        description: 'every kind of player',
        how: 'one after the other',
        why: 'to see them together',
        flow: {
          kind: 'sequence',
          id: 'all',
          stages: [
            { kind: 'agent', id: 'model', agent: 'backend', task: 'Do the first part.' },
            { kind: 'agent', id: 'acp', agent: 'developer', task: 'Do the second part.' },
            { kind: 'agent', id: 'command', agent: 'frontend', task: 'Do the third part.' },
          ],
        },
      },
    ],
    onStoreTrouble: () => undefined,
  });
  left.push(() => core.stop());
  core.engine.recover();
  return core;
}

interface Played {
  readonly runId: string;
  readonly status: string;
  readonly events: readonly RunEvent[];
  readonly asked: readonly string[];
}

async function play(core: Core): Promise<Played> {
  const { currentRunId: runId } = await core.orchestrator.start({
    intent: 'one',
    receivedAt: Date.now(),
    team: 'T',
    channel: 'C',
    requester: 'U',
    workflow: 'mixed',
    request: 'Say hello on the page',
    repository: null,
    autoStart: true,
  });
  const asked: string[] = [];
  for (;;) {
    const next = Promise.withResolvers<void>();
    const off = core.engine.onCommit(() => next.resolve());
    for (const { status, nonce, subject } of await core.store.approvals.ofRun(runId)) {
      if (status !== 'pending') continue;
      asked.push(`${subject.title} ${subject.excerpt}`);
      const by = { id: 'UBOSS', team: 'T', isBot: false, isGuest: false, isStranger: false };
      await core.orchestrator.approvals.decide({ nonce, by, place: 'test' }, 'approve', null);
    }
    const status = (await core.store.runs.status(runId))?.status ?? 'queued';
    if (isTerminal(status) || status === 'paused') {
      off();
      const events = (await core.store.projections.events(runId, 0, 500)).map(({ event }) => event);
      return { runId, status, events, asked };
    }
    await next.promise;
    off();
  }
}

describe.runIf(found.kind !== 'none').each(['responses', 'chat', 'rehearsal'] as const)(
  'a run with %s',
  (player) => {
    test('an ACP agent, a program and a tool server in it ends in one branch with the work of all', async () => {
      const core = await open(player);
      const { runId, status, events, asked } = await play(core);
      expect(status).toBe('completed');
      const ended = events.flatMap((event) =>
        event.type === 'agent.ended' ? [`${event.agent} ${event.outcome}`] : [],
      );
      expect(ended).toEqual(['backend success', 'developer success', 'frontend success']);
      const kept = events.flatMap((event) => (event.type === 'result' ? [event] : []))[0];
      const files = execFileSync('git', ['ls-tree', '--name-only', kept?.commit ?? ''], {
        cwd: core.defaultRepository,
        encoding: 'utf8',
      }).split('\n');
      expect(files).toEqual(expect.arrayContaining(['acp.txt', 'command.txt']));
      // All of it is counted; what nobody told the price of is said to be unknown, and not to be nothing.
      const spent = await core.usage.ofRun(runId);
      for (const [agent, by] of [
        ['developer', 'coder'],
        ['frontend', 'script'],
      ])
        expect(spent.filter((line) => line.kind === 'model' && line.model === by)).toMatchObject([
          { agent, count: 1, costUsd: 0, unpriced: 1 },
        ]);
      const told = runCostBlocks('mixed', spent, await core.usage.bySteps(runId), false).text;
      expect(told).toContain('coder · price unknown · 1 call');
      expect(told).toContain('script · price unknown · 1 call');
      expect(told).toContain('without a price');
      if (player === 'rehearsal') return;
      expect(spent).toContainEqual(
        expect.objectContaining({ kind: 'tool', model: 'tracker/find_issue', count: 1, unpriced: 1 }),
      );
      expect(files).toContain('model.txt');
      // The one call that is not for reading was asked about, with its arguments, and its yes was used.
      expect(asked).toHaveLength(1);
      expect(asked[0]).toMatch(/^Call comment of tracker\?[\s\S]*on it/);
      expect((await core.store.approvals.ofRun(runId)).map((each) => each.status)).toEqual(['taken']);
      expect(await core.health.read('server', 'tracker')).toMatchObject({ failed: 0 });
    });
  },
);
