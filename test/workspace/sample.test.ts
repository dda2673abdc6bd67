import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { ensureSampleRepository } from '../../src/workspace/sample.ts';
import { summariseTests } from '../../src/workspace/test-summary.ts';
import { createWorkspaces } from '../../src/workspace/workspaces.ts';
import { failureOf, git, NO_SANDBOX } from './support.ts';

it('makes the sample repository once, the same everywhere, with passing tests', async () => {
  const home = await realpath(await mkdtemp(join(tmpdir(), 'baton-sample-')));
  try {
    await mkdir(join(home, 'sample/.making/half'), { recursive: true });
    const path = await ensureSampleRepository(home);
    expect(path).toBe(join(home, 'sample/reports'));
    git(path, 'branch', 'kept');
    expect(await ensureSampleRepository(home)).toBe(path);
    expect(git(path, 'branch', '--list', 'kept')).toContain('kept');
    const second = await ensureSampleRepository(join(home, 'other'));
    expect(git(second, 'rev-parse', 'HEAD')).toBe(git(path, 'rev-parse', 'HEAD'));
    expect(git(path, 'status', '--porcelain')).toBe('');
    expect(existsSync(join(home, 'sample/.making'))).toBe(false);

    const workspaces = createWorkspaces({ home, sandbox: NO_SANDBOX });
    const report = await workspaces.inspect(path);
    expect(report).toMatchObject({
      usable: true,
      sample: true,
      testCommand: ['node', '--test'],
      name: 'reports',
    });
    expect((await workspaces.inspect(second)).sample).toBe(false);
    const workspace = await workspaces.open({
      runId: 'r',
      location: path,
      branch: 'baton/x',
      base: report.head ?? '',
    });
    const signal = new AbortController().signal;
    const { output } = await workspace.run({
      argv: ['node', '--test'],
      timeoutMs: 15_000,
      signal,
      allowUnsandboxed: true,
    });
    expect(summariseTests(output)).toEqual({ passed: 10, failed: 0 });

    await mkdir(join(home, 'third/sample/reports'), { recursive: true });
    await writeFile(join(home, 'third/sample/reports/mine.txt'), 'mine');
    expect(await failureOf(ensureSampleRepository(join(home, 'third')))).toMatchObject({
      code: 'sample_taken',
    });
    expect(existsSync(join(home, 'third/sample/reports/mine.txt'))).toBe(true);
  } finally {
    await rm(home, { recursive: true, force: true });
  }
});
