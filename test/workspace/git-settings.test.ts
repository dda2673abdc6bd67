import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createGit } from '../../src/workspace/git/git.ts';

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
