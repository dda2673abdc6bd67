import { z } from 'zod';
import type { KeptNote } from '../../domain/agent-note.ts';
import { BatonError, type Failure } from '../../domain/failure.ts';
import type { RunnerSettings } from '../../domain/runner-settings.ts';
import { programUsage } from '../../domain/usage.ts';
import { type Activity, contract, implement, type StepContext } from '../../ports/activity.ts';
import type { Clock } from '../../ports/clock.ts';
import type { GuidanceStore } from '../../ports/guidance.ts';
import type { Redact } from '../../ports/redactor.ts';
import type { Program, Workspace } from '../../ports/workspace.ts';
import { cancelled } from '../cancelled.ts';
import { notesText } from '../prompt.ts';
import { answerSchema, askSchema } from './acp-protocol.ts';
import { AcpBroken, AcpSession, type Turn } from './acp-session.ts';
import { commandOf, type ModelBroker } from './model-broker.ts';
import { notesFor } from './notes.ts';

/** Milliseconds for a program to start and say hello; some download nothing but load a lot. */
const GREETING_MS = 60_000;
/** Milliseconds in which nobody asks for the next turn, after which its process is ended and later begun anew. */
const IDLE_MS = 15 * 60_000;
/** Milliseconds to tell how far it has come, once asked to stop. */
const CANCEL_MS = 3_000;

const exchangeInputSchema = z.object({
  node: z.string(),
  agent: z.string(),
  stream: z.string().nullable(),
  runner: z.string(),
  /** One task of one agent: unique in its run. */
  conversation: z.string(),
  /** What a new process is told, and what had been done before it began. */
  opening: z.string(),
  done: z.array(z.string()),
  /** What the process is told now, when it waits for the next word. */
  say: z.string().nullable(),
  answers: z.array(answerSchema),
  /** Ids of other agents' notes that this conversation has read already. */
  heard: z.array(z.string()).default([]),
  may: z.object({ read: z.boolean(), write: z.boolean(), run: z.boolean() }),
  /** Milliseconds of work left to it. */
  leftMs: z.number(),
});

/** Ids of the notes that it was told with this exchange; absent where there were none. */
const heardSchema = z.array(z.string()).exactOptional();

const exchangeOutputSchema = z.discriminatedUnion('status', [
  z.object({
    status: z.literal('asks'),
    asks: z.array(askSchema),
    /** What it told of its own tools, in its words. */
    seen: z.array(z.string()),
    durationMs: z.number(),
    heard: heardSchema,
  }),
  z.object({
    status: z.literal('ended'),
    /** As the protocol names it; `time`: its time was up. */
    reason: z.string(),
    text: z.string(),
    seen: z.array(z.string()),
    durationMs: z.number(),
    heard: heardSchema,
  }),
]);
export type ExchangeOutput = z.infer<typeof exchangeOutputSchema>;

/** Answers a coding agent and hears it out until it asks again or has ended. */
export const exchangeContract = contract('acp.exchange', exchangeInputSchema, exchangeOutputSchema);
/** Ends an agent's process. */
export const farewellContract = contract(
  'acp.farewell',
  z.object({ conversation: z.string() }),
  z.object({}),
);
type ExchangeInput = z.infer<typeof exchangeInputSchema>;

export interface ProgramDependencies {
  readonly runners: Readonly<Record<string, RunnerSettings>>;
  readonly workspaceOf: (runId: string, stream: string | null) => Promise<Workspace>;
  readonly allowUnsandboxed: (call: {
    readonly runId: string;
    readonly stream: string | null;
    readonly argv: readonly string[];
    readonly key: string;
  }) => Promise<boolean>;
  readonly redact: Redact;
  readonly clock: Clock;
  readonly broker: ModelBroker;
  /** What agents of a run told one another. */
  readonly guidance: Pick<GuidanceStore, 'notes'>;
}

interface Live {
  readonly session: AcpSession;
  /** Ends the process and waits until it is gone. */
  readonly end: () => Promise<void>;
  restIdle: () => void;
}

/**
 * Implements the conversation with agents that speak ACP. A process lives between the steps of its task; when it is
 * gone (Baton was restarted, or it waited too long for a person), a new one is told what was done so far.
 */
export function acpActivities(deps: ProgramDependencies): Activity[] {
  const live = new Map<string, Live>();

  const drop = async (conversation: string) => {
    const one = live.get(conversation);
    live.delete(conversation);
    one?.restIdle();
    await one?.end();
  };

  return [
    implement(exchangeContract, async (input, context) => {
      const conversation = `${context.runId}/${input.conversation}`;
      const started = deps.clock.monotonic();
      const known = live.get(conversation);
      known?.restIdle();
      const fresh = known === undefined || !known.session.alive;
      if (fresh) await drop(conversation);
      try {
        const one = fresh ? await begin(deps, input, context) : known;
        live.set(conversation, one);
        const told = await notesNow(deps, input, context.runId, fresh);
        if (fresh) one.session.prompt(deps.redact(openingOf(input, notesText(told))));
        else {
          for (const answer of input.answers) one.session.answer(answer);
          if (input.say !== null) one.session.prompt(deps.redact(joined(input.say, notesText(told))));
        }
        const turn = await listen(deps, one.session, input.leftMs, context.signal);
        one.restIdle = deps.clock.after(IDLE_MS, () => void drop(conversation));
        const output = cleaned(turn, deps.redact);
        const durationMs = Math.max(0, deps.clock.monotonic() - started);
        // Once for each word to it, rather than for each thing it asks on the way.
        if (turn.status === 'ended')
          context.use(programUsage(input.agent, input.runner, durationMs, turn.tokens));
        const heard = told.map(({ id }) => id);
        return { ...output, durationMs, ...(heard.length === 0 ? {} : { heard }) };
      } catch (error) {
        await drop(conversation);
        if (context.signal.aborted) throw cancelled(context.signal);
        throw error instanceof AcpBroken
          ? new BatonError(broken(input.runner, deps.redact(error.message), error.overLimit))
          : error;
      }
    }),
    implement(farewellContract, async ({ conversation }, { runId }) => {
      await drop(`${runId}/${conversation}`);
      return {};
    }),
  ];
}

/** What other agents left for it is told with the next word to it; a new process is told all of it, having heard nothing. */
async function notesNow(
  deps: ProgramDependencies,
  { agent, node, heard, say }: ExchangeInput,
  runId: string,
  fresh: boolean,
): Promise<KeptNote[]> {
  if (!fresh && say === null) return [];
  return notesFor(deps, { runId, agent, node, ...(fresh ? {} : { heard }) });
}

function joined(...parts: readonly (string | null)[]): string {
  return parts.filter((part) => part !== null).join('\n\n');
}

function openingOf({ opening, done, say }: ExchangeInput, notes: string | null): string {
  const parts = [opening];
  if (notes !== null) parts.push(notes);
  if (done.length > 0) {
    const list = done.map((line) => `- ${line}`).join('\n');
    parts.push(
      `This work was interrupted and goes on now. What had been done is in the worktree; look before you do it again:\n${list}`,
    );
  }
  if (say !== null) parts.push(say);
  return parts.join('\n\n');
}

async function begin(deps: ProgramDependencies, input: ExchangeInput, context: StepContext): Promise<Live> {
  const settings = settingsOf(deps.runners, input.runner);
  const workspace = await deps.workspaceOf(context.runId, input.stream);
  const argv = [settings.command, ...settings.args];
  const started = await commandOf(settings, deps.broker);
  const over = new AbortController();
  const allowUnsandboxed = await deps.allowUnsandboxed({
    runId: context.runId,
    stream: input.stream,
    argv,
    key: context.idempotencyKey,
  });
  let program: Program | null = null;
  const end = async () => {
    over.abort();
    await program?.done.catch(() => undefined);
  };
  const giveUp = () => over.abort();
  const stopTimer = deps.clock.after(GREETING_MS, giveUp);
  context.signal.addEventListener('abort', giveUp, { once: true });
  try {
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
    });
    return { session, end, restIdle: () => undefined };
  } catch (error) {
    await end();
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

export function settingsOf(runners: ProgramDependencies['runners'], name: string): RunnerSettings {
  const settings = runners[name];
  if (settings !== undefined) return settings;
  throw new BatonError({
    class: 'needs_person',
    code: 'runner_unknown',
    message: `There is no runner “${name}” in baton.yaml any more, and this run began with it.`,
    hint: 'Put it back under `runners:`, restart Baton, then choose Retry.',
  });
}

/** Until it asks, ends, or its time is up; then it is asked to stop, and its process is ended by whoever called. */
async function listen(
  { clock }: ProgramDependencies,
  session: AcpSession,
  leftMs: number,
  signal: AbortSignal,
): Promise<Turn> {
  const late = new AbortController();
  const stopTimer = clock.after(Math.max(0, leftMs), () => late.abort());
  try {
    return await session.next(AbortSignal.any([signal, late.signal]));
  } catch (error) {
    if (!late.signal.aborted || signal.aborted) throw error;
  } finally {
    stopTimer();
  }
  session.cancel();
  const grace = new AbortController();
  const stopGrace = clock.after(CANCEL_MS, () => grace.abort());
  const last = await session.next(AbortSignal.any([signal, grace.signal])).catch(() => null);
  stopGrace();
  const seen = last?.seen ?? [];
  return { status: 'ended', reason: 'time', text: '', seen, tokens: null };
}

function cleaned(turn: Turn, redact: Redact) {
  const seen = turn.seen.map(redact);
  if (turn.status === 'ended')
    return { status: turn.status, reason: turn.reason, text: redact(turn.text), seen };
  const asks = turn.asks.map((ask) => {
    switch (ask.kind) {
      case 'write':
        return { ...ask, content: redact(ask.content) };
      case 'run':
        return { ...ask, argv: ask.argv.map(redact) };
      case 'permit':
        return {
          ...ask,
          title: redact(ask.title),
          command: ask.command === null ? null : redact(ask.command),
        };
      case 'read':
        return ask;
      default:
        return ask satisfies never;
    }
  });
  return { status: turn.status, asks, seen };
}

/** Tried again with a new process, which is told what was done; but for one that took more than it may, as any program. */
function broken(runner: string, why: string, overLimit: boolean): Failure {
  return {
    class: overLimit ? 'terminal' : 'transient',
    code: overLimit ? 'runner_failed' : 'runner_ended',
    message: `The agent program of the runner “${runner}” stopped in the middle of its work: ${why}.`,
    hint: 'What it wrote is kept in the worktree.',
  };
}
