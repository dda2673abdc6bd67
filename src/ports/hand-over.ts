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

/** Hands a run's branch over to where its repository came from. Each of both may be repeated after a crash at any moment. */
export interface HandOverDesk {
  /** Where the branch stands. Errors: needs_person `repository_unusable`, `branch_missing`. */
  commitOf(place: HandOverPlace): Promise<string>;
  /**
   * Pushes a commit onto the branch's name at the remote, forward only; without a GitHub, writes a patch file.
   * Errors: as `commitOf`, needs_person `push_refused`, transient `push_failed`.
   */
  push(place: HandOverPlace, commit: string): Promise<Pushed>;
  /**
   * Exactly one pull request for the branch: found by its head and its marker, updated, or opened.
   * Errors: needs_person `github_refused`, transient `github_failed`.
   */
  pullRequest(
    place: HandOverPlace,
    text: { readonly title: string; readonly body: string },
  ): Promise<PullRequest>;
}
