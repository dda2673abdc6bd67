import { type AgentRole, toolEffects } from '../domain/agent.ts';
import { durationText } from '../domain/duration.ts';
import type { DiffStat } from '../domain/events.ts';
import { BatonError, type Failure, toFailure } from '../domain/failure.ts';
import { emptyHandoff, type Handoff } from '../domain/handoff.ts';
import type { Json } from '../domain/json.ts';
import { BUDGET_DELIVERED } from '../domain/run-view.ts';
import { startsAt } from '../domain/workflow.ts';
import { INTERPRETER_VERSION, type Interpreter } from '../patterns/interpreter.ts';
import type { Flow, NamedBody, Operation, Program } from '../ports/flow.ts';
import type { Runner } from '../ports/runner.ts';
import type { RepositoryReport } from '../ports/workspace.ts';
import { budgetDelivered } from './budget/delivered.ts';
import {
  closeWorkspace,
  DELIVER_SIGNAL,
  deliverSignalSchema,
  inspectRepository,
  keepApproved,
  keepWork,
  makePlan,
  openWorkspace,
  PLAN_SIGNAL,
  type PlanLimits,
  planSignalSchema,
  SESSION_PROGRAM,
  type SessionDefinition,
  type SessionInput,
  sessionDefinitionSchema,
  sessionInputSchema,
  withdrawQuestions,
} from './contracts.ts';
import { allowChanges, type Kept, notTakenFailure } from './keep.ts';
import { partsOf } from './parts.ts';
import { permitFor } from './permit.ts';

/** A plan nobody answers is let go after this; the words to start it again are in the epic. */
const PLAN_PATIENCE_MS = 7 * 86_400_000;

/** What agents do with a tool that may change the worktree. */
const CHANGING: ReadonlySet<string> = new Set(['write', 'execute']);

/** The whole run of an epic: look, plan, ask, work, keep. Deterministic; every effect is a step. */
export function sessionProgram(interpreter: Interpreter, runnerFor: (role: AgentRole) => Runner): Program {
  return {
    name: SESSION_PROGRAM,
    version: INTERPRETER_VERSION,
    *run(definition, input, flow) {
      return yield* session(
        sessionDefinitionSchema.parse(definition),
        sessionInputSchema.parse(input),
        flow,
        interpreter,
        runnerFor,
      );
    },
  };
}

function* session(
  definition: SessionDefinition,
  input: SessionInput,
  flow: Flow,
  interpreter: Interpreter,
  runnerFor: (role: AgentRole) => Runner,
): Operation<Json> {
  const named = startsAt(definition.workflow, input.given);
  const report = yield* flow.step(
    'inspect',
    inspectRepository,
    { location: input.repository, ...(named === null ? {} : { commit: named.commit }) },
    { label: `reading ${input.repository}` },
  );
  if (!report.usable || report.head === null) {
    return yield* refused(flow, report.problem ?? 'The repository cannot be used');
  }
  const plan = yield* flow.step(
    'plan',
    makePlan,
    { definition, request: input.request, report },
    { label: 'planning' },
  );
  yield* flow.emit({ type: 'plan.ready', plan });
  if (!(yield* agreed(input, flow))) return { status: 'cancelled' };

  const opened = yield* flow.step(
    'open',
    openWorkspace,
    { location: input.repository, branch: input.branch, base: report.head },
    { label: 'making a worktree' },
  );
  yield* flow.emit({
    type: 'workspace.ready',
    branch: opened.branch,
    base: opened.base,
    sandbox: opened.sandbox,
  });
  const { flow: root } = definition.workflow;
  const runsCommands =
    definition.roles.some(({ tools }) => tools.includes('run')) ||
    [...interpreter.walk(root)].some(({ kind }) => kind === 'command');
  const permit = yield* permitFor({ ...opened, runsCommands, gated: input.gated, node: root.id }, flow);
  const kept: { state: Kept | null } = { state: null };
  const approved = (state: Kept | null): void => {
    kept.state = state;
  };
  const done = yield* attempt(
    bounded(definition, yield* timeLeft(definition.limits, flow), flow, (inner) =>
      interpreter.run(definition.workflow.flow, { ...emptyHandoff, result: input.given ?? null }, inner, {
        request: withNotes(input.request, definition.review?.notes ?? []),
        testCommand: report.testCommand,
        stream: null,
        steered: definition.steered === true,
        ...agentsOf(runnerFor)(definition.roles, (stream) => {
          if (stream === null) kept.state = null;
        }),
        admission: definition.admission === true,
        stepLimits: definition.stepLimits,
        permit,
        approved,
        child: partsOf({
          definition,
          input,
          place: {
            request: withNotes(input.request, definition.review?.notes ?? []),
            testCommand: report.testCommand,
            sandbox: opened.sandbox,
            allowUnsandboxed: opened.allowUnsandboxed,
          },
          approved,
        }),
      }),
    ),
  );
  // What nobody was asked about yet is asked about now, where the policy says so.
  const end =
    done.ok && input.gated && kept.state === null
      ? yield* attempt(
          flow.call('allow', function* (inner) {
            kept.state = yield* allowChanges(inner, root.id);
            return done.handoff;
          }),
        )
      : done;
  return yield* finish(flow, input, report, kept.state, end);
}

/** Milliseconds that are left for the work; null where nobody set a limit. */
function* timeLeft(limits: PlanLimits | undefined, flow: Flow): Operation<number | null> {
  const within = limits?.withinMs ?? null;
  if (within === null || limits?.dueAt === undefined) return within;
  return Math.max(0, limits.dueAt - (yield* flow.now('work-begins')));
}

/**
 * The work, until it is done, its time is up, or people take what is there. Runs that began before there was one or the
 * other are not bounded by it.
 */
function* bounded(
  { deliverable }: SessionDefinition,
  ms: number | null,
  flow: Flow,
  work: (inner: Flow) => Operation<Handoff>,
): Operation<Handoff> {
  const ends = [...(ms === null ? [] : [late(ms)]), ...(deliverable === true ? [delivered] : [])];
  if (ends.length === 0) return yield* flow.call('work', work);
  const name = ms === null ? 'until-delivered' : 'deadline';
  return (yield* flow.race(name, [{ name: 'work', run: work }, ...ends], () => BOUND)).value;
}

const BOUND = 'the time or the budget of the whole work ran out';

function late(ms: number): NamedBody<Handoff> {
  return {
    name: 'limit',
    *run(inner) {
      yield* inner.sleep('sleep', ms);
      throw new BatonError({
        class: 'terminal',
        code: 'deadline_passed',
        message: `It was not done within ${durationText(ms)}, the time its plan gave it`,
        hint: 'What was done so far is kept on the branch. Run it again with more time, or with less to do.',
      });
    },
  };
}

/** Its wait is idle: work in which everything waits for everything else must still learn so. */
const delivered: NamedBody<Handoff> = {
  name: 'delivered',
  *run(inner) {
    yield* inner.waitSignal('deliver', DELIVER_SIGNAL, deliverSignalSchema, { idle: true });
    throw new BatonError(budgetDelivered());
  },
};

/** What was said about the plan stands beside the request, for every agent. */
function withNotes(request: string, notes: readonly string[]): string {
  return notes.length === 0
    ? request
    : `${request}\n\nSaid about the plan:\n${notes.map((note) => `- ${note}`).join('\n')}`;
}

/** The agents of a run, and who is told when one of them may have changed files. */
export function agentsOf(runnerFor: (role: AgentRole) => Runner) {
  return (roles: readonly AgentRole[], changed: (stream: string | null) => void) => ({
    role: (name: string) => roleOf(roles, name),
    runner: (role: AgentRole) =>
      role.tools.some((tool) => CHANGING.has(toolEffects[tool]))
        ? // What is changed after an approval was not approved, and is not to be left out either.
          afterwards(runnerFor(role), changed)
        : runnerFor(role),
  });
}

/** The same runner, with something done each time it ends, however it does. */
function afterwards(runner: Runner, done: (stream: string | null) => void): Runner {
  return {
    *run(task, flow, guard) {
      try {
        return yield* runner.run(task, flow, guard);
      } finally {
        done(task.stream);
      }
    },
  };
}

/** Waits for Start or Cancel. */
function* agreed(input: SessionInput, flow: Flow): Operation<boolean> {
  if (input.autoStart) {
    yield* flow.emit({ type: 'plan.started', by: input.requester });
    return true;
  }
  const answer = yield* flow.waitSignalFor('plan-answer', PLAN_SIGNAL, planSignalSchema, PLAN_PATIENCE_MS);
  if (answer?.verdict === 'start') {
    yield* flow.emit({ type: 'plan.started', by: answer.by });
    return true;
  }
  const summary =
    answer === null
      ? 'Nobody started the plan within a week, so it was let go'
      : 'The plan was cancelled; nothing was changed';
  yield* flow.emit({
    type: 'result',
    status: 'cancelled',
    summary,
    branch: null,
    commit: null,
    diff: null,
    tests: null,
    ...(answer === null ? {} : { by: answer.by }),
  });
  return false;
}

function* refused(flow: Flow, problem: string): Operation<Json> {
  yield* flow.emit({
    type: 'result',
    status: 'failed',
    summary: problem,
    branch: null,
    commit: null,
    diff: null,
    tests: null,
  });
  throw new BatonError({
    class: 'terminal',
    code: 'repository_unusable',
    message: problem,
    hint: 'Nothing was started. Mend this, then run it again.',
  });
}

type End =
  | { readonly ok: true; readonly handoff: Handoff }
  | { readonly ok: false; readonly failure: Failure };

function* attempt(work: Operation<Handoff>): Operation<End> {
  try {
    return { ok: true, handoff: yield* work };
  } catch (error) {
    return { ok: false, failure: toFailure(error) };
  }
}

/** @param unfinished why the work is not done; null when it is */
export function commitMessage(input: SessionInput, unfinished: string | null): string {
  const title = input.request.split('\n')[0] ?? input.request;
  const state = unfinished === null ? '' : `\n\nUnfinished: ${unfinished}`;
  return `${title.slice(0, 70)}\n\nAsked by ${input.requester} in ${input.sessionId}, run ${input.runId}.${state}\n`;
}

/** What is on the branch in the end, and whether that is what was wanted. */
interface Finished {
  readonly at: number;
  readonly end: End;
  readonly kept: {
    readonly commit: string;
    readonly tree: string;
    readonly stat: DiffStat;
    readonly left?: readonly string[] | undefined;
  };
}

/**
 * Puts the approved tree on the branch, or the worktree as it is where nobody had to be asked. A yes that does not
 * hold any more puts nothing there as done: the work is kept as unfinished, and says why.
 */
function* keep(flow: Flow, input: SessionInput, approved: Kept | null, end: End): Operation<Finished> {
  const at = yield* flow.now('at');
  const options = { label: 'putting the work on its branch' };
  if (!end.ok || approved === null) {
    const message = commitMessage(input, end.ok ? null : end.failure.message);
    return { at, end, kept: yield* flow.step('keep', keepWork, { tree: null, message, at }, options) };
  }
  const message = commitMessage(input, null);
  const kept = yield* flow.step('keep', keepApproved, { ...approved, message, at }, options);
  if ('commit' in kept) return { at, end, kept };
  const failure = notTakenFailure(kept.notTaken);
  const unfinished = commitMessage(input, failure.message);
  return {
    at,
    end: { ok: false, failure },
    kept: yield* flow.step('keep-unfinished', keepWork, { tree: null, message: unfinished, at }, options),
  };
}

/** Says what a command changed after people had approved, as a sentence of its own; nothing where nothing was. */
function leftOff(paths: readonly string[]): string {
  if (paths.length === 0) return '';
  const more = paths.length > 3 ? ` and ${paths.length - 3} more` : '';
  return ` as it was approved. Changed after that, kept in the last snapshot and not on the branch: ${paths.slice(0, 3).join(', ')}${more}`;
}

/** Success or not, what was done is kept on the branch, and the worktree goes. */
function* finish(
  flow: Flow,
  input: SessionInput,
  report: RepositoryReport,
  approved: Kept | null,
  done: End,
): Operation<Json> {
  const { at, end, kept } = yield* keep(flow, input, approved, done);
  yield* flow.step('withdraw', withdrawQuestions, { at }, { label: 'tidying up' });
  yield* flow.step('close', closeWorkspace, {}, { label: 'tidying up' });
  yield* flow.emit({
    type: 'result',
    status: end.ok ? 'completed' : end.failure.code === BUDGET_DELIVERED ? 'delivered' : 'failed',
    summary: end.ok ? `The work is on ${input.branch}${leftOff(kept.left ?? [])}` : end.failure.message,
    branch: input.branch,
    commit: kept.commit,
    diff: kept.stat,
    tests: null,
    detail: { repository: report.name, tree: kept.tree, hint: end.ok ? null : (end.failure.hint ?? null) },
  });
  if (!end.ok) throw new BatonError(end.failure);
  return { status: 'completed', branch: input.branch, commit: kept.commit, tree: kept.tree };
}

function roleOf(roles: readonly AgentRole[], name: string): AgentRole {
  const role = roles.find((each) => each.name === name);
  if (role === undefined)
    throw new BatonError({
      class: 'structural',
      code: 'agent_unknown',
      message: `The workflow asks for the agent "${name}", which the run does not hold`,
    });
  return role;
}
