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

/** A moment as it is offered: numbered from the newest, with how many files differ from it now. */
export interface OfferedPoint extends RollbackPoint {
  readonly number: number;
  readonly filesSince: number;
  /** Somebody, or a check of the workflow, found that state good. */
  readonly validated: boolean;
  /** Why only the files can go back there; null: the run can go on from there, too. */
  readonly filesOnly: string | null;
}

/** What there is to go back to. */
export interface RollbackOffer {
  readonly runId: string;
  readonly title: string;
  /** Newest first. */
  readonly points: readonly OfferedPoint[];
  /** The one that "the last good state" means; null: there is none to go on from. */
  readonly lastGood: OfferedPoint | null;
  /** Whether a step failed that can be tried again. */
  readonly hasStep: boolean;
  readonly hasBeginning: boolean;
}

/** Why a run is not taken back. `replaced`: another run has its place; `not_there`: there is no such state. */
export type RollbackRefusal =
  | 'unknown'
  | 'replaced'
  | 'under_way'
  | 'nothing'
  | 'asked_already'
  | 'not_there'
  | 'files_only'
  | 'no_step'
  | 'at_budget'
  | 'branch_moved'
  | 'not_yours'
  | 'not_allowed';

/** What came of asking for a rollback. */
export type RollbackAnswer =
  | { readonly done: 'offer'; readonly offer: RollbackOffer }
  | { readonly done: 'asked'; readonly point: RollbackPoint; readonly level: RollbackLevel }
  /** A paused run goes on with the step it stopped at: nothing is lost by that, so nobody was asked. */
  | { readonly done: 'resumed' }
  | { readonly done: 'refused'; readonly why: RollbackRefusal; readonly detail: string };
