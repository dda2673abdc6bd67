import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';

/** git with nothing of this machine's own configuration. */
export function git(cwd: string, ...args: string[]): string {
  return execFileSync('git', args, {
    cwd,
    encoding: 'utf8',
    env: {
      PATH: '/usr/local/bin:/usr/bin:/bin',
      GIT_CONFIG_NOSYSTEM: '1',
      GIT_CONFIG_GLOBAL: '/dev/null',
      LC_ALL: 'C',
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

/** A repository with one commit. */
export function makeRepository(folder: string): string {
  git(folder, 'init', '--quiet', '--initial-branch=main');
  git(
    folder,
    '-c',
    'user.name=alice',
    '-c',
    'user.email=alice@localhost',
    'commit',
    '--quiet',
    '--allow-empty',
    '-m',
    'First',
  );
  return folder;
}

/** All that a person would notice about their checkout: where it stands, what it says, every file in it. */
export function checkoutState(repository: string): string {
  const hash = createHash('sha256');
  for (const entry of readdirSync(repository, { recursive: true, withFileTypes: true }).toSorted((a, b) =>
    place(a).localeCompare(place(b)),
  )) {
    const at = place(entry);
    if (!entry.isFile() || path.relative(repository, at).split(path.sep)[0] === '.git') continue;
    hash.update(at).update('\0').update(readFileSync(at)).update('\0');
  }
  return [
    git(repository, 'symbolic-ref', 'HEAD'),
    git(repository, 'rev-parse', 'HEAD'),
    git(repository, 'status', '--porcelain'),
    git(repository, 'worktree', 'list', '--porcelain').split('\n')[0],
    hash.digest('hex'),
  ].join('\n');
}

/** The branches Baton made. */
export function batonBranches(repository: string): string[] {
  return git(repository, 'for-each-ref', '--format=%(refname:short)', 'refs/heads/baton/')
    .split('\n')
    .filter(Boolean);
}

/** Runs the tests of a branch outside Baton, from an export of it. @returns the runner's words @throws when they fail */
export function testsOf(repository: string, branch: string, scratch: string): string {
  rmSync(scratch, { recursive: true, force: true });
  mkdirSync(scratch, { recursive: true });
  const archive = path.join(scratch, 'branch.tar');
  git(repository, 'archive', '--format=tar', `--output=${archive}`, branch);
  execFileSync('tar', ['-xf', archive, '-C', scratch]);
  return execFileSync(process.execPath, ['--test', '--test-reporter=tap'], {
    cwd: scratch,
    encoding: 'utf8',
    env: { PATH: '/usr/bin:/bin' },
  });
}

function place(entry: { readonly parentPath: string; readonly name: string }): string {
  return path.join(entry.parentPath, entry.name);
}
