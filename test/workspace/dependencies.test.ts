import { existsSync, readFileSync } from 'node:fs';
import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Workspace } from '../../src/ports/workspace.ts';
import { probeSandbox } from '../../src/workspace/sandbox/sandbox.ts';
import { type Bench, bench, put } from './support.ts';

const sandbox = await probeSandbox();
if (sandbox.kind === 'none') console.warn(`SKIPPED: what was installed in a checkout. ${sandbox.reason}`);

const PROJECT = {
  '.gitignore': 'node_modules/\n.venv/\n',
  'package.json': '{"name":"x","type":"module","workspaces":["packages/*"],"dependencies":{"left":"1"}}',
  'package-lock.json': '{"lock":1}',
  'packages/ours/package.json': '{"name":"ours","type":"module","exports":"./index.js"}',
  'packages/ours/index.js': "export const ours = 'worktree or checkout';\n",
  'requirements.txt': 'six==1\n',
  'use.js':
    "import { left } from 'left';\nimport { ours } from 'ours';\nimport { deep } from '@scope/deep';\nconsole.log(left, ours, deep);\n",
};

/** As after `npm install` in the person's own checkout. */
async function installed(place: Bench): Promise<void> {
  await put(place.repository, {
    'node_modules/left/package.json': '{"name":"left","type":"module","exports":"./index.js"}',
    'node_modules/left/index.js': "import { right } from 'right';\nexport const left = 'left of ' + right;\n",
    'node_modules/right/package.json': '{"name":"right","type":"module","exports":"./index.js"}',
    'node_modules/right/index.js': "export const right = 'right';\n",
    'node_modules/@scope/deep/package.json': '{"name":"@scope/deep","type":"module","exports":"./index.js"}',
    'node_modules/@scope/deep/index.js': "export const deep = 'deep';\n",
    'node_modules/.bin/tool': '#!/bin/sh\necho a tool\n',
    '.venv/pyvenv.cfg': 'home = /usr/bin\n',
  });
  await symlink('../packages/ours', join(place.repository, 'node_modules/ours'));
}

function run(workspace: Workspace, ...argv: string[]) {
  return workspace.run({
    argv,
    timeoutMs: 20_000,
    signal: new AbortController().signal,
    allowUnsandboxed: true,
  });
}

describe.skipIf(sandbox.kind === 'none')('what was installed in the checkout', () => {
  it('is there for commands in the worktree, with the worktree’s own packages', async () => {
    await using place = await bench(PROJECT, sandbox);
    await installed(place);
    const workspace = await place.open();
    await workspace.files.write('packages/ours/index.js', "export const ours = 'ours of the worktree';\n");
    const { output } = await run(workspace, 'node', 'use.js');
    expect(output).toBe('left of right ours of the worktree deep\n');
    expect((await run(workspace, 'sh', 'node_modules/.bin/tool')).output).toBe('a tool\n');
    expect((await run(workspace, 'cat', '.venv/pyvenv.cfg')).output).toBe('home = /usr/bin\n');
  });

  it('cannot be changed from the worktree; caches beside it can be written and are gone afterwards', async () => {
    await using place = await bench(PROJECT, sandbox);
    await installed(place);
    const workspace = await place.open();
    const script = [
      'echo bad > node_modules/left/index.js; echo bad > node_modules/left/new.js; rm -rf node_modules/left/; rm node_modules/right',
      'mkdir -p node_modules/.cache && echo fine > node_modules/.cache/x && cat node_modules/.cache/x',
      'echo bad > .venv/pyvenv.cfg; rm -rf node_modules/* .venv/*',
    ];
    const { output } = await run(workspace, 'sh', '-c', script.join('\n'));
    expect(output).toContain('fine');
    const at = (path: string) => join(place.repository, path);
    expect(readFileSync(at('node_modules/right/index.js'), 'utf8')).toContain('right');
    expect(readFileSync(at('node_modules/left/index.js'), 'utf8')).toContain('left of');
    expect(existsSync(at('node_modules/left/new.js'))).toBe(false);
    expect(existsSync(at('node_modules/.cache'))).toBe(false);
    expect(readFileSync(at('.venv/pyvenv.cfg'), 'utf8')).toContain('home');
    expect((await workspace.changes(1_000)).stat.files).toEqual([]);
  });

  it('is not there where the lock file is another, or where the worktree has packages of its own', async () => {
    await using place = await bench(PROJECT, sandbox);
    await installed(place);
    const workspace = await place.open();
    await workspace.files.write('package-lock.json', '{"lock":2}');
    expect((await run(workspace, 'node', 'use.js')).output).toContain('ERR_MODULE_NOT_FOUND');
    await workspace.files.write('package-lock.json', '{"lock":1}');
    await mkdir(join(workspace.info.path, 'node_modules'), { recursive: true });
    await writeFile(join(workspace.info.path, 'node_modules/mine'), '');
    expect((await run(workspace, 'ls', 'node_modules')).output).toBe('mine\n');
  });
});
