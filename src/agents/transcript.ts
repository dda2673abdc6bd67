import { z } from 'zod';
import { jsonSchema } from '../domain/json.ts';

/**
 * One conversation as both APIs see it: the only shape the loop knows. The adapters turn it into requests and
 * their streams into a {@link ModelReply}.
 */
export const toolCallRequestSchema = z.object({
  id: z.string(),
  name: z.string(),
  /** As the model wrote them: JSON by intent, text in fact. */
  arguments: z.string(),
});
export type ToolCallRequest = z.infer<typeof toolCallRequestSchema>;

export const messageSchema = z.discriminatedUnion('role', [
  z.object({ role: z.literal('system'), text: z.string() }),
  z.object({ role: z.literal('user'), text: z.string() }),
  z.object({ role: z.literal('assistant'), text: z.string(), toolCalls: z.array(toolCallRequestSchema) }),
  z.object({ role: z.literal('tool'), callId: z.string(), name: z.string(), text: z.string() }),
]);
export type Message = z.infer<typeof messageSchema>;

/** A tool as it is offered to a model; `parameters` is a JSON schema of an object, a strict one unless said. */
export const toolDefinitionSchema = z.object({
  name: z.string(),
  description: z.string(),
  parameters: z.record(z.string(), jsonSchema),
  /** False for schemas of others, which need not be what "strict" asks for. */
  strict: z.literal(false).exactOptional(),
});
export type ToolDefinition = z.infer<typeof toolDefinitionSchema>;

/** Tokens of one call. `cached` is a part of `input`, `reasoning` a part of `output`. */
export const tokensSchema = z.object({
  input: z.number().int().nonnegative(),
  cached: z.number().int().nonnegative(),
  output: z.number().int().nonnegative(),
  reasoning: z.number().int().nonnegative(),
});
export type Tokens = z.infer<typeof tokensSchema>;

/** What is asked of a model server. */
export interface ModelRequest {
  readonly model: string;
  readonly messages: readonly Message[];
  readonly tools: readonly ToolDefinition[];
  /** `none`: the tools are known (the transcript names them) but may not be called now. */
  readonly toolChoice: 'auto' | 'none';
  readonly format: { readonly name: string; readonly schema: ToolDefinition['parameters'] } | null;
  readonly maxOutputTokens: number | null;
}

/** A complete answer: its terminal event was seen. */
export interface ModelReply {
  readonly text: string;
  readonly toolCalls: readonly ToolCallRequest[];
  readonly finish: 'stop' | 'tool_calls' | 'length' | 'refusal';
  /** Null when the server did not say. */
  readonly tokens: Tokens | null;
}

/** Collects a stream; `reply` is null until the terminal event has come. */
export interface StreamReader {
  push(event: unknown): void;
  reply(): ModelReply | null;
}

/** Parts of a request that not every server knows; each is dropped when a server refuses it. */
export type OptionalPart = 'format' | 'maxTokens' | 'streamUsage' | 'store' | 'strictTools';

/** What a message costs beside its words, and a call beside its own. */
const FRAME_TOKENS = 8;

/**
 * Tokens of a transcript, estimated on the safe side: four characters of English or code make one, other scripts take one for
 * each character. The servers' own count comes with their answers.
 */
export function transcriptTokens(messages: readonly Message[]): number {
  let tokens = 0;
  for (const message of messages) tokens += messageTokens(message);
  return tokens;
}

export function messageTokens(message: Message): number {
  let tokens = FRAME_TOKENS + textTokens(message.text);
  if (message.role === 'assistant')
    for (const call of message.toolCalls)
      tokens += FRAME_TOKENS + textTokens(call.name) + textTokens(call.arguments);
  return tokens;
}

function textTokens(text: string): number {
  const wide = text.replace(/[^\u0080-\uffff]+/g, '').length;
  return Math.ceil((text.length - wide) / 4) + wide;
}
