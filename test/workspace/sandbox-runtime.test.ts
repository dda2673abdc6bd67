import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { BOUNDS } from '../../src/workspace/sandbox/bounds.ts';
import { NO_EXTRAS } from '../../src/workspace/sandbox/bubblewrap.ts';
import { probeRuntime, wrapCommand } from '../../src/workspace/sandbox/sandbox.ts';
import {
  loadSandboxRuntime,
  patiently,
  type SandboxRuntime,
} from '../../src/workspace/sandbox/sandbox-runtime.ts';
import { commandContract, run, sandboxContract } from './sandbox-contract.ts';
import { bench, failureOf } from './support.ts';

// The sandbox of macOS, through the library's way of doing the same on Linux: what Baton does with it is the same code.
const sandbox = await probeRuntime();
if (sandbox.kind === 'none') console.warn(`SKIPPED: the tests of sandbox-runtime. ${sandbox.reason}`);
else {
  sandboxContract(sandbox);
  commandContract(sandbox);
}

/** A library that does not do all it says. */
async function weak(change: (command: string, wrapped: string) => string): Promise<SandboxRuntime> {
  const runtime = await loadSandboxRuntime();
  return {
    ...runtime,
    wrap: async (command, config) => change(command, await runtime.wrap(command, config)),
  };
}

describe('a library in a hurry', () => {
  it('is asked again where it found no shell in time, and believed in everything else', async () => {
    const answers = (errors: string[]) => {
      const left = [...errors];
      return async () => {
        const message = left.shift();
        if (message !== undefined) throw new Error(message);
        return 'wrapped';
      };
    };
    const slow = "Shell '/bin/sh' not found in PATH";
    expect(await patiently(answers([slow, slow, slow, slow]))).toBe('wrapped');
    await expect(patiently(answers(Array(5).fill(slow)))).rejects.toThrow(slow);
    await expect(patiently(answers(['no profile']))).rejects.toThrow('no profile');
  });
});

describe.skipIf(sandbox.kind === 'none')('sandbox-runtime', () => {
  it('is not used where it does not do what it promises', async () => {
    for (const [change, words] of [
      [(command: string) => command, 'write beside the worktree'],
      [(_: string, wrapped: string) => wrapped.replace('--unshare-net ', ''), 'reach servers'],
      [(_: string, wrapped: string) => wrapped.replace('--tmpfs /tmp ', ''), 'read other files'],
      [() => 'false', 'does not work here'],
    ] as const) {
      const found = await probeRuntime(undefined, () => weak(change));
      expect(found).toMatchObject({ kind: 'none', reason: expect.stringContaining(words) });
    }
    const missing = await probeRuntime(undefined, () => Promise.reject(new Error('no such package')));
    expect(missing).toMatchObject({ kind: 'none', reason: expect.stringContaining('no such package') });
  });

  it('starts nothing that needs a way to the model, and says what to do', async () => {
    await using place = await bench(undefined, sandbox);
    const workspace = await place.open();
    const failure = await failureOf(
      workspace.start({
        argv: ['touch', 'started'],
        environment: {},
        reads: [],
        socket: join(place.root, 'socket'),
        timeoutMs: 5_000,
        signal: new AbortController().signal,
        allowUnsandboxed: true,
        hear: () => undefined,
      }),
    );
    expect(failure).toMatchObject({ class: 'terminal', code: 'sandbox_without_sockets' });
    expect(existsSync(join(workspace.info.path, 'started'))).toBe(false);
  });

  it('gives secrets to a program in its environment and in no argument', async () => {
    const folder = realpathSync(mkdtempSync(join(tmpdir(), 'baton-secrets-')));
    const place = { worktree: folder, gitDir: folder, common: folder, side: join(folder, 'side') };
    const extras = { ...NO_EXTRAS, secrets: { TOKEN: 'sk-canary' } };
    const wrapped = await wrapCommand(sandbox, place, ['env'], 5_000, BOUNDS.sequence, extras);
    expect(wrapped.argv.join(' ')).not.toContain('sk-canary');
    const [program = '', ...args] = wrapped.argv;
    const done = spawnSync(program, args, { cwd: folder, env: wrapped.environment, encoding: 'utf8' });
    wrapped.release?.();
    expect(done.stdout).toContain('TOKEN=sk-canary');
    rmSync(folder, { recursive: true });
  });

  it('only shows the worktree to who may only look', async () => {
    await using place = await bench(undefined, sandbox);
    const workspace = await place.open();
    const heard: Buffer[] = [];
    const program = await workspace.start({
      argv: ['sh', '-c', 'cat README.md; touch "$HOME/mine" && echo kept; touch new; echo done'],
      environment: {},
      reads: [],
      readOnly: true,
      timeoutMs: 10_000,
      signal: new AbortController().signal,
      allowUnsandboxed: false,
      hear: (chunk) => heard.push(chunk),
    });
    await program.done;
    expect(Buffer.concat(heard).toString()).toBe('hello\nkept\ndone\n');
    expect(existsSync(join(workspace.info.path, 'new'))).toBe(false);
  });

  it('keeps words and line ends as they are, whatever is in them', async () => {
    await using place = await bench(undefined, sandbox);
    const workspace = await place.open();
    const words = [`it's`, '"$HOME"', '`id`', '$(id)', 'a\nb', '!x', '*', '\\', '', '-n'];
    const { output } = await run(workspace, [
      'node',
      '-p',
      'JSON.stringify(process.argv.slice(1))',
      '--',
      ...words,
    ]);
    expect(JSON.parse(output)).toEqual(words);
  });
});
