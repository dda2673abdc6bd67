import type { ResultKind } from '../../domain/agent.ts';
import { MAX_NOTES, unread } from '../../domain/agent-note.ts';
import { BatonError } from '../../domain/failure.ts';
import { type Activity, implement, type StepContext } from '../../ports/activity.ts';
import type { GuidanceStore } from '../../ports/guidance.ts';
import type { Redact } from '../../ports/redactor.ts';
import { type ModelTurnInput, type ModelTurnOutput, modelTurnContract } from '../activities.ts';
import { guidanceText, noteText } from '../prompt.ts';
import { resultFormat } from '../results.ts';
import { type Message, type OptionalPart, type Tokens, transcriptTokens } from '../transcript.ts';
import { type AnswerCache, answerDigest, worthKeeping } from './answer-cache.ts';
import type { CompletedReply } from './model-client.ts';
import { refused } from './model-faults.ts';
import type { Answered, ModelPool } from './model-pool.ts';
import { dearest, type PriceTable, priceOf } from './prices.ts';

export interface ModelTurnDependencies {
  readonly models: ModelPool;
  readonly redact: Redact;
  readonly prices: PriceTable;
  /** What people said to a run so far, and its agents to one another. */
  readonly guidance: Pick<GuidanceStore, 'of' | 'notes'>;
  /** How much a run counts beside others that wait for a model: 1 is usual. */
  readonly weightOf?: (runId: string) => Promise<number>;
  /** Tells at once, rather than when the step ends, what an agent is doing. */
  readonly tell?: (runId: string, node: string, agent: string, text: string) => Promise<void>;
  /** Answers to the very same question in the same repository; absent: each is asked anew. */
  readonly cache?: AnswerCache;
  /** The last look before a call is made; rejects when the run may use nothing more. */
  readonly pass?: (runId: string) => Promise<void>;
  /** Records that another model goes on; told once for each run and pair of models. */
  readonly failedOver?: (runId: string, from: string, to: string, why: string) => Promise<void>;
}

/** Under which word the model thinks, in the epic. */
export const THINKING = 'thinking';

/**
 * Implements `model.turn`: what enters the model and what leaves it passes the redactor, and what was spent is
 * recorded even where the answer is of no use.
 */
export function modelTurn(given: ModelTurnDependencies): Activity {
  const dependencies = { ...given, redact: remembering(given.redact), formatOf: createFormats() };
  const { redact } = dependencies;
  return implement(modelTurnContract, async (input, context) => {
    const heard = await newWords(dependencies, input, context.runId);
    const messages = [...input.messages, ...heard.map(({ text }) => ({ role: 'user' as const, text }))];
    const asked = { ...input, messages };
    // What somebody has just said is answered anew.
    const kept =
      heard.length === 0
        ? await fromCache(dependencies, asked, context)
        : ({ output: null, digest: null } as const);
    if (kept.output !== null) return kept.output;
    const { reply, model, host, standIn, durationMs } = await ask(dependencies, asked, context);
    const tokens = reply.tokens ?? estimateTokens(messages, reply);
    spend(dependencies, context, { agent: input.agent, model, host, tokens, durationMs });
    for (const part of reply.dropped) context.emit({ type: 'note', text: droppedNote(part) });
    for (const { id: guidanceId, byPerson } of heard)
      if (byPerson) context.emit({ type: 'guidance.read', guidanceId, node: input.node, agent: input.agent });
    if (reply.finish === 'refusal') throw new BatonError(refused(redact(reply.text)));
    const usd = priceOf(model, tokens, dependencies.prices) ?? dearest(tokens, dependencies.prices);
    const output = { ...toOutput(reply, reply.finish, tokens, durationMs, redact), usd };
    // What a stand-in said is not what the model that was asked would say.
    if (kept.digest !== null && !standIn && worthKeeping(output))
      await dependencies.cache?.store.put(kept.digest, JSON.stringify(output));
    return heard.length === 0 ? output : { ...output, heard: heard.map(({ id, text }) => ({ id, text })) };
  });
}

/** What people and other agents said to this agent, or to all of them, and this conversation has not read. */
async function newWords(
  { guidance, redact }: ModelTurnDependencies,
  { heard, node, agent }: ModelTurnInput,
  runId: string,
): Promise<{ readonly id: string; readonly text: string; readonly byPerson: boolean }[]> {
  const said = await guidance.of(runId);
  const people = said
    .filter(
      ({ id, target }) => !heard.includes(id) && (target === null || target === node || target === agent),
    )
    .map((words) => ({
      id: words.id,
      text: guidanceText({ ...words, text: redact(words.text) }),
      byPerson: true,
    }));
  const notes = unread(await guidance.notes(runId), { agent, node, heard })
    .slice(0, MAX_NOTES)
    .map((note) => ({
      id: note.id,
      text: noteText({ ...note, text: redact(note.text) }),
      byPerson: false,
    }));
  return [...notes, ...people];
}

/** What was answered to the very same before, at no cost; `digest` is where a new answer may be kept. */
async function fromCache(
  { cache, models, redact, prices }: ModelTurnDependencies,
  input: ModelTurnInput,
  context: StepContext,
): Promise<{ readonly output: ModelTurnOutput | null; readonly digest: string | null }> {
  const repository = (await cache?.repositoryOf(context.runId)) ?? null;
  if (cache === undefined || repository === null) return { output: null, digest: null };
  const messages = input.messages.map((message) => redactMessage(message, redact));
  const model = input.model ?? models.model;
  const digest = answerDigest({ ...input, messages }, `${model}@${models.host}`, repository);
  const found = digest === null ? null : await cache.store.get(digest);
  if (found === null) return { output: null, digest };
  const tokens: Tokens = { input: 0, cached: 0, output: 0, reasoning: 0 };
  const kept = modelTurnContract.output.parse(JSON.parse(found));
  spend({ prices }, context, { agent: input.agent, model, tokens, durationMs: 0 });
  return { output: { ...kept, tokens, durationMs: 0, usd: 0 }, digest };
}

async function ask(
  dependencies: ModelTurnDependencies & { readonly formatOf: ReturnType<typeof createFormats> },
  input: ModelTurnInput,
  context: StepContext,
): Promise<Answered> {
  const { models, redact } = dependencies;
  const { runId } = context;
  const say = (text: string): void => {
    // What it does now is worth showing, and not worth failing for.
    void dependencies.tell?.(runId, input.node, input.agent, text).catch(() => undefined);
  };
  try {
    return await models.complete(
      input.model,
      {
        messages: input.messages.map((message) => redactMessage(message, redact)),
        tools: input.tools,
        toolChoice: input.toolChoice,
        format: dependencies.formatOf(input.result),
        maxOutputTokens: input.maxOutputTokens,
      },
      {
        runId,
        step: context.idempotencyKey,
        weight: (await dependencies.weightOf?.(runId)) ?? 1,
        signal: context.signal,
        onWait: (ms) => say(`waiting for the model's limit, ${Math.ceil(ms / 1_000)} s`),
        onTurn: () => say(THINKING),
        before: async () => dependencies.pass?.(runId),
        onFailover: async (from, to, why) => dependencies.failedOver?.(runId, from, to, redact(why)),
      },
    );
  } catch (error) {
    if (!(error instanceof BatonError)) throw error;
    // A server's own words may quote the key or the prompt.
    throw new BatonError({ ...error.failure, message: redact(error.failure.message) });
  }
}

/** Characters of texts whose clean form is remembered; then all are forgotten. */
const REMEMBERED_CHARS = 4_000_000;

/**
 * The same redactor, which looks at a text once: a transcript comes back whole with every turn, and only its end is new.
 * A text that is the same one is found by its place in memory, whatever its length.
 */
function remembering(redact: Redact): Redact {
  const clean = new Map<string, string>();
  let chars = 0;
  return (text) => {
    const known = clean.get(text);
    if (known !== undefined) return known;
    const made = redact(text);
    if (chars > REMEMBERED_CHARS) {
      clean.clear();
      chars = 0;
    }
    clean.set(text, made);
    chars += text.length;
    return made;
  };
}

/** The schema of each kind of result, made once. */
function createFormats() {
  const made = new Map<ResultKind, ReturnType<typeof resultFormat>>();
  return (kind: ResultKind): ReturnType<typeof resultFormat> => {
    const known = made.get(kind) ?? resultFormat(kind);
    made.set(kind, known);
    return known;
  };
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
  /** Absent: no server was asked. */
  readonly host?: string;
  readonly tokens: Tokens;
  readonly durationMs: number;
}

function spend({ prices }: Pick<ModelTurnDependencies, 'prices'>, context: StepContext, spent: Spent): void {
  context.use({
    kind: 'model',
    agent: spent.agent,
    model: spent.model,
    ...(spent.host === undefined ? {} : { host: spent.host }),
    inputTokens: spent.tokens.input,
    cachedTokens: spent.tokens.cached,
    outputTokens: spent.tokens.output,
    reasoningTokens: spent.tokens.reasoning,
    durationMs: spent.durationMs,
    costUsd: priceOf(spent.model, spent.tokens, prices),
  });
}

/** Where a server reports no usage, tokens are estimated, so that caps hold all the same. */
function estimateTokens(messages: readonly Message[], reply: CompletedReply): Tokens {
  const answer: Message = { role: 'assistant', text: reply.text, toolCalls: [...reply.toolCalls] };
  return {
    input: transcriptTokens(messages),
    cached: 0,
    output: transcriptTokens([answer]),
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
