import { z } from 'zod';
import { stepLimitsSchema } from '../../domain/agent.ts';
import { nodeSchema } from '../../domain/workflow.ts';

const id = nodeSchema.shape.id;
const syncTypes = ['start', 'milestone', 'resource', 'integration', 'progress'] as const;

export const taskSchema = z.strictObject({
  id,
  agent: z.string().optional(),
  task: z.string().optional(),
  limits: stepLimitsSchema.optional(),
  /** A node instead of one agent's task. */
  flow: nodeSchema.optional(),
  /** Tasks and sync points that come before. */
  needs: z.array(id).max(100).default([]),
  /** Tasks of one stream share a worktree and follow one another. */
  stream: id.optional(),
  /** What whoever does it must be capable of: with `rebalance`, an agent of another stream may take it over. */
  capabilities: z.array(z.string().min(1)).min(1).max(20).optional(),
});
export type Task = z.infer<typeof taskSchema>;

export const syncSchema = z.strictObject({
  id,
  type: z.enum(syncTypes),
  /** Tasks, by their ids. */
  participants: z.array(id).min(1).max(100),
  /** For `start` and `resource`: what comes before the point itself. */
  after: z.array(id).max(100).default([]),
  approval: z.looseObject({ title: z.string(), why: z.string() }).optional(),
});
export type SyncPoint = z.infer<typeof syncSchema>;
