/** A branch of Baton's, with all runs that worked on it: a run that was rolled back hands its branch on. */
export interface BranchWork {
  readonly location: string;
  readonly branch: string;
  readonly runIds: readonly string[];
  /** When the last of them ended, in milliseconds since the epoch; null: one is under way, paused or asked about. */
  readonly endedAt: number | null;
}

/** What git says of the branch's newest commit. */
export interface TipFacts {
  readonly commit: string;
  /** Milliseconds since the epoch: somebody may have gone on with the branch after its runs ended. */
  readonly committedAt: number;
  /** Whether the commit is Baton's: a branch that holds nothing of its own is as merged as any, and means nothing. */
  readonly isOurs: boolean;
  /** Another branch of the repository, not one of Baton's, holds all of it. */
  readonly merged: boolean;
  /** The remote, asked just now, holds all of it; null: it did not say. */
  readonly pushed: boolean | null;
  readonly checkedOut: boolean;
}

export const keepReasons = ['open', 'recent', 'only_here', 'unreachable', 'checked_out'] as const;
export type KeepReason = (typeof keepReasons)[number];
export type Verdict = { readonly remove: 'merged' | 'pushed' } | { readonly keep: KeepReason };

/** What is kept, in words for people. */
export const keepWords: Readonly<Record<KeepReason, string>> = {
  open: 'its run is under way, paused or asked about',
  recent: 'it ended not long ago',
  only_here: 'it exists nowhere else: neither merged nor pushed',
  unreachable: 'it is not merged, and the remote could not be asked whether it is pushed',
  checked_out: 'it is checked out somewhere',
};

/**
 * Whether a branch may go: at once when it was merged, after a while when the remote has it, never when it is nowhere else.
 * @param afterMs how long ago its runs must have ended, and its newest commit have been made
 */
export function branchVerdict(work: BranchWork, tip: TipFacts, now: number, afterMs: number): Verdict {
  if (work.endedAt === null) return { keep: 'open' };
  if (tip.checkedOut) return { keep: 'checked_out' };
  const isOld = now - Math.max(work.endedAt, tip.committedAt) >= afterMs;
  if (tip.merged) return tip.isOurs || isOld ? { remove: 'merged' } : { keep: 'recent' };
  if (tip.pushed === true) return isOld ? { remove: 'pushed' } : { keep: 'recent' };
  return { keep: tip.pushed === null ? 'unreachable' : 'only_here' };
}

/** A ref as it was looked at: it goes only while it still names this commit. */
export interface SeenRef {
  readonly ref: string;
  readonly commit: string;
}

/** What is to be done about one branch and the states its runs kept. */
export interface CleaningPlan {
  readonly work: BranchWork;
  /** Why refs go; null when none does. */
  readonly why: 'merged' | 'pushed' | null;
  /** States first, the branch last: so that a kill in between leaves what they are compared with. */
  readonly remove: readonly SeenRef[];
  readonly keep: readonly { readonly ref: string; readonly why: KeepReason }[];
}

/** The last tidying up, as a fact about this home. */
export interface CleaningReport {
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly branches: number;
  readonly states: number;
  readonly kept: readonly { readonly ref: string; readonly why: KeepReason }[];
}
