import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createWorkspaces } from '../../src/workspace/workspaces.ts';
import { AT, type Bench, bench, failureOf, git, NO_SANDBOX } from './support.ts';

const branches = (repository: string) =>
  git(repository, 'for-each-ref', '--format=%(refname:short)', 'refs/heads/').split('\n');

describe('opening a worktree', () => {
  it('makes the branch at the base and leaves the checkout alone', async () => {
    await using place = await bench();
    const index = readFileSync(join(place.repository, '.git/index'));
    await writeFile(join(place.repository, 'README.md'), 'being edited\n');
    const workspace = await place.open();
    expect(workspace.info).toEqual({
      path: join(place.home, 'worktrees/run_1'),
      branch: 'baton/work-run_1',
      base: place.head(),
      sandbox: 'none',
    });
    expect(await readFile(join(workspace.info.path, 'README.md'), 'utf8')).toBe('hello\n');
    expect(git(workspace.info.path, 'status', '--porcelain')).toBe('');
    expect(readFileSync(join(place.repository, '.git/index')).equals(index)).toBe(true);
    expect(git(place.repository, 'symbolic-ref', 'HEAD')).toBe('refs/heads/main');
    expect(await readFile(join(place.repository, 'README.md'), 'utf8')).toBe('being edited\n');
  });

  it('finds the worktree of an earlier attempt with the work in it', async () => {
    await using place = await bench();
    const first = await place.open();
    await first.files.write('src/b.js', 'new\n');
    await writeFile(join(place.repository, '.git/worktrees/run_1/index.lock'), '');
    const later = createWorkspaces({ home: place.home, sandbox: NO_SANDBOX });
    const second = await later.open({
      runId: 'run_1',
      location: place.repository,
      branch: first.info.branch,
      base: first.info.base,
    });
    expect((await second.files.read('src/b.js')).text).toBe('new\n');
    expect(branches(place.repository)).toEqual(['baton/work-run_1', 'main']);
    expect(existsSync(join(place.repository, '.git/worktrees/run_1/index.lock'))).toBe(false);
  });

  const halves: Record<string, (place: { home: string; repository: string }) => Promise<unknown>> = {
    'only the branch was made': async ({ repository }) => git(repository, 'branch', 'baton/work-run_1'),
    'the entry was made and locked, the folder was not': async ({ home, repository }) => {
      await begin(home, repository);
      git(repository, 'worktree', 'add', '-q', '-b', 'baton/work-run_1', join(home, 'worktrees/run_1'));
      await writeFile(join(repository, '.git/worktrees/run_1/locked'), 'initializing');
      await rm(join(home, 'worktrees/run_1'), { recursive: true });
    },
    'the entry holds nothing yet': async ({ home, repository }) => {
      await begin(home, repository);
      await mkdir(join(repository, '.git/worktrees/run_1'), { recursive: true });
      await writeFile(join(repository, '.git/worktrees/run_1/locked'), 'initializing');
    },
    'the folder holds a part of the files': async ({ home, repository }) => {
      await begin(home, repository);
      git(
        repository,
        'worktree',
        'add',
        '-q',
        '--no-checkout',
        '-b',
        'baton/work-run_1',
        join(home, 'worktrees/run_1'),
      );
      await writeFile(join(home, 'worktrees/run_1/README.md'), 'hel');
      await writeFile(join(repository, '.git/worktrees/run_1/index.lock'), 'half');
    },
    'the folder is there, the entry is gone': async ({ home, repository }) => {
      await begin(home, repository);
      git(repository, 'worktree', 'add', '-q', '-b', 'baton/work-run_1', join(home, 'worktrees/run_1'));
      await rm(join(repository, '.git/worktrees/run_1'), { recursive: true });
    },
  };
  for (const [name, prepare] of Object.entries(halves)) {
    it(`goes on after a kill when ${name}`, async () => {
      await using place = await bench();
      await place.workspaces.inspect(place.repository);
      await prepare(place);
      const workspace = await place.open();
      expect(branches(place.repository)).toEqual(['baton/work-run_1', 'main']);
      expect(git(workspace.info.path, 'status', '--porcelain')).toBe('');
      expect(git(workspace.info.path, 'symbolic-ref', 'HEAD')).toBe('refs/heads/baton/work-run_1');
      expect(await readdir(join(place.repository, '.git/worktrees'))).toHaveLength(1);
    });
  }

  it('survives a kill after each single git call, with one branch and clean files', {
    timeout: 60_000,
  }, async () => {
    await using place = await bench();
    let kills = 0;
    // The first five calls only look.
    for (let last = 6; !(await openUntil(place, last)); last += 1) {
      kills += 1;
      const later = createWorkspaces({ home: place.home, sandbox: NO_SANDBOX });
      const branch = 'baton/killed';
      const again = await later.open({
        runId: 'run_k',
        location: place.repository,
        branch,
        base: place.head(),
      });
      expect(git(again.info.path, 'status', '--porcelain'), `killed after call ${last}`).toBe('');
      expect(branches(place.repository)).toEqual([branch, 'main']);
      expect(await readdir(join(place.repository, '.git/worktrees'))).toEqual(['run_k']);
      await later.close('run_k');
      git(place.repository, 'branch', '-D', branch);
    }
    // Branch, worktree and files are three calls at least; fewer kills would have missed some.
    expect(kills).toBeGreaterThanOrEqual(5);
  });

  it('opens one run once, however often it is asked at the same time', async () => {
    await using place = await bench();
    const opened = await Promise.all([place.open(), place.open(), place.open()]);
    expect(new Set(opened.map((workspace) => workspace.info.path)).size).toBe(1);
    expect(git(opened[0].info.path, 'status', '--porcelain')).toBe('');
    expect(await readdir(join(place.repository, '.git/worktrees'))).toEqual(['run_1']);
  });

  it('lets many runs open at once in one repository', async () => {
    await using place = await bench();
    const names = Array.from({ length: 6 }, (_, i) => `run_${i}`);
    const opened = await Promise.all(names.map((name) => place.open(name)));
    await Promise.all(opened.map((workspace, i) => workspace.files.write('src/a.js', `${i}\n`)));
    const snaps = await Promise.all(opened.map((workspace) => workspace.snapshot('end', AT)));
    expect(new Set(snaps.map((snap) => snap.tree)).size).toBe(6);
    expect(branches(place.repository)).toHaveLength(7);
  });

  it('refuses a branch that holds other work, and one whose beginning is taken', async () => {
    await using place = await bench();
    git(place.repository, 'checkout', '-q', '--orphan', 'baton/other');
    git(place.repository, 'commit', '-q', '-m', 'Elsewhere');
    git(place.repository, 'checkout', '-q', 'main');
    expect(await failureOf(place.open('run_1', 'baton/other'))).toMatchObject({
      class: 'needs_person',
      code: 'branch_taken',
    });
    git(place.repository, 'branch', 'tools');
    expect(await failureOf(place.open('run_2', 'tools/x'))).toMatchObject({ code: 'branch_taken' });
    expect(await failureOf(place.open('run_3', 'bad..name'))).toMatchObject({ code: 'branch_name' });
    expect(await failureOf(place.open('../up'))).toMatchObject({ code: 'run_id' });
    expect(existsSync(join(place.home, 'worktrees/run_1'))).toBe(false);
  });

  it('takes the files from the newest snapshot when the folder was deleted', async () => {
    await using place = await bench();
    const workspace = await place.open();
    await workspace.files.write('src/b.js', 'kept\n');
    const snap = await workspace.snapshot('one', AT);
    await rm(workspace.info.path, { recursive: true });
    const again = await place.open();
    expect(again.info.restoredFrom).toBe(snap.commit);
    expect((await again.snapshot('two', AT)).tree).toBe(snap.tree);
    expect(git(place.repository, 'rev-parse', workspace.info.branch)).toBe(place.head());
  });

  it('closes, repeatedly, keeping branch and snapshots', async () => {
    await using place = await bench();
    const workspace = await place.open();
    const snap = await workspace.snapshot('one', AT);
    await place.workspaces.close('run_1');
    await place.workspaces.close('run_1');
    await place.workspaces.close('never_there');
    expect(existsSync(workspace.info.path)).toBe(false);
    expect(git(place.repository, 'worktree', 'list').split('\n')).toHaveLength(1);
    expect(git(place.repository, 'rev-parse', 'refs/baton/snap/run_1/one')).toBe(snap.commit);
    expect(branches(place.repository)).toContain('baton/work-run_1');
  });
});

/** What is on disk from the moment open() begins to change anything. */
async function begin(home: string, repository: string): Promise<void> {
  const state = {
    status: 'making',
    common: join(repository, '.git'),
    branch: 'baton/work-run_1',
    base: git(repository, 'rev-parse', 'HEAD'),
  };
  await mkdir(join(home, 'workspaces/run_1'), { recursive: true });
  await writeFile(join(home, 'workspaces/run_1/state.json'), JSON.stringify(state));
}

/**
 * Opens in a process of its own that is killed right after its git call number `last`.
 * @returns whether it came to the end before that
 */
async function openUntil(place: Bench, last: number): Promise<boolean> {
  const bin = join(place.root, 'bin');
  await rm(bin, { recursive: true, force: true });
  await mkdir(bin);
  const script = `#!/bin/sh\necho >> '${bin}/calls'\n/usr/bin/env PATH="/usr/local/bin:/usr/bin:/bin" git "$@"\ncode=$?\n[ "$(wc -l < '${bin}/calls')" -eq ${last} ] && kill -9 $PPID\nexit $code\n`;
  await writeFile(join(bin, 'git'), script, { mode: 0o755 });
  const source = new URL('../../src/workspace/workspaces.ts', import.meta.url).href;
  const settings = {
    home: place.home,
    sandbox: NO_SANDBOX,
    searchPath: `${bin}:/usr/local/bin:/usr/bin:/bin`,
  };
  const request = { runId: 'run_k', location: place.repository, branch: 'baton/killed', base: place.head() };
  const code = `
    const { createWorkspaces } = await import(${JSON.stringify(source)});
    await createWorkspaces(${JSON.stringify(settings)}).open(${JSON.stringify(request)});`;
  const flags = ['--no-warnings', '--experimental-strip-types', '--input-type=module', '-e', code];
  const child = spawn(process.execPath, flags, { stdio: ['ignore', 'ignore', 'inherit'] });
  const [exitCode, signal] = await once(child, 'exit');
  expect(signal ?? exitCode).toBe(signal === null ? 0 : 'SIGKILL');
  return signal === null;
}
