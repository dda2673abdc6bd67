import { z } from 'zod';
import type { AssistantCall, AssistantTurn } from './play.ts';
import type { Entry } from './transcript.ts';
import {
  answerId,
  contentSchema,
  createdAt,
  modelName,
  type PlayRequest,
  parseBody,
  piecesOf,
  requireUser,
  type Usage,
} from './wire.ts';

const messageSchema = z.looseObject({
  role: z.enum(['system', 'developer', 'user', 'assistant', 'tool']),
  content: contentSchema.nullish(),
});

const bodySchema = z.looseObject({
  model: z.string(),
  messages: z.array(messageSchema).min(1),
  stream: z.boolean().nullish(),
  stream_options: z.looseObject({ include_usage: z.boolean().nullish() }).nullish(),
  tool_choice: z.unknown().optional(),
  response_format: z.looseObject({ json_schema: z.looseObject({ name: z.string() }).nullish() }).nullish(),
});

/** Reads the body of `POST /v1/chat/completions`. Throws an ApiError that names the wrong parameter. */
export function readChat(body: unknown): PlayRequest {
  const request = parseBody(bodySchema, body);
  const system: string[] = [];
  const entries: Entry[] = [];
  for (const { role, content } of request.messages) {
    const text = content ?? '';
    if (role === 'system' || role === 'developer') system.push(text);
    else entries.push({ kind: role, text });
  }
  requireUser(entries, 'messages');
  return {
    transcript: {
      system: system.join('\n'),
      entries,
      resultName: request.response_format?.json_schema?.name ?? null,
      mayCall: request.tool_choice !== 'none',
    },
    stream: request.stream ?? false,
    includeUsage: request.stream_options?.include_usage ?? false,
  };
}

/** The whole answer of Chat Completions. */
export function chatCompletion(request: PlayRequest, turn: AssistantTurn, usage: Usage) {
  const calls = turn.calls.length > 0 ? { tool_calls: turn.calls.map(wireCall) } : {};
  return {
    ...head(request, 'chat.completion'),
    choices: [
      {
        index: 0,
        message: { role: 'assistant', content: turn.text || null, refusal: null, ...calls },
        logprobs: null,
        finish_reason: finishReason(turn),
      },
    ],
    usage: wireUsage(usage),
  };
}

/** The same answer as the chunks of a stream; the server ends it with `[DONE]`. */
export function chatChunks(request: PlayRequest, turn: AssistantTurn, usage: Usage): object[] {
  const base = head(request, 'chat.completion.chunk');
  const chunk = (delta: object, finish: string | null = null) => ({
    ...base,
    choices: [{ index: 0, delta, logprobs: null, finish_reason: finish }],
  });
  const chunks: object[] = [chunk({ role: 'assistant', content: '' })];
  for (const piece of piecesOf(turn.text)) chunks.push(chunk({ content: piece }));
  turn.calls.forEach((call, index) => {
    chunks.push(chunk({ tool_calls: [{ index, ...wireCall({ ...call, arguments: '' }) }] }));
    for (const piece of piecesOf(call.arguments))
      chunks.push(chunk({ tool_calls: [{ index, function: { arguments: piece } }] }));
  });
  chunks.push(chunk({}, finishReason(turn)));
  if (request.includeUsage) chunks.push({ ...base, choices: [], usage: wireUsage(usage) });
  return chunks;
}

function head(request: PlayRequest, object: string) {
  return { id: answerId('chatcmpl-', request.transcript), object, created: createdAt, model: modelName };
}

function wireCall(call: AssistantCall) {
  return { id: call.id, type: 'function', function: { name: call.name, arguments: call.arguments } };
}

function finishReason(turn: AssistantTurn): string {
  return turn.calls.length > 0 ? 'tool_calls' : 'stop';
}

function wireUsage(usage: Usage) {
  return {
    prompt_tokens: usage.input,
    completion_tokens: usage.output,
    total_tokens: usage.input + usage.output,
    prompt_tokens_details: { cached_tokens: 0 },
    completion_tokens_details: { reasoning_tokens: 0 },
  };
}
