import { existsSync, readFileSync } from 'node:fs';
import { mkdir, rm, symlink, unlink, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseNumstat, refPart } from '../../src/workspace/snapshots.ts';
import { AT, bench, failureOf, git, put } from './support.ts';

const treePaths = (repository: string, tree: string) =>
  git(repository, 'ls-tree', '-r', '-z', '--name-only', tree).split('\0').filter(Boolean);

describe('snapshots', () => {
  it('keep changes, additions and deletions, but nothing ignored', async () => {
    await using place = await bench({
      '.gitignore': 'dist/\n',
      'a.txt': 'a\n',
      'b.txt': 'b\n',
      'c/d.txt': 'd\n',
    });
    const workspace = await place.open();
    const { info } = workspace;
    await put(info.path, { 'a.txt': 'changed\n', 'dist/out.js': 'built\n', 'new/deep.txt': 'n\n' });
    await unlink(join(info.path, 'b.txt'));
    await rm(join(info.path, 'c'), { recursive: true });
    await writeFile(join(info.path, 'c'), 'now a file\n');
    const { commit, tree } = await workspace.snapshot('first', AT);
    expect(treePaths(place.repository, tree)).toEqual(['.gitignore', 'a.txt', 'c', 'new/deep.txt']);
    expect(git(place.repository, 'show', `${tree}:a.txt`)).toBe('changed');
    expect(git(place.repository, 'log', '-1', '--format=%an <%ae> %at %P', commit)).toBe(
      `Baton <baton@localhost> ${AT / 1000} ${place.head()}`,
    );
    await unlink(join(info.path, 'c'));
    await put(info.path, { 'c/d.txt': 'd\n', 'b.txt': 'b\n', 'a.txt': 'a\n' });
    await rm(join(info.path, 'new'), { recursive: true });
    expect((await workspace.snapshot('second', AT)).tree).toBe(
      git(place.repository, 'rev-parse', 'HEAD^{tree}'),
    );
  });

  it('are gone back to: what was changed, made and deleted since is as it was, what is ignored stays', async () => {
    await using place = await bench({ '.gitignore': 'dist/\n', 'a.txt': 'a\n', 'b.txt': 'b\n' });
    const workspace = await place.open();
    const { path } = workspace.info;
    await put(path, { 'a.txt': 'good\n', 'new.txt': 'n\n', 'dist/out.js': 'built\n' });
    const { tree } = await workspace.snapshot('good', AT);
    await put(path, { 'a.txt': 'bad\n', 'deep/er/bad.txt': 'x\n', 'dist/out.js': 'again\n' });
    await unlink(join(path, 'b.txt'));
    await rm(join(path, 'new.txt'));
    for (let times = 0; times < 2; times += 1) {
      await workspace.restore(tree);
      expect(readFileSync(join(path, 'a.txt'), 'utf8')).toBe('good\n');
      expect(readFileSync(join(path, 'b.txt'), 'utf8')).toBe('b\n');
      expect(readFileSync(join(path, 'new.txt'), 'utf8')).toBe('n\n');
      expect(existsSync(join(path, 'deep'))).toBe(false);
      expect(readFileSync(join(path, 'dist/out.js'), 'utf8')).toBe('again\n');
      expect((await workspace.snapshot('after', AT)).tree).toBe(tree);
    }
    expect(await failureOf(workspace.restore('0'.repeat(40)))).toMatchObject({ code: 'tree_missing' });
  });

  it('are the same for the same label and content, whatever the time, and labels never meet', async () => {
    await using place = await bench();
    const workspace = await place.open();
    const { files } = workspace;
    const first = await workspace.snapshot('review/1', AT);
    expect(await workspace.snapshot('review/1', AT + 60_000)).toEqual(first);
    await files.write('x.txt', 'x\n');
    const second = await workspace.snapshot('review/1', AT);
    expect(second.commit).not.toBe(first.commit);
    await workspace.snapshot('review', AT);
    await workspace.snapshot('review.1', AT);
    expect(
      git(place.repository, 'for-each-ref', '--format=%(refname)', 'refs/baton/snap/run_1/').split('\n'),
    ).toHaveLength(3);
    expect(new Set(['a/b', 'a.b', 'a=2f=b', 'é', 'e', '', '-x', 'x'.repeat(400)].map(refPart)).size).toBe(8);
  });

  it('take odd file names as they are', async () => {
    await using place = await bench();
    const workspace = await place.open();
    const { info, files } = workspace;
    const odd = [
      'line\nbreak.txt',
      '"quoted".txt',
      '-dash.txt',
      'ünï 漢.txt',
      'tab\there.txt',
      ':(top)magic',
      '*.txt',
    ];
    for (const name of odd) await files.write(name, 'odd word\n');
    await writeFile(
      Buffer.concat([Buffer.from(`${info.path}/`), Buffer.from([0x66, 0xff, 0xfe])]),
      'bytes\n',
    );
    const { tree } = await workspace.snapshot('odd', AT);
    const paths = treePaths(place.repository, tree);
    expect(paths).toEqual(expect.arrayContaining(odd));
    expect(paths).toHaveLength(odd.length + 3);
    const { stat } = await workspace.diff(tree, 10_000);
    expect(stat.files.map((file) => file.path)).toEqual(expect.arrayContaining(odd));
    const { hits } = await files.search('odd word', '', 50);
    expect(hits.map((hit) => hit.path).toSorted()).toEqual(odd.toSorted());
    expect((await files.list('', 50)).paths).toEqual(expect.arrayContaining(odd));
    expect((await files.search('odd word', '*.txt', 50)).hits).toHaveLength(1);
  });

  it('keep links as links and never read what they point to', async () => {
    await using place = await bench();
    await put(place.root, { 'secret.txt': 'secret\n', 'outside/x.txt': 'x\n' });
    const workspace = await place.open();
    const { info } = workspace;
    await symlink(join(place.root, 'secret.txt'), join(info.path, 'link'));
    await symlink(join(place.root, 'outside'), join(info.path, 'folder'));
    const { tree } = await workspace.snapshot('links', AT);
    expect(git(place.repository, 'ls-tree', '-r', tree)).toMatch(
      /^120000 blob \w+\tfolder\n120000 blob \w+\tlink$/m,
    );
    expect(git(place.repository, 'show', `${tree}:link`)).toBe(join(place.root, 'secret.txt'));
  });

  it('refuse a file too large to keep, by name', async () => {
    await using place = await bench();
    const workspace = await place.open();
    const { info } = workspace;
    await writeFile(join(info.path, 'core.dump'), Buffer.alloc(51 * 1024 * 1024));
    expect(await failureOf(workspace.snapshot('big', AT))).toMatchObject({
      code: 'file_too_large',
      message: expect.stringContaining('core.dump'),
    });
  });

  it('see a change made within the second of the checkout, of the same length and in the same file', async () => {
    const names = Array.from({ length: 20 }, (_, n) => `f${n}.txt`);
    await using place = await bench(Object.fromEntries(names.map((name) => [name, 'aaaa\n'])));
    const workspace = await place.open();
    const { info } = workspace;
    // As if all of it had happened within one second: the checkout, its index, and what a command wrote. The time of the
    // change of a file cannot be set, so git is told not to go by it.
    git(place.repository, 'config', 'core.trustctime', 'false');
    const gitDir = git(info.path, 'rev-parse', '--absolute-git-dir');
    const second = Math.floor(Date.now() / 1_000) - 10;
    const at = (path: string) => utimes(path, second, second);
    for (const name of names) await at(join(info.path, name));
    git(info.path, 'update-index', '--refresh');
    await at(join(gitDir, 'index'));
    for (const name of names) {
      await writeFile(join(info.path, name), 'bbbb\n');
      await at(join(info.path, name));
    }
    const { tree } = await workspace.snapshot('end', AT);
    expect(git(place.repository, 'show', `${tree}:f7.txt`)).toBe('bbbb');
  });

  it('read only changed files again, so many files cost little', { timeout: 60_000 }, async () => {
    const files = Object.fromEntries(
      Array.from({ length: 1_000 }, (_, i) => [`d${i % 10}/f${i}.txt`, `${i}\n`]),
    );
    await using place = await bench(files);
    const workspace = await place.open();
    await workspace.snapshot('0', AT);
    const times: number[] = [];
    for (const round of [1, 2, 3]) {
      await workspace.files.write(`d1/f${round}.txt`, `changed ${round}\n`);
      const started = performance.now();
      await workspace.snapshot(`${round}`, AT);
      times.push(performance.now() - started);
    }
    // About 40 ms when the machine is idle (100 ms for 10,000 files); other tests share it.
    expect(Math.min(...times)).toBeLessThan(400);
  });
});

describe('the commit', () => {
  it('is exactly the tree, once, and the worktree agrees with it', async () => {
    await using place = await bench();
    const workspace = await place.open();
    const { info, files } = workspace;
    await files.write('src/b.js', 'b\n');
    const { tree } = await workspace.snapshot('end', AT);
    await files.write('src/later.js', 'not reviewed\n');
    const first = await workspace.commit({ tree, message: 'Add b', at: AT });
    expect(await workspace.commit({ tree, message: 'Add b', at: AT })).toEqual(first);
    expect(git(place.repository, 'rev-parse', `${info.branch}^{tree}`)).toBe(tree);
    expect(git(place.repository, 'rev-parse', `${info.branch}^`)).toBe(place.head());
    expect(git(info.path, 'status', '--porcelain')).toBe('?? src/later.js');
    expect(existsSync(join(info.path, 'src/later.js'))).toBe(true);
    expect(git(place.repository, 'status', '--porcelain')).toBe('');
    const next = await workspace.snapshot('again', AT);
    const second = await workspace.commit({ tree: next.tree, message: 'Add both', at: AT });
    expect(git(place.repository, 'rev-parse', info.branch)).toBe(second.commit);
    expect(git(place.repository, 'rev-list', '--count', `${place.head()}..${info.branch}`)).toBe('1');
  });

  it('leaves other commits on the branch alone', async () => {
    await using place = await bench();
    const workspace = await place.open();
    const { info, files } = workspace;
    git(info.path, 'commit', '-q', '--allow-empty', '-m', 'By hand');
    const theirs = git(place.repository, 'rev-parse', info.branch);
    await files.write('x', 'x\n');
    const { tree } = await workspace.snapshot('end', AT);
    expect(await failureOf(workspace.commit({ tree, message: 'm', at: AT }))).toMatchObject({
      class: 'needs_person',
      code: 'branch_moved',
    });
    expect(git(place.repository, 'rev-parse', info.branch)).toBe(theirs);
    expect(await failureOf(workspace.commit({ tree: 'HEAD', message: 'm', at: AT }))).toMatchObject({
      code: 'tree_missing',
    });
  });
});

describe('the diff', () => {
  it('counts lines, knows renames, and counts binary files as 0', async () => {
    const long = Array.from({ length: 30 }, (_, i) => `line ${i}\n`).join('');
    await using place = await bench({ 'old.txt': long, 'a.txt': '1\n2\n' });
    const workspace = await place.open();
    const { info } = workspace;
    await unlink(join(info.path, 'old.txt'));
    await mkdir(join(info.path, 'moved'));
    await put(info.path, { 'moved/new.txt': `${long}more\n`, 'a.txt': '1\nzwei\ndrei\n' });
    await writeFile(join(info.path, 'image.bin'), Buffer.from([0, 1, 2]));
    const { tree } = await workspace.snapshot('end', AT);
    const { stat, patch, cut } = await workspace.diff(tree, 100_000);
    expect(stat).toEqual({
      files: [
        { path: 'a.txt', added: 2, removed: 1 },
        { path: 'image.bin', added: 0, removed: 0 },
        { path: 'moved/new.txt', added: 1, removed: 0 },
      ],
      added: 3,
      removed: 1,
    });
    expect(patch).toContain('rename to moved/new.txt');
    expect(cut).toBe(false);
    const short = await workspace.diff(tree, 120);
    expect(short.cut).toBe(true);
    expect(short.patch).toMatch(/left out here\]\n$/);
    expect(readFileSync(join(info.path, 'a.txt'), 'utf8')).toBe('1\nzwei\ndrei\n');
  });

  it('reads numstat of names with tabs', () => {
    expect(parseNumstat(Buffer.from('1\t2\ta\tb\0-\t-\t\0old\0new\0')).files).toEqual([
      { path: 'a\tb', added: 1, removed: 2 },
      { path: 'new', added: 0, removed: 0 },
    ]);
  });
});
