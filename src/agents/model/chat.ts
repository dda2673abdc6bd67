import type {
  ChatCompletionCreateParamsStreaming,
  ChatCompletionMessageParam,
} from 'openai/resources/chat/completions';
import { z } from 'zod';
import type { Message, ModelReply, ModelRequest, OptionalPart, StreamReader, Tokens } from '../transcript.ts';
import { AnswerFault } from './model-faults.ts';

/**
 * The request for Chat Completions: always the full transcript, streamed.
 * A result schema is only sent when no tool may be called: several servers implement it as a grammar over the
 * whole answer, which makes tool calls impossible. Until then the prompt asks for it.
 */
export function toChatRequest(
  request: ModelRequest,
  without: ReadonlySet<OptionalPart>,
): ChatCompletionCreateParamsStreaming {
  const { format, maxOutputTokens, tools } = request;
  const sendFormat =
    format !== null && !without.has('format') && (tools.length === 0 || request.toolChoice === 'none');
  return {
    model: request.model,
    stream: true,
    messages: request.messages.map(toChatMessage),
    ...(without.has('store') ? {} : { store: false }),
    ...(without.has('streamUsage') ? {} : { stream_options: { include_usage: true } }),
    ...(maxOutputTokens === null || without.has('maxTokens')
      ? {}
      : { max_completion_tokens: maxOutputTokens }),
    ...(tools.length === 0
      ? {}
      : {
          tool_choice: request.toolChoice,
          tools: tools.map((tool) => ({
            type: 'function' as const,
            function: {
              name: tool.name,
              description: tool.description,
              parameters: tool.parameters,
              ...(without.has('strictTools') ? {} : { strict: tool.strict ?? true }),
            },
          })),
        }),
    ...(sendFormat
      ? {
          response_format: {
            type: 'json_schema',
            json_schema: { name: format.name, schema: format.schema, strict: true },
          },
        }
      : {}),
  };
}

function toChatMessage(message: Message): ChatCompletionMessageParam {
  switch (message.role) {
    case 'system':
      return { role: 'system', content: message.text };
    case 'user':
      return { role: 'user', content: message.text };
    case 'tool':
      return { role: 'tool', tool_call_id: message.callId, content: message.text };
    case 'assistant':
      if (message.toolCalls.length === 0) return { role: 'assistant', content: message.text };
      return {
        role: 'assistant',
        content: message.text === '' ? null : message.text,
        tool_calls: message.toolCalls.map((call) => ({
          id: call.id,
          type: 'function',
          function: { name: call.name, arguments: call.arguments },
        })),
      };
    default: {
      const never: never = message;
      return never;
    }
  }
}

/** Only what is used, and loosely: compatible servers leave out much of what the type promises. */
const chunkSchema = z.object({
  choices: z
    .array(
      z.object({
        delta: z
          .object({
            content: z.string().nullish(),
            refusal: z.string().nullish(),
            tool_calls: z
              .array(
                z.object({
                  index: z.number().int().nullish(),
                  id: z.string().nullish(),
                  function: z
                    .object({ name: z.string().nullish(), arguments: z.string().nullish() })
                    .nullish(),
                }),
              )
              .nullish(),
          })
          .nullish(),
        finish_reason: z.string().nullish(),
      }),
    )
    .nullish(),
  usage: z
    .object({
      prompt_tokens: z.number().nullish(),
      completion_tokens: z.number().nullish(),
      prompt_tokens_details: z.object({ cached_tokens: z.number().nullish() }).nullish(),
      completion_tokens_details: z.object({ reasoning_tokens: z.number().nullish() }).nullish(),
    })
    .nullish(),
});
type Chunk = z.infer<typeof chunkSchema>;

/** A piece of a call, whatever its shape: without it the others might still make a call, and another one. */
const pieceOfCall = z.object({
  choices: z.array(
    z.object({ delta: z.object({ tool_calls: z.unknown().refine((calls) => calls != null) }) }),
  ),
});

interface PartialCall {
  id: string;
  name: string;
  arguments: string;
}

/** Collects the chunks of one streamed completion. @throws AnswerFault where what is missing could change a call */
export function chatReader(): StreamReader {
  let text = '';
  let refusal = '';
  let finish: string | null = null;
  let tokens: Tokens | null = null;
  const calls: PartialCall[] = [];
  const slots = new Map<number, PartialCall>();

  /** By index; where a server sends none, a new id begins a new call and no id continues the last one. */
  const callFor = (index: number | null, id: string): PartialCall => {
    const last = calls.at(-1);
    const known = index === null ? (id === '' || id === last?.id ? last : undefined) : slots.get(index);
    if (known !== undefined) return known;
    const call = { id, name: '', arguments: '' };
    calls.push(call);
    if (index !== null) slots.set(index, call);
    return call;
  };

  return {
    push: (event) => {
      const parsed = chunkSchema.safeParse(event);
      if (!parsed.success) {
        if (pieceOfCall.safeParse(event).success)
          throw new AnswerFault({ kind: 'unreadable', type: 'broken pieces of a call' });
        return;
      }
      const choice = parsed.data.choices?.[0];
      text += choice?.delta?.content ?? '';
      refusal += choice?.delta?.refusal ?? '';
      for (const part of choice?.delta?.tool_calls ?? []) {
        const call = callFor(part.index ?? null, part.id ?? '');
        if (call.id === '') call.id = part.id ?? '';
        if (call.name === '') call.name = part.function?.name ?? '';
        call.arguments += part.function?.arguments ?? '';
      }
      finish = choice?.finish_reason ?? finish;
      tokens = tokensOf(parsed.data.usage) ?? tokens;
    },
    reply: () => (finish === null ? null : chatReply(finish, text, refusal, calls, tokens)),
  };
}

function chatReply(
  finish: string,
  text: string,
  refusal: string,
  calls: readonly PartialCall[],
  tokens: Tokens | null,
): ModelReply {
  if (finish === 'length') return { text, toolCalls: [], finish: 'length', tokens };
  if (refusal !== '' || finish === 'content_filter') {
    return { text: refusal === '' ? text : refusal, toolCalls: [], finish: 'refusal', tokens };
  }
  const toolCalls = calls.map((call) => ({ ...call }));
  return { text, toolCalls, finish: toolCalls.length > 0 ? 'tool_calls' : 'stop', tokens };
}

function tokensOf(usage: Chunk['usage']): Tokens | null {
  if (usage?.prompt_tokens == null || usage.completion_tokens == null) return null;
  return {
    input: Math.round(usage.prompt_tokens),
    cached: Math.round(usage.prompt_tokens_details?.cached_tokens ?? 0),
    output: Math.round(usage.completion_tokens),
    reasoning: Math.round(usage.completion_tokens_details?.reasoning_tokens ?? 0),
  };
}
