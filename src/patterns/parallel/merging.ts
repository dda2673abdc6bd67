import { BatonError } from '../../domain/failure.ts';
import { streamLabel } from '../../domain/stream.ts';
import type { ConflictRule } from '../../ports/workspace.ts';

/** One merge: of which stream, into which worktree, for which node. */
export interface Merging {
  readonly node: string;
  /** Null: a stream takes in what it began from. */
  readonly stream: string | null;
  readonly into: string | null;
  readonly rules: readonly ConflictRule[];
}

/** What comes in, as people know it. */
export function incoming({ stream }: Pick<Merging, 'stream'>): string {
  return stream === null ? 'what was merged' : streamLabel(stream);
}

/** What was there before, as people know it. */
export function present({ stream, into }: Pick<Merging, 'stream' | 'into'>): string {
  return stream === null && into !== null ? streamLabel(into) : 'what was merged before';
}

/** The stream that a merge is about, in events. */
export function about({ stream, into }: Pick<Merging, 'stream' | 'into'>): string {
  return stream ?? into ?? '';
}

/** Why a merge was not made; nothing was changed, or it was taken back. */
export function unresolved(merging: Merging, paths: readonly string[], why: string): BatonError {
  const files = paths.slice(0, 5);
  const more = paths.length > 5 ? ` and ${paths.length - 5} more` : '';
  const where = files.length === 0 ? '' : ` (${files.join(', ')}${more})`;
  return new BatonError({
    class: 'terminal',
    code: 'merge_conflict',
    message: `${incoming(merging)} and ${present(merging)} changed the same places${where}. ${why}`,
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
