import { z } from 'zod';
import { mcpEffects } from '../../domain/mcp-settings.ts';
import { contract } from '../../ports/activity.ts';
import { toolDefinitionSchema } from '../transcript.ts';

/** A server's tool as it is offered to an agent: what the server says of it, and what baton.yaml allows. */
export const offeredToolSchema = z.object({
  server: z.string(),
  /** As the server calls it; the definition has the name that models call it by. */
  tool: z.string(),
  definition: toolDefinitionSchema,
  /** SHA-256 over name, description and schema as the server told them. */
  hash: z.string(),
  effect: z.enum(mcpEffects),
  approval: z.enum(['none', 'ask']),
  timeoutMs: z.number(),
  maxChars: z.number(),
  calls: z.number(),
});
export type OfferedTool = z.infer<typeof offeredToolSchema>;

/** A tool that says something else of itself than when it was first seen or last allowed. */
export const changedToolSchema = offeredToolSchema.extend({ was: z.string() });
export type ChangedTool = z.infer<typeof changedToolSchema>;

/** What servers offer an agent now. What cannot be reached or used is said, and never stops the agent. */
export const offerTools = contract(
  'mcp.offer',
  z.object({
    node: z.string(),
    stream: z.string().nullable(),
    servers: z.array(z.string()),
    /** Whether the role's own tools change files and run programs: only then may a server's. */
    may: z.object({ write: z.boolean(), execute: z.boolean() }),
  }),
  z.object({
    tools: z.array(offeredToolSchema),
    /** Not offered until somebody has allowed it. */
    changed: z.array(changedToolSchema),
    problems: z.array(z.string()),
  }),
);

/** Remembers what tools say of themselves now, once a person has allowed it. */
export const pinTools = contract(
  'mcp.pin',
  z.object({ server: z.string(), tools: z.array(z.object({ tool: z.string(), hash: z.string() })) }),
  z.object({}),
);

/** One call of a server's tool. At least once for reading; anything else at most once. */
export const callServerTool = contract(
  'mcp.call',
  z.object({
    node: z.string(),
    agent: z.string(),
    stream: z.string().nullable(),
    tool: offeredToolSchema.omit({ definition: true }),
    /** JSON text of one object. */
    arguments: z.string(),
  }),
  z.object({
    ok: z.boolean(),
    content: z.string(),
    summary: z.string(),
    durationMs: z.number().nonnegative(),
  }),
);
