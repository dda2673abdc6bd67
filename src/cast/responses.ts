import { z } from 'zod';
import type { AssistantCall, AssistantTurn } from './play.ts';
import type { Entry } from './transcript.ts';
import {
  ApiError,
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

type Read = Entry | { readonly kind: 'system'; readonly text: string };

const messageItem = z
  .looseObject({
    type: z.literal('message').optional(),
    role: z.enum(['system', 'developer', 'user', 'assistant']),
    content: contentSchema,
  })
  .transform(({ role, content }): Read[] => [
    { kind: role === 'developer' ? 'system' : role, text: content },
  ]);
const callItem = z
  .looseObject({
    type: z.literal('function_call'),
    call_id: z.string(),
    name: z.string(),
    arguments: z.string(),
  })
  .transform((): Read[] => [{ kind: 'assistant', text: '' }]);
const outputItem = z
  .looseObject({ type: z.literal('function_call_output'), call_id: z.string(), output: contentSchema })
  .transform(({ output }): Read[] => [{ kind: 'tool', text: output }]);
const reasoningItem = z.looseObject({ type: z.literal('reasoning') }).transform((): Read[] => []);
const itemSchema = z.union([callItem, outputItem, reasoningItem, messageItem]);

const bodySchema = z.looseObject({
  model: z.string(),
  instructions: z.string().nullish(),
  input: z.union([z.string(), z.array(itemSchema).min(1)]),
  previous_response_id: z.string().nullish(),
  stream: z.boolean().nullish(),
  tool_choice: z.unknown().optional(),
  text: z.looseObject({ format: z.looseObject({ name: z.string().optional() }).nullish() }).nullish(),
});

/** Reads the body of `POST /v1/responses`. Throws an ApiError that names the wrong parameter. */
export function readResponses(body: unknown): PlayRequest {
  const request = parseBody(bodySchema, body);
  if (request.previous_response_id)
    throw new ApiError(
      400,
      'unsupported_parameter',
      'This server keeps nothing between requests: send the whole input instead of previous_response_id.',
      'previous_response_id',
    );
  const items: Read[] =
    typeof request.input === 'string' ? [{ kind: 'user', text: request.input }] : request.input.flat();
  const system = items.filter((item) => item.kind === 'system').map((item) => item.text);
  if (request.instructions) system.unshift(request.instructions);
  const entries = items.filter((item) => item.kind !== 'system');
  requireUser(entries, 'input');
  return {
    transcript: {
      system: system.join('\n'),
      entries,
      resultName: request.text?.format?.name ?? null,
      mayCall: request.tool_choice !== 'none',
    },
    stream: request.stream ?? false,
    includeUsage: true,
  };
}

/** The whole answer of Responses. */
export function response(request: PlayRequest, turn: AssistantTurn, usage: Usage) {
  return { ...head(request, 'completed'), output: outputItems(request, turn), usage: wireUsage(usage) };
}

/** The same answer as the events of a stream, `response.completed` last. */
export function responseEvents(request: PlayRequest, turn: AssistantTurn, usage: Usage) {
  const events: { readonly type: string; readonly [key: string]: unknown }[] = [];
  const add = (type: string, fields: object) =>
    events.push({ type, ...fields, sequence_number: events.length });
  const started = { ...head(request, 'in_progress'), output: [], usage: null };
  add('response.created', { response: started });
  add('response.in_progress', { response: started });
  outputItems(request, turn).forEach((item, index) => {
    const at = { item_id: item.id, output_index: index };
    if (item.type === 'message') addMessage(add, item, at);
    else addCall(add, item, at);
  });
  add('response.completed', { response: response(request, turn, usage) });
  return events;
}

type Add = (type: string, fields: object) => void;
type MessageItem = ReturnType<typeof messageOutput>;
type CallItem = ReturnType<typeof callOutput>;
interface Place {
  readonly item_id: string;
  readonly output_index: number;
}

function addMessage(add: Add, item: MessageItem, at: Place): void {
  const place = { ...at, content_index: 0 };
  const text = item.content[0]?.text ?? '';
  add('response.output_item.added', {
    output_index: at.output_index,
    item: { ...item, status: 'in_progress', content: [] },
  });
  add('response.content_part.added', { ...place, part: textPart('') });
  for (const delta of piecesOf(text)) add('response.output_text.delta', { ...place, delta, logprobs: [] });
  add('response.output_text.done', { ...place, text, logprobs: [] });
  add('response.content_part.done', { ...place, part: textPart(text) });
  add('response.output_item.done', { output_index: at.output_index, item });
}

function addCall(add: Add, item: CallItem, at: Place): void {
  add('response.output_item.added', {
    output_index: at.output_index,
    item: { ...item, status: 'in_progress', arguments: '' },
  });
  for (const delta of piecesOf(item.arguments))
    add('response.function_call_arguments.delta', { ...at, delta });
  add('response.function_call_arguments.done', { ...at, name: item.name, arguments: item.arguments });
  add('response.output_item.done', { output_index: at.output_index, item });
}

function outputItems(request: PlayRequest, turn: AssistantTurn): (MessageItem | CallItem)[] {
  const message = turn.text === '' && turn.calls.length > 0 ? [] : [messageOutput(request, turn.text)];
  return [...message, ...turn.calls.map((call) => callOutput(request, call))];
}

function messageOutput(request: PlayRequest, text: string) {
  return {
    type: 'message' as const,
    id: answerId('msg_', request.transcript),
    role: 'assistant',
    status: 'completed',
    content: [textPart(text)],
  };
}

function textPart(text: string) {
  return { type: 'output_text', text, annotations: [], logprobs: [] };
}

function callOutput(request: PlayRequest, call: AssistantCall) {
  return {
    type: 'function_call' as const,
    id: `${answerId('fc_', request.transcript)}_${call.id}`,
    call_id: call.id,
    name: call.name,
    arguments: call.arguments,
    status: 'completed',
  };
}

function head(request: PlayRequest, status: 'in_progress' | 'completed') {
  return {
    id: answerId('resp_', request.transcript),
    object: 'response',
    created_at: createdAt,
    status,
    model: modelName,
    error: null,
    incomplete_details: null,
    instructions: null,
    metadata: {},
    parallel_tool_calls: true,
    previous_response_id: null,
    store: false,
    temperature: null,
    tool_choice: 'auto',
    tools: [],
    top_p: null,
  };
}

function wireUsage(usage: Usage) {
  return {
    input_tokens: usage.input,
    input_tokens_details: { cached_tokens: 0 },
    output_tokens: usage.output,
    output_tokens_details: { reasoning_tokens: 0 },
    total_tokens: usage.input + usage.output,
  };
}
