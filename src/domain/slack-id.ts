import { z } from 'zod';

/** Before an id, where there are several workspaces: its workspace `T…/`, its organisation `E…/`, or both `E…:T…/`. */
const WORKSPACE = '(?:E[A-Z0-9]+:T[A-Z0-9]+|[TE][A-Z0-9]+)';

/**
 * An id as it is written in settings and workflow files: `U0123ABCD`, or with its workspace `T0123ABCD/U0123ABCD`.
 * @param kinds the letters such an id may begin with: "UW" for people, "S" for user groups, "CG" for channels
 */
export function writtenId(kinds: string, words: string): z.ZodString {
  return z.string().regex(new RegExp(`^(?:${WORKSPACE}/)?[${kinds}][A-Z0-9]+$`), words);
}

/**
 * Whose ids those are that are written without a workspace: `one` where a single workspace is all there can be, else the
 * bare id of the only one that may install, or (null) nobody's.
 */
export type BareIds = 'one' | { readonly of: string } | null;

/** The id as Slack has it, where it belongs to this workspace; null where it is another's. @param team its key */
export function idIn(written: string, team: string, bare: BareIds): string | null {
  const slash = written.indexOf('/');
  if (slash !== -1) return isOf(written.slice(0, slash), team) ? written.slice(slash + 1) : null;
  if (bare === 'one') return written;
  return bare !== null && isOf(bare.of, team) ? written : null;
}

/** Those of a list that are of this workspace, as Slack has them. */
export function idsIn(written: readonly string[], team: string, bare: BareIds): string[] {
  return [...new Set(written.flatMap((each) => idIn(each, team, bare) ?? []))];
}

/** A record by ids, with those of this workspace, in the order in which they are written. */
export function byIdIn<T>(
  written: Readonly<Record<string, T>>,
  team: string,
  bare: BareIds,
): Record<string, T> {
  const entries = Object.entries(written).flatMap(([id, value]): [string, T][] => {
    const here = idIn(id, team, bare);
    return here === null ? [] : [[here, value]];
  });
  return Object.fromEntries(entries);
}

export function hasWorkspace(written: string): boolean {
  return written.includes('/');
}

/** Of ids that are to be told apart by workspace: what to write, or null when it is written so. */
export function bareProblem(written: string): string | null {
  return hasWorkspace(written)
    ? null
    : `There are several workspaces: write whose "${written}" is, such as T0123ABCD/${written}`;
}

/** Whether a workspace's key is meant by what stands before an id: its own key, its team, or its organisation. */
function isOf(workspace: string, team: string): boolean {
  return workspace === team || team.split(':').includes(workspace);
}
