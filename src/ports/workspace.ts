import { z } from 'zod';
import type { diffStatSchema } from '../domain/events.ts';

/** What can be said of a repository before anything is planned. `problem` says why it cannot be used. */
export const repositoryReportSchema = z.object({
  location: z.string(),
  /** "acme/web" from a remote, else the folder's name. */
  name: z.string(),
  usable: z.boolean(),
  problem: z.string().optional(),
  /** Things to know that do not stop the work: uncommitted changes are not part of it. */
  warnings: z.array(z.string()),
  head: z.string().nullable(),
  branch: z.string().nullable(),
  fileCount: z.number(),
  /** Up to 400 tracked paths, for planning. */
  files: z.array(z.string()),
  /** argv of the test command that was recognised, e.g. ["npm","test"]; null when none was. */
  testCommand: z.array(z.string()).nullable(),
  /** Whether this is the rehearsal's own sample repository, on which commands may run unsandboxed. */
  sample: z.boolean(),
});
export type RepositoryReport = z.infer<typeof repositoryReportSchema>;

export const workspaceInfoSchema = z.object({
  path: z.string(),
  branch: z.string(),
  base: z.string(),
  sandbox: z.enum(['bubblewrap', 'none']),
  /** The snapshot's commit the files were taken from, where the worktree's folder had been deleted meanwhile. */
  restoredFrom: z.string().optional(),
});
export type WorkspaceInfo = z.infer<typeof workspaceInfoSchema>;

export const snapshotSchema = z.object({ commit: z.string(), tree: z.string() });
export type Snapshot = z.infer<typeof snapshotSchema>;

export const commandResultSchema = z.object({
  exitCode: z.number().nullable(),
  /** Set when it was ended from outside; `resource_limit`: too many processes or too much memory. */
  ended: z.enum(['timeout', 'output_limit', 'resource_limit', 'cancelled']).nullable(),
  /** Standard output and error as they came, cut in the middle with the number of characters left out said. */
  output: z.string(),
  durationMs: z.number(),
});
export type CommandResult = z.infer<typeof commandResultSchema>;

export const fileChangeSchema = z.object({
  path: z.string(),
  added: z.number(),
  removed: z.number(),
  created: z.boolean(),
});
export type FileChange = z.infer<typeof fileChangeSchema>;

export const searchHitSchema = z.object({ path: z.string(), line: z.number(), text: z.string() });

/** Where agents read, write and run. Every path is relative to the worktree; leaving it is a terminal failure. */
export interface Files {
  list(under: string, limit: number): Promise<{ paths: string[]; cut: boolean }>;
  read(
    path: string,
    range?: { readonly from: number; readonly to: number },
  ): Promise<{ text: string; lines: number; cut: boolean }>;
  /** Plain text or an RE2-like simple regular expression is not promised: `query` is a literal string. */
  search(
    query: string,
    under: string,
    limit: number,
  ): Promise<{ hits: z.infer<typeof searchHitSchema>[]; cut: boolean }>;
  /** Idempotent by nature. */
  write(path: string, content: string): Promise<FileChange>;
  /**
   * Replaces the one occurrence of `before`. An intent (hash before, hash after) is kept under `idempotencyKey`
   * outside the worktree before the file changes, so a repetition after a crash is recognised, not refused.
   */
  edit(path: string, before: string, after: string, idempotencyKey: string): Promise<FileChange>;
}

export interface RunCommand {
  readonly argv: readonly string[];
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  /** Only the rehearsal's sample, or a person's recorded yes, may set this where there is no sandbox. */
  readonly allowUnsandboxed: boolean;
}

/** One run's own worktree. */
export interface Workspace {
  readonly info: WorkspaceInfo;
  readonly files: Files;
  /** Throws `needs_person` / `sandbox_missing` where there is no sandbox and `allowUnsandboxed` is false. */
  run(command: RunCommand): Promise<CommandResult>;
  /** Keeps the state of the worktree outside the branch, under `refs/baton/snap/<run>/<label>`. Idempotent by label and content. */
  snapshot(label: string, at: number): Promise<Snapshot>;
  /** What changed since the base; `patch` is cut at `maxPatchChars` with the cut said. */
  diff(
    tree: string,
    maxPatchChars: number,
  ): Promise<{ stat: z.infer<typeof diffStatSchema>; patch: string; cut: boolean }>;
  /** Puts exactly `tree` on the branch as one commit. Same arguments, same commit; a second call changes nothing. */
  commit(input: {
    readonly tree: string;
    readonly message: string;
    readonly at: number;
  }): Promise<{ readonly commit: string }>;
}

/** Opens and closes worktrees. The user's own checkout is never touched. */
export interface Workspaces {
  inspect(location: string): Promise<RepositoryReport>;
  /** Creates the worktree and its branch, or finds those of an earlier attempt. */
  open(input: {
    readonly runId: string;
    readonly location: string;
    readonly branch: string;
    readonly base: string;
  }): Promise<Workspace>;
  /** Removes the worktree; branch and snapshots stay. Safe to repeat. */
  close(runId: string): Promise<void>;
  /** What holds on this machine, for `doctor` and the epic. */
  sandbox(): { readonly kind: 'bubblewrap' | 'none'; readonly reason: string };
}
