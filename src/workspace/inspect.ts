import { realpath } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { RepositoryReport } from '../ports/workspace.ts';
import { type Git, readable, splitNul } from './git/git.ts';
import { headOf, locate, type Repository } from './repository.ts';
import { recogniseTestCommand } from './test-command.ts';

/** Paths given to planning: enough to see a repository's shape, few enough for a prompt. */
const MAX_FILES = 400;
/** Milliseconds. Only a warning hangs on it, so a huge checkout does not hold up the plan. */
const STATUS_TIMEOUT_MS = 10_000;
/** Tracked at the root of the rehearsal's repository. */
export const SAMPLE_MARK = '.baton-sample';

interface Context {
  readonly git: Git;
  readonly home: string;
}

/** What can be said of a repository before anything is planned. Never throws for what is wrong with the repository. */
export async function inspectRepository(
  context: Context,
  location: string,
  commit: string | null,
): Promise<RepositoryReport> {
  const located = await locate(context, location, true);
  if ('problem' in located) return unusable(location, nameOf(location), located.problem);
  const { repository } = located;
  const name = nameOf(repository.config.get('remote.origin.url') ?? repository.top);
  const now = await headOf(repository, context.git);
  const branch = commit === null ? now.branch : null;
  const head = commit === null ? now.head : await commitAt(repository, commit);
  if (head === null && commit !== null)
    return unusable(location, name, notThere(repository, location, commit));
  if (head === null) {
    const what = repository.kind === 'mirror' ? location : repository.top;
    return unusable(
      location,
      name,
      `${what} has no commits yet. Commit something there first, then try again.`,
    );
  }
  const tree = await repository.git.run(['ls-tree', '-r', '-z', '--name-only', '--full-tree', head]);
  const files = splitNul(tree.stdout).map(readable);
  const tracked = new Set(files);
  const warnings = [...repository.warnings];
  if (commit !== null) warnings.push(`The work starts from ${head.slice(0, 12)}, which its event names.`);
  else if (repository.kind === 'checkout')
    warnings.push(...(await checkoutWarnings(context.git, repository, branch)));
  if (repository.config.has('filter.lfs.process') || repository.config.has('filter.lfs.clean')) {
    warnings.push('Files kept by Git LFS are seen as their pointers: Baton runs no content filters.');
  }
  return {
    location,
    name,
    usable: true,
    warnings,
    head,
    branch,
    fileCount: files.length,
    files: shallowest(files),
    testCommand: await recogniseTestCommand(repository.git, head, tracked),
    sample: tracked.has(SAMPLE_MARK) && (await isOurs(context.home, repository)),
  };
}

/** The commit of a whole id; nothing else that somebody outside may write is taken for one. */
async function commitAt({ git }: Repository, id: string): Promise<string | null> {
  return /^[0-9a-f]{40}(?:[0-9a-f]{24})?$/.test(id) ? git.resolve(`${id}^{commit}`) : null;
}

function notThere({ kind, top }: Repository, location: string, commit: string): string {
  const where = kind === 'mirror' ? location : top;
  const how =
    kind === 'mirror'
      ? 'It may have been pushed over, or be on a fork.'
      : 'Bring it there (“git fetch”), then run it again.';
  return `The event names the commit ${commit.slice(0, 12)}, which is not in ${where}. ${how}`;
}

function unusable(location: string, name: string, problem: string): RepositoryReport {
  return {
    location,
    name,
    usable: false,
    problem,
    warnings: [],
    head: null,
    branch: null,
    fileCount: 0,
    files: [],
    testCommand: null,
    sample: false,
  };
}

async function checkoutWarnings(git: Git, repository: Repository, branch: string | null): Promise<string[]> {
  const warnings: string[] = [];
  if (branch === null)
    warnings.push('No branch is checked out (detached HEAD): the work starts from that commit.');
  try {
    const bound = await git.bind({ cwd: repository.top });
    const { stdout } = await bound.run(
      ['status', '--porcelain', '-z', '-unormal', '--ignore-submodules=all', '--no-renames'],
      {
        timeoutMs: STATUS_TIMEOUT_MS,
      },
    );
    const count = splitNul(stdout).length;
    if (count > 0) {
      const subject = count === 1 ? '1 file has' : `${count} files have`;
      warnings.push(
        `${subject} uncommitted changes, which are not part of the work. Commit them first if they matter.`,
      );
    }
  } catch {
    warnings.push(
      'Baton could not tell whether there are uncommitted changes. Those are not part of the work.',
    );
  }
  return warnings;
}

/** Only what Baton made itself counts as its sample: a file anybody can track is no permission to run commands. */
async function isOurs(home: string, repository: Repository): Promise<boolean> {
  const samples = await realpath(join(home, 'sample')).catch(() => null);
  return (
    samples !== null && [repository.top, repository.common].every((path) => path.startsWith(`${samples}/`))
  );
}

/** "acme/web" from an address with at least two parts, else the last part. */
export function nameOf(location: string): string {
  const clean = location.replace(/\/+$/, '').replace(/\.git$/, '');
  const remote = /^(?:(?:https|ssh|git):\/\/[^/]+\/|[\w.-]+@[\w.-]+:)(.+)$/i.exec(clean)?.[1];
  if (remote === undefined) return basename(clean) || 'repository';
  return remote.split('/').filter(Boolean).slice(-2).join('/');
}

function shallowest(files: readonly string[]): string[] {
  if (files.length <= MAX_FILES) return [...files];
  const depth = (path: string) => path.split('/').length;
  const chosen = new Set(files.toSorted((a, b) => depth(a) - depth(b)).slice(0, MAX_FILES));
  return files.filter((path) => chosen.has(path));
}
