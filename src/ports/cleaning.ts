import type { BranchWork, CleaningPlan, CleaningReport } from '../domain/cleaning.ts';

/** Looks at what Baton left in repositories, and takes away what is safe elsewhere. */
export interface Cleaner {
  /**
   * What there is of these branches, and what may go. Nothing is changed. Repositories that cannot be used are left out.
   * @param now milliseconds since the epoch
   * @param afterMs how old what was only pushed must be
   */
  look(works: readonly BranchWork[], now: number, afterMs: number): Promise<CleaningPlan[]>;
  /** Removes the refs of a plan that are still as they were seen. Safe to repeat, also after a kill. */
  remove(plan: CleaningPlan): Promise<void>;
}

/** What the database knows of it. */
export interface CleaningStore {
  /** Every branch that runs of sessions worked on. */
  works(): Promise<BranchWork[]>;
  report(report: CleaningReport): Promise<void>;
  lastReport(): Promise<CleaningReport | null>;
}
