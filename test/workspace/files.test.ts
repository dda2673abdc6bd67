import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { chmod, readdir, readFile, rename, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { replaceOnce } from '../../src/workspace/files/edits.ts';
import { changeOf } from '../../src/workspace/files/files.ts';
import { pathParts } from '../../src/workspace/files/paths.ts';
import { createWorkspaces } from '../../src/workspace/workspaces.ts';
import { bench, failureOf, git, NO_SANDBOX, put } from './support.ts';

describe('paths', () => {
  const refused = [
    '../x',
    'a/../../x',
    '/etc/passwd',
    'C:\\x',
    '\\\\host\\share',
    'a\0b',
    '.git',
    '.git/config',
    'sub/.GIT/hooks/x',
    '.git./config',
    'git~1/config',
    'x'.repeat(5000),
  ];
  it('are refused everywhere when they lead out or into .git', async () => {
    await using place = await bench();
    const { files } = await place.open();
    for (const path of refused) {
      const outside = { class: 'terminal', code: 'path_outside', hint: expect.any(String) };
      expect(await failureOf(files.read(path))).toMatchObject(outside);
      expect(await failureOf(files.write(path, 'x'))).toMatchObject(outside);
      expect(await failureOf(files.edit(path, 'a', 'b', 'k'))).toMatchObject(outside);
      expect(await failureOf(files.list(path, 5))).toMatchObject(outside);
      expect(await failureOf(files.search('x', path, 5))).toMatchObject(outside);
    }
  });

  it('lets no words through that lead up or into .git', () => {
    const words = fc.array(fc.constantFrom('..', '.', '', '.git', '.GIT', 'a', 'b.js', '.gitignore'), {
      maxLength: 5,
    });
    let passed = 0;
    let stopped = 0;
    fc.assert(
      fc.property(words, (parts) => {
        const bad =
          parts.some((part) => part === '..' || part.toLowerCase() === '.git') ||
          (parts[0] === '' && parts.length > 1);
        try {
          expect(pathParts(parts.join('/')).every((part) => !['..', '.', '', '.git'].includes(part))).toBe(
            true,
          );
          expect(bad).toBe(false);
          passed += 1;
        } catch (error) {
          if (!bad) throw error;
          stopped += 1;
        }
      }),
    );
    expect(Math.min(passed, stopped)).toBeGreaterThan(5);
  });

  it('follows no link out, and writes through none', async () => {
    await using place = await bench();
    await put(place.root, { 'outside/secret.txt': 'secret\n' });
    const { info, files } = await place.open();
    await symlink(join(place.root, 'outside/secret.txt'), join(info.path, 'file'));
    await symlink(join(place.root, 'outside'), join(info.path, 'folder'));
    await symlink('src', join(info.path, 'alias'));
    await symlink('README.md', join(info.path, 'readme'));
    await symlink('.git', join(info.path, 'dotgit'));
    for (const path of ['file', 'folder/secret.txt', 'folder/new/deep.txt', 'dotgit']) {
      expect(await failureOf(files.read(path))).toMatchObject({ code: 'path_outside' });
      expect(await failureOf(files.write(path, 'changed'))).toMatchObject({ code: 'path_outside' });
    }
    expect(readFileSync(join(place.root, 'outside/secret.txt'), 'utf8')).toBe('secret\n');
    expect(await readdir(join(place.root, 'outside'))).toEqual(['secret.txt']);
    expect((await files.search('secret', '', 10)).hits).toEqual([]);
    expect((await files.read('alias/a.js')).text).toBe('one\ntwo\nthree\n');
    expect((await files.read('readme')).text).toBe('hello\n');
    await files.write('alias/new.js', 'in src\n');
    expect(readFileSync(join(info.path, 'src/new.js'), 'utf8')).toBe('in src\n');
    expect(await failureOf(files.write('readme', 'x'))).toMatchObject({ code: 'path_outside' });
  });
});

describe('reading and listing', () => {
  it('reads ranges and says what was cut', async () => {
    await using place = await bench({
      'long.txt': Array.from({ length: 2_500 }, (_, i) => `${i + 1}\n`).join(''),
    });
    const { files } = await place.open();
    expect(await files.read('long.txt', { from: 3, to: 4 })).toEqual({
      text: '3\n4\n',
      lines: 2_500,
      cut: false,
    });
    expect(await files.read('long.txt', { from: 2_499, to: 9_999 })).toEqual({
      text: '2499\n2500\n',
      lines: 2_500,
      cut: false,
    });
    expect(await files.read('long.txt')).toMatchObject({ lines: 2_500, cut: true });
    expect((await files.read('long.txt', { from: 9_000, to: 9_001 })).text).toBe('');
    await files.write('wide.txt', 'x'.repeat(300_000));
    const wide = await files.read('wide.txt');
    expect(wide.cut).toBe(true);
    expect(wide.text).toHaveLength(256 * 1024);
  });

  it('names what cannot be read', async () => {
    await using place = await bench();
    const { info, files } = await place.open();
    await writeFile(join(info.path, 'bin'), Buffer.from([1, 0, 2]));
    await writeFile(join(info.path, 'latin'), Buffer.from([0x63, 0xe9, 0x0a]));
    execFileSync('mkfifo', [join(info.path, 'pipe')]);
    expect(await failureOf(files.read('missing.js'))).toMatchObject({ code: 'file_missing' });
    expect(await failureOf(files.read('src'))).toMatchObject({ code: 'not_a_file' });
    expect(await failureOf(files.read(''))).toMatchObject({ code: 'not_a_file' });
    expect(await failureOf(files.read('bin'))).toMatchObject({ code: 'file_binary' });
    expect(await failureOf(files.read('latin'))).toMatchObject({ code: 'file_binary' });
    expect(await failureOf(files.read('pipe'))).toMatchObject({ code: 'not_a_file' });
    expect(await failureOf(files.write('src', 'x'))).toMatchObject({ code: 'not_a_file' });
  });

  it('lists and searches what git would, including new files, leaving out what is ignored or deleted', async () => {
    await using place = await bench({
      '.gitignore': 'dist/\n',
      'a.js': 'needle\n',
      'sub/b.js': 'x.y*z needle\nneedle\n',
    });
    const { info, files } = await place.open();
    await put(info.path, { 'dist/out.js': 'needle\n', 'new.js': 'needle\n' });
    execFileSync('rm', [join(info.path, 'a.js')]);
    expect(await files.list('', 10)).toEqual({ paths: ['.gitignore', 'new.js', 'sub/b.js'], cut: false });
    expect(await files.list('sub', 10)).toEqual({ paths: ['sub/b.js'], cut: false });
    expect(await files.list('', 2)).toEqual({ paths: ['.gitignore', 'new.js'], cut: true });
    expect((await files.search('needle', '', 10)).hits).toEqual([
      { path: 'new.js', line: 1, text: 'needle' },
      { path: 'sub/b.js', line: 1, text: 'x.y*z needle' },
      { path: 'sub/b.js', line: 2, text: 'needle' },
    ]);
    expect(await files.search('needle', 'sub', 1)).toMatchObject({ hits: [{ line: 1 }], cut: true });
    expect((await files.search('.y*', '', 10)).hits).toHaveLength(1);
    expect((await files.search('--open-files-in-pager=sh', '', 10)).hits).toEqual([]);
    await files.write('min.js', `needle2${'x'.repeat(5_000)}\n`);
    expect((await files.search('needle2', '', 10)).hits[0]?.text).toHaveLength(300);
    expect(await failureOf(files.search('a\nb', '', 10))).toMatchObject({ code: 'query_refused' });
    expect(await failureOf(files.search('', '', 10))).toMatchObject({ code: 'query_refused' });
  });
});

describe('writing', () => {
  it('makes folders, keeps the executable bit, leaves no temporary file, counts lines', async () => {
    await using place = await bench();
    const { info, files } = await place.open();
    expect(await files.write('a/b/c.txt', '1\n2\n')).toEqual({
      path: 'a/b/c.txt',
      added: 2,
      removed: 0,
      created: true,
    });
    expect(await files.write('a/b/c.txt', '1\nzwei\n')).toEqual({
      path: 'a/b/c.txt',
      added: 1,
      removed: 1,
      created: false,
    });
    await chmod(join(info.path, 'a/b/c.txt'), 0o755);
    await files.write('a/b/c.txt', 'new\n');
    expect(statSync(join(info.path, 'a/b/c.txt')).mode & 0o777).toBe(0o755);
    expect(git(info.path, 'status', '--porcelain', '-uall')).toBe('?? a/b/c.txt');
    expect(await failureOf(files.write('big', 'x'.repeat(1024 * 1024 + 1)))).toMatchObject({
      code: 'file_too_large',
    });
    expect(existsSync(join(info.path, 'big'))).toBe(false);
    expect(await readdir(join(place.home, 'workspaces/run_1/tmp'))).toEqual([]);
  });

  it('counts what stands between the common beginning and end', () => {
    expect(changeOf('x', null, '')).toEqual({ path: 'x', added: 0, removed: 0, created: true });
    expect(changeOf('x', 'a\nb\nc\n', 'a\nc\n')).toMatchObject({ added: 0, removed: 1 });
    expect(changeOf('x', 'a\na\n', 'a\na\na\n')).toMatchObject({ added: 1, removed: 0 });
  });
});

describe('editing', () => {
  it('replaces the one occurrence, taken literally', async () => {
    await using place = await bench();
    const { files } = await place.open();
    expect(await files.edit('src/a.js', 'two\n', '$& $1\nzwei\n', 'k')).toEqual({
      path: 'src/a.js',
      added: 2,
      removed: 1,
      created: false,
    });
    expect((await files.read('src/a.js')).text).toBe('one\n$& $1\nzwei\nthree\n');
  });

  it('says why nothing was changed', () => {
    const content = 'if (a) {\n  go();\n}\ngo();\ngo();\n';
    const attempt = (before: string) => failureOf((async () => replaceOnce('x.js', content, before, 'y'))());
    return Promise.all([
      expect(attempt('')).resolves.toMatchObject({ code: 'edit_empty' }),
      expect(attempt('nowhere')).resolves.toMatchObject({
        code: 'edit_not_found',
        hint: expect.stringContaining('Read the file again'),
      }),
      expect(attempt('if (a) {\n    go();')).resolves.toMatchObject({
        code: 'edit_not_found',
        hint: expect.stringContaining('Line 1'),
      }),
      expect(attempt('go();')).resolves.toMatchObject({
        code: 'edit_ambiguous',
        message: expect.stringContaining('3 times in x.js (at lines 2, 4, 5)'),
      }),
    ]);
  });

  it('keeps Windows line ends when the model leaves them out', () => {
    expect(replaceOnce('x', 'a\r\nb\r\nc\r\n', 'a\nb\n', 'a\nz\n')).toBe('a\r\nz\r\nc\r\n');
  });

  it('is done once per key, also after a crash before or after the file changed', async () => {
    await using place = await bench({ 'a.txt': 'x\n' });
    const first = await place.open();
    // Applied twice, this would double: the text to replace is part of its replacement.
    const edit = (files: typeof first.files) => files.edit('a.txt', 'x', 'x\nx2', 'run/step');
    const change = await edit(first.files);
    expect(await edit(first.files)).toEqual(change);
    const edits = join(place.home, 'workspaces/run_1/edits');
    const [name = ''] = await readdir(join(edits, 'done'));
    const reopen = () => {
      const later = createWorkspaces({ home: place.home, sandbox: NO_SANDBOX });
      return later.open({
        runId: 'run_1',
        location: place.repository,
        branch: first.info.branch,
        base: first.info.base,
      });
    };

    // Killed after the rename: the intent is pending, the file is changed, and somebody edits on after the restart.
    await rename(join(edits, 'done', name), join(edits, 'pending', name));
    const second = await reopen();
    await second.files.write('a.txt', 'something else\n');
    expect(await edit(second.files)).toEqual(change);
    expect((await second.files.read('a.txt')).text).toBe('something else\n');

    // Killed before the rename: the intent is pending, the file is as it was.
    await second.files.write('a.txt', 'x\n');
    await rename(join(edits, 'done', name), join(edits, 'pending', name));
    const third = await reopen();
    expect(await edit(third.files)).toEqual(change);
    expect(await readFile(join(third.info.path, 'a.txt'), 'utf8')).toBe('x\nx2\n');
    expect(await readdir(join(edits, 'pending'))).toEqual([]);
  });

  it('lets two agents edit one file at once', async () => {
    const lines = Array.from({ length: 20 }, (_, i) => `line-${i};\n`).join('');
    await using place = await bench({ 'a.txt': lines });
    const { files } = await place.open();
    await Promise.all(
      Array.from({ length: 20 }, (_, i) => files.edit('a.txt', `line-${i};`, `done-${i};`, `k${i}`)),
    );
    expect((await files.read('a.txt')).text).toBe(lines.replaceAll('line', 'done'));
  });
});
