import { z } from 'zod';
import { type AgentTask, agentTaskSchema } from '../../domain/agent.ts';
import type { KeptNote } from '../../domain/agent-note.ts';
import { BatonError } from '../../domain/failure.ts';
import type { RetryPolicy } from '../../domain/retry.ts';
import type { RunnerSettings } from '../../domain/runner-settings.ts';
import { type Activity, contract, implement, type StepContext } from '../../ports/activity.ts';
import type { Flow } from '../../ports/flow.ts';
import type { Runner } from '../../ports/runner.ts';
import type { CommandResult } from '../../ports/workspace.ts';
import { cancelled } from '../cancelled.ts';
import { capReached, resultInvalid } from '../guards.ts';
import { promptForProgram } from '../prompt.ts';
import { parseResult, resultFormat } from '../results.ts';
import { commandOf } from './model-broker.ts';
import { awaitNeeded, type Needed, neededSchema } from './needs.ts';
import { notesFor } from './notes.ts';
import { type ProgramDependencies, settingsOf } from './program-dependencies.ts';
import { addSpent, nothingSpent, PrintedText, type TaskSpent, taskSpentSchema } from './reports.ts';
import { ProgramSpending } from './spending.ts';

/** Bytes of an answer: a result is a few sentences and lists. */
const MAX_ANSWER_BYTES = 1024 * 1024;
/** Milliseconds beyond its own limit that the step waits, to hear how it ended. */
const GRACE_MS = 30_000;
/** It may have worked for minutes: once more, then people are asked. */
const RETRY: RetryPolicy = { tries: 2, baseMs: 1_000, maxMs: 10_000 };
const REASON_CHARS = 600;

const programContract = contract(
  'program.run',
  /** `needed`: what it asked for when it was started before, within one task. */
  z.object({
    runner: z.string(),
    task: agentTaskSchema,
    needed: z.array(neededSchema).exactOptional(),
    /** What the task had used when it was started before. */
    before: taskSpentSchema.exactOptional(),
  }),
  z.object({
    answer: z.string(),
    /** `time`: it was ended because its time was up. */
    ended: z.enum(['by itself', 'time']),
    durationMs: z.number(),
    /** Absent in steps of versions that did not count it. */
    spent: taskSpentSchema.exactOptional(),
  }),
);

/**
 * Any program as an agent: it is given one JSON object on standard input, works in the worktree, and prints one JSON
 * object, its result. One step; a crash of Baton does it again, so the program looks at what is there.
 */
export function createCommandRunner(runner: string, settings: RunnerSettings): Runner {
  return {
    *run(task, flow, guard) {
      const refusal = yield* guard.command([settings.command, ...settings.args], flow);
      if (refusal !== null)
        throw new BatonError({
          class: 'terminal',
          code: 'runner_not_allowed',
          message: `The runner “${runner}” was not started. ${refusal}`,
          hint: 'Give this machine a sandbox (`baton doctor` says how), or allow it when you are asked.',
        });
      const needed: Needed[] = [];
      let spent = nothingSpent;
      for (let workedMs = 0; ; ) {
        const done = yield* start(runner, withTimeLeft(task, workedMs), { needed, before: spent }, flow);
        workedMs += done.durationMs;
        spent = addSpent(spent, done.spent ?? nothingSpent);
        if (done.ended === 'time') stopAt(task, nothingSpent, task.limits.timeoutMs);
        const more = yield* awaitNeeded(done.answer, needed, guard, flow);
        if (more === null) {
          const parsed = parseResult(task.output, done.answer);
          if (!parsed.ok) throw new BatonError(resultInvalid(parsed.problem));
          return parsed.value;
        }
        needed.push(more);
        stopAt(task, spent, workedMs);
      }
    },
  };
}

function start(
  runner: string,
  task: AgentTask,
  { needed, before }: { readonly needed: readonly Needed[]; readonly before: TaskSpent },
  flow: Flow,
) {
  const told = needed.length === 0 ? {} : { needed: [...needed], before };
  return flow.step(
    // The first one's name is that of versions in which there was no other.
    needed.length === 0 ? 'program' : `program-${needed.length + 1}`,
    programContract,
    { runner, task, ...told },
    { label: `working with ${runner}`, retry: RETRY, timeoutMs: task.limits.timeoutMs + GRACE_MS },
  );
}

/** Started once more it has what is left of its time; waiting for others does not count. */
function withTimeLeft(task: AgentTask, workedMs: number): AgentTask {
  if (workedMs === 0) return task;
  const timeoutMs = Math.max(1, Math.floor(task.limits.timeoutMs - workedMs));
  return { ...task, limits: { ...task.limits, timeoutMs } };
}

function stopAt({ limits }: AgentTask, spent: TaskSpent, workedMs: number): void {
  const reached = capReached({ ...spent, workedMs }, limits);
  if (reached !== null) throw new BatonError(reached);
}

/** What the program reads: version 1 of our own format, described in docs/runners.md. */
function inputOf(task: AgentTask, needed: readonly Needed[], notes: readonly KeptNote[]): string {
  const { node, role, request, context, previous, feedback, options, output, testCommand, limits } = task;
  return JSON.stringify({
    version: 1,
    node,
    agent: role.name,
    request,
    task: task.task,
    context,
    previous,
    feedback,
    options,
    others: task.others ?? [],
    needed,
    notes: notes.map(({ from, kind, text }) => ({ from, kind, text })),
    testCommand,
    limits,
    prompt: promptForProgram(
      task,
      needed.map(({ task: id, answer }) => `- ${id}: ${answer}`),
      notes,
    ),
    result: { kind: output, schema: resultFormat(output).schema },
  });
}

type Started = z.infer<typeof programContract.input>;

/** Implements `program.run`. */
export function programActivity(deps: ProgramDependencies): Activity {
  return implement(programContract, async (input, context) => {
    const { runner, task, before = nothingSpent } = input;
    const over = new AbortController();
    const { money, clock, redact } = deps;
    const spending = new ProgramSpending({
      money,
      clock,
      runId: context.runId,
      agent: task.role.name,
      runner,
      limits: task.limits,
      before,
      stop: () => over.abort(),
    });
    const printed = new PrintedText((call) => spending.toldCall(call));
    try {
      const { exitCode, ended, output, durationMs } = await carryOut(
        deps,
        input,
        { spending, printed, over },
        context,
      );
      const answer = redact(printed.end());
      spending.turnEnded(null);
      const spent = spending.enter((usage) => context.use(usage));
      if (context.signal.aborted) throw cancelled(context.signal);
      await spending.settled();
      const words = redact(output).trim().slice(-REASON_CHARS);
      if (ended !== 'timeout' && (ended !== null || exitCode !== 0))
        throw new BatonError({
          class: 'terminal',
          code: 'runner_failed',
          message: `The program of the runner “${runner}” ${howItEnded(ended, exitCode)}.${words === '' ? '' : ` It said: ${words}`}`,
          hint: 'What it wrote is kept in the worktree.',
        });
      return {
        answer,
        ended: ended === 'timeout' ? ('time' as const) : ('by itself' as const),
        durationMs,
        spent,
      };
    } finally {
      spending.end();
    }
  });
}

/** From its start to its end, however that comes. */
async function carryOut(
  deps: ProgramDependencies,
  { runner, task, needed = [] }: Started,
  heard: {
    readonly spending: ProgramSpending;
    readonly printed: PrintedText;
    readonly over: AbortController;
  },
  context: StepContext,
): Promise<CommandResult> {
  const settings = settingsOf(deps.runners, runner);
  // It remembers nothing of when it was started before: whatever is for it is new to it.
  const notes = await notesFor(deps, { runId: context.runId, agent: task.role.name, node: task.node });
  const workspace = await deps.workspaceOf(context.runId, task.stream);
  const { close, ...command } = await commandOf(settings, deps.broker, heard.spending.passage);
  let bytes = 0;
  try {
    const program = await workspace.start({
      ...command,
      environment: settings.env,
      timeoutMs: task.limits.timeoutMs,
      signal: AbortSignal.any([context.signal, heard.over.signal]),
      allowUnsandboxed: await deps.allowUnsandboxed({
        runId: context.runId,
        stream: task.stream,
        argv: [settings.command, ...settings.args],
        key: context.idempotencyKey,
      }),
      hear: (chunk) => {
        bytes += chunk.length;
        if (bytes > MAX_ANSWER_BYTES) heard.over.abort();
        else heard.printed.hear(chunk);
      },
    });
    heard.spending.begin();
    heard.spending.turnBegan();
    program.say(`${deps.redact(inputOf(task, needed, notes))}\n`);
    program.finish();
    return await program.done;
  } finally {
    await close();
  }
}

function howItEnded(ended: string | null, exitCode: number | null): string {
  switch (ended) {
    case null:
      return `ended with exit code ${exitCode}`;
    case 'cancelled':
      return 'answered with more than 1 MB and was stopped';
    default:
      return `was stopped: ${ended.replace('_', ' ')}`;
  }
}
