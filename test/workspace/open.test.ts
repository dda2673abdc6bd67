import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createWorkspaces } from '../../src/workspace/workspaces.ts';
import { AT, bench, failureOf, git, NO_SANDBOX } from './support.ts';

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
      expect(git(place.repository, 'worktree', 'list', '--porcelain').match(/^worktree /gm)).toHaveLength(2);
    });
  }

  it('survives being killed at any moment, with one branch and clean files', {
    timeout: 60_000,
  }, async () => {
    const files = Object.fromEntries(Array.from({ length: 300 }, (_, i) => [`src/${i}.js`, `${i}\n`]));
    await using place = await bench(files);
    let caught = 0;
    for (const wait of [0, 20, 45, 80]) {
      const child = opener(place.home, place.repository, place.head());
      await line(child, 'opening');
      const opened = line(child, 'opened').then(() => true);
      const late = await Promise.race([
        opened,
        new Promise<false>((resolve) => setTimeout(() => resolve(false), wait)),
      ]);
      if (!late) caught += 1;
      child.kill('SIGKILL');
      await new Promise((resolve) => child.once('close', resolve));
      const later = createWorkspaces({ home: place.home, sandbox: NO_SANDBOX });
      const workspace = await later.open({
        runId: 'run_k',
        location: place.repository,
        branch: 'baton/killed',
        base: place.head(),
      });
      expect(git(workspace.info.path, 'status', '--porcelain')).toBe('');
      expect(branches(place.repository)).toEqual(['baton/killed', 'main']);
      await later.close('run_k');
      git(place.repository, 'branch', '-D', 'baton/killed');
    }
    // Kills after the end would prove nothing.
    expect(caught).toBeGreaterThanOrEqual(2);
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

function opener(home: string, location: string, base: string): ChildProcess {
  const source = new URL('../../src/workspace/workspaces.ts', import.meta.url).href;
  const sandbox = JSON.stringify(NO_SANDBOX);
  const code = `
    const { createWorkspaces } = await import(${JSON.stringify(source)});
    const workspaces = createWorkspaces({ home: ${JSON.stringify(home)}, sandbox: ${sandbox} });
    console.log('opening');
    await workspaces.open({ runId: 'run_k', location: ${JSON.stringify(location)}, branch: 'baton/killed', base: '${base}' });
    console.log('opened');
    setInterval(() => undefined, 1000);`;
  return spawn(
    process.execPath,
    ['--no-warnings', '--experimental-strip-types', '--input-type=module', '-e', code],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
}

function line(child: ChildProcess, word: string): Promise<void> {
  return new Promise((resolve) => {
    child.stdout?.on('data', (chunk: Buffer) => {
      if (chunk.toString().includes(word)) resolve();
    });
  });
}
