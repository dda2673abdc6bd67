import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { readdir, readlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import type { Workspace } from '../../src/ports/workspace.ts';
import type { Sandbox } from '../../src/workspace/sandbox/sandbox.ts';
import { summariseTests } from '../../src/workspace/test-summary.ts';
import { bench, git } from './support.ts';

export const PASSING = {
  'package.json': '{"name":"x","type":"module","scripts":{"test":"node --test"}}',
  'a.test.js': "import { test } from 'node:test';\ntest('one', () => {});\n",
};

export function run(
  workspace: Workspace,
  argv: string[],
  more: { timeoutMs?: number; signal?: AbortSignal } = {},
) {
  return workspace.run({
    argv,
    timeoutMs: more.timeoutMs ?? 15_000,
    signal: more.signal ?? new AbortController().signal,
    allowUnsandboxed: true,
  });
}

/** Processes of the machine whose folder is the worktree, those in sandboxes included. */
async function livingIn(folder: string): Promise<string[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const folders = await Promise.all(pids.map((pid) => readlink(`/proc/${pid}/cwd`).catch(() => '')));
  return folders.filter((one) => one === folder);
}

/** What every kind of sandbox promises; whoever is asked for it keeps all of it. */
export function sandboxContract(sandbox: Sandbox): void {
  describe(`a command in the sandbox (${sandbox.kind})`, () => {
    it('runs the tests of a project with node and with npm', async () => {
      await using place = await bench(PASSING, sandbox);
      const workspace = await place.open();
      const node = await run(workspace, ['node', '--test']);
      expect(node).toMatchObject({ exitCode: 0, ended: null });
      expect(summariseTests(node.output)).toEqual({ passed: 1, failed: 0 });
      expect((await run(workspace, ['node', '-p', 'process.version'])).output.trim()).toBe(process.version);
      if (sandbox.toolchain.npm === null) return;
      expect(summariseTests((await run(workspace, ['npm', 'test'])).output)).toEqual({
        passed: 1,
        failed: 0,
      });
    });

    it('can write in the worktree and nowhere else', async () => {
      await using place = await bench(undefined, sandbox);
      const workspace = await place.open();
      const outside = [
        join(place.repository, 'README.md'),
        join(place.repository, '.git/config'),
        join(place.repository, '.git/refs/heads/evil'),
        join(place.repository, '.git/worktrees/run_1/HEAD'),
        join(place.home, 'worktrees/other'),
        join(place.home, 'workspaces/run_1/state.json'),
        join(workspace.info.path, '.git'),
        '/usr/evil',
        '/etc/passwd',
        '/evil',
      ];
      // Inside, /tmp is a memory of its own: what counts is what the machine holds afterwards.
      const state = () => outside.map((path) => (existsSync(path) ? readFileSync(path, 'utf8') : null));
      const before = state();
      for (const path of [...outside, 'inside.txt']) {
        await run(workspace, ['sh', '-c', 'echo evil > "$1"', 'sh', path]);
      }
      expect(state()).toEqual(before);
      expect(readFileSync(join(workspace.info.path, 'inside.txt'), 'utf8')).toBe('evil\n');
      expect(
        (await run(workspace, ['sh', '-c', 'rm -f .git inside.txt; mv .git x; echo fine > ok.txt'])).exitCode,
      ).toBe(0);
      expect(readFileSync(join(workspace.info.path, 'ok.txt'), 'utf8')).toBe('fine\n');
      expect(git(workspace.info.path, 'status', '--porcelain')).toBe('?? ok.txt');
      expect(existsSync('/evil')).toBe(false);
    });

    it('sees no other files, no secrets and no processes of the machine', async () => {
      await using place = await bench(undefined, sandbox);
      await writeFile(join(place.root, 'secret.txt'), 'TOPSECRET');
      git(place.repository, 'remote', 'add', 'origin', 'https://TOPSECRET@git.example.com/a/b');
      const workspace = await place.open();
      const script = `cat ${place.root}/secret.txt ${place.repository}/.git/config /proc/*/environ /etc/shadow; env; ls /home /root; git remote -v; ls /proc | grep -c '^[0-9]'`;
      const { output } = await run(workspace, ['sh', '-c', script]);
      expect(output).not.toContain('TOPSECRET');
      expect(output).not.toMatch(/^root:/m);
      expect(output).not.toContain('VITEST');
      // The mark that survivors are known by is no secret; bubblewrap, which needs none, keeps it out.
      if (sandbox.kind === 'bubblewrap')
        expect((await run(workspace, ['env'])).output).not.toContain('BATON_COMMAND');
      // The guard: this very process does carry such a variable.
      expect(readFileSync('/proc/self/environ', 'latin1') + execFileSync('env').toString()).toContain(
        'VITEST',
      );
      expect(Number(output.trim().split('\n').at(-1))).toBeLessThan(12);
    });

    it('has git to look around with', async () => {
      await using place = await bench(undefined, sandbox);
      const workspace = await place.open();
      await workspace.files.write('new.txt', 'x\n');
      expect((await run(workspace, ['git', 'status', '--porcelain'])).output).toBe('?? new.txt\n');
      expect((await run(workspace, ['git', 'log', '--format=%s'])).output).toBe('First\n');
    });

    it('reaches no network, not even this machine, but has a loopback of its own', async () => {
      await using place = await bench(undefined, sandbox);
      const workspace = await place.open();
      let asked = 0;
      const server = createServer((_request, response) => {
        asked += 1;
        response.end('hi');
      });
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      const address = server.address();
      if (address === null || typeof address === 'string') throw new Error('no port');
      const url = `http://127.0.0.1:${address.port}/`;
      await fetch(url);
      const code = `fetch(${JSON.stringify(url)}).then(() => process.exit(0), () => process.exit(7))`;
      expect((await run(workspace, ['node', '-e', code])).exitCode).toBe(7);
      expect(asked).toBe(1);
      const own = `const s=require('http').createServer((q,r)=>r.end()).listen(0,'127.0.0.1',()=>fetch('http://127.0.0.1:'+s.address().port).then(()=>process.exit(0)))`;
      expect((await run(workspace, ['node', '-e', own])).exitCode).toBe(0);
      await new Promise((resolve) => server.close(resolve));
    });

    it('is stopped when it makes processes without end', async () => {
      await using place = await bench(undefined, sandbox);
      const workspace = await place.open();
      const many = 'for i in $(seq 700); do sleep 30 & done; wait';
      expect(await run(workspace, ['sh', '-c', many])).toMatchObject({
        exitCode: null,
        ended: 'resource_limit',
      });
    });
  });
}

/** What holds of any command, also without a sandbox. */
export function commandContract(kind: Sandbox): void {
  describe(`a command (${kind.kind})`, () => {
    it('is ended on time together with its grandchildren', async () => {
      await using place = await bench(undefined, kind);
      const workspace = await place.open();
      const script = `setsid sh -c 'while true; do date +%N > alive; sleep 0.05; done' & echo started; trap '' TERM; while true; do sleep 1; done`;
      const result = await run(workspace, ['sh', '-c', script], { timeoutMs: 700 });
      expect(result).toMatchObject({
        exitCode: null,
        ended: 'timeout',
        output: expect.stringContaining('started'),
      });
      expect(result.durationMs).toBeLessThan(6_000);
      expect(readFileSync(join(workspace.info.path, 'alive'), 'utf8')).toMatch(/^\d+\n$|^$/);
      expect(await livingIn(workspace.info.path)).toEqual([]);
    });

    it('leaves nobody behind and is not held up by who keeps its output open', async () => {
      await using place = await bench(undefined, kind);
      const workspace = await place.open();
      const started = performance.now();
      const result = await run(workspace, ['sh', '-c', 'setsid sleep 60 & echo done']);
      expect(result).toMatchObject({ exitCode: 0, ended: null, output: 'done\n' });
      expect(await livingIn(workspace.info.path)).toEqual([]);
      expect(performance.now() - started).toBeLessThan(8_000);
    });

    it('stops when it is cancelled, before or meanwhile', async () => {
      await using place = await bench(undefined, kind);
      const workspace = await place.open();
      expect(await run(workspace, ['true'], { signal: AbortSignal.abort() })).toMatchObject({
        ended: 'cancelled',
      });
      const controller = new AbortController();
      const going = run(workspace, ['sleep', '30'], { signal: controller.signal });
      await vi.waitFor(async () => expect(await livingIn(workspace.info.path)).not.toEqual([]), {
        interval: 20,
      });
      controller.abort();
      expect(await going).toMatchObject({ exitCode: null, ended: 'cancelled' });
    });

    it('has its flood of output cut in the middle and is stopped', async () => {
      await using place = await bench(undefined, kind);
      const workspace = await place.open();
      const result = await run(workspace, ['sh', '-c', 'echo first; exec yes']);
      expect(result.ended).toBe('output_limit');
      expect(result.output.length).toBeLessThan(300_000);
      expect(result.output).toMatch(/^first\ny\n[\s\S]*\[\d+ characters left out\][\s\S]*y\n?$/);
    });

    it('has closed input, a clean environment, limits and a low priority', async () => {
      await using place = await bench(undefined, kind);
      const workspace = await place.open();
      const { output, exitCode } = await run(workspace, [
        'sh',
        '-c',
        'cat; env; nice; ulimit -f; echo "err" >&2; exit 3',
      ]);
      expect(exitCode).toBe(3);
      expect(output).toContain('\n10\n2097152\nerr\n');
      expect(output).toMatch(/^CI=1$/m);
      expect(output).not.toContain('VITEST');
    });

    it('is named when it does not exist', async () => {
      await using place = await bench(undefined, kind);
      const workspace = await place.open();
      const outcome = await run(workspace, ['no-such-program']).then(
        ({ exitCode, output }) => `${exitCode} ${output}`,
        (error: unknown) => String(error),
      );
      expect(outcome).toMatch(/no-such-program/);
    });
  });
}
