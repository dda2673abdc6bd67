import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type Core, createCore } from '../../src/compose/core.ts';
import type { CoreOptions } from '../../src/compose/core-options.ts';
import type { Approval } from '../../src/domain/approval.ts';
import { budgetSettingsSchema } from '../../src/domain/budget.ts';
import type { RunEvent } from '../../src/domain/events.ts';
import { isTerminal } from '../../src/domain/run.ts';
import { noStartOptions } from '../../src/domain/start-options.ts';
import type { Workflow } from '../../src/domain/workflow.ts';
import { readPolicy } from '../../src/policy/approval-settings.ts';
import type { Clock } from '../../src/ports/clock.ts';
import { systemClock } from '../../src/system-clock.ts';
import { type Asked, type ModelServer, startModelServer, turnEvents } from '../agents/model-server.ts';
import { everybody, member } from '../support/directory.ts';

/** What one call costs in these tests, in US dollars: a thousand tokens at 100 dollars a million. */
export const CALL_USD = 0.1;

/** Every agent works on for so many turns, each a call of a tool, and then says that it is done. */
export function worker(turns: number) {
  return ({ body }: Asked) => {
    const turn = JSON.stringify(body).split('"role":"assistant"').length - 1;
    const tokens = { input: 1_000, output: 0 };
    return {
      events: turnEvents(
        'chat',
        turn >= turns - 1
          ? { text: JSON.stringify({ summary: 'Done', files: [], warnings: [] }), tokens }
          : {
              calls: [{ name: 'write', args: { path: `notes/${turn}.txt`, content: `turn ${turn}\n` } }],
              tokens,
            },
      ),
    };
  };
}

export const agentNode = (id: string, more: object = {}) => ({
  kind: 'agent',
  id,
  agent: 'backend',
  task: 'Work',
  limits: { turns: 40, tokens: 1e7, timeout: '1h' },
  ...more,
});

export const workflow = (name: string, flow: Workflow['flow'], budget?: Workflow['budget']): Workflow => ({
  name,
  title: name,
  description: 'for a test',
  how: 'agents',
  why: 'to see it',
  ...(budget === undefined ? {} : { budget }),
  flow,
});

export interface BudgetWorld {
  readonly core: Core;
  readonly server: ModelServer;
  start(name: string, budgetUsd?: number): Promise<string>;
  /** Resolves once the run stands as asked. */
  until(check: () => Promise<boolean>): Promise<void>;
  ended(runId: string): Promise<string>;
  /** The open question of a run or its parts. */
  question(runId: string): Promise<Approval>;
  decide(
    approval: Approval,
    verdict: 'approve' | 'reject' | 'request_changes',
    by?: string,
  ): Promise<unknown>;
  events(runId: string): Promise<RunEvent[]>;
  restart(): Promise<void>;
  close(): Promise<void>;
}

export async function budgetWorld(given: {
  readonly workflows: readonly Workflow[];
  readonly answer?: Parameters<typeof startModelServer>[0];
  readonly approvals?: object;
  readonly budget?: object;
  readonly prices?: CoreOptions['prices'];
  readonly clock?: Clock;
  readonly turns?: number;
  readonly stepLimits?: CoreOptions['stepLimits'];
  readonly runners?: CoreOptions['runners'];
}): Promise<BudgetWorld> {
  const home = mkdtempSync(path.join(tmpdir(), 'baton-budget-'));
  const server = await startModelServer(given.answer ?? worker(given.turns ?? 10));
  const open = async (): Promise<Core> => {
    const core = await createCore({
      home,
      clock: given.clock ?? systemClock,
      redact: (text) => text,
      model: { api: 'chat', apiKey: null, baseUrl: server.url, model: 'm' },
      rehearsal: false,
      repository: null,
      repositories: null,
      policy: readPolicy(
        { remind_after: '1000s', escalate_after: '2000s', expire_after: '3000s', ...given.approvals },
        {},
      ),
      directory: everybody,
      prices: given.prices ?? { m: { input: 100, cached: 100, output: 100 } },
      ...(given.budget === undefined ? {} : { budget: budgetSettingsSchema.parse(given.budget) }),
      ...(given.stepLimits === undefined ? {} : { stepLimits: given.stepLimits }),
      ...(given.runners === undefined ? {} : { runners: given.runners }),
      extraWorkflows: given.workflows,
      onStoreTrouble: () => undefined,
    });
    core.engine.recover();
    return core;
  };
  let core = await open();
  let count = 0;
  const world: BudgetWorld = {
    get core() {
      return core;
    },
    server,
    async start(name, budgetUsd) {
      count += 1;
      const { currentRunId } = await core.orchestrator.start({
        intent: `${name}-${count}`,
        receivedAt: Date.now(),
        team: 'T',
        channel: 'C',
        requester: 'UADA',
        workflow: name,
        request: 'Say hello',
        repository: null,
        autoStart: true,
        options: { ...noStartOptions, budgetUsd: budgetUsd ?? null },
      });
      return currentRunId;
    },
    async until(check) {
      for (;;) {
        const next = Promise.withResolvers<void>();
        const off = core.engine.onCommit(() => next.resolve());
        if (await check()) return off();
        await next.promise;
        off();
      }
    },
    async ended(runId) {
      let status = 'queued';
      await world.until(async () => {
        const found = (await core.store.runs.status(runId))?.status ?? 'queued';
        status = found;
        return isTerminal(found);
      });
      return status;
    },
    async question(runId) {
      let found: Approval | undefined;
      await world.until(async () => {
        for (const id of [runId, ...(await core.store.runs.parts(runId))])
          found ??= (await core.store.approvals.ofRun(id)).find(({ status }) => status === 'pending');
        const run = await core.store.runs.status(runId);
        if (found === undefined && run !== null && isTerminal(run.status))
          throw new Error(`it ended, and nobody asked: ${JSON.stringify(run.outcome)}`);
        return found !== undefined;
      });
      if (found === undefined) throw new Error('nobody asked');
      return found;
    },
    decide: (approval, verdict, by = 'UBEN') =>
      core.orchestrator.approvals.decide(
        { nonce: approval.nonce, by: member(by, 'T'), place: 'test' },
        verdict,
        null,
      ),
    events: async (runId) =>
      (await core.store.projections.events(runId, 0, 10_000)).map(({ event }) => event),
    async restart() {
      await core.stop();
      core = await open();
    },
    async close() {
      await core.stop();
      await server.close();
      rmSync(home, { recursive: true, force: true });
    },
  };
  return world;
}
