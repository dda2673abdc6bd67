import type { StepLimits } from '../domain/agent.ts';
import type { Decider } from '../domain/approval.ts';
import type { Budget } from '../domain/budget.ts';
import { restOver } from '../domain/circuit.ts';
import type { Control, StartRefusal } from '../domain/control.ts';
import { BatonError } from '../domain/failure.ts';
import type { Json } from '../domain/json.ts';
import { isTerminal, type RunSpec } from '../domain/run.ts';
import {
  type Dimensions,
  dimensionsOf,
  noStartOptions,
  type RequestDefaults,
  type StartOptions,
} from '../domain/start-options.ts';
import type { Workflow } from '../domain/workflow.ts';
import type { Interpreter } from '../patterns/interpreter.ts';
import { choosePattern, flowOf } from '../planning/choose-pattern.ts';
import { repositoryAllowed } from '../policy/repositories.ts';
import type { Clock } from '../ports/clock.ts';
import type { Decision, NewDecision } from '../ports/decisions.ts';
import type { Engine } from '../ports/engine.ts';
import type { HealthStore } from '../ports/health.ts';
import { adaptSignal } from '../ports/metrics.ts';
import type { Redact } from '../ports/redactor.ts';
import type { Session, Store } from '../ports/store.ts';
import type { Approvals } from './approvals.ts';
import { waitsForMoney } from './budget/waits.ts';
import type { Catalog } from './catalog.ts';
import {
  givenTo,
  PLAN_SIGNAL,
  planDecisionId,
  planSignalSchema,
  sessionDefinitionSchema,
} from './contracts.ts';
import { derivedId } from './derived-id.ts';
import { intentDigest, isMadeBy, personDecision } from './person-decision.ts';
import type { Roles } from './roles.ts';
import { sessionSpec } from './spec.ts';
import { dueFrom, patternDecision } from './start-choices.ts';
import { Stopping } from './stopping.ts';
import type { WorkspaceRegistry } from './workspace-registry.ts';

const STOPPED = 'Stopped by hand';

export interface OrchestratorDeps {
  readonly engine: Engine;
  /** Agents and models that rest after failures: they are tried at once when a person says Retry. */
  readonly health?: HealthStore;
  readonly store: Store;
  readonly catalog: Catalog;
  readonly interpreter: Interpreter;
  readonly registry: WorkspaceRegistry;
  readonly approvals: Approvals;
  readonly roles: Roles;
  readonly clock: Clock;
  readonly defaultRepository: string;
  /** What requests of a workspace are like unless they say otherwise, by ids of its channels. */
  readonly requests: (team: string) => RequestDefaults;
  /** Repositories people may name beside the default one; null: any, where everybody is at this machine anyway. */
  readonly repositories: readonly string[] | null;
  /** What a run may use that says nothing of it. */
  readonly budget?: Budget | undefined;
  readonly stepLimits?: StepLimits | undefined;
  /** What people type goes into channels, prompts, commits and branch names: secrets are taken out at this door. */
  readonly redact: Redact;
}

export interface StartRequest {
  /** What makes this request the same one when it is delivered again. */
  readonly intent: string;
  readonly receivedAt: number;
  readonly team: string;
  readonly channel: string;
  readonly requester: string;
  readonly workflow: string;
  readonly request: string;
  readonly repository: string | null;
  readonly autoStart?: boolean;
  /** What was said beside the words; nothing unless given. */
  readonly options?: StartOptions;
  /** What the run begins with: the event that started it. */
  readonly given?: Json;
  /** Why it is started, when nobody typed it. */
  readonly because?: Because;
}

/** What made Baton start a run by itself. */
export interface Because {
  readonly actor: string;
  readonly reason: string;
  readonly alternatives: readonly string[];
  readonly evidence: { readonly [name: string]: Json };
}

/** The use cases: everything people can make Baton do, whatever door they came through. */
export class Orchestrator {
  readonly #deps: OrchestratorDeps;
  readonly #stopping: Stopping;

  constructor(deps: OrchestratorDeps) {
    this.#deps = deps;
    this.#stopping = new Stopping(deps);
  }

  /** What people do about approvals. */
  get approvals(): Approvals {
    return this.#deps.approvals;
  }

  /** Whether somebody may start work on a repository; null when they may. Throws when it cannot be told. */
  async admits(by: Decider, repository: string | null): Promise<StartRefusal | null> {
    const { repositories, defaultRepository, roles } = this.#deps;
    const outside = roles.outsider(by);
    if (outside !== null) return outside;
    const open = repositories === null || repository === null || repository === defaultRepository;
    if (!open && !repositoryAllowed(repository, [defaultRepository, ...repositories])) return 'repository';
    return (await roles.has('requester', by, repository ?? defaultRepository)) ? null : 'role';
  }

  /** Starts a session's first run. The same intent starts it once. */
  async start(request: StartRequest): Promise<Session> {
    const { store, engine, redact } = this.#deps;
    const sessionId = derivedId('ses', request.receivedAt, request.intent);
    const runId = derivedId('run', request.receivedAt, request.intent);
    const session: Session = {
      id: sessionId,
      team: request.team,
      channel: request.channel,
      requester: request.requester,
      request: redact(request.request),
      workflow: request.workflow,
      repository: request.repository === null ? this.#deps.defaultRepository : redact(request.repository),
      createdAt: request.receivedAt,
      currentRunId: runId,
    };
    const begun = this.#begin(session, request.options ?? noStartOptions);
    const spec = sessionSpec(this.#deps, session, runId, {
      ...begun,
      autoStart: request.autoStart ?? false,
      given: request.given,
    });
    await store.sessions.create(session, spec, this.#choice(session, runId, request.because));
    if (begun.chosen !== null)
      await store.decisions.record(runId, patternDecision(runId, begun.chosen, session), request.receivedAt);
    engine.wake(runId);
    return session;
  }

  /** What the words beside a request come to: its limits, what it is like, and how it is coordinated. */
  #begin(session: Session, options: StartOptions) {
    const workflow = this.#workflow(session);
    const { budgetUsd, withinMs, pattern, quality, timeline, risk } = options;
    const usual = dimensionsOf(this.#deps.requests(session.team), session.channel);
    const wanted: Dimensions = {
      ...usual,
      quality: quality ?? usual.quality,
      timeline: timeline ?? usual.timeline,
      risk: risk ?? usual.risk,
    };
    const dueAt = withinMs === null ? {} : { dueAt: session.createdAt + withinMs };
    const limits = budgetUsd === null && withinMs === null ? undefined : { budgetUsd, withinMs, ...dueAt };
    if (pattern === null) return { workflow, wanted, limits, chosen: null };
    const found = choosePattern(session.request, wanted);
    const chosen = {
      ...found,
      by: pattern === 'auto' ? null : session.requester,
      pattern: pattern === 'auto' ? found.pattern : pattern,
    };
    const why = chosen.by === null ? found.reason : `asked for with \`pattern:${pattern}\``;
    const flow = flowOf(chosen.pattern);
    const how = `${chosen.pattern}: ${this.#deps.interpreter.describe(flow)}`;
    return {
      workflow: { ...workflow, flow, how, why },
      wanted,
      limits,
      pattern: chosen.pattern,
      chosen: { ...chosen, reason: why },
    };
  }

  /**
   * Start or Cancel on a plan. Whoever asked for it answers; one answer counts.
   * @param intent tells the same click, delivered again, from another one, which comes too late; absent: it is the same
   */
  async answerPlan(
    runId: string,
    verdict: 'start' | 'cancel',
    by: string,
    intent: string | null = null,
  ): Promise<Control> {
    const { store, engine, clock } = this.#deps;
    const session = await store.sessions.byRun(runId);
    const run = await store.runs.status(runId);
    if (session === null || run === null) return 'unknown';
    const no = await this.#deps.roles.steers(session, by);
    if (no !== null) return no;
    const id = planDecisionId(runId);
    const before = await this.#decision(runId, id);
    if (before === null && isTerminal(run.status)) return 'already';
    const reason = verdict === 'start' ? 'The plan was started as shown' : 'The plan was cancelled';
    await store.decisions.record(runId, personDecision(id, 'plan', by, verdict, reason, intent), clock.now());
    // Of two clicks at once the first one recorded stands. A crash may come before its signal, whose key makes
    // sending it again harmless.
    const decision = await this.#decision(runId, id);
    const stands = planSignalSchema.shape.verdict.safeParse(decision?.choice).data;
    if (stands === undefined) return 'replaced';
    await engine.signal(runId, PLAN_SIGNAL, { verdict: stands, by }, 'plan');
    return stands === verdict && !isTerminal(run.status) && isMadeBy(decision, intent) ? 'done' : 'already';
  }

  /** Stops a run for good; what was done so far is put on its branch, and the snapshots stay. */
  async stop(runId: string, by: string, intent: string | null = null): Promise<Control> {
    const session = await this.#deps.store.sessions.byRun(runId);
    if (session === null) return 'unknown';
    const no = await this.#deps.roles.steers(session, by);
    if (no !== null) return no;
    return this.#stopping.end(runId, by, STOPPED, { asking: null, intent });
  }

  /** Stops a run because people who may decide about it said so. @param asking the part that asked: it ends by itself */
  async stopAsDecided(runId: string, by: string, asking: string): Promise<void> {
    if ((await this.#deps.store.runs.status(runId)) !== null)
      await this.#stopping.end(runId, by, 'Stopped at its budget', { asking, intent: null });
  }

  /** Takes back the last change that an adaptive node of the run made, at its next sync point. */
  async undo(runId: string, by: string, intent: string): Promise<Control> {
    const { store, engine, clock } = this.#deps;
    const session = await store.sessions.byRun(runId);
    const run = await store.runs.status(runId);
    if (session === null || run === null) return 'unknown';
    const no = await this.#deps.roles.steers(session, by);
    if (no !== null) return no;
    if (isTerminal(run.status)) return 'already';
    const why = personDecision(
      `dec_undo_${intentDigest(intent)}`,
      'undo',
      by,
      'undo',
      'The last change of plan is taken back',
    );
    await store.decisions.record(runId, why, clock.now());
    await engine.signal(runId, adaptSignal('undo'), { by, why: 'undo' }, `undo:${intentDigest(intent)}`);
    return 'done';
  }

  async #endRests(now: number): Promise<void> {
    const { health } = this.#deps;
    for (const { kind, name } of (await health?.all()) ?? [])
      await health?.change(kind, name, (circuit) => restOver(circuit, now));
  }

  /** Goes on after a pause, or runs an ended session again as a new run. */
  async retry(runId: string, by: string, intent: string, at: number): Promise<Control> {
    const { store, engine, clock } = this.#deps;
    const session = await store.sessions.byRun(runId);
    const run = await store.runs.status(runId);
    if (session === null || run === null) return 'unknown';
    const no = await this.#deps.roles.steers(session, by);
    if (no !== null) return no;
    const now = clock.now();
    const next = derivedId('run', at, intent);
    if (session.currentRunId === next) return 'done';
    const paused = await this.#paused(runId);
    if (await waitsForMoney(store, runId)) return 'at_budget';
    if (paused.length > 0) {
      const why = personDecision(
        `dec_retry_${intentDigest(intent)}`,
        'retry',
        by,
        'retry',
        'Going on where it stopped',
      );
      await store.decisions.record(runId, why, now);
      await this.#endRests(now);
      for (const each of paused) await engine.resume(each);
      return 'done';
    }
    if (!isTerminal(run.status)) {
      return (await this.#decision(runId, `dec_retry_${intentDigest(intent)}`)) === null
        ? 'not_paused'
        : 'done';
    }
    if (session.currentRunId !== runId) return 'already';
    const why = personDecision(
      `dec_again_${intentDigest(intent)}`,
      'retry',
      by,
      'run again',
      `After ${runId} ${run.status}`,
    );
    const started = await store.sessions.restart(
      session.id,
      next,
      this.#specAgain(session, next, run.spec, at),
      why,
      now,
    );
    if (!started) return 'already';
    engine.wake(next);
    return 'done';
  }

  /** Of a run and its parts, those that wait for somebody. */
  async #paused(runId: string): Promise<string[]> {
    const { runs } = this.#deps.store;
    const paused: string[] = [];
    for (const id of [runId, ...(await runs.parts(runId))])
      if ((await runs.status(id))?.status === 'paused') paused.push(id);
    return paused;
  }

  async #decision(runId: string, id: string): Promise<Decision | null> {
    return (await this.#deps.store.decisions.ofRun(runId)).find((decision) => decision.id === id) ?? null;
  }

  /** The same work once more: as people had edited it, or else as the catalogue has it now. */
  #specAgain(session: Session, runId: string, before: RunSpec, at: number): RunSpec {
    const edited = sessionDefinitionSchema.safeParse(before.definition).data;
    const given = givenTo(before);
    const { review, limits, wanted, pattern } = edited ?? {};
    // Neither edited nor coordinated in a way that was asked for: as the catalogue has it now.
    const kept = review !== undefined || pattern !== undefined ? edited?.workflow : undefined;
    const workflow = kept ?? this.#workflow(session);
    const again = {
      workflow,
      review,
      limits: limits && dueFrom(limits, at),
      wanted,
      pattern,
      autoStart: false,
      given,
    };
    return sessionSpec(this.#deps, session, runId, again);
  }

  #workflow(session: Session): Workflow {
    const workflow = this.#deps.catalog.workflows.get(session.workflow);
    if (workflow === undefined)
      throw new BatonError({
        class: 'terminal',
        code: 'workflow_unknown',
        message: `There is no workflow "${session.workflow}"`,
      });
    return workflow;
  }

  #choice(session: Session, runId: string, because?: Because): NewDecision {
    const { workflows } = this.#deps.catalog;
    const chosen = { id: `dec_workflow_${runId}`, kind: 'workflow', choice: session.workflow };
    if (because !== undefined) {
      const evidence = { ...because.evidence, request: session.request, for: session.requester };
      return { ...chosen, ...because, actorKind: 'baton', evidence };
    }
    return {
      ...chosen,
      actor: session.requester,
      actorKind: 'person',
      reason: workflows.get(session.workflow)?.why ?? '',
      alternatives: [...workflows.keys()].filter((name) => name !== session.workflow),
      evidence: { request: session.request },
    };
  }
}
