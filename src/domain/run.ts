import { z } from 'zod';
import { failureSchema } from './failure.ts';
import { jsonSchema } from './json.ts';

/** As the HTTP API names them. `waiting` holds no memory; `paused` waits for a person to resume it. */
export const runStatuses = [
  'queued',
  'running',
  'waiting',
  'paused',
  'completed',
  'failed',
  'cancelled',
] as const;
export type RunStatus = (typeof runStatuses)[number];

/** A run that has ended never starts again: a restart is a new run. */
export function isTerminal(status: RunStatus): boolean {
  return status === 'completed' || status === 'failed' || status === 'cancelled';
}

/** The run that a run is part of, or itself: a child's id is its parent's, a dot, and a digest of where it was asked for. */
export function rootRun(runId: string): string {
  const dot = runId.indexOf('.');
  return dot < 0 ? runId : runId.slice(0, dot);
}

/** How anything that was waited for ended. */
export const outcomeSchema = z.discriminatedUnion('ok', [
  z.object({ ok: z.literal(true), value: jsonSchema }),
  z.object({ ok: z.literal(false), failure: failureSchema }),
]);
export type Outcome = z.infer<typeof outcomeSchema>;

/** What a run executes. Stored with the run and pinned by `hash`, so an upgrade never changes a run under way. */
export const runSpecSchema = z.object({
  /** Names the generator that interprets `definition`; together with its version it must exist to resume. */
  program: z.string(),
  programVersion: z.number().int(),
  definition: jsonSchema,
  input: jsonSchema,
  /** SHA-256 (hex) over the canonical JSON of program, version and definition. */
  hash: z.string(),
  parent: z.object({ runId: z.string(), key: z.string() }).optional(),
  /** It goes on from where another run was after its event `seq`: its journal begins with a copy of that part. */
  forkedFrom: z.object({ runId: z.string(), seq: z.number().int() }).optional(),
});
export type RunSpec = z.infer<typeof runSpecSchema>;
