import type { ResponseCreateParamsStreaming, ResponseInputItem } from 'openai/resources/responses/responses';
import { z } from 'zod';
import type {
  Message,
  ModelReply,
  ModelRequest,
  OptionalPart,
  StreamReader,
  Tokens,
  ToolCallRequest,
} from '../transcript.ts';
import { AnswerFault } from './model-faults.ts';

/**
 * The request for the Responses API: nothing stored, the full input every time, so that a repeated call needs
 * nothing the server remembers. Items carry no server ids for the same reason.
 */
export function toResponsesRequest(
  request: ModelRequest,
  without: ReadonlySet<OptionalPart>,
): ResponseCreateParamsStreaming {
  const { format, maxOutputTokens, tools } = request;
  const instructions = request.messages
    .filter((message) => message.role === 'system')
    .map((message) => message.text)
    .join('\n\n');
  return {
    model: request.model,
    stream: true,
    instructions,
    input: request.messages.flatMap(toInputItems),
    ...(without.has('store') ? {} : { store: false }),
    ...(maxOutputTokens === null || without.has('maxTokens') ? {} : { max_output_tokens: maxOutputTokens }),
    ...(tools.length === 0
      ? {}
      : {
          tool_choice: request.toolChoice,
          tools: tools.map((tool) => ({
            type: 'function' as const,
            name: tool.name,
            description: tool.description,
            parameters: tool.parameters,
            strict: (tool.strict ?? true) && !without.has('strictTools'),
          })),
        }),
    ...(format === null || without.has('format')
      ? {}
      : {
          text: { format: { type: 'json_schema', name: format.name, schema: format.schema, strict: true } },
        }),
  };
}

function toInputItems(message: Message): ResponseInputItem[] {
  switch (message.role) {
    case 'system':
      return [];
    case 'user':
      return [{ role: 'user', content: message.text }];
    case 'tool':
      return [{ type: 'function_call_output', call_id: message.callId, output: message.text }];
    case 'assistant': {
      const items: ResponseInputItem[] = message.toolCalls.map((call) => ({
        type: 'function_call',
        call_id: call.id,
        name: call.name,
        arguments: call.arguments,
      }));
      return message.text === '' ? items : [{ role: 'assistant', content: message.text }, ...items];
    }
    default: {
      const never: never = message;
      return never;
    }
  }
}

const itemSchema = z.union([
  z.object({
    type: z.literal('function_call'),
    call_id: z.string(),
    name: z.string(),
    arguments: z.string(),
    status: z.string().nullish(),
  }),
  z.object({
    type: z.literal('message'),
    content: z.array(
      z.object({ type: z.string(), text: z.string().nullish(), refusal: z.string().nullish() }),
    ),
  }),
  z.object({ type: z.string() }),
]);
type Item = z.infer<typeof itemSchema>;

const responseSchema = z.object({
  output: z.array(itemSchema).nullish(),
  incomplete_details: z.object({ reason: z.string().nullish() }).nullish(),
  error: z.object({ code: z.string().nullish(), message: z.string().nullish() }).nullish(),
  usage: z
    .object({
      input_tokens: z.number(),
      output_tokens: z.number(),
      input_tokens_details: z.object({ cached_tokens: z.number().nullish() }).nullish(),
      output_tokens_details: z.object({ reasoning_tokens: z.number().nullish() }).nullish(),
    })
    .nullish(),
});
type ResponseBody = z.infer<typeof responseSchema>;

const itemDoneSchema = z.object({ type: z.literal('response.output_item.done'), item: itemSchema });
const terminalSchema = z.object({
  type: z.enum(['response.completed', 'response.incomplete', 'response.failed']),
  response: responseSchema,
});

/** Collects the events of one streamed response. Throws the server's own failure where it reports one. */
export function responsesReader(): StreamReader {
  const items: Item[] = [];
  let ended: ModelReply | null = null;
  return {
    push: (event) => {
      const item = itemDoneSchema.safeParse(event);
      if (item.success) items.push(item.data.item);
      const terminal = terminalSchema.safeParse(event);
      if (!terminal.success) return;
      const { type, response } = terminal.data;
      if (type === 'response.failed') throw failed(response);
      // Some servers leave the output of the terminal event empty; the items came one by one before it.
      const output = response.output?.length ? response.output : items;
      ended = responsesReply(type, response, output);
    },
    reply: () => ended,
  };
}

function failed(response: ResponseBody): AnswerFault {
  const code = response.error?.code ?? null;
  const message = response.error?.message ?? 'the response failed without a reason';
  return new AnswerFault({ kind: 'reported', status: null, code, message, headers: {} });
}

function responsesReply(
  type: 'response.completed' | 'response.incomplete',
  response: ResponseBody,
  output: readonly Item[],
): ModelReply {
  const toolCalls: ToolCallRequest[] = [];
  let text = '';
  let refusal = '';
  for (const item of output) {
    if ('call_id' in item) toolCalls.push({ id: item.call_id, name: item.name, arguments: item.arguments });
    if (!('content' in item)) continue;
    for (const part of item.content) {
      if (part.type === 'output_text') text += part.text ?? '';
      if (part.type === 'refusal') refusal += part.refusal ?? '';
    }
  }
  const tokens = tokensOf(response.usage);
  const filtered = response.incomplete_details?.reason === 'content_filter';
  if (refusal !== '' || filtered) {
    return { text: refusal === '' ? text : refusal, toolCalls: [], finish: 'refusal', tokens };
  }
  const cut = output.some((item) => 'call_id' in item && item.status === 'incomplete');
  if (type === 'response.incomplete' || cut) return { text, toolCalls: [], finish: 'length', tokens };
  return { text, toolCalls, finish: toolCalls.length > 0 ? 'tool_calls' : 'stop', tokens };
}

function tokensOf(usage: ResponseBody['usage']): Tokens | null {
  if (usage == null) return null;
  return {
    input: Math.round(usage.input_tokens),
    cached: Math.round(usage.input_tokens_details?.cached_tokens ?? 0),
    output: Math.round(usage.output_tokens),
    reasoning: Math.round(usage.output_tokens_details?.reasoning_tokens ?? 0),
  };
}
