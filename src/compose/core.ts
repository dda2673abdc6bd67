import path from 'node:path';
import { AuditLog, HEADS_FILE } from '../../db/audit.ts';
import { createBus } from '../../db/bus.ts';
import { createCleaningStore } from '../../db/cleaning.ts';
import { EventLog } from '../../db/event-log.ts';
import { createFlagStore } from '../../db/flags.ts';
import { GroupCommit } from '../../db/group-commit.ts';
import { createHealthStore } from '../../db/health.ts';
import { SqliteJournal } from '../../db/journal.ts';
import { createLeaseStore } from '../../db/leases.ts';
import { createMemory } from '../../db/memory.ts';
import { createRunMetrics } from '../../db/metrics.ts';
import { createAnswerStore } from '../../db/model-answers.ts';
import { openStore } from '../../db/open.ts';
import { createOutboxStore } from '../../db/outbox.ts';
import { QuestionWithdrawals } from '../../db/question-withdrawals.ts';
import { createRecentCalls } from '../../db/recent-calls.ts';
import { createRefusedTokens, noteCleanStop, takeCleanStop } from '../../db/settings.ts';
import { createStore } from '../../db/store.ts';
import { createUsageReader } from '../../db/usage.ts';
import { createAgentRunner } from '../agents/agent-runner.ts';
import { loadPrices } from '../agents/model/prices.ts';
import { runnerFor } from '../agents/runners.ts';
import { toolCall } from '../agents/tool-call.ts';
import { flagSettingsSchema } from '../domain/flags.ts';
import { byIdIn, idIn, idsIn } from '../domain/slack-id.ts';
import { requestDefaultsSchema } from '../domain/start-options.ts';
import type { Rates } from '../domain/usage.ts';
import { EmbeddedEngine, type EngineOptions } from '../engine/engine.ts';
import { pathBelow } from '../engine/keys.ts';
import { admissionActivity } from '../orchestrator/activities/admission.ts';
import { approvalActivities } from '../orchestrator/activities/approvals.ts';
import { eventActivities } from '../orchestrator/activities/events.ts';
import { metricsActivities } from '../orchestrator/activities/metrics.ts';
import { personTaskActivities } from '../orchestrator/activities/person-tasks.ts';
import { planningActivities } from '../orchestrator/activities/planning.ts';
import { streamActivities } from '../orchestrator/activities/streams.ts';
import { workspaceActivities } from '../orchestrator/activities/workspace.ts';
import { Approvals } from '../orchestrator/approvals.ts';
import { budgetProgram } from '../orchestrator/budget/question.ts';
import { Chaser } from '../orchestrator/chaser.ts';
import { CommandGate } from '../orchestrator/command-gate.ts';
import { Events } from '../orchestrator/events.ts';
import { Findings } from '../orchestrator/findings.ts';
import { Flags } from '../orchestrator/flags.ts';
import { handOverActivities, handOverDigest } from '../orchestrator/hand-over/activities.ts';
import { handOverProgram } from '../orchestrator/hand-over/program.ts';
import { LeaseKeeper } from '../orchestrator/lease-keeper.ts';
import { partProgram } from '../orchestrator/parts.ts';
import { digestNow, rollbackActivities } from '../orchestrator/rollback/activities.ts';
import { rollbackProgram } from '../orchestrator/rollback/program.ts';
import { agentsOf, sessionProgram } from '../orchestrator/session-program.ts';
import { WorkspaceRegistry } from '../orchestrator/workspace-registry.ts';
import { EventRules } from '../patterns/event-rule.ts';
import { HOLDER_TIMER } from '../patterns/uses.ts';
import { agentEstimate } from '../planning/agent-estimate.ts';
import { sameRepository } from '../policy/repositories.ts';
import type { TellClosed } from '../ports/telling.ts';
import { createHandOverDesk } from '../workspace/hand-over/hand-over.ts';
import { ensureSampleRepository } from '../workspace/sample.ts';
import { failingTests, summariseTests } from '../workspace/test-summary.ts';
import { createWorkspaces } from '../workspace/workspaces.ts';
import { type Begun, begin } from './begin.ts';
import { joinBudget } from './budget.ts';
import { SHIPPED } from './catalog.ts';
import { joinChecks } from './checks.ts';
import type { CoreOptions } from './core-options.ts';
import { hostLoad } from './host-load.ts';
import { lateDirectory } from './late-directory.ts';
import { joinModels } from './models.ts';
import { type InWorktrees, joinPrograms } from './programs.ts';
import { checkedEvents } from './subscriptions.ts';
import { joinToolServers } from './tool-servers.ts';
import { weightByUrgency } from './urgency.ts';
import { joinUseCases } from './use-cases.ts';

const NO_RATES: Rates = { compute_second: 0, human_minute: null };

export type Core = Awaited<ReturnType<typeof createCore>>;

/**
 * Everything but the doors: store, engine, agents, workspaces and use cases, joined by hand.
 * @param early what was begun before, by the same options
 */
export async function createCore(options: CoreOptions, early: Begun | null = null) {
  const { clock, redact, home } = options;
  const opened = openStore(path.join(home, 'baton.db'));
  try {
    return await join(options, opened, early ?? begin(options));
  } catch (error) {
    opened.close();
    throw error;
  }

  async function join(
    { model, rehearsal, policy, prices }: CoreOptions,
    database: ReturnType<typeof openStore>,
    { catalog, sandbox: tried }: Begun,
  ) {
    const { raw, db } = database;
    const log = new EventLog(raw, new AuditLog(raw, path.join(home, HEADS_FILE)));
    const { compute_second: computeSecondUsd, human_minute: humanMinuteUsd } = options.rates ?? NO_RATES;
    // Who is told, and how, is known once the chat is joined.
    const chat: { tell: TellClosed | null } = { tell: null };
    // What comes in and what is to go out within a turn of the event loop is one commit.
    const group = new GroupCommit(db, log);
    const store = createStore(db, log, humanMinuteUsd, () => chat.tell, group);
    const { interpreter, rules, roles } = catalog;

    // Both wait for other processes: they wait beside each other.
    const [sandbox, defaultRepository] = await Promise.all([
      tried,
      options.repository ?? ensureSampleRepository(home),
    ]);
    const workspaces = createWorkspaces({
      home,
      sandbox,
      clock,
      sshAuthSock: options.sshAuthSock,
      extraAuthorities: options.extraAuthorities,
      searchPath: options.searchPath,
      memoryBytes: options.commandMemoryBytes,
      diskBytes: options.commandDiskBytes,
    });
    const registry = new WorkspaceRegistry({
      workspaces,
      runs: store.runs,
      projections: store.projections,
    });
    const table = loadPrices(path.join(SHIPPED, 'prices.json'), prices);
    const health = createHealthStore(raw, () => clock.now());
    const models = joinModels({
      ...options,
      db,
      log,
      health,
      decisions: store.decisions,
      guidance: store.guidance,
      prices: table,
      answers: createAnswerStore(raw, () => clock.now()),
      recent: createRecentCalls(raw),
      repositoryOf: async (runId) => (await store.sessions.byRun(runId))?.repository ?? null,
      weightOf: weightByUrgency(store.runs),
      pass: (runId) => money.pass(runId),
    });
    const runners = options.runners ?? {};
    const inventory = options.resources ?? {};
    const leases = createLeaseStore(db, log, inventory);
    const keeper = new LeaseKeeper({
      leases,
      inventory,
      clock,
      timerOf: (holder) => pathBelow(holder, HOLDER_TIMER),
      onTrouble: options.onStoreTrouble,
    });

    const checked = checkedEvents(
      options.events ?? { declared: {}, subscriptions: [] },
      [...catalog.workflows.keys()],
      options.repositories === null ? null : [defaultRepository, ...options.repositories],
    );
    const bus = createBus(raw, log);
    const events = new Events({
      bus,
      engine: { wake: (runId) => engine.wake(runId) },
      clock,
      types: checked.types,
      rules: new EventRules(),
      subscribers: checked.subscriptions.map((one) => ({
        ...one,
        isOf: (team) => idIn(one.channel, team, policy.bareIds) !== null,
      })),
      redact,
      onTrouble: options.onStoreTrouble,
    });
    const people = lateDirectory(options.directory ?? null);
    const peopleOf = (team: string) => byIdIn(options.people ?? {}, team, policy.bareIds);
    const requests = options.requests ?? requestDefaultsSchema.parse({});
    const findings = new Findings(policy);
    const money = joinBudget({
      raw,
      settings: options.budget,
      prices: table,
      computeSecondUsd,
      store,
      queries: { byRun: (runId) => uses.queries.byRun(runId) },
      findings,
      engine: () => engine,
      stop: (root, by, asking) => uses.orchestrator.stopAsDecided(root, by, asking),
      clock,
    });
    const payloads = { registry, runs: store.runs, policyVersion: policy.version, redact };
    const desk = createHandOverDesk({
      home,
      github: options.github ?? null,
      sshAuthSock: options.sshAuthSock,
      extraAuthorities: options.extraAuthorities,
    });
    const approvals = new Approvals({
      approvals: store.approvals,
      sessions: store.sessions,
      delegations: store.delegations,
      directory: people.directory,
      access: policy.access,
      sameRepository,
      digestNow: digestNow({
        store,
        registry,
        findings,
        payloads,
        ofHandOver: (approval) => handOverDigest({ store, desk, findings }, approval),
      }),
      decided: ({ runId }) => engine.wake(runId),
      clock,
      redact,
    });
    const chaser = new Chaser({ store, approvals, directory: people.directory });
    const gate = new CommandGate({
      approvals,
      store: store.approvals,
      payloads,
      findings,
      sandbox: () => workspaces.sandbox().kind,
      onSample: (runId) => registry.onSample(runId),
      now: () => clock.now(),
    });

    const mcp = joinToolServers({ ...options, db, registry, approvals, store, payloads, health });
    const flags = new Flags({
      flags: createFlagStore(db, log),
      sessions: store.sessions,
      settings: options.flags ?? flagSettingsSchema.parse({}),
      bareIds: policy.bareIds,
      clock,
      mayApprove: async (by) =>
        uses.roles.outsider(by) === null && (await uses.roles.has('approver', by, defaultRepository)),
    });
    const play = runnerFor(createAgentRunner(), runners);
    const inWorktrees: InWorktrees = {
      guidance: store.guidance,
      workspaceOf: (runId, stream) => registry.of(runId, stream),
      allowUnsandboxed: (call) => gate.pass(call),
      redact,
      clock,
      money: money.ofPrograms,
    };
    const programs = joinPrograms({ ...inWorktrees, runners }, model);
    const createEngine = options.createEngine ?? ((parts: EngineOptions) => new EmbeddedEngine(parts));
    const engine: EmbeddedEngine = createEngine({
      journal: new SqliteJournal(raw, log, new QuestionWithdrawals(db, log, () => chat.tell)),
      programs: [
        sessionProgram(interpreter, play),
        partProgram(interpreter, agentsOf(play)),
        rollbackProgram,
        handOverProgram,
        budgetProgram(),
      ],
      activities: [
        ...streamActivities({ registry, redact }),
        ...workspaceActivities({
          workspaces,
          registry,
          gate,
          approvals,
          store: store.approvals,
          payloads,
          failingTests,
          summariseTests,
          redact,
          clock,
          computeSecondUsd,
        }),
        ...approvalActivities({
          approvals: store.approvals,
          decisions: store.decisions,
          payloads,
          defaults: policy.base,
          findings,
          chaser,
          cancel: (runId) => engine.cancel(runId, 'No longer needed'),
        }),
        ...money.activities,
        ...rollbackActivities({
          store,
          registry,
          approvals,
          findings,
          defaults: policy.base,
          engine: () => engine,
          redact,
        }),
        ...handOverActivities({
          desk,
          store,
          queries: () => uses.queries,
          approvals,
          findings,
          defaults: policy.base,
          redact,
        }),
        ...personTaskActivities({
          store,
          registry,
          directory: people.directory,
          people: peopleOf,
          here: (written, team) => idsIn(written, team, policy.bareIds),
        }),
        ...planningActivities({
          interpreter,
          workflows: () => catalog.workflows.values(),
          agentTask: (agent) =>
            agentEstimate({ rehearsal, model: roles.get(agent)?.model ?? model.model, prices: table }),
        }),
        admissionActivity({ health, clock }),
        keeper.activity,
        ...metricsActivities({
          metrics: createRunMetrics(db),
          leases,
          decisions: store.decisions,
          inventory,
          clock,
          cpuUsage: options.cpuUsage ?? hostLoad,
        }),
        flags.activity,
        ...eventActivities({ events, runs: store.runs }),
        models.activity,
        toolCall({ ...inWorktrees, summariseTests, computeSecondUsd, recall: createMemory(raw) }),
        ...programs.activities,
        ...mcp.activities,
      ].map(money.within),
      clock,
      random: Math.random,
      crashed: !takeCleanStop(db),
      redact,
      onStoreTrouble: options.onStoreTrouble,
      isOurs: database.isOurs,
    });
    const checks = joinChecks({ ...options, health });
    const stopKeeper = keeper.start(engine);
    // A run that ends publishes so in the same commit.
    engine.onCommit(() => events.wake());
    const uses = joinUseCases({
      budget: money.budget,
      stepLimits: options.stepLimits,
      engine,
      store,
      catalog,
      interpreter,
      registry,
      health,
      approvals,
      clock,
      redact,
      access: policy.access,
      directory: people.directory,
      people: peopleOf,
      defaultRepository,
      repositories: options.repositories,
      requests: (team) => ({ ...requests, channels: byIdIn(requests.channels, team, policy.bareIds) }),
    });
    return {
      engine,
      store,
      outbox: createOutboxStore(db, group),
      cleaning: createCleaningStore(raw),
      workspaces,
      registry,
      sandbox: { kind: sandbox.kind, reason: sandbox.reason },
      catalog,
      chaser,
      rules,
      interpreter,
      ...uses,
      health,
      models,
      checks,
      runners: Object.keys(runners),
      toolServers: Object.keys(options.mcp?.servers ?? {}),
      usage: createUsageReader(raw),
      /** Those whom the settings name for deciding, as they are in a workspace; null: they name nobody. */
      approvers: (team: string) =>
        policy.base.people.length === 0 ? null : idsIn(policy.base.people, team, policy.bareIds),
      bus,
      events,
      subscriptions: checked.subscriptions,
      bareIds: policy.bareIds,
      flags,
      /** What a decision leads to in the chat goes into the outbox with the decision itself. */
      connectChat: (tell: TellClosed): void => {
        chat.tell = tell;
      },
      directory: people.directory,
      connectDirectory: people.connect,
      defaultRepository,
      /** Whether this process still is the one that has the database. */
      isOurs: database.isOurs,
      refusedTokens: createRefusedTokens(db, () => clock.now()),
      /** Ends what is under way politely; the next start goes on from here without counting a crash. */
      async stop(): Promise<void> {
        try {
          stopKeeper();
          await checks.stop();
          await events.stop();
          await engine.stop();
          await mcp.stop();
          await programs.stop();
          noteCleanStop(db, clock.now());
        } finally {
          database.close();
        }
      },
    };
  }
}
