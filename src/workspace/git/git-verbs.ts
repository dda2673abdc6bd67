/**
 * Every verb of git that Baton uses. The traps of `test/hostile` walk this list, so one that is added here is tried in each
 * of those repositories, and one that is not here does not compile.
 */
export const GIT_VERBS = [
  'add',
  'cat-file',
  'check-ref-format',
  'commit',
  'commit-tree',
  'config',
  'diff-tree',
  'fetch',
  'for-each-ref',
  'grep',
  'hash-object',
  'init',
  'log',
  'ls-files',
  'ls-remote',
  'ls-tree',
  'merge-base',
  'merge-tree',
  'push',
  'read-tree',
  'remote',
  'rev-parse',
  'status',
  'symbolic-ref',
  'update-index',
  'update-ref',
  'worktree',
  'write-tree',
] as const;
export type GitVerb = (typeof GIT_VERBS)[number];
/** A verb and what follows it. */
export type GitArgs = readonly [GitVerb, ...string[]];
