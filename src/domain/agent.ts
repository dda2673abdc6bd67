import { z } from 'zod';
import { durationSchema } from './duration.ts';
import { jsonSchema } from './json.ts';

/** Which typed result an agent ends with; see `agentResults`. A role has its own; a node may ask for another. */
export const resultKinds = ['spec', 'work', 'review', 'vote', 'route', 'answer', 'verdict', 'items'] as const;
export type ResultKind = (typeof resultKinds)[number];

/** What a role may be given to work with. */
export const toolNames = [
  'list',
  'read',
  'search',
  'diff',
  'log',
  'memory',
  'write',
  'edit',
  'patch',
  'run',
  'ask',
  'emit',
  'tell',
] as const;

/** What each can do at worst: look at the repository, change its files, run programs in it, or tell somebody. */
export const toolEffects: Readonly<
  Record<(typeof toolNames)[number], 'read' | 'write' | 'execute' | 'tell'>
> = {
  list: 'read',
  read: 'read',
  search: 'read',
  diff: 'read',
  log: 'read',
  memory: 'read',
  write: 'write',
  edit: 'write',
  patch: 'write',
  run: 'execute',
  ask: 'tell',
  emit: 'tell',
  tell: 'tell',
};

/** Caps of one piece of an agent's work, as people write them; what is left out is as usual. */
export const stepLimitsSchema = z.strictObject({
  turns: z.number().int().min(1).max(500).exactOptional(),
  tokens: z.number().int().min(1_000).exactOptional(),
  /** Time it works; waiting for people does not count. */
  timeout: durationSchema.exactOptional(),
  /** US dollars. */
  usd: z.number().positive().exactOptional(),
  /** Turns in which no file changes and nothing new is learned. */
  idle_turns: z.number().int().min(2).max(500).exactOptional(),
});
export type StepLimits = z.infer<typeof stepLimitsSchema>;

/** A role as read from `catalog/agents/*.md`: front matter, and the body as its instructions. */
export const agentRoleSchema = z.object({
  name: z.string().regex(/^[a-z][a-z0-9-]*$/),
  title: z.string(),
  description: z.string(),
  capabilities: z.array(z.string()),
  tier: z.enum(['light', 'standard', 'strong']),
  backup: z.string().nullable(),
  tools: z.array(z.enum(toolNames)),
  output: z.enum(resultKinds),
  /** Overrides the configured model. */
  model: z.string().nullable(),
  /** A runner of baton.yaml; Baton's own loop with a model unless given. */
  runner: z.string().exactOptional(),
  /** Caps of its work where a node says nothing of them. */
  limits: stepLimitsSchema.exactOptional(),
  /** Tool servers of baton.yaml that it may use. */
  mcp: z.array(z.string()).exactOptional(),
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
  /** One of the options it was given, word for word. */
  vote: z.object({ summary: z.string(), choice: z.string(), reason: z.string() }),
  /** Who does what next, of the agents it was given; `done` when nothing is left to do. */
  route: z.object({
    summary: z.string(),
    agent: z.string(),
    task: z.string(),
    reason: z.string(),
    done: z.boolean(),
  }),
  /** An expert's answer; confidence is 0 to 1. */
  answer: z.object({
    summary: z.string(),
    answer: z.string(),
    confidence: z.number().min(0).max(1),
    reason: z.string(),
  }),
  /** Whether something holds: a criterion, or that work follows its strategy. Score is 0 to 100. */
  verdict: z.object({
    summary: z.string(),
    met: z.boolean(),
    score: z.number().min(0).max(100),
    issues: z.array(z.string()),
  }),
  /** A list to go through. */
  items: z.object({ summary: z.string(), items: z.array(z.string()) }),
} as const satisfies Record<ResultKind, z.ZodType>;

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
  /** Which typed result is wanted, and for a vote or a route what there is to choose from. */
  output: z.enum(resultKinds),
  options: z.array(z.string()),
  /** The worktree it works in: null is the run's own, otherwise a stream's. */
  stream: z.string().nullable(),
  testCommand: z.array(z.string()).nullable(),
  /** Tasks beside this one whose outcome it may ask for while it runs, with what each does. */
  others: z.array(z.object({ id: z.string(), task: z.string() })).exactOptional(),
  limits: z.object({
    turns: z.number().int(),
    tokens: z.number().int(),
    timeoutMs: z.number().int(),
    usd: z.number().optional(),
    /** Absent in runs that began before it was watched. */
    idleTurns: z.number().int().optional(),
  }),
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
