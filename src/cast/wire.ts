import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { AssistantTurn } from './play.ts';
import type { Entry, Transcript } from './transcript.ts';

/** The one model this server names; any other name in a request is answered as well, in its voice. */
export const modelName = 'rehearsal';

/**
 * `created` in every answer. The server has no clock on purpose: equal requests get equal bytes, also after a
 * restart. Seconds since the epoch, as OpenAI has it.
 */
export const createdAt = 0;

/** An answer of the server that is an error, in OpenAI's form. */
export class ApiError extends Error {
  readonly status: number;
  readonly code: string;
  readonly param: string | null;

  constructor(status: number, code: string, message: string, param: string | null = null) {
    super(message);
    this.name = 'ApiError';
    this.status = status;
    this.code = code;
    this.param = param;
  }

  toJson() {
    const type = this.status >= 500 ? 'server_error' : 'invalid_request_error';
    return { error: { message: this.message, type, param: this.param, code: this.code } };
  }
}

/** What both APIs ask for, once read. */
export interface PlayRequest {
  readonly transcript: Transcript;
  readonly stream: boolean;
  /** Only Chat Completions has a choice; Responses always tells the usage. */
  readonly includeUsage: boolean;
}

/** Tokens, estimated. */
export interface Usage {
  readonly input: number;
  readonly output: number;
}

/** 4: the rule of thumb of characters per token for English and code. */
const charactersPerToken = 4;

export function estimateUsage(transcript: Transcript, turn: AssistantTurn): Usage {
  const input = transcript.entries.reduce((sum, entry) => sum + entry.text.length, transcript.system.length);
  const output = turn.calls.reduce(
    (sum, call) => sum + call.name.length + call.arguments.length,
    turn.text.length,
  );
  return { input: tokensOf(input), output: tokensOf(output) };
}

function tokensOf(characters: number): number {
  return Math.max(1, Math.ceil(characters / charactersPerToken));
}

/** An id that names the request: equal transcripts get equal ids. */
export function answerId(prefix: string, transcript: Transcript): string {
  return `${prefix}${createHash('sha256').update(JSON.stringify(transcript)).digest('hex').slice(0, 24)}`;
}

/** The pieces of a streamed text, about as many characters each as a model's first words in a chunk. */
export function piecesOf(text: string): string[] {
  return text.match(/.{1,48}/gsu) ?? [];
}

/** Content is text or parts; parts that hold no text (pictures, files) are not looked at. */
export const contentSchema = z
  .union([z.string(), z.array(z.looseObject({ text: z.string().optional() }))])
  .transform((content) =>
    typeof content === 'string' ? content : content.map((part) => part.text ?? '').join('\n'),
  );

/** Parses a request's body or throws the error OpenAI would answer with, naming the parameter. */
export function parseBody<T>(schema: z.ZodType<T>, body: unknown): T {
  const parsed = schema.safeParse(body);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  const param = issue?.path.join('.') || null;
  throw new ApiError(400, 'invalid_value', `Invalid request: ${param ?? 'body'}: ${issue?.message}`, param);
}

/** A transcript without a word of the user cannot be answered. */
export function requireUser(entries: readonly Entry[], param: string): void {
  if (!entries.some((entry) => entry.kind === 'user'))
    throw new ApiError(400, 'invalid_value', `Invalid request: ${param} holds no user message`, param);
}
