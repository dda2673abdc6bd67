import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { BatonError } from '../../src/domain/failure.ts';
import type { Workspace, Workspaces } from '../../src/ports/workspace.ts';
import { NO_CGROUPS } from '../../src/workspace/sandbox/cgroups.ts';
import type { Sandbox } from '../../src/workspace/sandbox/sandbox.ts';
import { createWorkspaces, type WorkspacesSettings } from '../../src/workspace/workspaces.ts';

export const AT = Date.UTC(2026, 4, 1);
export const NO_SANDBOX: Sandbox = {
  kind: 'none',
  reason: 'switched off for this test',
  toolchain: { node: process.execPath, npm: null },
  newer: false,
  ownUser: false,
  noUser: null,
  prlimit: true,
  nice: true,
  cgroups: NO_CGROUPS,
};

/** Plain git as a person would run it, configuration of the machine left out. Traps DO fire here. */
export function git(cwd: string, ...args: string[]): string {
  return execFileSync('git', args, {
    cwd,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      PATH: '/usr/local/bin:/usr/bin:/bin',
      HOME: cwd,
      GIT_CONFIG_NOSYSTEM: '1',
      GIT_CONFIG_GLOBAL: '/dev/null',
      GIT_AUTHOR_NAME: 'alice',
      GIT_AUTHOR_EMAIL: 'alice@example.com',
      GIT_COMMITTER_NAME: 'alice',
      GIT_COMMITTER_EMAIL: 'alice@example.com',
    },
  }).trim();
}

export async function put(root: string, files: Readonly<Record<string, string>>): Promise<void> {
  for (const [path, content] of Object.entries(files)) {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), content);
  }
}

export interface Bench {
  /** Holds everything of one test. */
  readonly root: string;
  readonly home: string;
  readonly repository: string;
  readonly workspaces: Workspaces;
  head(): string;
  open(runId?: string, branch?: string): Promise<Workspace>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** A home folder and a repository with one commit, removed afterwards. */
export async function bench(
  files: Readonly<Record<string, string>> = { 'README.md': 'hello\n', 'src/a.js': 'one\ntwo\nthree\n' },
  sandbox: Sandbox = NO_SANDBOX,
  more: Pick<WorkspacesSettings, 'programMemoryBytes'> = {},
): Promise<Bench> {
  const root = await realpath(await mkdtemp(join(tmpdir(), 'baton-workspace-')));
  const home = join(root, 'home');
  const repository = join(root, 'web');
  await mkdir(repository);
  git(repository, 'init', '-q', '-b', 'main');
  await put(repository, files);
  git(repository, 'add', '-A');
  git(repository, 'commit', '-q', '-m', 'First', '--allow-empty');
  const workspaces = createWorkspaces({ home, sandbox, ...more });
  const head = () => git(repository, 'rev-parse', 'HEAD');
  return {
    root,
    home,
    repository,
    workspaces,
    head,
    open: (runId = 'run_1', branch = `baton/work-${runId}`) =>
      workspaces.open({ runId, location: repository, branch, base: head() }),
    async [Symbol.asyncDispose]() {
      await rm(root, { recursive: true, force: true });
    },
  };
}

/** The failure a promise rejects with; anything else fails the test. */
export async function failureOf(work: Promise<unknown>) {
  try {
    await work;
  } catch (error) {
    if (error instanceof BatonError) return error.failure;
    throw error;
  }
  throw new Error('Expected a BatonError, but nothing was thrown.');
}
