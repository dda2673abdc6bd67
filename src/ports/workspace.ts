import { z } from 'zod';
import type { diffStatSchema } from '../domain/events.ts';
import { type SandboxKind, sandboxKinds } from '../domain/sandbox-kind.ts';

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
  sandbox: z.enum(sandboxKinds),
  /** The snapshot's commit the files were taken from, where the worktree's folder had been deleted meanwhile. */
  restoredFrom: z.string().optional(),
});
export type WorkspaceInfo = z.infer<typeof workspaceInfoSchema>;

export const snapshotSchema = z.object({ commit: z.string(), tree: z.string() });
export type Snapshot = z.infer<typeof snapshotSchema>;

/** Which of two sides of a conflict is kept. First: what was there; second: what is merged into it. */
export const sides = ['first', 'second'] as const;
/** What a rule says of a conflict in a path it matches: a side, or who decides, or that the work stops. */
export const conflictWays = [...sides, 'agent', 'ask', 'stop'] as const;
export const conflictRuleSchema = z.object({
  /** Patterns with `*`, `**` and `?`; null matches every path. */
  paths: z.array(z.string()).nullable(),
  way: z.enum(conflictWays),
  /** Who resolves it where `way` is `agent`. */
  agent: z.string().nullable(),
});
export type ConflictRule = z.infer<typeof conflictRuleSchema>;

export const conflictSchema = z.object({
  path: z.string(),
  /** What git calls it: `contents`, `binary`, `modify/delete`. */
  kind: z.string(),
  /** The content of each side as git names it; null where that side has no such file. */
  first: z.string().nullable(),
  second: z.string().nullable(),
  /** What the first rule that matches says. */
  way: z.enum(conflictWays),
  agent: z.string().nullable(),
});
export type Conflict = z.infer<typeof conflictSchema>;

/** What is decided of a conflict already; `marked` leaves it as git does, for an agent to finish. */
export const choiceSchema = z.object({
  path: z.string(),
  take: z.enum([...sides, 'marked', 'edited']),
  /** What somebody wrote, where `take` is `edited`. */
  text: z.string().exactOptional(),
  /** The very contents somebody chose between: of others nothing was chosen. Absent: whatever they are. */
  of: z.object({ first: z.string().nullable(), second: z.string().nullable() }).exactOptional(),
});
export type Choice = z.infer<typeof choiceSchema>;

/** `both`: git had moved one side out of the other's way, and it stays so. */
export const resolutionSchema = z.object({
  path: z.string(),
  kind: z.string(),
  took: z.enum([...sides, 'both', 'marked', 'edited']),
  by: z.enum(['rule', 'choice']),
});
export type Resolution = z.infer<typeof resolutionSchema>;

/** `before` and `second` are the two states that met; `second` is what came in. */
export const mergeOutcomeSchema = z.discriminatedUnion('status', [
  z.object({
    status: z.literal('merged'),
    commit: z.string(),
    tree: z.string(),
    before: z.string(),
    second: z.string(),
    files: z.number().int(),
    resolutions: z.array(resolutionSchema),
  }),
  /** Nothing was changed: these are still to be decided. */
  z.object({
    status: z.literal('conflict'),
    before: z.string(),
    second: z.string(),
    conflicts: z.array(conflictSchema),
  }),
]);
export type MergeOutcome = z.infer<typeof mergeOutcomeSchema>;

export const commandResultSchema = z.object({
  exitCode: z.number().nullable(),
  /** Set when it was ended from outside; `resource_limit`: too many processes, too much memory or disk. */
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

/** A file that differs between two states. A rename is a file that went and one that came. */
export interface ChangedFile {
  readonly path: string;
  /** Null: the file was not there. */
  readonly before: string | null;
  /** Null: the file is not there any more. */
  readonly after: string | null;
  /** Its text is too large to be looked into, or none. What cannot be read is taken for the worst. */
  readonly unread: boolean;
}

export const searchHitSchema = z.object({ path: z.string(), line: z.number(), text: z.string() });

/** How files are searched. */
export interface SearchHow {
  /** `query` is a regular expression of the kind an automaton decides: no references back, no looking around. */
  readonly pattern?: boolean;
  readonly ignoreCase?: boolean;
  /** Only files whose path matches as a whole. */
  readonly glob?: string;
}

/** Where agents read, write and run. Every path is relative to the worktree; leaving it is a terminal failure. */
export interface Files {
  /** `glob`: only paths that match it as a whole, with `*`, `**` and `?`. */
  list(under: string, limit: number, glob?: string): Promise<{ paths: string[]; cut: boolean }>;
  read(
    path: string,
    range?: { readonly from: number; readonly to: number },
  ): Promise<{ text: string; lines: number; cut: boolean }>;
  /** `query` is a literal string unless `how` says that it is a pattern, which no text can make slow. */
  search(
    query: string,
    under: string,
    limit: number,
    how?: SearchHow,
  ): Promise<{ hits: z.infer<typeof searchHitSchema>[]; cut: boolean }>;
  /** Idempotent by nature. */
  write(path: string, content: string): Promise<FileChange>;
  /**
   * Replaces the one occurrence of `before`. An intent (hash before, hash after) is kept under `idempotencyKey`
   * outside the worktree before the file changes, so a repetition after a crash is recognised, not refused.
   */
  edit(path: string, before: string, after: string, idempotencyKey: string): Promise<FileChange>;
  /** Applies a unified diff to one or more files, all of it or nothing; intents are kept as for `edit`. */
  patch(patch: string, idempotencyKey: string): Promise<FileChange[]>;
}

/** How much a command may take, by how the agents of its run are coordinated. */
export type ResourceClass = 'sequence' | 'parallel';

export interface RunCommand {
  readonly argv: readonly string[];
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  /** Only the rehearsal's sample, or a person's recorded yes, may set this where there is no sandbox. */
  readonly allowUnsandboxed: boolean;
}

/** A program that is talked to, such as a coding agent: kept in as a command is, for as long as it takes. */
export interface ProgramRequest {
  readonly argv: readonly string[];
  /** On top of a clean one. */
  readonly environment: Readonly<Record<string, string>>;
  /** As `environment`, but never in an argument, where others on this machine could read it. */
  readonly secrets?: Readonly<Record<string, string>>;
  /** Absolute paths, files or folders, that it may read beside the worktree. */
  readonly reads: readonly string[];
  /** A Unix socket of Baton's that it has to reach. Throws `terminal` / `sandbox_without_sockets` where it cannot. */
  readonly socket?: string | undefined;
  /** Whether it may only look at the worktree, where there is a sandbox. */
  readonly readOnly?: boolean;
  readonly timeoutMs: number;
  /** Ends it, with everything it started. */
  readonly signal: AbortSignal;
  readonly allowUnsandboxed: boolean;
  /** Its standard output, piece by piece. */
  readonly hear: (chunk: Buffer) => void;
}

export interface Program {
  /** To its standard input. Lost without a word once it has ended. */
  say(text: string): void;
  /** Closes its standard input. */
  finish(): void;
  /** When nothing of it lives any more; `output` is what it said on standard error. */
  readonly done: Promise<CommandResult>;
}

export interface MergeRequest {
  /** The stream that comes in, as it was saved last: what is half done in it stays there. Null: what this one began from. */
  readonly stream: string | null;
  readonly rules: readonly ConflictRule[];
  readonly choices: readonly Choice[];
  readonly label: string;
  readonly at: number;
  /** A repetition under the same key gives the first outcome and changes nothing more. */
  readonly idempotencyKey: string;
}

/** The content of each side of a conflict, as git names it; null where that side has no such file. */
export interface Sides {
  readonly first: string | null;
  readonly second: string | null;
}

export interface Meeting extends Sides {
  /** Text, with lines that tell the sides apart; else what keeps it from being shown as one. */
  readonly marked:
    | { readonly text: string }
    | { readonly not: 'text' | 'plain_file' | 'two_files' | 'marked' }
    | { readonly not: 'short'; readonly chars: number };
}

/** What a worktree is asked where streams are forked, joined and undone. */
export interface Line {
  /** Saves the state of the worktree as the next of its line, from which streams fork and merges begin. Idempotent. */
  save(label: string, at: number): Promise<Snapshot>;
  /**
   * Joins a stream of the same run into this worktree, in memory first: the files change only when nothing is left to
   * decide, and whatever else was changed in them meanwhile stays.
   */
  merge(request: MergeRequest): Promise<MergeOutcome>;
  /** Takes back a merge: files and line as they were `before`. Safe to repeat. */
  undo(before: string): Promise<void>;
  /** For a stream: takes in its parent's line, which holds all that this stream saved. Safe to repeat. */
  follow(): Promise<void>;
  /** What each side of a conflict did to a file, for people and agents; cut at `maxChars` each. */
  sidesOf(input: {
    readonly path: string;
    readonly before: string;
    readonly second: string;
    readonly maxChars: number;
  }): Promise<{ readonly first: string; readonly second: string; readonly cut: boolean }>;
  /**
   * How two states meet at a path: the content of each side as git names it, and the file with both sides marked, or why
   * it cannot be shown so. Null: they do not conflict there.
   */
  meeting(input: {
    readonly path: string;
    readonly before: string;
    readonly second: string;
    readonly maxChars: number;
  }): Promise<Meeting | null>;
  /** The sides of a conflict as merging that stream would find them at this moment; null: there is none any more. */
  sidesNow(input: { readonly path: string; readonly stream: string | null }): Promise<Sides | null>;
  /** Those of the paths in which conflict markers stand. */
  marked(paths: readonly string[]): Promise<string[]>;
  /** Paths in which the newest state of another stream meets the newest of this one; nothing is changed. */
  meets(stream: string): Promise<string[]>;
}

/** A run's own worktree, or a stream's. */
export interface Workspace {
  readonly info: WorkspaceInfo;
  readonly files: Files;
  readonly line: Line;
  /** Throws `needs_person` / `sandbox_missing` where there is no sandbox and `allowUnsandboxed` is false. */
  run(command: RunCommand): Promise<CommandResult>;
  /** As `run`, for a program that is talked to. It is ended with the worktree at the latest. */
  start(program: ProgramRequest): Promise<Program>;
  /** Keeps the state of the worktree outside the branch, under `refs/baton/snap/<run>/<label>`. Idempotent by label and content. */
  snapshot(label: string, at: number): Promise<Snapshot>;
  /** Puts the files back to a snapshot's tree; ignored files stay. Safe to repeat. */
  restore(tree: string): Promise<void>;
  /** What changed since the base; `patch` is cut at `maxPatchChars` with the cut said. */
  diff(
    tree: string,
    maxPatchChars: number,
  ): Promise<{ stat: z.infer<typeof diffStatSchema>; patch: string; cut: boolean }>;
  /** What the worktree holds now beside its base; as `diff`, without keeping a snapshot. */
  changes(maxPatchChars: number): ReturnType<Workspace['diff']>;
  /** Commits that led here, newest first, a line each; of one file or folder where a path is given. */
  log(path: string | null, count: number): Promise<string>;
  /** Every file that differs between the base and a tree, with both texts: what the policy's detectors look at. */
  changedFiles(tree: string): Promise<ChangedFile[]>;
  /** A file's text in the base, whatever the work did to it since; null: it is not there. */
  readBase(path: string): Promise<string | null>;
  /** Puts exactly `tree` on the branch as one commit. Same arguments, same commit; a second call changes nothing. */
  commit(input: {
    readonly tree: string;
    readonly message: string;
    readonly at: number;
  }): Promise<{ readonly commit: string }>;
}

/** What a run left in its repository, whether or not its worktree is still there. Each change may be repeated. */
export interface Past {
  /** Where the run's branch stands; null: there is none. */
  tip(): Promise<Snapshot | null>;
  baseTree(): Promise<string>;
  /** The commit that a ref of ours names. Errors: structural `tree_missing`. */
  commitOf(ref: string): Promise<string>;
  /** Whether the branch holds nothing but what Baton put there. */
  isFree(): Promise<boolean>;
  /** From one tree or commit to another. */
  diff(from: string, to: string, maxPatchChars: number): ReturnType<Workspace['diff']>;
  /** Commits of the branch beyond its base, newest first: short id and first line. */
  commits(): Promise<string[]>;
  /** Keeps a tree, on top of what the branch holds, under `refs/baton/lost/<run>/<label>`. */
  keepLost(input: {
    readonly label: string;
    readonly tree: string;
    readonly message: string;
    readonly at: number;
  }): Promise<{ readonly ref: string; readonly commit: string }>;
  /** Takes the branch back to its base. Errors: needs_person `branch_moved`, `branch_in_use`. */
  toBase(): Promise<void>;
  /** Puts a tree on the branch as one commit on the base. Errors as `toBase`, and structural `tree_missing`. */
  put(input: {
    readonly tree: string;
    readonly message: string;
    readonly at: number;
  }): Promise<{ readonly commit: string }>;
}

/** Opens and closes worktrees. The user's own checkout is never touched. */
export interface Workspaces {
  /** @param commit looked at in place of where the repository is now; not `usable` when it is not there */
  inspect(location: string, commit?: string): Promise<RepositoryReport>;
  /** Creates the worktree and its branch, or finds those of an earlier attempt. */
  open(input: {
    readonly runId: string;
    readonly location: string;
    readonly branch: string;
    readonly base: string;
    /** `sequence` when absent. */
    readonly resources?: ResourceClass;
  }): Promise<Workspace>;
  /**
   * Makes a stream's worktree at its parent's last saved state, or finds the one that is there. Streams are closed with
   * their run at the latest. `parent` null: the run's own worktree. Not given: only one that was opened before.
   */
  openStream(input: {
    readonly runId: string;
    readonly location: string;
    readonly stream: string;
    readonly parent?: string | null;
    readonly resources?: ResourceClass;
  }): Promise<Workspace>;
  /** The open streams of a run. */
  streams(runId: string): Promise<{ readonly stream: string; readonly parent: string | null }[]>;
  /** Removes a stream's worktree and those of the streams in it; what they saved stays. Safe to repeat. */
  closeStream(runId: string, stream: string): Promise<void>;
  /** Removes the worktree and those of all streams; branch and snapshots stay. Safe to repeat. */
  close(runId: string): Promise<void>;
  /** What a run left in its repository: for going back. */
  past(input: {
    readonly runId: string;
    readonly location: string;
    readonly branch: string;
    readonly base: string;
  }): Promise<Past>;
  /** What holds on this machine, for `doctor` and the epic. */
  sandbox(): { readonly kind: SandboxKind; readonly reason: string };
}
