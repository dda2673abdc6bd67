import type { AgentTask } from '../../domain/agent.ts';
import { BatonError } from '../../domain/failure.ts';
import type { StepContext } from '../../ports/activity.ts';
import type { Program } from '../../ports/workspace.ts';
import { AcpBroken, type AcpOptions, AcpSession } from './acp-session.ts';
import { commandOf } from './model-broker.ts';
import { type ProgramDependencies, settingsOf } from './program-dependencies.ts';
import type { TaskSpent } from './reports.ts';
import { ProgramSpending } from './spending.ts';

/** Milliseconds for a program to start and say hello; some download nothing but load a lot. */
const GREETING_MS = 60_000;
/** Milliseconds in which nobody asks for the next turn, after which its process is ended and later begun anew. */
export const IDLE_MS = 15 * 60_000;

interface Wanted {
  readonly agent: string;
  readonly runner: string;
  readonly stream: string | null;
  readonly may: AcpOptions['may'];
  /** Milliseconds of work left to it. */
  readonly leftMs: number;
  readonly limits: AgentTask['limits'];
  /** What its task has used before. */
  readonly before: TaskSpent;
}

/** A coding agent that is there and waits for a word. */
export interface AcpProcess {
  readonly session: AcpSession;
  readonly spending: ProgramSpending;
  /** Ends the process and waits until it is gone. */
  readonly end: () => Promise<void>;
  restIdle: () => void;
}

/**
 * Starts the process of an agent and greets it.
 * @throws BatonError needs_person / `runner_unusable` where it does not take up its work
 */
export async function beginProcess(
  deps: ProgramDependencies,
  input: Wanted,
  context: StepContext,
): Promise<AcpProcess> {
  const settings = settingsOf(deps.runners, input.runner);
  const workspace = await deps.workspaceOf(context.runId, input.stream);
  const argv = [settings.command, ...settings.args];
  const allowUnsandboxed = await deps.allowUnsandboxed({
    runId: context.runId,
    stream: input.stream,
    argv,
    key: context.idempotencyKey,
  });
  const over = new AbortController();
  let opened: AcpSession | null = null;
  const spending = new ProgramSpending({
    money: deps.money,
    clock: deps.clock,
    runId: context.runId,
    agent: input.agent,
    runner: input.runner,
    limits: input.limits,
    before: input.before,
    stop: (why) => (opened === null ? over.abort() : opened.halt(why)),
  });
  let program: Program | null = null;
  let close = async (): Promise<void> => undefined;
  const end = async () => {
    over.abort();
    spending.end();
    await program?.done.catch(() => undefined);
    await close();
  };
  const giveUp = () => over.abort();
  const stopTimer = deps.clock.after(GREETING_MS, giveUp);
  context.signal.addEventListener('abort', giveUp, { once: true });
  try {
    const { close: closeWay, ...started } = await commandOf(settings, deps.broker, spending.passage);
    close = closeWay;
    const session = await AcpSession.open({
      start: async (hear) => {
        program = await workspace.start({
          ...started,
          environment: settings.env,
          timeoutMs: input.leftMs + IDLE_MS,
          signal: over.signal,
          allowUnsandboxed,
          hear,
        });
        return program;
      },
      root: workspace.info.path,
      may: input.may,
      onUsage: (tokens, usd) => spending.toldSoFar(tokens, usd),
    });
    opened = session;
    return { session, spending, end, restIdle: () => undefined };
  } catch (error) {
    await end();
    await spending.settled();
    if (!(error instanceof AcpBroken) || context.signal.aborted) throw error;
    throw new BatonError({
      class: 'needs_person',
      code: 'runner_unusable',
      message: `The agent program of the runner “${input.runner}” (${settings.command}) did not take up its work: ${deps.redact(error.message)}.`,
      hint: 'See that it is installed, that `reads:` names its files, and that it speaks ACP. Then choose Retry.',
    });
  } finally {
    stopTimer();
    context.signal.removeEventListener('abort', giveUp);
  }
}
