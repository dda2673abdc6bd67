import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { nameOf } from '../../src/workspace/inspect.ts';
import { addressOf } from '../../src/workspace/repository.ts';
import { bench, failureOf, git, put } from './support.ts';

describe('inspecting', () => {
  it('tells what there is to plan with', async () => {
    await using place = await bench({ 'README.md': 'x\n', 'src/a.js': 'x\n' });
    git(place.repository, 'remote', 'add', 'origin', 'https://token@git.example.com/acme/web.git');
    expect(await place.workspaces.inspect(place.repository)).toEqual({
      location: place.repository,
      name: 'acme/web',
      usable: true,
      warnings: [],
      head: place.head(),
      branch: 'main',
      fileCount: 2,
      files: ['README.md', 'src/a.js'],
      testCommand: null,
      sample: false,
    });
  });

  it('warns of what is not part of the work', async () => {
    await using place = await bench();
    await put(place.repository, { 'README.md': 'edited\n', 'new.txt': 'n\n' });
    git(place.repository, 'checkout', '-q', '--detach');
    const report = await place.workspaces.inspect(join(place.repository, 'src'));
    expect(report).toMatchObject({ usable: true, branch: null, head: place.head(), fileCount: 2 });
    expect(report.warnings).toEqual([
      expect.stringContaining('the whole of that repository'),
      expect.stringContaining('detached HEAD'),
      expect.stringMatching(/^2 files have uncommitted changes, which are not part of the work/),
    ]);
  });

  it('says what is wrong and what to do, without throwing', async () => {
    await using place = await bench();
    await mkdir(join(place.root, 'plain'));
    await mkdir(join(place.root, 'empty'));
    git(join(place.root, 'empty'), 'init', '-q');
    git(place.root, 'init', '-q', '--bare', 'bare.git');
    git(
      place.root,
      'clone',
      '-q',
      '--filter=blob:none',
      '--no-local',
      `file://${place.repository}`,
      'partial',
    );
    await mkdir(join(place.root, 'broken'));
    git(join(place.root, 'broken'), 'init', '-q');
    await writeFile(join(place.root, 'broken/.git/config'), '[core\n');
    const problems: Record<string, RegExp> = {
      [join(place.root, 'nowhere')]: /nothing at .*Check the path/,
      [join(place.root, 'plain')]: /not a git repository.*git init/,
      [join(place.root, 'empty')]: /no commits yet/,
      [join(place.root, 'bare.git')]: /bare repository.*file:\/\//,
      [join(place.repository, 'README.md')]: /is a file/,
      [join(place.root, 'partial')]: /partial clone/,
      [join(place.root, 'broken')]: /cannot read the configuration/,
      '': /BATON_REPOSITORY/,
      'ext::sh -c id': /not allowed/,
      'http://git.example.com/a/b': /not allowed/,
      'https://alice:pw@git.example.com/a/b': /contains a name or password/,
      [`file://${join(place.root, 'nowhere')}`]: /could not be fetched/,
    };
    for (const [location, problem] of Object.entries(problems)) {
      const report = await place.workspaces.inspect(location);
      expect(report.usable, location).toBe(false);
      expect(report.problem, location).toMatch(problem);
    }
    const plain = place.workspaces.open({
      runId: 'r',
      location: join(place.root, 'plain'),
      branch: 'baton/x',
      base: 'HEAD',
    });
    expect(await failureOf(plain)).toMatchObject({ class: 'needs_person', code: 'repository_unusable' });
    await place.open('run_9');
    expect((await place.workspaces.inspect(join(place.home, 'worktrees/run_9'))).problem).toMatch(
      /made for a run/,
    );
  });

  it('fetches an address once when it is asked about many times at once', async () => {
    await using place = await bench();
    const location = `file://${place.repository}`;
    const reports = await Promise.all(Array.from({ length: 4 }, () => place.workspaces.inspect(location)));
    expect(reports.map(({ usable, problem }) => [usable, problem])).toEqual(
      Array.from({ length: 4 }, () => [true, undefined]),
    );
  });

  it('works on a copy of an address, and takes what is new there without touching its own branches', async () => {
    await using place = await bench();
    const location = `file://${place.repository}`;
    const first = await place.workspaces.inspect(location);
    expect(first).toMatchObject({ usable: true, branch: 'main', head: place.head(), fileCount: 2 });
    const workspace = await place.workspaces.open({
      runId: 'run_u',
      location,
      branch: 'baton/x',
      base: place.head(),
    });
    await workspace.files.write('new.txt', 'n\n');
    const { tree } = await workspace.snapshot('end', 0);
    const { commit } = await workspace.commit({ tree, message: 'm', at: 0 });
    git(place.repository, 'commit', '-q', '--allow-empty', '-m', 'Second');
    expect((await place.workspaces.inspect(location)).head).toBe(place.head());
    // A commit that is named, also one that is not the newest any more.
    const old = git(place.repository, 'rev-parse', 'HEAD^');
    expect(await place.workspaces.inspect(location, old)).toMatchObject({
      usable: true,
      head: old,
      branch: null,
    });
    expect((await place.workspaces.inspect(location, '1'.repeat(40))).problem).toMatch(
      /pushed over, or be on a fork/,
    );
    const again = await place.workspaces.open({
      runId: 'run_u',
      location,
      branch: 'baton/x',
      base: workspace.info.base,
    });
    expect(await again.commit({ tree, message: 'm', at: 0 })).toEqual({ commit });
    expect(git(place.repository, 'branch', '--list', 'baton/*')).toBe('');
  });

  const commands: [string, Record<string, string>, string[] | null][] = [
    ['npm script', { 'package.json': '{"scripts":{"test":"vitest run"}}' }, ['npm', 'test']],
    ['plain node', { 'package.json': '{"scripts":{"test":"node --test"}}' }, ['node', '--test']],
    [
      'npm default',
      { 'package.json': '{"scripts":{"test":"echo \\"Error: no test specified\\" && exit 1"}}' },
      null,
    ],
    ['no script, but tests', { 'package.json': '{}', 'test/a.test.js': '' }, ['node', '--test']],
    ['broken manifest', { 'package.json': '{' }, null],
    ['pytest', { 'pyproject.toml': '[tool.pytest.ini_options]\n' }, ['python3', '-m', 'pytest', '-q']],
    ['python tests', { 'requirements.txt': '', 'tests/test_a.py': '' }, ['python3', '-m', 'pytest', '-q']],
    ['cargo', { 'Cargo.toml': '' }, ['cargo', 'test']],
    ['go', { 'go.mod': 'module x' }, ['go', 'test', './...']],
    ['make', { Makefile: 'all:\n\ttrue\ntest: all\n\ttrue\n' }, ['make', 'test']],
    ['make without', { Makefile: 'test := x\nall:\n\ttrue\n' }, null],
    ['a sample that is not ours', { '.baton-sample': '' }, null],
  ];
  it.each(commands)('recognises the test command of %s', async (_name, files, command) => {
    await using place = await bench(files);
    const report = await place.workspaces.inspect(place.repository);
    expect(report.testCommand).toEqual(command);
    expect(report.sample).toBe(false);
    expect(existsSync(join(place.repository, '.git/index.lock'))).toBe(false);
  });

  it('takes names and addresses apart', () => {
    expect(nameOf('git@git.example.com:acme/web.git')).toBe('acme/web');
    expect(nameOf('ssh://git@git.example.com/group/acme/web')).toBe('acme/web');
    expect(nameOf('/home/alice/web/')).toBe('web');
    expect(addressOf('/a/b')).toBeNull();
    expect(addressOf('web')).toBeNull();
    expect(addressOf('git@git.example.com:acme/web')).toEqual({ url: 'git@git.example.com:acme/web' });
    expect(addressOf('ssh://-oProxyCommand=id/x')).toHaveProperty('problem');
  });
});
