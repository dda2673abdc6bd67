import { z } from 'zod';
import { type AgentTask, agentTaskSchema } from '../../domain/agent.ts';
import type { KeptNote } from '../../domain/agent-note.ts';
import { BatonError } from '../../domain/failure.ts';
import type { RetryPolicy } from '../../domain/retry.ts';
import type { RunnerSettings } from '../../domain/runner-settings.ts';
import { programUsage } from '../../domain/usage.ts';
import { type Activity, contract, implement } from '../../ports/activity.ts';
import type { Flow } from '../../ports/flow.ts';
import type { Runner } from '../../ports/runner.ts';
import { cancelled } from '../cancelled.ts';
import { capReached, resultInvalid } from '../guards.ts';
import { promptForProgram } from '../prompt.ts';
import { parseResult, resultFormat } from '../results.ts';
import { type ProgramDependencies, settingsOf } from './acp-activity.ts';
import { commandOf } from './model-broker.ts';
import { awaitNeeded, type Needed, neededSchema } from './needs.ts';
import { notesFor } from './notes.ts';

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
  z.object({ runner: z.string(), task: agentTaskSchema, needed: z.array(neededSchema).exactOptional() }),
  z.object({
    answer: z.string(),
    /** `time`: it was ended because its time was up. */
    ended: z.enum(['by itself', 'time']),
    durationMs: z.number(),
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
      for (let workedMs = 0; ; ) {
        const done = yield* start(runner, withTimeLeft(task, workedMs), needed, flow);
        workedMs += done.durationMs;
        if (done.ended === 'time') stopAt(task, task.limits.timeoutMs);
        const more = yield* awaitNeeded(done.answer, needed, guard, flow);
        if (more === null) {
          const parsed = parseResult(task.output, done.answer);
          if (!parsed.ok) throw new BatonError(resultInvalid(parsed.problem));
          return parsed.value;
        }
        needed.push(more);
        stopAt(task, workedMs);
      }
    },
  };
}

function start(runner: string, task: AgentTask, needed: readonly Needed[], flow: Flow) {
  const told = needed.length === 0 ? {} : { needed: [...needed] };
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

function stopAt({ limits }: AgentTask, workedMs: number): void {
  const reached = capReached({ turns: 0, tokens: 0, workedMs }, limits);
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

/** Implements `program.run`. */
export function programActivity(deps: ProgramDependencies): Activity {
  const { redact } = deps;
  return implement(programContract, async ({ runner, task, needed = [] }, context) => {
    const settings = settingsOf(deps.runners, runner);
    const workspace = await deps.workspaceOf(context.runId, task.stream);
    const argv = [settings.command, ...settings.args];
    // It remembers nothing of when it was started before: whatever is for it is new to it.
    const notes = await notesFor(deps, { runId: context.runId, agent: task.role.name, node: task.node });
    const answer: Buffer[] = [];
    let bytes = 0;
    const flood = new AbortController();
    const program = await workspace.start({
      ...(await commandOf(settings, deps.broker)),
      environment: settings.env,
      timeoutMs: task.limits.timeoutMs,
      signal: AbortSignal.any([context.signal, flood.signal]),
      allowUnsandboxed: await deps.allowUnsandboxed({
        runId: context.runId,
        stream: task.stream,
        argv,
        key: context.idempotencyKey,
      }),
      hear: (chunk) => {
        bytes += chunk.length;
        if (bytes > MAX_ANSWER_BYTES) flood.abort();
        else answer.push(chunk);
      },
    });
    program.say(`${redact(inputOf(task, needed, notes))}\n`);
    program.finish();
    const { exitCode, ended, output, durationMs } = await program.done;
    context.use(programUsage(task.role.name, runner, durationMs, null));
    if (context.signal.aborted) throw cancelled(context.signal);
    const words = redact(output).trim().slice(-REASON_CHARS);
    if (ended !== 'timeout' && (ended !== null || exitCode !== 0))
      throw new BatonError({
        class: 'terminal',
        code: 'runner_failed',
        message: `The program of the runner “${runner}” ${howItEnded(ended, exitCode)}.${words === '' ? '' : ` It said: ${words}`}`,
        hint: 'What it wrote is kept in the worktree.',
      });
    return {
      answer: redact(Buffer.concat(answer).toString('utf8')),
      ended: ended === 'timeout' ? ('time' as const) : ('by itself' as const),
      durationMs,
    };
  });
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
