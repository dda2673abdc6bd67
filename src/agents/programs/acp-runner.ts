import type { AgentResult, AgentTask } from '../../domain/agent.ts';
import { BatonError, type Failure } from '../../domain/failure.ts';
import type { RetryPolicy } from '../../domain/retry.ts';
import type { RunnerSettings } from '../../domain/runner-settings.ts';
import type { Flow, Operation } from '../../ports/flow.ts';
import type { Guard, Runner } from '../../ports/runner.ts';
import { type ToolCallOutput, toolCallContract } from '../activities.ts';
import { splitCommandLine } from '../command-line.ts';
import { capReached, MAX_REPAIRS, resultInvalid } from '../guards.ts';
import { promptForProgram } from '../prompt.ts';
import { parseResult } from '../results.ts';
import { createWatch, type Watch } from '../watch.ts';
import { type ExchangeOutput, exchangeContract, farewellContract } from './acp-activity.ts';
import { choose, refusalOf } from './acp-permission.ts';
import type { Answer, Ask } from './acp-protocol.ts';
import { awaitNeeded, type Needed } from './needs.ts';
import { addSpent, nothingSpent, type TaskSpent } from './reports.ts';

/** A process that breaks down is begun anew once; then people are asked. */
const EXCHANGE_RETRY: RetryPolicy = { tries: 2, baseMs: 1_000, maxMs: 10_000 };
const TOOL_RETRY: RetryPolicy = { tries: 3, baseMs: 500, maxMs: 5_000 };
/** Milliseconds beyond its own limit that a step waits, to hear how it ended. */
const GRACE_MS = 60_000;
const FILE_TIMEOUT_MS = 60_000;
const RUN_SECONDS = 600;
/** Requests of one task per allowed turn: programs read file by file. */
const ASKS_PER_TURN = 16;
/** What a new process is told of the work of an interrupted one. */
const MAX_DONE = 60;

interface Talk {
  readonly runner: string;
  readonly settings: RunnerSettings;
  readonly task: AgentTask;
  readonly guard: Guard;
  readonly watch: Watch;
  readonly done: string[];
  /** Ids of other agents' notes that it was told. */
  readonly heard: string[];
  answers: Answer[];
  say: string | null;
  exchanges: number;
  asks: number;
  repairs: number;
  readonly needed: Needed[];
  workedMs: number;
  spent: TaskSpent;
}

/**
 * A coding agent that speaks the Agent Client Protocol. What it asks of us (files, commands, permissions) is carried out
 * as steps of the run, like the calls of Baton's own tools and under the same rules; what it does with tools of its own
 * stays within the sandbox.
 */
export function createAcpRunner(runner: string, settings: RunnerSettings): Runner {
  return {
    *run(task, flow, guard) {
      const talk: Talk = {
        runner,
        settings,
        task,
        guard,
        watch: createWatch(task.limits.idleTurns ?? null),
        done: [],
        heard: [],
        answers: [],
        say: null,
        exchanges: 0,
        asks: 0,
        repairs: 0,
        needed: [],
        workedMs: 0,
        spent: nothingSpent,
      };
      const end = yield* attempt(converse(talk, flow));
      yield* flow.step(
        'farewell',
        farewellContract,
        { conversation: flow.path },
        { label: 'saying goodbye' },
      );
      if (!end.ok) throw end.error;
      return end.value;
    },
  };
}

type End =
  | { readonly ok: true; readonly value: AgentResult }
  | { readonly ok: false; readonly error: unknown };

function* attempt(work: Operation<AgentResult>): Operation<End> {
  try {
    return { ok: true, value: yield* work };
  } catch (error) {
    return { ok: false, error };
  }
}

function fail(failure: Failure): never {
  throw new BatonError(failure);
}

function* converse(talk: Talk, flow: Flow): Operation<AgentResult> {
  const { task, guard, settings } = talk;
  const refusal = yield* guard.command([settings.command, ...settings.args], flow);
  if (refusal !== null) fail(notAllowed(talk.runner, refusal));
  for (;;) {
    const heard = yield* exchange(talk, flow);
    talk.workedMs += heard.durationMs;
    talk.spent = addSpent(talk.spent, heard.spent ?? nothingSpent);
    remember(talk, heard.seen);
    talk.heard.push(...(heard.heard ?? []).filter((id) => !talk.heard.includes(id)));
    talk.answers = [];
    talk.say = null;
    if (heard.status === 'asks') {
      for (const ask of heard.asks) talk.answers.push(yield* answer(talk, flow, ask));
      continue;
    }
    const failure = endedBadly(talk, heard.reason);
    if (failure !== null) fail(failure);
    const needed = yield* awaitNeeded(heard.text, talk.needed, guard, flow);
    if (needed !== null) {
      talk.needed.push(needed);
      // Its process may not outlive the wait: a new one hears of it, too.
      remember(talk, [`asked for the task ${needed.task}: ${needed.answer}`]);
      talk.say = `${needed.answer} Go on with your task.`;
      continue;
    }
    const parsed = parseResult(task.output, heard.text);
    if (parsed.ok) return parsed.value;
    if (talk.repairs >= MAX_REPAIRS) fail(resultInvalid(parsed.problem));
    talk.repairs += 1;
    talk.say = `${parsed.problem} If work is left, do it. Then answer with exactly one JSON object of the schema and nothing else.`;
  }
}

function* exchange(talk: Talk, flow: Flow): Operation<ExchangeOutput> {
  const { node, role, stream, limits } = talk.task;
  // In the middle of a turn its calls are held one by one: it may well end without another.
  const spent = talk.say === null ? nothingSpent : talk.spent;
  const reached = capReached({ ...spent, workedMs: talk.workedMs }, limits);
  if (reached !== null) fail(reached);
  if (talk.asks > limits.turns * ASKS_PER_TURN) fail(tooMuch(talk.asks));
  talk.exchanges += 1;
  const leftMs = limits.timeoutMs - talk.workedMs;
  return yield* flow.step(
    `exchange-${talk.exchanges}`,
    exchangeContract,
    {
      node,
      agent: role.name,
      stream,
      runner: talk.runner,
      conversation: flow.path,
      opening: promptForProgram(talk.task),
      done: [...talk.done],
      say: talk.say,
      answers: talk.answers,
      heard: [...talk.heard],
      may: {
        read: role.tools.includes('read'),
        write: role.tools.includes('write') || role.tools.includes('edit'),
        run: role.tools.includes('run'),
      },
      leftMs,
      limits,
      before: talk.spent,
    },
    { label: `working with ${talk.runner}`, retry: EXCHANGE_RETRY, timeoutMs: leftMs + GRACE_MS },
  );
}

function remember(talk: Talk, lines: readonly string[]): void {
  talk.done.push(...lines);
  talk.done.splice(0, Math.max(0, talk.done.length - MAX_DONE));
}

function endedBadly({ task, runner }: Talk, reason: string): Failure | null {
  switch (reason) {
    case 'time':
      return capReached({ turns: 0, tokens: 0, workedMs: task.limits.timeoutMs }, task.limits);
    case 'refusal':
      return {
        class: 'needs_person',
        code: 'model_refused',
        message: `The agent of the runner “${runner}” refused the task.`,
        hint: 'Say it in other words, or ask another agent.',
      };
    case 'cancelled':
      return {
        class: 'terminal',
        code: 'runner_gave_up',
        message: `The agent of the runner “${runner}” ended its turn as cancelled, though nobody cancelled it.`,
        hint: 'What it wrote is kept in the worktree.',
      };
    default:
      // An answer that its own limits cut short may still hold a result; if not, that is said.
      return null;
  }
}

function notAllowed(runner: string, why: string): Failure {
  return {
    class: 'terminal',
    code: 'runner_not_allowed',
    message: `The runner “${runner}” was not started. ${why}`,
    hint: 'Give this machine a sandbox (`baton doctor` says how), or allow it when you are asked.',
  };
}

function tooMuch(asks: number): Failure {
  return {
    class: 'terminal',
    code: 'turn_limit',
    message: `The agent asked for ${asks} things without coming to an end. What it wrote is kept in the worktree.`,
    hint: 'Ask for a smaller piece of work, or raise the limit of this step.',
  };
}

/** One ask, decided by our rules and carried out as a step. */
function* answer(talk: Talk, flow: Flow, ask: Ask): Operation<Answer> {
  talk.asks += 1;
  const name = `ask-${talk.asks}`;
  const { id } = ask;
  const refused = (why: string): Answer => ({ kind: 'refused', id, why });
  const no = refusalOf(ask, talk.task.role.tools);
  if (no !== null) return ask.kind === 'permit' ? choose(ask, false) : refused(no);
  if (ask.kind === 'permit') {
    const stop =
      ask.sort === 'execute' ? yield* talk.guard.command(words(ask.command ?? ask.title), flow) : null;
    return choose(ask, stop === null);
  }
  const call = callOf(ask);
  const found = talk.watch.called({ id: '', ...call });
  if (found?.do === 'stop') fail(found.failure);
  if (ask.kind === 'run') {
    const stop = yield* talk.guard.command(ask.argv, flow);
    if (stop !== null) return refused(stop);
  }
  const output = yield* flow.step(
    name,
    toolCallContract,
    {
      node: talk.task.node,
      agent: talk.task.role.name,
      stream: talk.task.stream,
      tool: call.name,
      arguments: call.arguments,
      plain: true,
      ...(ask.kind === 'run' ? { leftMs: talk.task.limits.timeoutMs - talk.workedMs } : {}),
    },
    {
      label: labelOf(ask),
      retry: TOOL_RETRY,
      timeoutMs: ask.kind === 'run' ? RUN_SECONDS * 1_000 + GRACE_MS : FILE_TIMEOUT_MS,
    },
  );
  talk.workedMs += output.durationMs;
  if (ask.kind !== 'read') remember(talk, [output.summary]);
  return told(ask, output);
}

function told(ask: Exclude<Ask, { kind: 'permit' }>, output: ToolCallOutput): Answer {
  const { id } = ask;
  if (ask.kind === 'run' && output.exitCode !== undefined)
    return { kind: 'ran', id, output: output.content, exitCode: output.exitCode };
  if (!output.ok) return { kind: 'refused', id, why: output.content };
  return ask.kind === 'read' ? { kind: 'content', id, text: output.content } : { kind: 'done', id };
}

function callOf(ask: Exclude<Ask, { kind: 'permit' }>): {
  readonly name: string;
  readonly arguments: string;
} {
  switch (ask.kind) {
    case 'read':
      return { name: 'read', arguments: JSON.stringify({ path: ask.path, from: ask.from, to: ask.to }) };
    case 'write':
      return { name: 'write', arguments: JSON.stringify({ path: ask.path, content: ask.content }) };
    case 'run':
      return { name: 'run', arguments: JSON.stringify({ argv: ask.argv, timeoutSeconds: RUN_SECONDS }) };
    default:
      return ask satisfies never;
  }
}

function labelOf(ask: Exclude<Ask, { kind: 'permit' }>): string {
  const text =
    ask.kind === 'run'
      ? `running ${ask.argv.join(' ')}`
      : `${ask.kind === 'read' ? 'reading' : 'writing'} ${ask.path}`;
  return text.replace(/\s+/g, ' ').slice(0, 70);
}

function words(line: string): string[] {
  const split = splitCommandLine(line);
  return split.ok && split.argv.length > 0 ? split.argv : ['sh', '-c', line];
}
