import { z } from 'zod';
import { jsonSchema } from '../../domain/json.ts';
import type { Tokens } from '../transcript.ts';

/** The parts of the Agent Client Protocol, version 1, that Baton speaks as the client. Everything else is ignored. */
export const ACP_VERSION = 1;

export const initializedSchema = z.object({ protocolVersion: z.number() });
export const newSessionSchema = z.object({ sessionId: z.string() });

export const stopReasons = ['end_turn', 'max_tokens', 'max_turn_requests', 'refusal', 'cancelled'] as const;
const tokenCount = z.number().int().nonnegative();
const usageSchema = z.object({
  inputTokens: tokenCount,
  outputTokens: tokenCount,
  cachedReadTokens: tokenCount.nullish(),
  cachedWriteTokens: tokenCount.nullish(),
  thoughtTokens: tokenCount.nullish(),
  /** The sum of all kinds. */
  totalTokens: tokenCount.nullish(),
});
export const promptedSchema = z.object({ stopReason: z.enum(stopReasons), usage: usageSchema.nullish() });

/** Some count cached tokens and thoughts beside what went in and out, others within: the sum tells which. */
export function tokensOf(usage: z.infer<typeof usageSchema>): Tokens {
  const { inputTokens, outputTokens, totalTokens } = usage;
  const cached = usage.cachedReadTokens ?? 0;
  const beside = cached + (usage.cachedWriteTokens ?? 0);
  const thought = usage.thoughtTokens ?? 0;
  const more = Math.max(0, (totalTokens ?? 0) - inputTokens - outputTokens);
  const input = inputTokens + (more >= beside ? beside : 0);
  const output = outputTokens + (more >= beside + thought ? thought : 0);
  return { input, cached: Math.min(cached, input), output, reasoning: Math.min(thought, output) };
}

const textSchema = z.object({ type: z.literal('text'), text: z.string() });
export const updateSchema = z.object({
  update: z.union([
    z.object({
      sessionUpdate: z.literal('agent_message_chunk'),
      content: z.union([textSchema, z.object({ type: z.string() })]),
    }),
    z.object({
      sessionUpdate: z.enum(['tool_call', 'tool_call_update']),
      toolCallId: z.string(),
      title: z.string().nullish(),
      kind: z.string().nullish(),
      status: z.string().nullish(),
    }),
    /** Its context now, and what the session cost so far. */
    z.object({
      sessionUpdate: z.literal('usage_update'),
      used: z.number().int().nonnegative(),
      cost: z.object({ amount: z.number().nonnegative(), currency: z.string() }).nullish(),
    }),
  ]),
});

export const readFileSchema = z.object({
  path: z.string(),
  line: z.number().int().min(0).nullish(),
  limit: z.number().int().min(0).nullish(),
});
export const writeFileSchema = z.object({ path: z.string(), content: z.string() });
export const createTerminalSchema = z.object({
  command: z.string(),
  args: z.array(z.string()).nullish(),
  cwd: z.string().nullish(),
});
export const terminalSchema = z.object({ terminalId: z.string() });

export const permissionOptionSchema = z.object({
  optionId: z.string(),
  kind: z.enum(['allow_once', 'allow_always', 'reject_once', 'reject_always']),
});
export const permissionSchema = z.object({
  toolCall: z.object({
    title: z.string().nullish(),
    kind: z.string().nullish(),
    rawInput: jsonSchema.optional(),
  }),
  options: z.array(permissionOptionSchema.loose()),
});

/** What an agent asks of us, once understood; paths are relative to the worktree. */
export const askSchema = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('read'),
    id: z.string(),
    path: z.string(),
    from: z.number().int().nullable(),
    to: z.number().int().nullable(),
  }),
  z.object({ kind: z.literal('write'), id: z.string(), path: z.string(), content: z.string() }),
  z.object({ kind: z.literal('run'), id: z.string(), argv: z.array(z.string()) }),
  z.object({
    kind: z.literal('permit'),
    id: z.string(),
    /** What it wants to do, in its own words, and of which sort ACP says that is. */
    title: z.string(),
    sort: z.string(),
    /** The command line, where it is one. */
    command: z.string().nullable(),
    options: z.array(permissionOptionSchema),
  }),
]);
export type Ask = z.infer<typeof askSchema>;

/** How an ask was answered: what the program is told of it. */
export const answerSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('content'), id: z.string(), text: z.string() }),
  z.object({ kind: z.literal('done'), id: z.string() }),
  z.object({
    kind: z.literal('ran'),
    id: z.string(),
    output: z.string(),
    /** Null when it was ended from outside. */
    exitCode: z.number().nullable(),
  }),
  z.object({ kind: z.literal('chosen'), id: z.string(), option: z.string().nullable() }),
  z.object({ kind: z.literal('refused'), id: z.string(), why: z.string() }),
]);
export type Answer = z.infer<typeof answerSchema>;
