import { createHash } from 'node:crypto';
import { copyFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { hasMarkers } from '../domain/conflict-edit.ts';
import { BatonError } from '../domain/failure.ts';
import { type Line, type MergeOutcome, type MergeRequest, mergeOutcomeSchema } from '../ports/workspace.ts';
import { decideConflicts, readableConflict } from './conflict-rules.ts';
import { meetingAt, sidesAt, writtenEntries } from './conflict-text.ts';
import { readIfThere, writeDurably } from './durable-file.ts';
import { type BoundGit, type Git, readable } from './git/git.ts';
import { changedEntries, mergeTrees, withEntries } from './git/tree-merge.ts';
import { commitTree, gathered, moveTip, saveTip, snapshotRef, tipOf, tipRef } from './snapshots.ts';
import { moveBase, newestSnapshot, type OpenedWorktree } from './worktree.ts';

/** A merge that was decided, kept beside the worktree before its files change. */
const intentSchema = z.object({
  status: z.enum(['pending', 'done']),
  from: z.string(),
  to: z.string(),
  outcome: mergeOutcomeSchema,
});
type Intent = z.infer<typeof intentSchema>;

/** Bytes of a file that is looked through for conflict markers. */
const MAX_MARKED_BYTES = 4 * 1024 * 1024;
/** Paths told of two streams that meet. */
const MEETING_PATHS = 50;

interface Place {
  readonly git: Git;
  readonly opened: OpenedWorktree;
  /** The worktree's own id, and the id of a stream of the same run. */
  readonly id: string;
  readonly idOf: (stream: string) => string;
  /** Null for the run's own worktree. */
  readonly parentId: string | null;
  /** One at a time, and no file changes meanwhile. */
  readonly alone: <T>(work: () => Promise<T>) => Promise<T>;
}

/** Saving, joining and undoing over one worktree. */
export function createLine(place: Place): Line {
  const { git, opened, id, alone } = place;
  const inside = () => git.bind({ cwd: opened.common, gitDir: opened.common });
  return {
    save: (label, at) => alone(() => saveTip(git, opened, { id, label, at })),
    merge: (request) =>
      alone(async () => {
        const outcome = await merge(place, request);
        // What it began from is in it now: what it adds is told from there on.
        if (request.stream === null && outcome.status === 'merged')
          await moveBase(git, opened, outcome.second);
        return outcome;
      }),
    undo: (before) =>
      alone(async () => {
        const bound = await inside();
        // Only what the merge touched goes back: whoever else works in these files keeps what they did.
        await bringTo(
          place,
          await treeOf(bound, await tipOf(bound, id, opened)),
          await treeOf(bound, before),
        );
        await moveTip(bound, id, before, 'taken back');
      }),
    follow: () => alone(() => follow(place)),
    async sidesOf({ path, before, second, maxChars }) {
      const bound = await inside();
      const base = (await bound.text(['merge-base', before, second])) || before;
      const side = async (to: string) => {
        const { stdout } = await bound.run(
          [
            'diff-tree',
            '-r',
            '-p',
            '--no-color',
            '--no-ext-diff',
            '--no-textconv',
            '--no-renames',
            base,
            to,
            '--',
            path,
          ],
          { maxBytes: maxChars * 4 + 1, cutOutput: true },
        );
        return stdout.toString('utf8');
      };
      const [first, theirs] = await Promise.all([side(before), side(second)]);
      return {
        first: first.slice(0, maxChars),
        second: theirs.slice(0, maxChars),
        cut: first.length > maxChars || theirs.length > maxChars,
      };
    },
    async meeting({ path, before, second, maxChars }) {
      return meetingAt(await inside(), { path, before, second, maxChars });
    },
    sidesNow: ({ path, stream }) =>
      alone(async () => {
        const { bound, tree } = await gathered(git, opened);
        const second = await incomingTip(place, bound, stream);
        if (second === null) return null;
        const tip = await tipOf(bound, id, opened);
        const message = 'baton: looked at';
        const first =
          (await treeOf(bound, tip)) === tree
            ? tip
            : await commitTree(bound, { tree, parents: [tip], message, at: 0 });
        return sidesAt(bound, first, second, path);
      }),
    async marked(paths) {
      const { bound } = await alone(() => gathered(git, opened));
      const found: string[] = [];
      for (const path of paths) {
        const { code, stdout } = await bound.run(['cat-file', '-p', `:${path}`], {
          answers: [128],
          maxBytes: MAX_MARKED_BYTES,
          cutOutput: true,
        });
        if (code === 0 && hasMarkers(stdout.toString('latin1'))) found.push(path);
      }
      return found;
    },
    async meets(stream) {
      const bound = await inside();
      const [mine, theirs] = await Promise.all([newest(bound, id), newest(bound, place.idOf(stream))]);
      if (mine === null || theirs === null) return [];
      const { conflicts } = await mergeTrees(bound, mine, theirs);
      return conflicts.slice(0, MEETING_PATHS).map(({ path }) => readable(path));
    },
  };
}

/** What merging a stream would bring, null for what this one began from; null when nothing was saved there. */
async function incomingTip(place: Place, bound: BoundGit, stream: string | null): Promise<string | null> {
  const from = stream === null ? place.parentId : place.idOf(stream);
  return from === null ? null : bound.resolve(`${tipRef(from)}^{commit}`);
}

async function newest(bound: BoundGit, id: string): Promise<string | null> {
  return (await newestSnapshot(bound, id)) ?? (await bound.resolve(`${tipRef(id)}^{commit}`));
}

async function merge(place: Place, request: MergeRequest): Promise<MergeOutcome> {
  const { git, opened, id } = place;
  const intentPath = join(opened.side, 'merges', `${hashOf(request.idempotencyKey)}.json`);
  const kept = await readIntent(intentPath);
  if (kept !== null) return finish(place, intentPath, kept);

  const { commit: before } = await saveTip(git, opened, {
    id,
    label: `before ${request.label}`,
    at: request.at,
  });
  const { bound, index } = await gathered(git, opened);
  const second = await incomingTip(place, bound, request.stream);
  // A stream in which nothing was saved brings nothing.
  if (second === null || (await isAncestor(bound, second, before))) {
    const tree = await treeOf(bound, before);
    return {
      status: 'merged',
      commit: before,
      tree,
      before,
      second: second ?? before,
      files: 0,
      resolutions: [],
    };
  }
  const merged = await mergeTrees(bound, before, second);
  const { open, entries, edits, resolutions } = decideConflicts(merged.conflicts, request);
  if (open.length > 0) return { status: 'conflict', before, second, conflicts: open.map(readableConflict) };

  const temporary = `${index}.merge`;
  await rm(temporary, { force: true });
  const aside = await git.bind({ cwd: opened.common, gitDir: opened.common, indexFile: temporary });
  const written = await writtenEntries(bound, merged.tree, edits);
  const tree = await withEntries(aside, merged.tree, new Map([...entries, ...written]));
  await rm(temporary, { force: true });
  const message = `baton: ${request.label}`;
  const commit = await commitTree(bound, { tree, parents: [before, second], message, at: request.at });
  const old = await treeOf(bound, before);
  const files = (await changedEntries(bound, old, tree)).size;
  const outcome: MergeOutcome = { status: 'merged', commit, tree, before, second, files, resolutions };
  return finish(place, intentPath, { status: 'pending', from: old, to: tree, outcome });
}

/** Carries out what was decided: kept on disk first, so that a kill in the middle is gone on from, not decided anew. */
async function finish(place: Place, path: string, intent: Intent): Promise<MergeOutcome> {
  if (intent.status === 'done' || intent.outcome.status !== 'merged') return intent.outcome;
  const { id, git, opened } = place;
  const { commit } = intent.outcome;
  await writeDurably(path, JSON.stringify(intent));
  const bound = await git.bind({ cwd: opened.common, gitDir: opened.common });
  // Referenced before the files change: a clean-up of the repository by its owner must not take it.
  await bound.run(['update-ref', '-m', 'baton: merge', snapshotRef(id, `merge-${commit}`), commit]);
  await bringTo(place, intent.from, intent.to);
  await moveTip(bound, id, commit, 'merged');
  await writeDurably(path, JSON.stringify({ ...intent, status: 'done' }));
  return intent.outcome;
}

/**
 * Makes in the files what leads from one tree to another, wherever they are on the way. What changed in them besides stays
 * as it is; what git would have to overwrite unsaved makes it stop before it begins.
 */
async function bringTo({ git, opened }: Place, from: string, to: string): Promise<void> {
  const { bound, tree, index } = await gathered(git, opened);
  const changes = await changedEntries(bound, from, to);
  const temporary = `${index}.next`;
  await copyFile(index, temporary);
  const aside = await git.bind({ cwd: opened.common, gitDir: opened.common, indexFile: temporary });
  const wanted = await withEntries(aside, tree, changes);
  await rm(temporary, { force: true });
  if (wanted !== tree) await bound.run(['read-tree', '-m', '-u', tree, wanted]);
}

async function follow(place: Place): Promise<void> {
  const { git, opened, id, parentId } = place;
  const bound = await git.bind({ cwd: opened.common, gitDir: opened.common });
  const to = parentId === null ? null : await bound.resolve(`${tipRef(parentId)}^{commit}`);
  if (to === null) return;
  const tip = await tipOf(bound, id, opened);
  if (!(await isAncestor(bound, tip, to)))
    throw new BatonError({
      class: 'structural',
      code: 'stream_ahead',
      message: 'A stream holds work that was not merged yet, so it cannot take in what was.',
      hint: 'Nothing was changed. Every stream and every snapshot is kept.',
    });
  if (tip === to && opened.base === to) return;
  await bringTo(place, await treeOf(bound, tip), await treeOf(bound, to));
  await moveTip(bound, id, to, 'taken in');
  await moveBase(git, opened, to);
}

async function treeOf(bound: BoundGit, commit: string): Promise<string> {
  const tree = await bound.resolve(`${commit}^{tree}`);
  if (tree !== null) return tree;
  throw new BatonError({
    class: 'structural',
    code: 'tree_missing',
    message: `The content ${commit.slice(0, 12)} that work was to go on from is not in the repository.`,
  });
}

async function isAncestor(bound: BoundGit, earlier: string, later: string): Promise<boolean> {
  const { code } = await bound.run(['merge-base', '--is-ancestor', earlier, later], { answers: [1] });
  return code === 0;
}

async function readIntent(path: string): Promise<Intent | null> {
  const text = await readIfThere(path);
  return text === null ? null : intentSchema.parse(JSON.parse(text));
}

function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
