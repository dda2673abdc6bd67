import { existsSync } from 'node:fs';
import { chmod, mkdir, rm, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { neutralise } from '../../src/workspace/git/git-config.ts';
import { AT, type Bench, bench, git, put } from './support.ts';

/** A program that leaves a mark and passes its input on. */
async function trap(
  place: Bench,
): Promise<{ program: string; sprung: () => boolean; reset: () => Promise<void> }> {
  const mark = join(place.root, 'sprung');
  const program = join(place.root, 'trap.sh');
  await writeFile(program, `#!/bin/sh\ntouch '${mark}'\nexec cat\n`);
  await chmod(program, 0o755);
  return { program, sprung: () => existsSync(mark), reset: () => rm(mark, { force: true }) };
}

/** The whole way of a run, with every git call in it. */
async function wholeRun(
  place: Bench,
  meddle: (path: string) => Promise<unknown> = async () => undefined,
): Promise<void> {
  await place.workspaces.inspect(place.repository);
  const workspace = await place.open();
  await meddle(workspace.info.path);
  await workspace.files.write('src/a.js', 'changed\n');
  await workspace.files.write('src/new.js', 'new\n');
  await workspace.files.list('', 100);
  await workspace.files.search('changed', '', 10);
  const { tree } = await workspace.snapshot('one', AT);
  await workspace.diff(tree, 1_000);
  await workspace.commit({ tree, message: 'm', at: AT });
  await place.workspaces.close('run_1');
}

describe('a hostile repository', () => {
  it('runs no hooks', async () => {
    await using place = await bench();
    const { program, sprung, reset } = await trap(place);
    const hooks = [
      'post-checkout',
      'post-index-change',
      'reference-transaction',
      'pre-commit',
      'post-commit',
      'commit-msg',
    ];
    await mkdir(join(place.repository, '.git/hooks'), { recursive: true });
    for (const hook of hooks) {
      await writeFile(
        join(place.repository, '.git/hooks', hook),
        `#!/bin/sh\nexec '${program}' < /dev/null\n`,
        { mode: 0o755 },
      );
    }
    git(place.repository, 'branch', 'guard');
    expect(sprung()).toBe(true);
    await reset();
    await wholeRun(place);
    expect(sprung()).toBe(false);
  });

  it('runs no content filters, external diffs or text conversions, not even out of included files', async () => {
    await using place = await bench({ '.gitattributes': '* filter=evil diff=evil\n', 'src/a.js': 'a\n' });
    const { program, sprung, reset } = await trap(place);
    const included = join(place.root, 'included');
    await writeFile(
      included,
      `[filter "evil"]\n\tclean = ${program}\n\tsmudge = ${program}\n\trequired\n[diff "evil"]\n\ttextconv = ${program}\n\tcommand = ${program}\n`,
    );
    git(place.repository, 'config', 'diff.external', program);
    git(place.repository, 'config', 'includeIf.onbranch:baton/**.path', included);
    // Only a worktree on such a branch has these filters: the checkout on main gives no warning of them.
    git(place.repository, 'checkout', '-q', '-b', 'baton/guard');
    await writeFile(join(place.repository, 'src/a.js'), 'b\n');
    git(place.repository, 'add', 'src/a.js');
    expect(sprung()).toBe(true);
    git(place.repository, 'checkout', '-q', 'main');
    await reset();
    await wholeRun(place);
    expect(sprung()).toBe(false);
  });

  it('runs no file system monitor, also not one of a repository made within the worktree', async () => {
    await using place = await bench();
    const { program, sprung, reset } = await trap(place);
    git(place.repository, 'config', 'core.fsmonitor', program);
    git(place.repository, 'status');
    expect(sprung()).toBe(true);
    await reset();
    await wholeRun(place, async (path) => {
      const nested = join(path, 'nested');
      await mkdir(nested);
      git(nested, 'init', '-q');
      await put(nested, { 'x.txt': 'x\n' });
      git(nested, 'add', '-A');
      git(nested, 'commit', '-q', '-m', 'x');
      git(nested, 'config', 'core.fsmonitor', program);
      git(nested, 'status');
      expect(sprung()).toBe(true);
      await reset();
    });
    expect(sprung()).toBe(false);
  });

  it('runs nothing of a submodule that is taken over', async () => {
    await using place = await bench();
    const { program, sprung, reset } = await trap(place);
    const head = place.head();
    git(place.repository, 'update-index', '--add', '--cacheinfo', `160000,${head},vendor`);
    git(place.repository, 'commit', '-q', '-m', 'With a submodule');
    await wholeRun(place, async (path) => {
      const vendor = join(path, 'vendor');
      git(vendor, 'init', '-q');
      await put(vendor, { 'x.txt': 'x\n' });
      git(vendor, 'add', '-A');
      git(vendor, 'commit', '-q', '-m', 'x');
      git(vendor, 'config', 'core.fsmonitor', program);
      git(path, 'status');
      expect(sprung()).toBe(true);
      await reset();
    });
    expect(sprung()).toBe(false);
    expect(git(place.repository, 'ls-tree', 'baton/work-run_1', 'vendor')).toContain(`commit ${head}`);
  });

  it('is not led elsewhere by a .git file an agent has rewritten', async () => {
    await using place = await bench();
    const { program, sprung } = await trap(place);
    const evil = join(place.root, 'evil');
    await mkdir(evil);
    git(evil, 'init', '-q');
    git(evil, 'config', 'core.fsmonitor', program);
    await wholeRun(place, async (path) => {
      await unlink(join(path, '.git'));
      await writeFile(join(path, '.git'), `gitdir: ${join(evil, '.git')}\n`);
    });
    expect(sprung()).toBe(false);
    expect(git(place.repository, 'show', 'baton/work-run_1:src/new.js')).toBe('new');
  });

  it('has every filter and configured hook overridden, whatever its name', () => {
    const config = new Map([
      ['filter.a=b\nc.d.process', 'x'],
      ['hook.mine.command', 'x'],
      ['filterx.clean', 'x'],
    ]);
    expect(neutralise(config)).toEqual([
      { key: 'filter.a=b\nc.d.clean', value: '' },
      { key: 'filter.a=b\nc.d.smudge', value: '' },
      { key: 'filter.a=b\nc.d.process', value: '' },
      { key: 'filter.a=b\nc.d.required', value: 'false' },
      { key: 'hook.mine.enabled', value: 'false' },
    ]);
  });
});
