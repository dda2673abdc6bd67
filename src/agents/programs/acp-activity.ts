import { z } from 'zod';
import { agentTaskSchema } from '../../domain/agent.ts';
import type { KeptNote } from '../../domain/agent-note.ts';
import { BatonError, type Failure } from '../../domain/failure.ts';
import { type Activity, contract, implement } from '../../ports/activity.ts';
import type { Redact } from '../../ports/redactor.ts';
import { cancelled } from '../cancelled.ts';
import { notesText } from '../prompt.ts';
import { type AcpProcess, beginProcess, IDLE_MS } from './acp-process.ts';
import { answerSchema, askSchema } from './acp-protocol.ts';
import { AcpBroken, type AcpSession, type Turn } from './acp-session.ts';
import { notesFor } from './notes.ts';
import type { ProgramDependencies } from './program-dependencies.ts';
import { taskSpentSchema } from './reports.ts';

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
  /** The caps of its step, and what its task has used of them. */
  limits: agentTaskSchema.shape.limits,
  before: taskSpentSchema,
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
    /** Absent in steps of versions that did not count it. */
    spent: taskSpentSchema.exactOptional(),
  }),
  z.object({
    status: z.literal('ended'),
    /** As the protocol names it; `time`: its time was up. */
    reason: z.string(),
    text: z.string(),
    seen: z.array(z.string()),
    durationMs: z.number(),
    heard: heardSchema,
    /** Absent in steps of versions that did not count it. */
    spent: taskSpentSchema.exactOptional(),
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

/**
 * Implements the conversation with agents that speak ACP. A process lives between the steps of its task; when it is
 * gone (Baton was restarted, or it waited too long for a person), a new one is told what was done so far.
 */
export function acpActivities(deps: ProgramDependencies): Activity[] {
  const live = new Map<string, AcpProcess>();

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
        const one = fresh ? await beginProcess(deps, input, context) : known;
        live.set(conversation, one);
        const { session, spending } = one;
        spending.begin();
        if (fresh || input.say !== null) spending.turnBegan();
        const told = await notesNow(deps, input, context.runId, fresh);
        if (fresh) session.prompt(deps.redact(openingOf(input, notesText(told))));
        else {
          for (const answer of input.answers) session.answer(answer);
          if (input.say !== null) session.prompt(deps.redact(joined(input.say, notesText(told))));
        }
        const turn = await listen(deps, session, input.leftMs, context.signal);
        if (turn.status === 'ended') spending.turnEnded(turn.tokens);
        await spending.settled();
        one.restIdle = deps.clock.after(IDLE_MS, () => void drop(conversation));
        const durationMs = Math.max(0, deps.clock.monotonic() - started);
        const heard = told.map(({ id }) => id);
        const rest = {
          durationMs,
          spent: spending.enter((usage) => context.use(usage)),
          ...(heard.length === 0 ? {} : { heard }),
        };
        return { ...cleaned(turn, deps.redact), ...rest };
      } catch (error) {
        // Whatever it was doing for us, it will tell no more of it.
        const one = live.get(conversation);
        one?.spending.turnEnded(null);
        one?.spending.enter((usage) => context.use(usage));
        await drop(conversation);
        if (context.signal.aborted) throw cancelled(context.signal);
        throw error instanceof AcpBroken
          ? new BatonError(broken(input.runner, deps.redact(error.message), error.overLimit))
          : error;
      }
    }),
    implement(farewellContract, async ({ conversation }, context) => {
      const id = `${context.runId}/${conversation}`;
      live.get(id)?.spending.enter((usage) => context.use(usage));
      await drop(id);
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
