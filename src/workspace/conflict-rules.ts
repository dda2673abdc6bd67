import { globMatches } from '../domain/glob.ts';
import type { Choice, Conflict, ConflictRule, Resolution } from '../ports/workspace.ts';
import { readable } from './git/git.ts';
import type { Entry, TreeConflict } from './git/tree-merge.ts';

/** A conflict with what the rules say of it. */
interface Judged extends TreeConflict {
  readonly rule: ConflictRule;
}

interface Decided {
  /** Still to be decided by somebody. */
  readonly open: readonly Judged[];
  /** What is set in the merged tree, by path. */
  readonly entries: ReadonlyMap<string, Entry | null>;
  /** What somebody wrote in place of both sides, by path. */
  readonly edits: ReadonlyMap<string, string>;
  readonly resolutions: readonly Resolution[];
}

/** Nobody said what to do: nothing is done. */
const STOP: ConflictRule = { paths: null, way: 'stop', agent: null };

/** What is settled of the conflicts by earlier choices and by rules, the first that matches a path. */
export function decideConflicts(
  conflicts: readonly TreeConflict[],
  { rules, choices }: { readonly rules: readonly ConflictRule[]; readonly choices: readonly Choice[] },
): Decided & { resolutions: Resolution[] } {
  const open: Judged[] = [];
  const entries = new Map<string, Entry | null>();
  const edits = new Map<string, string>();
  const resolutions: Resolution[] = [];
  for (const conflict of conflicts) {
    const path = readable(conflict.path);
    const rule =
      rules.find(({ paths }) => paths === null || paths.some((glob) => globMatches(glob, path))) ?? STOP;
    const choice = choices.find((each) => each.path === path && isOf(each, conflict));
    const chosen = choice?.take;
    const take = chosen ?? (rule.way === 'first' || rule.way === 'second' ? rule.way : null);
    if (take === null) {
      open.push({ ...conflict, rule });
      continue;
    }
    const by = chosen === undefined ? 'rule' : 'choice';
    const took = take !== 'marked' && nowhere(conflict) ? 'both' : take;
    if (took === 'edited') edits.set(conflict.path, choice?.text ?? '');
    if (took === 'first' || took === 'second') entries.set(conflict.path, conflict[took]);
    resolutions.push({ path, kind: conflict.kind, took, by });
  }
  return { open, entries, edits, resolutions };
}

/** Whether a choice was made between these very contents. */
function isOf({ of }: Choice, { first, second }: TreeConflict): boolean {
  return of === undefined || (of.first === (first?.oid ?? null) && of.second === (second?.oid ?? null));
}

/** Git moved something, and neither side has a file of this name: to take either would take it out. */
function nowhere({ base, first, second }: TreeConflict): boolean {
  return base === null && first === null && second === null;
}

export function readableConflict({ path, kind, first, second, rule }: Judged): Conflict {
  return {
    path: readable(path),
    kind,
    first: first?.oid ?? null,
    second: second?.oid ?? null,
    way: rule.way,
    agent: rule.agent,
  };
}
