import { hasMarkers } from '../domain/conflict-edit.ts';
import type { Meeting, Sides } from '../ports/workspace.ts';
import { type BoundGit, readable } from './git/git.ts';
import { type Entry, entryAt, mergeTrees, type TreeConflict } from './git/tree-merge.ts';

/** One file in conflict as text: for people who write what is to stand there. */

/** Modes of files that are no link and no repository of their own. */
const PLAIN = new Set(['100644', '100755']);
/** Bytes a character takes at the most. */
const UTF8_MAX = 4;

/** How two commits meet at a path. See `Line.meeting`. */
export async function meetingAt(
  bound: BoundGit,
  at: { readonly path: string; readonly before: string; readonly second: string; readonly maxChars: number },
): Promise<Meeting | null> {
  const { tree, conflicts } = await mergeTrees(bound, at.before, at.second);
  const conflict = conflicts.find(({ path }) => readable(path) === at.path);
  if (conflict === undefined) return null;
  return { ...sidesOf(conflict), marked: await markedText(bound, tree, conflict, at) };
}

/** What each side has at a path in which two commits conflict; null: they do not. */
export async function sidesAt(
  bound: BoundGit,
  first: string,
  second: string,
  path: string,
): Promise<Sides | null> {
  const { conflicts } = await mergeTrees(bound, first, second);
  const conflict = conflicts.find((each) => readable(each.path) === path);
  return conflict === undefined ? null : sidesOf(conflict);
}

/** Keeps what somebody wrote as the contents of files, each with the mode that git's own merge gave it. */
export async function writtenEntries(
  bound: BoundGit,
  merged: string,
  edits: ReadonlyMap<string, string>,
): Promise<Map<string, Entry>> {
  const written = new Map<string, Entry>();
  for (const [path, text] of edits) {
    const oid = await bound.text(['hash-object', '-w', '--no-filters', '--stdin'], { input: text });
    written.set(path, { mode: (await entryAt(bound, merged, path))?.mode ?? '100644', oid });
  }
  return written;
}

function sidesOf({ first, second }: TreeConflict): Sides {
  return { first: first?.oid ?? null, second: second?.oid ?? null };
}

async function markedText(
  bound: BoundGit,
  tree: string,
  { path, kind, first, second }: TreeConflict,
  { before, second: incoming, maxChars }: { before: string; second: string; maxChars: number },
): Promise<Meeting['marked']> {
  if (first === null || second === null) return { not: 'two_files' };
  if (!PLAIN.has(first.mode) || !PLAIN.has(second.mode)) return { not: 'plain_file' };
  if (kind === 'binary') return { not: 'text' };
  const entry = await entryAt(bound, tree, path);
  if (entry === null) return { not: 'marked' };
  const bytes = Number(await bound.text(['cat-file', '-s', entry.oid]));
  if (bytes > maxChars * UTF8_MAX) return { not: 'short', chars: bytes };
  const { stdout } = await bound.run(['cat-file', 'blob', entry.oid]);
  const text = utf8(stdout);
  if (text === null) return { not: 'text' };
  if (!hasMarkers(text)) return { not: 'marked' };
  if (text.length > maxChars) return { not: 'short', chars: text.length };
  // Git names the sides by their commits, which tell people nothing.
  return {
    text: text
      .replaceAll(`<<<<<<< ${before}`, '<<<<<<< first')
      .replaceAll(`>>>>>>> ${incoming}`, '>>>>>>> second'),
  };
}

function utf8(bytes: Buffer): string | null {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return null;
  }
}
