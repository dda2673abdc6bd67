import { z } from 'zod';
import { resultKinds } from '../domain/agent.ts';
import { contract } from '../ports/activity.ts';
import { messageSchema, tokensSchema, toolCallRequestSchema, toolDefinitionSchema } from './transcript.ts';

/** The two side effects of an agent. Inputs are made again by replay and never stored; outputs are. */

const modelTurnInputSchema = z.object({
  node: z.string(),
  agent: z.string(),
  /** Null: the configured model. */
  model: z.string().nullable(),
  messages: z.array(messageSchema),
  tools: z.array(toolDefinitionSchema),
  toolChoice: z.enum(['auto', 'none']),
  /** Which typed result the conversation ends with. */
  result: z.enum(resultKinds),
  maxOutputTokens: z.number().int().positive().nullable(),
  /** Ids of people's words that this conversation has read already. */
  heard: z.array(z.string()).default([]),
});
export type ModelTurnInput = z.infer<typeof modelTurnInputSchema>;

/**
 * A model's turn. There is no state for a refusal: the step fails with `needs_person` / `model_refused`, so
 * that Retry asks again instead of replaying the refusal.
 */
const modelTurnOutputSchema = z.object({
  text: z.string(),
  toolCalls: z.array(toolCallRequestSchema),
  /** `length`: cut off at the limit of output; its tool calls were dropped. */
  finish: z.enum(['stop', 'tool_calls', 'length']),
  tokens: tokensSchema,
  durationMs: z.number().nonnegative(),
  /** What it counts for against a cap in US dollars: its price, or the dearest known where it has none. */
  usd: z.number().nonnegative().optional(),
  /**
   * What people said since the turn before, read as this turn began. Kept with the answer it led to, so that a replay
   * hears the same. Absent where nobody said anything.
   */
  heard: z.array(z.object({ id: z.string(), text: z.string() })).optional(),
});
export type ModelTurnOutput = z.infer<typeof modelTurnOutputSchema>;

/** One call of a model: at least once; a repeated one costs again, and only that. */
export const modelTurnContract = contract('model.turn', modelTurnInputSchema, modelTurnOutputSchema);

const toolCallInputSchema = z.object({
  node: z.string(),
  agent: z.string(),
  stream: z.string().nullable(),
  tool: z.string(),
  /** JSON text, parsed and checked before the step was asked for and again by the implementation. */
  arguments: z.string(),
  /** For a program rather than a model: the result as it is, without marks, and whole or not at all. */
  plain: z.boolean().optional(),
  /** What its task has left of its time, in milliseconds: a command is given no more. */
  leftMs: z.number().optional(),
});
export type ToolCallInput = z.infer<typeof toolCallInputSchema>;

const toolCallOutputSchema = z.object({
  ok: z.boolean(),
  /** For the model; cut at a size, with the cut said. */
  content: z.string(),
  /** For people, one line: "wrote src/a.ts, +12 −3". */
  summary: z.string(),
  /** Of a command, for a program; null when it was ended from outside. */
  exitCode: z.number().nullable().optional(),
  durationMs: z.number().nonnegative(),
});
export type ToolCallOutput = z.infer<typeof toolCallOutputSchema>;

/** One call of a tool in the run's worktree. */
export const toolCallContract = contract('tool.call', toolCallInputSchema, toolCallOutputSchema);
