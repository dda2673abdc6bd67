import { z } from 'zod';

/** Where a run's branch went. */
export const pushedSchema = z.discriminatedUnion('status', [
  z.object({ status: z.literal('pushed'), commit: z.string() }),
  /** There is no GitHub to push to: the branch stays where it is, and the patch is a file. */
  z.object({ status: z.literal('patch'), commit: z.string(), file: z.string(), why: z.string() }),
]);
export type Pushed = z.infer<typeof pushedSchema>;

export const pullRequestSchema = z.object({
  number: z.number(),
  url: z.string(),
  done: z.enum(['opened', 'updated', 'found']),
});
export type PullRequest = z.infer<typeof pullRequestSchema>;

export interface HandOverPlace {
  readonly location: string;
  readonly branch: string;
  readonly runId: string;
  /** The branch it is to be merged into; null: the one the repository is on. */
  readonly onto: string | null;
}

/** What would be handed over now. */
export interface HandOverFound {
  readonly commit: string;
  /** Where git would push it to, settings of the repository followed; null: nowhere, its patch is written. */
  readonly address: string | null;
  /** Why it is pushed nowhere; null: it is pushed. */
  readonly why: string | null;
}

/** What was shown. Without an address it was shown by a version that looked at the commit alone. */
export interface HandOverShown {
  readonly commit: string;
  readonly address?: string | null | undefined;
}

/** Hands a run's branch over to where its repository came from. Each of both may be repeated after a crash at any moment. */
export interface HandOverDesk {
  /** Where the branch stands, and where it would go. Errors: needs_person `repository_unusable`, `branch_missing`. */
  look(place: HandOverPlace): Promise<HandOverFound>;
  /**
   * Pushes a commit onto the branch's name at the remote, forward only; without a GitHub, writes a patch file.
   * Errors: as `look`, needs_person `push_refused`, `remote_changed`, transient `push_failed`.
   */
  push(place: HandOverPlace, shown: HandOverShown): Promise<Pushed>;
  /**
   * Exactly one pull request for the branch: found by its head and its marker, updated, or opened.
   * Errors: needs_person `github_refused`, `remote_changed`, transient `github_failed`.
   */
  pullRequest(
    place: HandOverPlace,
    shown: HandOverShown,
    text: { readonly title: string; readonly body: string },
  ): Promise<PullRequest>;
}
