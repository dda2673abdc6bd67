import { createHash } from 'node:crypto';
import type { StepLimits } from '../domain/agent.ts';
import type { Budget } from '../domain/budget.ts';
import { shortId, slugOf } from '../domain/ids.ts';
import { asJson, canonicalJson, type Json } from '../domain/json.ts';
import type { RunSpec } from '../domain/run.ts';
import type { Dimensions, PatternName } from '../domain/start-options.ts';
import { withSubWorkflows } from '../domain/sub-workflows.ts';
import type { Workflow } from '../domain/workflow.ts';
import { INTERPRETER_VERSION, type Interpreter } from '../patterns/interpreter.ts';
import type { Session } from '../ports/store.ts';
import type { Catalog } from './catalog.ts';
import {
  type PlanLimits,
  type PlanReview,
  SESSION_PROGRAM,
  type SessionDefinition,
  type SessionInput,
} from './contracts.ts';

/** What a run of a session is to do, before it is pinned. */
export interface Wanted {
  readonly workflow: Workflow;
  /** What people changed of the plan and said about it; none yet when absent. */
  readonly review?: PlanReview | undefined;
  readonly limits?: PlanLimits | undefined;
  readonly wanted?: Dimensions | undefined;
  readonly pattern?: PatternName | undefined;
  readonly autoStart: boolean;
  /** What it begins with: the event that started it. */
  readonly given?: Json | undefined;
}

export interface SpecDeps {
  readonly catalog: Catalog;
  readonly interpreter: Interpreter;
  /** What a run may use that says nothing of it. */
  readonly budget?: Budget | undefined;
  /** Caps of agents' work where neither node nor role says otherwise. */
  readonly stepLimits?: StepLimits | undefined;
}

/** Pins a run: the workflow with all it calls, every role it may ask, what people said of the plan, and the digest over all of it. */
export function sessionSpec(deps: SpecDeps, session: Session, runId: string, wanted: Wanted): RunSpec {
  const { workflow, review, limits, autoStart, given } = wanted;
  const whole = {
    ...workflow,
    flow: withSubWorkflows(workflow.flow, (name) => deps.catalog.workflows.get(name)),
  };
  const definition: SessionDefinition = {
    workflow: whole,
    roles: rolesOf(deps, whole),
    steered: true,
    admission: true,
    deliverable: true,
    stepLimits: deps.stepLimits ?? {},
    ...(review === undefined ? {} : { review }),
    ...(limits === undefined ? {} : { limits }),
    ...(wanted.wanted === undefined ? {} : { wanted: wanted.wanted }),
    ...(wanted.pattern === undefined ? {} : { pattern: wanted.pattern }),
    ...budgetOf(deps.budget, workflow.budget, limits?.budgetUsd ?? undefined),
  };
  const input: SessionInput = {
    runId,
    sessionId: session.id,
    team: session.team,
    requester: session.requester,
    request: session.request,
    repository: session.repository,
    branch: `baton/${slugOf(session.request)}-${shortId(runId)}`,
    autoStart,
    ...(given === undefined ? {} : { given }),
    gated: true,
  };
  return {
    program: SESSION_PROGRAM,
    programVersion: INTERPRETER_VERSION,
    definition: asJson(definition),
    input: asJson(input),
    hash: definitionHash(definition),
  };
}

/** What was said last goes before: baton.yaml, the workflow, the start. A workflow that it calls shares it. */
function budgetOf(
  usual: Budget | undefined,
  workflow: Budget | undefined,
  usd: number | undefined,
): { readonly budget?: Budget } {
  const budget = { ...usual, ...workflow, ...(usd === undefined ? {} : { usd }) };
  return Object.values(budget).some((bound) => bound !== undefined) ? { budget } : {};
}

/** SHA-256 over program, version and definition: what approvals are bound to. */
function definitionHash(definition: SessionDefinition): string {
  const pinned = {
    program: SESSION_PROGRAM,
    version: INTERPRETER_VERSION,
    definition: asJson(definition),
  };
  return createHash('sha256').update(canonicalJson(pinned)).digest('hex');
}

function rolesOf({ catalog, interpreter }: SpecDeps, workflow: Workflow): SessionDefinition['roles'] {
  const names = new Set([
    ...interpreter.agents(workflow.flow).map(({ agent }) => agent),
    ...interpreter.standIns(workflow.flow),
  ]);
  const asked = [...names].flatMap((name) => catalog.roles.get(name) ?? []);
  // Backups come along: whoever may take over is pinned like everybody else.
  const backups = asked.flatMap(({ backup }) =>
    backup === null || names.has(backup) ? [] : (catalog.roles.get(backup) ?? []),
  );
  return [...new Map([...asked, ...backups].map((role) => [role.name, role])).values()];
}
