import { execFile } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import type { Workspace } from '../../src/ports/workspace.ts';
import { BOUNDS } from '../../src/workspace/sandbox/bounds.ts';
import { NO_CGROUPS } from '../../src/workspace/sandbox/cgroups.ts';
import { COMMAND_ID, giveOver } from '../../src/workspace/sandbox/command-user.ts';
import { DISK } from '../../src/workspace/sandbox/disk-watch.ts';
import { limitsOf } from '../../src/workspace/sandbox/limits-told.ts';
import { probeSandbox, type Sandbox, wrapCommand } from '../../src/workspace/sandbox/sandbox.ts';
import { AT, bench, git } from './support.ts';

const sandbox = await probeSandbox();
if (!sandbox.ownUser)
  console.warn('SKIPPED: commands with a user of their own; Baton has to be root for it.');
/** As it was before, and is where a change of user does not work. */
const AS_ROOT: Sandbox = { ...sandbox, ownUser: false };

const run = (workspace: Workspace, ...argv: string[]) =>
  workspace.run({
    argv,
    timeoutMs: 30_000,
    signal: new AbortController().signal,
    allowUnsandboxed: false,
  });
/** Starts as many as it is let, tells of each, and ends with them when one is refused. */
const FORKS = 'i=0; while [ $i -lt 3000 ]; do sleep 100 & i=$((i+1)); echo started; done';
const startedOf = (output: string) => output.split('\n').filter((line) => line === 'started').length;
const owner = (path: string) => statSync(path).uid;

describe.skipIf(!sandbox.ownUser)('a command where Baton is root', () => {
  it('is somebody else to the kernel, and may do with the files what it wants', async () => {
    await using place = await bench(undefined, sandbox);
    const workspace = await place.open();
    const at = (path: string) => join(workspace.info.path, path);
    const script =
      'id -u && echo more >> src/a.js && chmod 700 src/a.js && mkdir own && echo x > own/b && rm README.md && git status --short';
    const result = await run(workspace, 'sh', '-c', script);
    expect(result).toMatchObject({ exitCode: 0, output: '1000\n D README.md\n M src/a.js\n?? own/\n' });
    expect([owner(at('own/b')), owner(at('src/a.js'))]).toEqual([COMMAND_ID, COMMAND_ID]);
    expect(readFileSync(at('src/a.js'), 'utf8')).toBe('one\ntwo\nthree\nmore\n');
    // Git refuses to work in a folder of somebody else's: for whoever looks, as root, it is root's.
    expect(git(workspace.info.path, 'status', '--short')).toBe('D README.md\n M src/a.js\n?? own/');
    const { tree } = await workspace.snapshot('after', AT);
    expect(git(place.repository, 'ls-tree', '-r', '--name-only', tree)).toBe('own/b\nsrc/a.js');
    await workspace.restore(git(place.repository, 'rev-parse', 'HEAD^{tree}'));
    expect((await run(workspace, 'sh', '-c', 'echo again >> README.md')).exitCode).toBe(0);
    await place.workspaces.close('run_1');
    expect(existsSync(workspace.info.path)).toBe(false);
  });

  it('is bound by a limit on processes, which binds nobody who is root', async () => {
    for (const [kind, bound] of [
      [sandbox, true],
      [AS_ROOT, false],
    ] as const) {
      await using place = await bench(undefined, kind);
      const forks = 'i=0; while [ $i -lt 60 ]; do sleep 100 & i=$((i+1)); echo started; done';
      const { output } = await run(await place.open(), 'prlimit', '--nproc=40', '--', 'sh', '-c', forks);
      const started = startedOf(output);
      expect(bound ? started > 20 && started < 40 : started === 60, `${started} by ${kind.ownUser}`).toBe(
        true,
      );
    }
  });

  it('cannot fork beyond the limit of its class, with nothing else to hold it', async () => {
    const folder = await realpath(await mkdtemp(join(tmpdir(), 'baton-forks-')));
    try {
      const place = { worktree: join(folder, 'w'), gitDir: folder, common: folder, side: join(folder, 's') };
      mkdirSync(place.worktree);
      writeFileSync(join(place.worktree, '.git'), '');
      const { argv, environment } = await wrapCommand(
        { ...sandbox, cgroups: NO_CGROUPS },
        place,
        ['sh', '-c', FORKS],
        60_000,
        BOUNDS.sequence,
      );
      // No watcher, no control group: the file descriptor that only `contain` opens is not asked for.
      const [program = '', ...args] = argv.filter(
        (word, at) => word !== '--sync-fd' && argv[at - 1] !== '--sync-fd',
      );
      const failed = await promisify(execFile)(program, args, { env: environment }).then(
        () => null,
        (error: unknown) => error,
      );
      const { stdout, stderr } = Object(failed);
      expect(startedOf(String(stdout))).toBeLessThan(BOUNDS.sequence.tasks);
      expect(startedOf(String(stdout))).toBeGreaterThan(100);
      expect(String(stderr)).toContain('Cannot fork');
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });

  it('may go on with what is written while it is under way', async () => {
    await using place = await bench(undefined, sandbox);
    const workspace = await place.open();
    let heard = '';
    const ready = Promise.withResolvers<void>();
    const program = await workspace.start({
      argv: [
        'sh',
        '-c',
        'echo ready; read go; echo more >> new/deep/file.txt && echo y > new/own.txt && cat new/deep/file.txt',
      ],
      environment: {},
      reads: [],
      timeoutMs: 30_000,
      signal: new AbortController().signal,
      allowUnsandboxed: false,
      hear: (chunk) => {
        heard += chunk.toString();
        ready.resolve();
      },
    });
    await ready.promise;
    await workspace.files.write('new/deep/file.txt', 'from an agent\n');
    program.say('go\n');
    expect(await program.done).toMatchObject({ exitCode: 0 });
    expect(heard).toBe('ready\nfrom an agent\nmore\n');
  });

  it('stays root where it has to read what only root may read', async () => {
    await using place = await bench(undefined, sandbox);
    const workspace = await place.open();
    const secret = join(place.root, 'login');
    mkdirSync(secret);
    writeFileSync(join(secret, 'token'), 'word\n', { mode: 0o600 });
    const reads = async (paths: readonly string[]) => {
      let heard = '';
      const program = await workspace.start({
        argv: ['sh', '-c', 'cat "$1"; echo x > made; exit 0', 'sh', join(secret, 'token')],
        environment: {},
        reads: paths,
        timeoutMs: 30_000,
        signal: new AbortController().signal,
        allowUnsandboxed: false,
        hear: (chunk) => {
          heard += chunk.toString();
        },
      });
      await program.done;
      const made = join(workspace.info.path, 'made');
      const by = owner(made);
      await rm(made);
      return { heard, by };
    };
    expect(await reads([secret])).toEqual({ heard: 'word\n', by: 0 });
    expect(await reads([])).toEqual({ heard: '', by: COMMAND_ID });
    chmodSync(join(place.repository, '.git', 'objects'), 0o700);
    expect(await run(workspace, 'git', 'log', '--format=%s')).toMatchObject({ output: 'First\n' });
    await run(workspace, 'touch', 'made');
    expect(owner(join(workspace.info.path, 'made'))).toBe(0);
  });

  it('is given the worktree and nothing that a link in it leads to', async () => {
    await using place = await bench({ 'a.txt': 'a\n' }, sandbox);
    const workspace = await place.open();
    const outside = join(place.root, 'outside');
    mkdirSync(outside);
    writeFileSync(join(outside, 'kept.txt'), 'kept\n');
    await run(
      workspace,
      'sh',
      '-c',
      'ln -s "$1" folder; ln -s "$1/kept.txt" file; mkdir deep; ln -s "$1" deep/er',
      'sh',
      outside,
    );
    expect(await giveOver(workspace.info.path)).toBe(true);
    expect([owner(outside), owner(join(outside, 'kept.txt')), owner(place.repository)]).toEqual([0, 0, 0]);
    expect(owner(join(workspace.info.path, '.git'))).toBe(0);
    expect(owner(join(workspace.info.path, 'a.txt'))).toBe(COMMAND_ID);
  });
});

describe('what doctor says of the user', () => {
  const user = (kind: Sandbox) => limitsOf(kind, null, DISK, true).at(-1);
  const confined: Sandbox = { ...sandbox, kind: 'bubblewrap' };

  it('is whether a process limit binds, and if not, why not', () => {
    expect(user({ ...confined, ownUser: true, noUser: null })).toMatchObject({
      state: 'good',
      text: expect.stringContaining(`user ${COMMAND_ID} without capabilities`),
    });
    expect(user({ ...confined, ownUser: false, noUser: 'there is no setpriv' })).toEqual({
      state: 'note',
      text: expect.stringMatching(/are root to the kernel’s counts \(there is no setpriv\)$/),
    });
    expect(user({ ...confined, kind: 'none', ownUser: false })?.state).toBe('note');
    const limit = (kind: Sandbox) => limitsOf({ ...kind, cgroups: NO_CGROUPS }, null, DISK, true)[2]?.text;
    expect(limit({ ...confined, prlimit: true, ownUser: true })).toContain(', and 2048 tasks by prlimit');
    expect(limit({ ...confined, prlimit: true, ownUser: false })).toContain('does not bind for root');
  });
});
