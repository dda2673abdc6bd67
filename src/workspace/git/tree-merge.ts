import { BatonError } from '../../domain/failure.ts';
import { type BoundGit, splitNul } from './git.ts';

/** One side's file in a conflict: mode and content; null where that side has none. */
export interface Entry {
  readonly mode: string;
  readonly oid: string;
}

/** A path both sides changed in ways that git does not join. Paths keep every byte (latin1). */
export interface TreeConflict {
  readonly path: string;
  /** What git calls it: `contents`, `binary`, `modify/delete`, `rename/rename`. */
  readonly kind: string;
  readonly base: Entry | null;
  readonly first: Entry | null;
  readonly second: Entry | null;
}

export interface TreeMerge {
  /** Conflicts are in it as git leaves them: text with markers, of other things one side. */
  readonly tree: string;
  readonly conflicts: readonly TreeConflict[];
}

/**
 * Joins two commits in memory (`git merge-tree --write-tree`, git 2.38 or newer); no file and no index is touched. What they
 * were forked from is what their histories say. Errors: terminal `git_failed` when they have nothing in common.
 */
export async function mergeTrees(bound: BoundGit, first: string, second: string): Promise<TreeMerge> {
  const { code, stdout } = await bound.run(
    ['merge-tree', '--write-tree', '-z', '--messages', first, second],
    {
      answers: [1],
    },
  );
  const { tree, stages, messages } = parseMerge(stdout);
  if (code === 0) return { tree, conflicts: [] };
  const paths = [...new Set([...stages.map(({ path }) => path), ...conflicting(messages)])];
  if (paths.length === 0)
    throw new BatonError({
      class: 'terminal',
      code: 'git_failed',
      message: 'git merge-tree found a conflict and did not say where.',
    });
  const entries = (path: string, stage: number): Entry | null =>
    stages.find((each) => each.path === path && each.stage === stage) ?? null;
  const conflicts: TreeConflict[] = [];
  for (const path of paths.toSorted()) {
    const staged = stages.some((each) => each.path === path);
    conflicts.push({
      path,
      kind: kindOf(messages, path),
      base: entries(path, 1),
      // Where git moved a file out of the way, the sides themselves tell what stood there.
      first: staged ? entries(path, 2) : await entryAt(bound, first, path),
      second: staged ? entries(path, 3) : await entryAt(bound, second, path),
    });
  }
  return { tree, conflicts };
}

interface Stage extends Entry {
  readonly stage: number;
  readonly path: string;
}
interface Message {
  readonly paths: readonly string[];
  readonly type: string;
}

/** `tree NUL (mode SP oid SP stage TAB path NUL)* NUL (count NUL path NUL … type NUL text NUL)*`; git-merge-tree(1). */
function parseMerge(output: Buffer): { tree: string; stages: Stage[]; messages: Message[] } {
  const fields = output.toString('latin1').split('\0');
  const tree = (fields[0] ?? '').trim();
  const stages: Stage[] = [];
  let at = 1;
  for (; (fields[at] ?? '') !== ''; at += 1) {
    const [, mode, oid, stage, path] = /^(\d+) ([0-9a-f]+) (\d)\t([\s\S]*)$/.exec(fields[at] ?? '') ?? [];
    if (mode === undefined || oid === undefined || path === undefined) break;
    stages.push({ mode, oid, stage: Number(stage), path });
  }
  const messages: Message[] = [];
  for (at += 1; (fields[at] ?? '') !== ''; ) {
    const count = Number(fields[at]);
    const paths = fields.slice(at + 1, at + 1 + count);
    messages.push({ paths, type: fields[at + 1 + count] ?? '' });
    at += count + 3;
  }
  return { tree, stages, messages };
}

const CONFLICT = /^CONFLICT \((.*)\)$/;

function conflicting(messages: readonly Message[]): string[] {
  return messages.filter(({ type }) => CONFLICT.test(type)).flatMap(({ paths }) => paths.slice(0, 1));
}

function kindOf(messages: readonly Message[], path: string): string {
  const said = messages.filter(({ type, paths }) => CONFLICT.test(type) && paths.includes(path));
  return said.map(({ type }) => CONFLICT.exec(type)?.[1] ?? '').at(0) ?? 'contents';
}

/** What stands at a path of a commit; null where there is nothing, or a folder. */
export async function entryAt(bound: BoundGit, commit: string, path: string): Promise<Entry | null> {
  const { stdout } = await bound.run([
    'ls-tree',
    '-z',
    commit,
    '--',
    Buffer.from(path, 'latin1').toString('utf8'),
  ]);
  for (const line of splitNul(stdout)) {
    const [, mode, type, oid, name] = /^(\d+) (\w+) ([0-9a-f]+)\t([\s\S]*)$/.exec(line) ?? [];
    if (mode !== undefined && oid !== undefined && name === path && type !== 'tree') return { mode, oid };
  }
  return null;
}

/**
 * The tree with some paths set to one side's file, or taken out. `index` names a file of ours that is written and thrown
 * away; the worktree is not touched.
 */
export async function withEntries(
  bound: BoundGit,
  tree: string,
  entries: ReadonlyMap<string, Entry | null>,
): Promise<string> {
  if (entries.size === 0) return tree;
  await bound.run(['read-tree', tree]);
  const all = [...entries];
  // What goes, goes first: a file may take the place of a folder.
  const gone = all
    .filter(([, entry]) => entry === null)
    .map(([path]) => `0 ${'0'.repeat(tree.length)}\t${path}\0`);
  const set = all.flatMap(([path, entry]) =>
    entry === null ? [] : [`${entry.mode} ${entry.oid}\t${path}\0`],
  );
  await bound.run(['update-index', '--replace', '-z', '--index-info'], {
    input: Buffer.from([...gone, ...set].join(''), 'latin1'),
  });
  return bound.text(['write-tree']);
}

/** What differs between two trees: for each path what the second has there. */
export async function changedEntries(
  bound: BoundGit,
  from: string,
  to: string,
): Promise<Map<string, Entry | null>> {
  const { stdout } = await bound.run([
    'diff-tree',
    '-r',
    '-z',
    '--raw',
    '--no-renames',
    '--full-index',
    '--no-abbrev',
    from,
    to,
  ]);
  const fields = stdout.toString('latin1').split('\0');
  const entries = new Map<string, Entry | null>();
  for (let at = 0; at + 1 < fields.length; at += 2) {
    const [, mode, oid] = /^:\d+ (\d+) [0-9a-f]+ ([0-9a-f]+) /.exec(fields[at] ?? '') ?? [];
    const path = fields[at + 1];
    if (mode === undefined || oid === undefined || path === undefined) continue;
    entries.set(path, mode === '000000' ? null : { mode, oid });
  }
  return entries;
}
