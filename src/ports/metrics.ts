import { z } from 'zod';
import { jsonSchema } from '../domain/json.ts';
import { contract } from './activity.ts';

/** How a run is going, as it is when it is asked. What nobody knows is null. */
export const metricsSchema = z.object({
  /** Milliseconds since the epoch. */
  at: z.number(),
  /** Of the host's processors, in percent: the mean of the last minute. */
  cpuUsage: z.number().nullable(),
  /** Of the run's last 20 steps that ended, in percent. */
  errorRate: z.number().nullable(),
  costUsd: z.number().nullable(),
  /** Nodes of the run that wait for named resources. */
  waiting: z.number().int(),
  /** Stands for the inventory: another one when what there is has changed. */
  inventory: z.string(),
});
export type Metrics = z.infer<typeof metricsSchema>;

/** Read by a step, so that the journal keeps what was seen and a replay decides the same. */
export const readMetrics = contract('metrics.read', z.object({ node: z.string() }), metricsSchema);

/** Writes down a choice that Baton made by itself. The same step writes it once. */
export const recordDecision = contract(
  'decision.record',
  z.object({
    kind: z.string(),
    choice: z.string(),
    reason: z.string(),
    alternatives: z.array(z.string()),
    evidence: jsonSchema,
    at: z.number(),
  }),
  z.object({}),
);

/** What the store knows of a run's progress. */
export interface RunMetrics {
  /** How the last `most` steps ended, attempts that failed included. */
  lastSteps(runId: string, most: number): { readonly completed: number; readonly failed: number };
  /** Null once a part of it has no known price. */
  costUsd(runId: string): number | null;
}

/** The signal by which somebody outside tells a run's adaptive nodes of something, or takes a change back. */
export function adaptSignal(what: string): string {
  return `adapt:${what}`;
}
export const adaptSignalSchema = z.object({ by: z.string(), why: z.string() });
