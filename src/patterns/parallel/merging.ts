import { BatonError } from '../../domain/failure.ts';
import { streamLabel } from '../../domain/stream.ts';
import type { ConflictRule } from '../../ports/workspace.ts';

/** One merge: of which stream, into which worktree, for which node. */
export interface Merging {
  readonly node: string;
  readonly stream: string;
  readonly into: string | null;
  readonly rules: readonly ConflictRule[];
}

/** Why a merge was not made; nothing was changed, or it was taken back. */
export function unresolved({ stream }: Merging, paths: readonly string[], why: string): BatonError {
  const files = paths.slice(0, 5);
  const more = paths.length > 5 ? ` and ${paths.length - 5} more` : '';
  const where = files.length === 0 ? '' : ` (${files.join(', ')}${more})`;
  return new BatonError({
    class: 'terminal',
    code: 'merge_conflict',
    message: `${streamLabel(stream)} and what was merged before changed the same places${where}. ${why}`,
    hint: 'Nothing was overwritten: every stream is kept under refs/baton/tip/. Merge by hand, or say what to take with `on_conflict`.',
  });
}

/** Nothing that is still under way can bring what is waited for. */
export function stuck(id: string): BatonError {
  return new BatonError({
    class: 'structural',
    code: 'task_stuck',
    message: `"${id}" waits for what can no longer come`,
    hint: 'What was done so far is kept. Look at what it needs.',
  });
}
