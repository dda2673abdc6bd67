import type { StepLimits } from '../domain/agent.ts';
import type { Budget } from '../domain/budget.ts';
import type { Control } from '../domain/control.ts';
import { durationText } from '../domain/duration.ts';
import { asJson, type Json } from '../domain/json.ts';
import { isTerminal } from '../domain/run.ts';
import type { Workflow } from '../domain/workflow.ts';
import type { Interpreter } from '../patterns/interpreter.ts';
import { type EditableAgent, type EditProblem, editPlan, type PlanEdits } from '../planning/plan-edits.ts';
import { readPlanWords } from '../planning/plan-words.ts';
import type { Clock } from '../ports/clock.ts';
import type { Engine } from '../ports/engine.ts';
import type { Redact } from '../ports/redactor.ts';
import type { Session, Store } from '../ports/store.ts';
import type { Catalog } from './catalog.ts';
import {
  givenTo,
  type PlanLimits,
  planDecisionId,
  type SessionDefinition,
  sessionDefinitionSchema,
} from './contracts.ts';
import { derivedId } from './derived-id.ts';
import type { Roles } from './roles.ts';
import { sessionSpec } from './spec.ts';

export interface PlanReviewDeps {
  readonly engine: Engine;
  readonly store: Store;
  readonly catalog: Catalog;
  readonly interpreter: Interpreter;
  readonly clock: Clock;
  readonly redact: Redact;
  readonly roles: Roles;
  /** What a run may use that says nothing of it. */
  readonly budget?: Budget | undefined;
  readonly stepLimits?: StepLimits | undefined;
}

/** Which plan is meant, who speaks, and what makes the change the same one when it is delivered again. */
export interface PlanCall {
  readonly runId: string;
  readonly by: string;
  readonly intent: string;
  readonly receivedAt: number;
}

/** `problems`: the wishes cannot be met as they are, and nothing was changed. */
export type PlanChange =
  | { readonly done: Control }
  | { readonly done: 'problems'; readonly problems: readonly EditProblem[] };

/** What the form shows: what can be edited, and whom each piece of work may be given to. */
export interface PlanForm {
  readonly runId: string;
  readonly workflow: Workflow;
  readonly limits: PlanLimits;
  readonly candidates: (slot: EditableAgent) => readonly string[];
}

interface Changed {
  readonly workflow: Workflow;
  readonly changes: readonly string[];
  readonly limits: PlanLimits;
  /** Another workflow, which is coordinated in its own way. */
  readonly isOther?: true;
}

/**
 * Plans before they are started: edited, sent back with words, or given up for another. Each makes a new run with a
 * definition of its own, pinned like any other, in place of the one whose plan it was; that one's buttons are void.
 */
export class PlanReviews {
  readonly #deps: PlanReviewDeps;

  constructor(deps: PlanReviewDeps) {
    this.#deps = deps;
  }

  /** Null when there is no such plan, or it has been answered. */
  async form(runId: string, by: string): Promise<PlanForm | Exclude<Control, 'done'>> {
    const found = await this.#open(runId, by);
    if (typeof found === 'string') return found;
    const { workflow, limits } = found.definition;
    return {
      runId,
      workflow,
      limits: limits ?? NO_LIMITS,
      candidates: ({ agent }) => {
        const { roles } = this.#deps.catalog;
        const output = roles.get(agent)?.output;
        return [...roles.values()].filter((role) => role.output === output).map(({ name }) => name);
      },
    };
  }

  /** Whether edits could be made; empty when they could. Changes nothing. */
  async check(runId: string, by: string, edits: PlanEdits): Promise<readonly EditProblem[]> {
    const found = await this.#open(runId, by);
    if (typeof found === 'string') return [];
    const edited = this.#edited(found.definition.workflow, edits);
    return edited.ok ? [] : edited.problems;
  }

  async edit(call: PlanCall, edits: PlanEdits, limits: PlanLimits): Promise<PlanChange> {
    return this.#replace(call, 'edit', null, ({ workflow, limits: before }) => {
      const edited = this.#edited(workflow, edits);
      if (!edited.ok) return edited;
      const changes = [...edited.changes, ...limitChanges(before ?? NO_LIMITS, dueAsBefore(before, limits))];
      return { ok: true, workflow: edited.workflow, changes, limits: dueAsBefore(before, limits) };
    });
  }

  /** Plans anew with what somebody said: read as edits as far as that goes, and told to every agent as it was said. */
  async sendBack(call: PlanCall, words: string): Promise<PlanChange> {
    const { catalog, redact } = this.#deps;
    const said = redact(words.trim());
    return this.#replace(call, 'send back', said, ({ workflow, limits = NO_LIMITS }) => {
      const known = { workflows: [...catalog.workflows.keys()], agents: [...catalog.roles.keys()] };
      const wish = readPlanWords(said, workflow, known);
      const other = wish.workflow === null ? undefined : catalog.workflows.get(wish.workflow);
      if (other !== undefined)
        return {
          ok: true,
          workflow: other,
          changes: [`${other.name} instead of ${workflow.name}`],
          limits,
          isOther: true,
        };
      const edited = this.#edited(workflow, wish.edits);
      // What cannot be met is not a reason to lose the words: the agents still get them, and the plan shows no change.
      return edited.ok ? { ...edited, limits } : { ok: true, workflow, changes: [], limits };
    });
  }

  /** Another workflow for the same request. */
  async choose(call: PlanCall, name: string): Promise<PlanChange> {
    const other = this.#deps.catalog.workflows.get(name);
    if (other === undefined) return { done: 'unknown' };
    return this.#replace(call, 'another plan', null, ({ workflow, limits = NO_LIMITS }) => ({
      ok: true,
      workflow: other,
      changes: [`${other.name} instead of ${workflow.name}`],
      limits,
      isOther: true,
    }));
  }

  /** The definition of a run, for whoever may save it. */
  async definitionOf(runId: string): Promise<SessionDefinition | null> {
    const run = await this.#deps.store.runs.status(runId);
    return sessionDefinitionSchema.safeParse(run?.spec.definition).data ?? null;
  }

  async #open(
    runId: string,
    by: string,
  ): Promise<
    { readonly session: Session; readonly definition: SessionDefinition } | Exclude<Control, 'done'>
  > {
    const { store } = this.#deps;
    const [session, run] = [await store.sessions.byRun(runId), await store.runs.status(runId)];
    if (session === null || run === null) return 'unknown';
    const no = await this.#deps.roles.steers(session, by);
    if (no !== null) return no;
    const answered = (await store.decisions.ofRun(runId)).some(({ id }) => id === planDecisionId(runId));
    if (answered) return session.currentRunId === runId ? 'already' : 'replaced';
    if (isTerminal(run.status)) return 'already';
    return { session, definition: sessionDefinitionSchema.parse(run.spec.definition) };
  }

  async #replace(
    call: PlanCall,
    choice: 'edit' | 'send back' | 'another plan',
    said: string | null,
    change: (
      definition: SessionDefinition,
    ) =>
      | ({ readonly ok: true } & Changed)
      | { readonly ok: false; readonly problems: readonly EditProblem[] },
  ): Promise<PlanChange> {
    const { store, engine, clock } = this.#deps;
    const { runId, by, intent } = call;
    const session = await store.sessions.byRun(runId);
    const run = await store.runs.status(runId);
    if (session === null || run === null) return { done: 'unknown' };
    const no = await this.#deps.roles.steers(session, by);
    if (no !== null) return { done: no };
    const next = derivedId('run', call.receivedAt, intent);
    const definition = sessionDefinitionSchema.parse(run.spec.definition);
    const changed = change(definition);
    if (!changed.ok) return { done: 'problems', problems: changed.problems };
    const spec = sessionSpec(this.#deps, session, next, {
      workflow: changed.workflow,
      limits: changed.limits,
      wanted: definition.wanted,
      pattern: changed.isOther === true ? undefined : definition.pattern,
      review: {
        by,
        changes: [...(definition.review?.changes ?? []), ...changed.changes],
        notes: [...(definition.review?.notes ?? []), ...(said === null ? [] : [said])],
      },
      autoStart: false,
      given: givenTo(run.spec),
    });
    const evidence = asJson({
      next,
      changes: [...changed.changes],
      said,
      before: run.spec.hash,
      after: spec.hash,
    });
    const reason = [...changed.changes, ...(said === null ? [] : [`“${said}”`])].join('; ') || 'Planned anew';
    const why = {
      kind: 'plan',
      actor: by,
      actorKind: 'person',
      choice,
      reason,
      alternatives: [],
      evidence,
    } as const;
    const stands = await this.#answer(runId, { ...why, id: planDecisionId(runId) }, isTerminal(run.status));
    if (stands !== null && nextOf(stands) !== next)
      return { done: session.currentRunId === runId ? 'already' : 'replaced' };
    if (stands === null) return { done: 'already' };
    const replaced = await store.sessions.replace({
      sessionId: session.id,
      from: runId,
      runId: next,
      spec,
      why: { ...why, id: `dec_workflow_${next}` },
      now: clock.now(),
    });
    if (!replaced) return { done: 'replaced' };
    engine.wake(next);
    await engine.cancel(runId, 'Another plan took its place');
    return { done: 'done' };
  }

  /** Of all answers to a plan the first one recorded stands: what it holds, or null when the run ended without one. */
  async #answer(
    runId: string,
    decision: Parameters<Store['decisions']['record']>[1],
    ended: boolean,
  ): Promise<Json | null> {
    const { store, clock } = this.#deps;
    const find = async () => (await store.decisions.ofRun(runId)).find(({ id }) => id === decision.id);
    const before = await find();
    if (before !== undefined) return before.evidence;
    if (ended) return null;
    await store.decisions.record(runId, decision, clock.now());
    return (await find())?.evidence ?? null;
  }

  #edited(workflow: Workflow, edits: PlanEdits): ReturnType<typeof editPlan> {
    const { catalog, interpreter } = this.#deps;
    const edited = editPlan(workflow, edits, (agent) => catalog.roles.get(agent)?.output ?? null);
    if (!edited.ok) return edited;
    for (const node of interpreter.walk(edited.workflow.flow)) {
      const issue = interpreter.find(node.kind)?.schema.safeParse(node).error?.issues[0];
      if (issue !== undefined)
        return {
          ok: false,
          problems: [{ field: 'off', message: `"${node.id}" would not work: ${issue.message}` }],
        };
    }
    return edited;
  }
}

const NO_LIMITS: PlanLimits = { budgetUsd: null, withinMs: null };

/** A time that the form only showed still counts from the request. */
function dueAsBefore(before: PlanLimits | undefined, after: PlanLimits): PlanLimits {
  if (before?.dueAt === undefined || before.withinMs === null || after.withinMs === null) return after;
  const isSame = durationText(before.withinMs) === durationText(after.withinMs);
  return isSame ? { ...after, withinMs: before.withinMs, dueAt: before.dueAt } : after;
}

function limitChanges(before: PlanLimits, after: PlanLimits): string[] {
  const changes: string[] = [];
  if (before.budgetUsd !== after.budgetUsd)
    changes.push(after.budgetUsd === null ? 'no budget' : `budget $${after.budgetUsd.toFixed(2)}`);
  if (before.withinMs !== after.withinMs)
    changes.push(after.withinMs === null ? 'no deadline' : `within ${durationText(after.withinMs)}`);
  return changes;
}

function nextOf(evidence: Json): Json {
  return typeof evidence === 'object' && evidence !== null && !Array.isArray(evidence)
    ? (evidence['next'] ?? null)
    : null;
}
