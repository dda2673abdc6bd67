import { z } from 'zod';
import { jsonSchema } from './json.ts';

/** A role as read from `catalog/agents/*.md`: front matter, and the body as its instructions. */
export const agentRoleSchema = z.object({
  name: z.string().regex(/^[a-z][a-z0-9-]*$/),
  title: z.string(),
  description: z.string(),
  capabilities: z.array(z.string()),
  tier: z.enum(['light', 'standard', 'strong']),
  backup: z.string().nullable(),
  tools: z.array(z.enum(['list', 'read', 'search', 'write', 'edit', 'run'])),
  /** Which typed result it must end with; see `agentResults`. */
  output: z.enum(['spec', 'work', 'review']),
  /** Overrides the configured model. */
  model: z.string().nullable(),
  instructions: z.string(),
});
export type AgentRole = z.infer<typeof agentRoleSchema>;

/** The typed results agents end with. Strict-schema friendly: every field required, no records, no tuples. */
export const agentResults = {
  spec: z.object({
    summary: z.string(),
    points: z.array(z.string()),
    risks: z.array(z.string()),
    files: z.array(z.string()),
  }),
  work: z.object({ summary: z.string(), files: z.array(z.string()), warnings: z.array(z.string()) }),
  review: z.object({
    summary: z.string(),
    quality: z.number().min(0).max(100),
    approved: z.boolean(),
    issues: z.array(z.string()),
  }),
} as const;

/** What an agent is asked to do. */
export const agentTaskSchema = z.object({
  node: z.string(),
  role: agentRoleSchema,
  /** The run's request in the person's words. */
  request: z.string(),
  /** What this node asks for. */
  task: z.string(),
  context: z.array(z.object({ node: z.string(), agent: z.string().nullable(), summary: z.string() })),
  /** What came before, as data for the model. */
  previous: jsonSchema,
  feedback: z.array(z.string()),
  testCommand: z.array(z.string()).nullable(),
  limits: z.object({ turns: z.number().int(), tokens: z.number().int(), timeoutMs: z.number().int() }),
});
export type AgentTask = z.infer<typeof agentTaskSchema>;

export const agentResultSchema = z.object({
  summary: z.string(),
  result: jsonSchema,
  quality: z.number().nullable(),
  approved: z.boolean().nullable(),
  findings: z.array(z.string()),
  warnings: z.array(z.string()),
});
export type AgentResult = z.infer<typeof agentResultSchema>;
