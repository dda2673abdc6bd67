import type { AgentResult, AgentTask, ResultKind, StepLimits } from '../domain/agent.ts';
import { durationMs } from '../domain/duration.ts';
import { type Failure, toFailure } from '../domain/failure.ts';
import type { Handoff } from '../domain/handoff.ts';
import type { RetryPolicy } from '../domain/retry.ts';
import type { Flow, Operation } from '../ports/flow.ts';
import { admitAgent } from '../ports/health.ts';
import { askPerson } from './ask-person.ts';
import { askTool } from './ask-tool.ts';
import { isFinalFailure } from './final.ts';
import type { RunContext } from './pattern.ts';

/** Caps of one agent's task unless the node sets its own: enough for a feature in a small repository. */
const DEFAULT_LIMITS = { turns: 40, tokens: 400_000, timeout: '20m' } as const;

/** A resting agent is asked again when its rest is over, as often as that takes within a working day. */
const ADMISSION_RETRY: RetryPolicy = { tries: 20, baseMs: 15_000, maxMs: 300_000 };
/** Terminal failures of a model's server or of the request, which another agent would meet too. */
const SERVERS_OWN: ReadonlySet<string> = new Set(['model_rejected', 'node_timeout', 'deadline_passed']);

/** Turns without a change and without news that are left to an agent that looks around. */
const IDLE_TURNS = 12;

/** One question to one agent. */
export interface Ask {
  /** The node's id: what the prompt and a cast know it by. */
  readonly node: string;
  /** Its line in the epic: the node's id, or `id:agent` where a node asks several. */
  readonly line: string;
  readonly agent: string;
  readonly task: string;
  readonly limits?: StepLimits | undefined;
  /** The role's own kind of result unless given. */
  readonly output?: ResultKind;
  /** What a vote or a route chooses from. */
  readonly options?: readonly string[];
}

/** Asks an agent and tells that it began and ended. The answer is typed by `output`; what it means is the pattern's. */
export function* askAgent(ask: Ask, input: Handoff, flow: Flow, context: RunContext): Operation<AgentResult> {
  const name = yield* admitted(ask, flow, context);
  const role = context.role(name);
  const { beside } = context;
  yield* flow.emit({ type: 'node.started', node: ask.line, kind: 'agent', agent: role.name });
  const work = context.runner(role).run(
    {
      node: ask.node,
      role,
      request: context.request,
      task: ask.task,
      context: input.context,
      previous: input.result,
      feedback: input.validation.findings,
      output: ask.output ?? role.output,
      options: [...(ask.options ?? [])],
      stream: context.stream,
      testCommand: context.testCommand === null ? null : [...context.testCommand],
      ...(beside === undefined ? {} : { others: beside.others.map((other) => ({ ...other })) }),
      limits: limitsOf(context.stepLimits, role.limits, ask.limits),
    },
    flow,
    {
      command: (argv, inner) => context.permit(argv, ask.node, inner),
      tool: (asked, inner) => askTool(asked, { node: ask.node, agent: role.name }, inner),
      ask: (question, inner) => askPerson(question, ask, inner),
      ...(beside === undefined ? {} : { need: (wanted, inner) => beside.need(wanted, inner) }),
    },
  );
  const result = yield* counted(work, { node: ask.node, agent: role.name, holder: flow.path }, flow);
  yield* flow.emit({
    type: 'node.finished',
    node: ask.line,
    agent: role.name,
    status: 'done',
    summary: result.summary,
  });
  return result;
}

/** What was said last goes before: the usual, baton.yaml, the role, the node. */
function limitsOf(
  settings: StepLimits | undefined,
  role: StepLimits | undefined,
  node: StepLimits | undefined,
): AgentTask['limits'] {
  const said = { ...DEFAULT_LIMITS, ...settings, ...role, ...node };
  const { turns, tokens, timeout, usd } = said;
  return {
    turns,
    tokens,
    timeoutMs: durationMs(timeout),
    ...(usd === undefined ? {} : { usd }),
    // A run that began before it was watched goes on without, or its replay would end where it did not.
    ...(settings === undefined ? {} : { idleTurns: said.idle_turns ?? IDLE_TURNS }),
  };
}

/** An agent that rests after failures, or was taken out of use, is not asked: its backup is. */
function* admitted(ask: Ask, flow: Flow, context: RunContext): Operation<string> {
  if (context.admission !== true) return ask.agent;
  const { backup } = context.role(ask.agent);
  const { agent } = yield* flow.step(
    'admit',
    admitAgent,
    { node: ask.node, agent: ask.agent, backup, holder: flow.path },
    { label: `waiting until ${ask.agent} works again`, retry: ADMISSION_RETRY },
  );
  return agent;
}

/** Tells how a task ended, for the agent's own health. */
function* counted(
  work: Operation<AgentResult>,
  about: { readonly node: string; readonly agent: string; readonly holder: string },
  flow: Flow,
): Operation<AgentResult> {
  try {
    const result = yield* work;
    yield* flow.emit({ type: 'agent.ended', ...about, outcome: 'success' });
    return result;
  } catch (error) {
    const failure = toFailure(error);
    const { code, message } = failure;
    const outcome = agentsOwn(failure) ? 'failure' : 'neither';
    yield* flow.emit({ type: 'agent.ended', ...about, outcome, failure: { code, message } });
    throw error;
  }
}

/** Failures that say that the agent did not manage, rather than its server, its machine or a person. */
function agentsOwn(failure: Failure): boolean {
  if (failure.class !== 'terminal' || isFinalFailure(failure)) return false;
  return !SERVERS_OWN.has(failure.code);
}
