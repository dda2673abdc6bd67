import { join } from 'node:path';
import type { BoundGit, GitOptions } from '../../../src/workspace/git/git.ts';
import type { GitArgs, GitVerb } from '../../../src/workspace/git/git-verbs.ts';

/** What a verb is tried with: something to look at, to change, to reach. */
export interface Tried {
  readonly git: BoundGit;
  readonly scratch: string;
  /** Addresses: one that is there and some that cannot be reached. */
  readonly addresses: readonly string[];
}

type Call = readonly [GitArgs, GitOptions?];

const ANY = Array.from({ length: 256 }, (_, code) => code).slice(1);
const AT = Date.UTC(2026, 4, 1);
/** Milliseconds; what waits for somebody fails the test by its code. */
const PATIENCE_MS = 20_000;

const network: GitOptions = { network: true, timeoutMs: PATIENCE_MS };
const toEach = (tried: Tried, args: (address: string) => GitArgs): Call[] =>
  tried.addresses.map((address) => [args(address), network]);

/** How each verb is called. A verb without an entry does not compile, so a new one is tried with every trap. */
export const TRIALS: Record<GitVerb, (tried: Tried) => readonly Call[]> = {
  add: () => [[['add', '--all', '--', '.']]],
  'cat-file': () => [
    [['cat-file', '-p', 'HEAD:src/a.js']],
    [['cat-file', '--batch'], { input: 'HEAD:README.md\nHEAD^{tree}\n' }],
  ],
  'check-ref-format': () => [[['check-ref-format', 'refs/heads/x']]],
  commit: () => [
    [['commit', '--quiet', '--no-verify', '--no-gpg-sign', '--allow-empty', '-m', 'x'], { at: AT }],
  ],
  'commit-tree': () => [
    [['commit-tree', '--no-gpg-sign', '-F', '-', 'HEAD^{tree}'], { input: 'x\n', at: AT }],
  ],
  config: () => [[['config', '--list', '--includes', '-z']], [['config', 'remote.baton-trial.url', 'x']]],
  'diff-tree': () => [
    [['diff-tree', '-r', '-M', '--no-ext-diff', '--no-textconv', '--root', '--patch', 'HEAD']],
    [['diff-tree', '-r', '--numstat', '-z', '4b825dc642cb6eb9a060e54bf8d69288fbee4904', 'HEAD']],
  ],
  fetch: (tried) =>
    toEach(tried, (address) => [
      'fetch',
      '--quiet',
      '--no-tags',
      '--no-write-fetch-head',
      '--',
      address,
      '+refs/heads/*:refs/remotes/trial/*',
    ]),
  'for-each-ref': () => [[['for-each-ref', '--sort=-committerdate', '--format=%(objectname)', 'refs/']]],
  grep: () => [
    [
      [
        'grep',
        '--untracked',
        '--exclude-standard',
        '--no-recurse-submodules',
        '--no-textconv',
        '-n',
        '-z',
        '-I',
        '-F',
        '-e',
        'o',
        '--',
      ],
    ],
  ],
  'hash-object': () => [[['hash-object', '-w', '--no-filters', '--stdin'], { input: 'x\n' }]],
  init: ({ scratch }) => [
    [['init', '--quiet', '--bare', '--template=', '--', join(scratch, 'made')]],
    [['init', '--quiet', '--template=', '--initial-branch=main', '--', join(scratch, 'made-too')]],
  ],
  log: () => [
    [['log', '-3', '--no-color', '--no-show-signature', '--no-mailmap', '--format=%h %an: %s', 'HEAD']],
  ],
  'ls-files': () => [
    [['ls-files', '-z', '-d', '-m', '-o', '--exclude-standard']],
    [['ls-files', '-s', '-z']],
  ],
  'ls-remote': (tried) => toEach(tried, (address) => ['ls-remote', '--symref', '--', address, 'HEAD']),
  'ls-tree': () => [[['ls-tree', '-r', '-z', '--name-only', '--full-tree', 'HEAD']]],
  'merge-base': () => [[['merge-base', 'HEAD', 'HEAD']]],
  'merge-tree': () => [
    [['merge-tree', '--write-tree', '-z', '--messages', 'HEAD', 'HEAD']],
    [['merge-tree', '--write-tree', '-z', '--messages', 'main', 'side']],
  ],
  push: (tried) =>
    toEach(tried, (address) => [
      'push',
      '--porcelain',
      '--no-verify',
      '--no-signed',
      '--no-recurse-submodules',
      '--',
      address,
      '+HEAD:refs/heads/trial',
    ]),
  'read-tree': () => [[['read-tree', '--reset', '-u', 'HEAD']]],
  remote: () => [[['remote', 'get-url', '--push', '--all', 'origin']]],
  'rev-parse': () => [
    [['rev-parse', '--path-format=absolute', '--show-toplevel', '--git-common-dir']],
    [['rev-parse', '--verify', '--quiet', '--end-of-options', 'HEAD^{commit}']],
  ],
  status: () => [[['status', '--porcelain', '-z', '-unormal', '--ignore-submodules=all', '--no-renames']]],
  'symbolic-ref': () => [
    [['symbolic-ref', '--quiet', 'HEAD']],
    [['symbolic-ref', 'refs/remotes/trial/HEAD', 'refs/remotes/trial/main']],
  ],
  'update-index': () => [
    [['update-index', '-q', '--refresh']],
    [['update-index', '-z', '--add', '--remove', '--replace', '--stdin'], { input: 'README.md\0src/a.js\0' }],
  ],
  'update-ref': () => [[['update-ref', '-m', 'baton: trial', 'refs/baton/trial', 'HEAD']]],
  worktree: ({ scratch }) => [
    [['worktree', 'add', '--no-checkout', '--quiet', '--detach', '--', join(scratch, 'trial'), 'HEAD']],
  ],
  'write-tree': () => [[['write-tree']]],
};

/** Calls a verb in all its ways; git's own no is an answer. */
export async function tryVerb(verb: GitVerb, tried: Tried): Promise<number> {
  const calls = TRIALS[verb](tried);
  for (const [args, options] of calls)
    await tried.git.run(args, { timeoutMs: PATIENCE_MS, answers: ANY, ...options });
  return calls.length;
}
