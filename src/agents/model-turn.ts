import { BatonError } from '../domain/failure.ts';
import { type Activity, implement, type StepContext } from '../ports/activity.ts';
import type { Clock } from '../ports/clock.ts';
import type { GuidanceStore } from '../ports/guidance.ts';
import type { Redact } from '../ports/redactor.ts';
import { type ModelTurnInput, type ModelTurnOutput, modelTurnContract } from './activities.ts';
import type { CompletedReply, ModelClient } from './model-client.ts';
import { refused } from './model-faults.ts';
import { type PriceTable, priceOf } from './prices.ts';
import { guidanceText } from './prompt.ts';
import { resultFormat } from './results.ts';
import { type Message, type OptionalPart, type Tokens, transcriptChars } from './transcript.ts';

export interface ModelTurnDependencies {
  readonly client: ModelClient;
  readonly redact: Redact;
  readonly prices: PriceTable;
  readonly clock: Clock;
  /** What people said to a run so far. */
  readonly guidance: Pick<GuidanceStore, 'of'>;
}

/**
 * Implements `model.turn`: what enters the model and what leaves it passes the redactor, and what was spent is
 * recorded even where the answer is of no use.
 */
export function modelTurn(dependencies: ModelTurnDependencies): Activity {
  const { client, redact, clock } = dependencies;
  return implement(modelTurnContract, async (input, context) => {
    const started = clock.monotonic();
    const model = input.model ?? client.model;
    const heard = await newWords(dependencies, input, context.runId);
    const messages = [...input.messages, ...heard.map(({ text }) => ({ role: 'user' as const, text }))];
    const reply = await ask(dependencies, { ...input, messages }, model, context.signal);
    const durationMs = Math.max(0, clock.monotonic() - started);
    const tokens = reply.tokens ?? estimateTokens(messages, reply);
    spend(dependencies, context, { agent: input.agent, model, tokens, durationMs });
    for (const part of reply.dropped) context.emit({ type: 'note', text: droppedNote(part) });
    for (const { id: guidanceId } of heard)
      context.emit({ type: 'guidance.read', guidanceId, node: input.node, agent: input.agent });
    if (reply.finish === 'refusal') throw new BatonError(refused(redact(reply.text)));
    const output = toOutput(reply, reply.finish, tokens, durationMs, redact);
    return heard.length === 0 ? output : { ...output, heard };
  });
}

/** What people said to this agent, or to all of them, and this conversation has not read. */
async function newWords(
  { guidance, redact }: ModelTurnDependencies,
  { heard, node, agent }: ModelTurnInput,
  runId: string,
): Promise<{ readonly id: string; readonly text: string }[]> {
  const said = await guidance.of(runId);
  return said
    .filter(
      ({ id, target }) => !heard.includes(id) && (target === null || target === node || target === agent),
    )
    .map((words) => ({ id: words.id, text: guidanceText({ ...words, text: redact(words.text) }) }));
}

async function ask(
  { client, redact }: ModelTurnDependencies,
  input: ModelTurnInput,
  model: string,
  signal: AbortSignal,
): Promise<CompletedReply> {
  try {
    return await client.complete(
      {
        model,
        messages: input.messages.map((message) => redactMessage(message, redact)),
        tools: input.tools,
        toolChoice: input.toolChoice,
        format: resultFormat(input.result),
        maxOutputTokens: input.maxOutputTokens,
      },
      signal,
    );
  } catch (error) {
    if (!(error instanceof BatonError)) throw error;
    // A server's own words may quote the key or the prompt.
    throw new BatonError({ ...error.failure, message: redact(error.failure.message) });
  }
}

function redactMessage(message: Message, redact: Redact): Message {
  if (message.role !== 'assistant') return { ...message, text: redact(message.text) };
  const toolCalls = message.toolCalls.map((call) => ({ ...call, arguments: redact(call.arguments) }));
  return { ...message, text: redact(message.text), toolCalls };
}

function toOutput(
  reply: CompletedReply,
  finish: ModelTurnOutput['finish'],
  tokens: Tokens,
  durationMs: number,
  redact: Redact,
): ModelTurnOutput {
  return {
    text: redact(reply.text),
    toolCalls: reply.toolCalls.map((call) => ({
      id: call.id,
      name: redact(call.name),
      arguments: redact(call.arguments),
    })),
    finish,
    tokens,
    durationMs,
  };
}

interface Spent {
  readonly agent: string;
  readonly model: string;
  readonly tokens: Tokens;
  readonly durationMs: number;
}

function spend({ prices }: ModelTurnDependencies, context: StepContext, spent: Spent): void {
  context.use({
    kind: 'model',
    agent: spent.agent,
    model: spent.model,
    inputTokens: spent.tokens.input,
    cachedTokens: spent.tokens.cached,
    outputTokens: spent.tokens.output,
    reasoningTokens: spent.tokens.reasoning,
    durationMs: spent.durationMs,
    costUsd: priceOf(spent.model, spent.tokens, prices),
  });
}

/** Where a server reports no usage, four characters count as a token, so that caps hold all the same. */
function estimateTokens(messages: readonly Message[], reply: CompletedReply): Tokens {
  const answer: Message = { role: 'assistant', text: reply.text, toolCalls: [...reply.toolCalls] };
  return {
    input: Math.ceil(transcriptChars(messages) / 4),
    cached: 0,
    output: Math.ceil(transcriptChars([answer]) / 4),
    reasoning: 0,
  };
}

function droppedNote(part: OptionalPart): string {
  switch (part) {
    case 'format':
      return 'This model server takes no result schema; answers are checked here instead.';
    case 'maxTokens':
      return 'This model server takes no limit on an answer’s length; the cap per task still holds.';
    case 'streamUsage':
      return 'This model server does not report usage; tokens are estimated.';
    case 'strictTools':
      return 'This model server takes no strict tool schemas; arguments are checked here instead.';
    case 'store':
      return 'This model server does not know the option not to store requests.';
    default: {
      const never: never = part;
      return never;
    }
  }
}
