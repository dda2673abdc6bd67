import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createGit } from '../../src/workspace/git/git.ts';
import { GIT_VERBS } from '../../src/workspace/git/git-verbs.ts';

const PATH = '/usr/local/bin:/usr/bin:/bin';
let folder = '';
beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'git-settings-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test('whatever a repository says: what git writes outlives a power cut, and no hook or watcher runs', async () => {
  const git = (...args: string[]) =>
    execFileSync('git', args, {
      cwd: folder,
      env: { PATH, HOME: folder, GIT_CONFIG_NOSYSTEM: '1' },
    });
  git('init', '-q');
  const theirs = {
    'core.fsync': 'none',
    'core.hookspath': './hooks',
    'core.fsmonitor': './watch',
    'protocol.ext.allow': 'always',
    'submodule.recurse': 'true',
  };
  for (const [key, value] of Object.entries(theirs)) git('config', key, value);
  const held = await createGit({ home: folder, path: PATH }).config({ cwd: folder });
  expect(Object.fromEntries(Object.keys(theirs).map((key) => [key, held.get(key)]))).toEqual({
    'core.fsync': 'all',
    'core.hookspath': '/dev/null',
    'core.fsmonitor': 'false',
    'protocol.ext.allow': 'never',
    'submodule.recurse': 'false',
  });
});

test('there is one way to git, so every verb that is used is one that the trap repositories are tried with', () => {
  const src = fileURLToPath(new URL('../../src/', import.meta.url));
  const files = readdirSync(src, { recursive: true, encoding: 'utf8' }).filter((name) =>
    name.endsWith('.ts'),
  );
  const texts = new Map(files.map((name) => [name, readFileSync(path.join(src, name), 'utf8')]));
  // Whoever runs programs, and names git: the others say a verb to `createGit`, which takes none but those of the list.
  const own = [...texts].flatMap(([name, text]) =>
    /node:child_process/.test(text) && /['"`]git['"`]/.test(text) ? [name] : [],
  );
  expect(own.toSorted()).toEqual(['cli/doctor.ts', 'workspace/git/git.ts']);
  expect(texts.get('cli/doctor.ts')?.match(/'git', \[[^\]]*\]/g)).toEqual(["'git', ['--version']"]);
  const used = [...texts].filter(([name]) => name !== 'workspace/git/git-verbs.ts').map(([, text]) => text);
  const unused = GIT_VERBS.filter((verb) => !used.some((text) => text.includes(`'${verb}'`)));
  expect(unused).toEqual([]);
});
