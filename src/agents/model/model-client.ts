import OpenAI from 'openai';
import { BatonError } from '../../domain/failure.ts';
import { hostOf } from '../../domain/host-of.ts';
import type { Clock } from '../../ports/clock.ts';
import { cancelled } from '../cancelled.ts';
import type { ModelReply, ModelRequest, OptionalPart, StreamReader } from '../transcript.ts';
import { AnswerTooLarge, boundedFetch, MAX_ANSWER_BYTES } from './bounded-fetch.ts';
import { chatReader, toChatRequest } from './chat.ts';
import { AnswerFault, classifyModelFault, type ModelFault } from './model-faults.ts';
import { responsesReader, toResponsesRequest } from './responses.ts';
import { modelFaultOf } from './sdk-faults.ts';

/** Where the models are. Everything is given; the SDK's own reading of the environment is switched off. */
export interface ModelClientOptions {
  readonly api: 'responses' | 'chat';
  /** Null for servers that ask for none. */
  readonly apiKey: string | null;
  /** Ends in the version, e.g. `https://api.openai.com/v1`. */
  readonly baseUrl: string;
  /** Used where a role names none. */
  readonly model: string;
  readonly clock: Clock;
  /** Milliseconds without any event after which a stream counts as dead. */
  readonly idleMs?: number;
  /** Bytes after which an answer counts as cut at its length. */
  readonly maxAnswerBytes?: number;
}

export interface ModelClient {
  readonly model: string;
  /**
   * One complete answer. Throws a BatonError: transient for what may pass, `needs_person` for keys, models and
   * credit, terminal for the rest.
   */
  complete(request: ModelRequest, signal: AbortSignal): Promise<CompletedReply>;
}

export interface CompletedReply extends ModelReply {
  /** Parts of the request this server turned out not to know, told once. */
  readonly dropped: readonly OptionalPart[];
}

/** Reasoning models may think for minutes before their first event; longer silence is a dead connection. */
const IDLE_MS = 300_000;

/**
 * The one client for both APIs. It never retries: the journal's own policy does, so that every attempt counts.
 */
export function createModelClient(options: ModelClientOptions): ModelClient {
  const sdk = new OpenAI({
    apiKey: options.apiKey ?? 'none',
    baseURL: options.baseUrl,
    organization: null,
    project: null,
    adminAPIKey: null,
    webhookSecret: null,
    maxRetries: 0,
    timeout: options.idleMs ?? IDLE_MS,
    logLevel: 'off',
    fetch: boundedFetch(options.maxAnswerBytes ?? MAX_ANSWER_BYTES),
  });
  const without = new Set<OptionalPart>();
  const host = hostOf(options.baseUrl);

  const fail = (fault: ModelFault, model: string): never => {
    throw new BatonError(classifyModelFault(fault, { model, host, now: options.clock.now() }));
  };

  const attempt = async (request: ModelRequest, signal: AbortSignal): Promise<ModelReply | ModelFault> => {
    const idle = createIdleWatch(options.clock, options.idleMs ?? IDLE_MS);
    const both = AbortSignal.any([signal, idle.signal]);
    let events: number | null = null;
    const reader = options.api === 'chat' ? chatReader() : responsesReader();
    try {
      const { data, response } = await open(sdk, options.api, request, without, both);
      const type = otherThanEvents(response);
      if (type !== null) {
        await response.body?.cancel();
        return { kind: 'unreadable', type };
      }
      events = 0;
      for await (const event of data) {
        events += 1;
        idle.touch();
        reader.push(event);
      }
    } catch (error) {
      if (error instanceof AnswerFault) return error.fault;
      if (error instanceof AnswerTooLarge) return reader.reply() ?? endless;
      // A connection that breaks after the terminal event has lost nothing.
      if (reader.reply() === null && !both.aborted) return modelFaultOf(error, events);
    } finally {
      idle.stop();
    }
    return ended(reader, signal, idle.signal, events ?? 0);
  };

  const complete = async (request: ModelRequest, signal: AbortSignal): Promise<CompletedReply> => {
    const dropped: OptionalPart[] = [];
    for (;;) {
      const outcome = await attempt(request, signal);
      if (!('kind' in outcome)) return { ...outcome, dropped };
      const part = unknownPart(outcome, without);
      if (part === null) return fail(outcome, request.model);
      without.add(part);
      dropped.push(part);
    }
  };
  return { model: options.model, complete };
}

async function open(
  sdk: OpenAI,
  api: 'responses' | 'chat',
  request: ModelRequest,
  without: ReadonlySet<OptionalPart>,
  signal: AbortSignal,
): Promise<{ readonly data: AsyncIterable<unknown>; readonly response: Response }> {
  if (api === 'chat')
    return sdk.chat.completions.create(toChatRequest(request, without), { signal }).withResponse();
  return sdk.responses.create(toResponsesRequest(request, without), { signal }).withResponse();
}

/** What an answer says that it is, where that cannot be events; servers that name them wrongly are read all the same. */
function otherThanEvents({ headers }: Response): string | null {
  const type = headers.get('content-type')?.split(';')[0]?.trim().toLowerCase() ?? '';
  return type === 'text/html' || type === 'application/json' ? type : null;
}

/** Five times what fits into the longest answer we ask for: whoever says more does not know when to stop. */
const MAX_ANSWER_CHARS = 1_000_000;

function answerChars({ text, toolCalls }: ModelReply): number {
  return toolCalls.reduce((sum, call) => sum + call.name.length + call.arguments.length, text.length);
}

/** An answer without an end: as one that was cut at its length, so that nothing of it is carried out. */
const endless: ModelReply = { text: '', toolCalls: [], finish: 'length', tokens: null };

/** The SDK ends an aborted stream quietly, as it does one that was cut; here they are told apart. */
function ended(
  reader: StreamReader,
  signal: AbortSignal,
  idle: AbortSignal,
  events: number,
): ModelReply | ModelFault {
  const reply = reader.reply();
  if (reply !== null)
    return answerChars(reply) > MAX_ANSWER_CHARS ? { ...endless, tokens: reply.tokens } : reply;
  if (signal.aborted) throw cancelled(signal);
  return idle.aborted ? { kind: 'timeout' } : { kind: 'cut', events };
}

/** How servers name each optional part when they complain about it. */
const PART_NAMES: readonly (readonly [OptionalPart, RegExp])[] = [
  ['format', /response_format|text\.format|json_schema|structured output/i],
  ['maxTokens', /max_(?:completion|output)_tokens|max_tokens/i],
  ['streamUsage', /stream_options|include_usage/i],
  ['strictTools', /\bstrict\b/i],
  ['store', /\bstore\b/i],
];

/** The part a refusal is about, if it is one that can be left out and has not been yet. */
function unknownPart(fault: ModelFault, without: ReadonlySet<OptionalPart>): OptionalPart | null {
  if (fault.kind !== 'reported' || (fault.status !== 400 && fault.status !== 422)) return null;
  const found = PART_NAMES.find(([part, names]) => !without.has(part) && names.test(fault.message));
  return found?.[0] ?? null;
}

interface IdleWatch {
  readonly signal: AbortSignal;
  touch(): void;
  stop(): void;
}

/** Aborts when nothing has happened for a while; `touch` says that something did. */
function createIdleWatch(clock: Clock, idleMs: number): IdleWatch {
  const controller = new AbortController();
  const start = (): (() => void) => clock.after(idleMs, () => controller.abort());
  let cancel = start();
  return {
    signal: controller.signal,
    touch: () => {
      cancel();
      cancel = start();
    },
    stop: () => cancel(),
  };
}
