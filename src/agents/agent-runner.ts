import type { AgentResult, AgentTask } from '../domain/agent.ts';
import { MAX_NOTES } from '../domain/agent-note.ts';
import { BatonError, type Failure, toFailure } from '../domain/failure.ts';
import type { RetryPolicy } from '../domain/retry.ts';
import { publishEvent } from '../ports/bus-activities.ts';
import type { Flow, Operation } from '../ports/flow.ts';
import type { Guard, Runner } from '../ports/runner.ts';
import { type ModelTurnOutput, modelTurnContract, toolCallContract } from './activities.ts';
import { compact } from './compaction.ts';
import {
  capReached,
  isLastTurn,
  MAX_CALLS_PER_TURN,
  MAX_REPAIRS,
  MAX_TRUNCATED,
  resultInvalid,
  truncated,
} from './guards.ts';
import { type CallCounts, callOffered, offerNote, offerOf, type ServerOffer } from './mcp/offered.ts';
import { buildPrompt } from './prompt.ts';
import { parseJsonObject, parseResult } from './results.ts';
import {
  createToolOffer,
  labelOf,
  NEED,
  needDefinition,
  type PreparedCall,
  prepareCall,
  prepareNeed,
} from './tools.ts';
import type { Message, ToolCallRequest, ToolDefinition } from './transcript.ts';
import { createWatch, type Watch } from './watch.ts';

export interface AgentRunnerOptions {
  /** Tokens of the transcript that a model is sent, as they are estimated. */
  readonly contextTokens?: number;
}

/** Fits the windows of today's models, with room for the tools' schemas and the answer. */
const CONTEXT_TOKENS = 60_000;
/** Tokens of one answer, reasoning included; also what the models in use all allow. */
const MAX_OUTPUT_TOKENS = 16_000;
/** Model servers are busy for minutes at times: waits of about 1, 2, 4 and 8 s, or what the server asks for. */
const MODEL_RETRY: RetryPolicy = { tries: 5, baseMs: 1_000, maxMs: 60_000 };
const TOOL_RETRY: RetryPolicy = { tries: 3, baseMs: 500, maxMs: 5_000 };
/** Milliseconds for one answer and the wait for its turn: a slow model takes minutes, a long queue half an hour. */
const MODEL_TIMEOUT_MS = 2_400_000;
/** Calls of one turn that the transcript keeps; and what servers take of names and ids when it comes back to them. */
const MAX_CALLS_TOLD = 32;
const NAME_CHARS = 64;
const ID_CHARS = 64;
const FILE_TIMEOUT_MS = 60_000;
/** A command ends itself at its own limit; the step waits a little longer, to hear of it. */
const COMMAND_GRACE_MS = 30_000;

/**
 * Carries out an agent's task as steps of a run: a step per model call, a step per tool call, everything else a
 * pure function of their results. A crash repeats the one step that was under way.
 */
export function createAgentRunner(options: AgentRunnerOptions = {}): Runner {
  const budget = options.contextTokens ?? CONTEXT_TOKENS;
  const toolsOf = createToolOffer();
  return {
    *run(task, flow, guard) {
      const offer = yield* offerOf(task, guard, flow);
      const result = yield* converse(newSession(task, guard, budget, offer, toolsOf(task.role.tools)), flow);
      return { ...result, warnings: [...result.warnings, ...offer.problems] };
    },
  };
}

/** The state of one conversation; changed only by the generator that owns it, so replay rebuilds it. */
interface Session {
  readonly task: AgentTask;
  readonly guard: Guard;
  readonly budget: number;
  readonly watch: Watch;
  readonly offer: ServerOffer;
  /** All it may call, as the model is told of it. */
  readonly tools: ToolDefinition[];
  readonly counts: CallCounts;
  messages: Message[];
  turns: number;
  tokens: number;
  usd: number;
  workedMs: number;
  repairs: number;
  truncations: number;
  told: boolean;
  /** Notes it has left for other agents. */
  notes: number;
  /** Ids of people's words that were read. */
  heard: string[];
}

function newSession(
  task: AgentTask,
  guard: Guard,
  budget: number,
  offer: ServerOffer,
  own: readonly ToolDefinition[],
): Session {
  return {
    task,
    guard,
    budget,
    watch: createWatch(task.limits.idleTurns ?? null),
    offer,
    tools: [...own, ...offer.tools.map(({ definition }) => definition)],
    counts: new Map(),
    messages: buildPrompt(task, offerNote(offer)),
    turns: 0,
    tokens: 0,
    usd: 0,
    workedMs: 0,
    repairs: 0,
    truncations: 0,
    told: false,
    notes: 0,
    heard: [],
  };
}

function* converse(session: Session, flow: Flow): Operation<AgentResult> {
  for (;;) {
    const reply = yield* modelTurn(session, flow);
    if (reply.finish === 'length') {
      answerTruncated(session, reply);
    } else if (reply.toolCalls.length > 0) {
      session.truncations = 0;
      session.repairs = 0;
      yield* toolCalls(session, flow, reply);
    } else {
      const parsed = parseResult(session.task.output, reply.text);
      if (parsed.ok) return parsed.value;
      askForRepair(session, reply, parsed.problem);
    }
  }
}

function fail(failure: Failure): never {
  throw new BatonError(failure);
}

function* modelTurn(session: Session, flow: Flow): Operation<ModelTurnOutput> {
  const { role, limits, node } = session.task;
  const reached = capReached(session, limits);
  if (reached !== null) fail(reached);
  const last = isLastTurn(session, limits);
  if (last && !session.told) {
    session.told = true;
    say(
      session,
      'You are nearly at your limit. Answer now, without calling a tool, with the JSON object of your result. Say in it what is missing.',
    );
  }
  const { messages, done } = compact(session.messages, session.budget);
  session.messages = messages;
  if (done !== null) yield* flow.emit({ type: 'context.compacted', node, agent: role.name, ...done });
  session.turns += 1;
  const reply = yield* flow.step(
    `turn-${session.turns}`,
    modelTurnContract,
    {
      node,
      agent: role.name,
      model: role.model,
      messages: session.messages,
      tools: session.guard.need === undefined ? session.tools : [...session.tools, needDefinition()],
      toolChoice: last || session.repairs === MAX_REPAIRS ? 'none' : 'auto',
      result: session.task.output,
      maxOutputTokens: Math.min(MAX_OUTPUT_TOKENS, Math.max(1, limits.tokens - session.tokens)),
      heard: session.heard,
    },
    { label: 'thinking', retry: MODEL_RETRY, timeoutMs: MODEL_TIMEOUT_MS },
  );
  for (const { id, text } of reply.heard ?? []) {
    session.heard = [...session.heard, id];
    say(session, text);
  }
  session.tokens += reply.tokens.input + reply.tokens.output;
  session.usd += reply.usd ?? 0;
  session.workedMs += reply.durationMs;
  return reply;
}

function say(session: Session, text: string): void {
  session.messages.push({ role: 'user', text });
}

/** Whatever a cut answer asked for is incomplete: none of it is carried out, and none of it is kept. */
function answerTruncated(session: Session, reply: ModelTurnOutput): void {
  session.truncations += 1;
  if (session.truncations >= MAX_TRUNCATED) fail(truncated);
  if (reply.text !== '') session.messages.push({ role: 'assistant', text: reply.text, toolCalls: [] });
  say(
    session,
    'Your answer was cut off at the length limit and nothing of it was carried out. Go on in smaller pieces: fewer calls per turn, and large files in several edits.',
  );
}

/**
 * Tools stay available for the first repair: an answer that only announces work is no result yet, and the model
 * may go on with it. The last repair turn allows only the result.
 */
function askForRepair(session: Session, reply: ModelTurnOutput, problem: string): void {
  if (session.repairs >= MAX_REPAIRS) fail(resultInvalid(problem));
  session.repairs += 1;
  session.messages.push({
    role: 'assistant',
    text: reply.text === '' ? '(no answer)' : reply.text,
    toolCalls: [],
  });
  say(
    session,
    `${problem} If work is left, call the tools for it. Otherwise answer with exactly one JSON object of the schema and nothing else.`,
  );
}

function* toolCalls(session: Session, flow: Flow, reply: ModelTurnOutput): Operation<void> {
  const calls = reply.toolCalls.slice(0, MAX_CALLS_TOLD).map((call, index) => ({
    id: call.id === '' || call.id.length > ID_CHARS ? `call-${session.turns}-${index + 1}` : call.id,
    name: call.name.replace(/[^\w-]/g, '_').slice(0, NAME_CHARS),
    arguments: parseableArguments(call.arguments),
  }));
  session.messages.push({ role: 'assistant', text: reply.text, toolCalls: calls });
  for (const [index, call] of calls.entries()) {
    const asked = reply.toolCalls[index] ?? call;
    const text =
      index >= MAX_CALLS_PER_TURN
        ? `Not carried out: at most ${MAX_CALLS_PER_TURN} calls go into one turn. Call again.`
        : yield* toolCall(session, flow, asked, `turn-${session.turns}-call-${index + 1}`);
    session.messages.push({ role: 'tool', callId: call.id, name: call.name, text });
  }
  if (reply.toolCalls.length > calls.length)
    say(session, `Not carried out: ${reply.toolCalls.length - calls.length} more calls of this turn.`);
  const found = session.watch.turnEnded();
  if (found?.do === 'stop') fail(found.failure);
  if (found?.do === 'warn') say(session, found.text);
}

/** Servers parse arguments again when the transcript comes back to them, and fail on what is not JSON. */
function parseableArguments(text: string): string {
  return parseJsonObject(text) === undefined ? JSON.stringify({ unreadable: text.slice(0, 300) }) : text;
}

/** One call: refused with a reason, or carried out as a step. Returns the text for the model. */
function* toolCall(session: Session, flow: Flow, call: ToolCallRequest, name: string): Operation<string> {
  const found = session.watch.called(call);
  if (found?.do === 'stop') fail(found.failure);
  const text = yield* answerCall(session, flow, call, name);
  session.watch.answered(call, text);
  return found === null ? text : `${text}\n\n${found.text}`;
}

/** By a server's tool where it is one; else by Baton's own. */
function* answerCall(session: Session, flow: Flow, call: ToolCallRequest, name: string): Operation<string> {
  const { tools } = session.offer;
  const offered = tools.find(({ definition }) => definition.name === call.name);
  if (offered !== undefined) {
    const { text, workedMs } = yield* callOffered(session, offered, call.arguments, flow, name);
    session.workedMs += workedMs;
    return text;
  }
  if (call.name === NEED && session.guard.need !== undefined) {
    const asked = prepareNeed(call.arguments);
    return asked.ok ? yield* session.guard.need(asked.wanted, flow) : asked.problem;
  }
  const prepared = prepareCall(call.name, call.arguments, session.task.role.tools);
  return prepared.ok ? yield* carryOut(session, flow, call, prepared.call, name) : prepared.problem;
}

/** As a step of its own; a command only after the guard, which may have a person decide, let it pass. */
function* carryOut(
  session: Session,
  flow: Flow,
  call: ToolCallRequest,
  prepared: PreparedCall,
  name: string,
): Operation<string> {
  const { role, node, stream, limits } = session.task;
  if (prepared.tool === 'run') {
    const refusal = yield* session.guard.command(prepared.argv, flow);
    if (refusal !== null) return refusal;
  }
  if (prepared.tool === 'ask') return yield* session.guard.ask(prepared, flow);
  if (prepared.tool === 'emit') return yield* publish(session, flow, prepared, name);
  if (prepared.tool === 'tell') return yield* leaveNote(session, flow, prepared);
  const output = yield* flow.step(
    name,
    toolCallContract,
    {
      node,
      agent: role.name,
      stream,
      tool: call.name,
      arguments: call.arguments,
      ...(prepared.tool === 'run' ? { leftMs: limits.timeoutMs - session.workedMs } : {}),
    },
    { label: labelOf(prepared), retry: TOOL_RETRY, timeoutMs: timeoutOf(prepared) },
  );
  session.workedMs += output.durationMs;
  return output.content;
}

/** An event of the run and no step: it is kept in the turn that it was asked for in, and read by whoever works next. */
function* leaveNote(
  session: Session,
  flow: Flow,
  { to, kind, text }: Extract<PreparedCall, { tool: 'tell' }>,
): Operation<string> {
  const { role, node } = session.task;
  if (session.notes >= MAX_NOTES)
    return `Not told: one piece of work leaves at most ${MAX_NOTES} notes. Put the rest into your result.`;
  session.notes += 1;
  const all = to === 'all';
  const id = `${flow.path}/note-${session.notes}`;
  yield* flow.emit({
    type: 'agent.told',
    note: { id, from: role.name, node, to: all ? null : to, kind, text },
  });
  return `Kept for ${all ? 'all agents' : to} of this work, to be read at the next turn.`;
}

/** What is wrong with an event is for the model to put right. */
function* publish(
  { task }: Session,
  flow: Flow,
  { event, payload }: Extract<PreparedCall, { tool: 'emit' }>,
  name: string,
): Operation<string> {
  const at = yield* flow.now(`${name}-at`);
  try {
    const published = yield* flow.step(
      name,
      publishEvent,
      { node: task.node, name: event, payload, at },
      { label: `publishing "${event}"` },
    );
    return `Published as ${published.event}.`;
  } catch (error) {
    const failure = toFailure(error);
    if (failure.class !== 'terminal') throw error;
    return `Not published: ${failure.message}`;
  }
}

function timeoutOf(call: PreparedCall): number {
  return call.tool === 'run' ? call.timeoutMs + COMMAND_GRACE_MS : FILE_TIMEOUT_MS;
}
