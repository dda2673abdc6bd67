import { z } from 'zod';

/**
 * How much is taken back. `step`: the step that failed is tried again. `state`: the run goes back to a state it had, the
 * last validated one unless another is chosen. `snapshot`: the files go back, the run stays where it is. `full`: the run
 * begins anew from its base, on the same plan.
 */
export const rollbackLevels = ['step', 'state', 'snapshot', 'full'] as const;
export type RollbackLevel = (typeof rollbackLevels)[number];

/** A moment of a run that can be gone back to. */
export const rollbackPointSchema = z.object({
  /** The last event of the run that still counts. */
  seq: z.number().int(),
  /** What the files were then; null: as they are now. */
  tree: z.string().nullable(),
  at: z.number(),
  /** After which piece of work: "after backend"; "the beginning". */
  label: z.string(),
});
export type RollbackPoint = z.infer<typeof rollbackPointSchema>;

const MARK = '.back-';

/** The run that asks about a rollback and carries it out; named after the run it is about, like a part of it. */
export function rollbackRunId(target: string, digest: string): string {
  return `${target}${MARK}${digest}`;
}

/** Whether a run is the asking around a rollback rather than work. */
export function isRollbackRun(runId: string): boolean {
  return runId.includes(MARK);
}
