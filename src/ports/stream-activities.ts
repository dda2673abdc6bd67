import { z } from 'zod';
import { contract } from './activity.ts';
import { choiceSchema, conflictRuleSchema, mergeOutcomeSchema, snapshotSchema } from './workspace.ts';

/**
 * What patterns ask for where branches work in worktrees of their own. A stream's name is unique in its run; null, where it
 * may be, is the run's own worktree. All of it may be repeated.
 */
const stream = z.string();
const worktree = z.string().nullable();

/** Saves the state of a worktree: what streams fork from, and what a merge takes of a stream. */
export const saveState = contract(
  'stream.save',
  z.object({ node: z.string(), stream: worktree, at: z.number() }),
  snapshotSchema,
);

/** Makes a stream's worktree at the last saved state of its parent. */
export const openStream = contract(
  'stream.open',
  z.object({ node: z.string(), stream, parent: worktree }),
  z.object({}),
);

/** Joins what a stream saved last into a worktree; with conflicts that nobody has decided, nothing is changed. */
export const mergeStream = contract(
  'stream.merge',
  z.object({
    node: z.string(),
    stream,
    into: worktree,
    rules: z.array(conflictRuleSchema),
    choices: z.array(choiceSchema),
    at: z.number(),
  }),
  mergeOutcomeSchema,
);

/** Has a stream join what was merged where it began into what it is in the middle of; else as {@link mergeStream}. */
export const takeIn = contract(
  'stream.take-in',
  z.object({
    node: z.string(),
    stream,
    rules: z.array(conflictRuleSchema),
    choices: z.array(choiceSchema),
    at: z.number(),
  }),
  mergeOutcomeSchema,
);

/** Takes a merge back: its resolver failed. */
export const undoMerge = contract(
  'stream.undo',
  z.object({ into: worktree, before: z.string() }),
  z.object({}),
);

/** Has a stream take in what was merged where it began. */
export const followParent = contract('stream.follow', z.object({ stream }), z.object({}));

/** What each side did to files in conflict, for whoever resolves them. */
export const showSides = contract(
  'stream.sides',
  z.object({ into: worktree, before: z.string(), second: z.string(), paths: z.array(z.string()) }),
  z.object({ files: z.array(z.object({ path: z.string(), first: z.string(), second: z.string() })) }),
);

/** Which of the files still hold conflict markers. */
export const findMarked = contract(
  'stream.marked',
  z.object({ stream: worktree, paths: z.array(z.string()) }),
  z.object({ paths: z.array(z.string()) }),
);

/** Removes streams' worktrees; what they hold is saved first. */
export const closeStreams = contract(
  'stream.close',
  z.object({ streams: z.array(stream), at: z.number() }),
  z.object({}),
);
