import { mkdtemp, open, realpath, rm, truncate, unlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { diskBounds, watchDisk } from '../../src/workspace/sandbox/disk-watch.ts';
import { probeSandbox } from '../../src/workspace/sandbox/sandbox.ts';
import { createWorkspaces } from '../../src/workspace/workspaces.ts';
import { bench, NO_SANDBOX } from './support.ts';

const MIB = 1024 ** 2;
const BOUNDS = { bytes: 8 * MIB, entries: 100 };
const PLENTY = { bytes: 100_000 * MIB, entries: 1_000_000 };
const sandbox = await probeSandbox();

/** A folder, and a disk that says what it is told to say: this machine's has other users. */
async function world(since = Date.now() - 60_000) {
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'baton-disk-')));
  let free = PLENTY;
  const watch = watchDisk(folder, BOUNDS, since, async () => free);
  return {
    at: (name: string) => join(folder, name),
    /** The disk as it is after so much was taken of it, by whomever. */
    async after(bytes: number, entries = 0, pids: readonly number[] = []) {
      await watch.look(pids);
      free = { bytes: free.bytes - bytes, entries: free.entries - entries };
      return watch.look(pids);
    },
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  };
}

describe('the watch over the disk', () => {
  it('ends what left more than a command may', async () => {
    await using here = await world();
    await writeFile(here.at('a'), Buffer.alloc(5 * MIB, 1));
    expect(await here.after(5 * MIB)).toBe(null);
    await writeFile(here.at('b'), Buffer.alloc(5 * MIB, 1));
    expect(await here.after(5 * MIB)).toBe('it wrote more than 8 MB to the disk');
  });

  it('does not look while the disk has lost less than that', async () => {
    await using here = await world();
    await writeFile(here.at('a'), Buffer.alloc(20 * MIB, 1));
    expect(await here.after(7 * MIB)).toBe(null);
    expect(await here.after(1 * MIB)).toContain('8 MB');
  });

  it('blames nobody for what others took, and still sees what comes on top', async () => {
    await using here = await world();
    await writeFile(here.at('a'), Buffer.alloc(5 * MIB, 1));
    expect(await here.after(500 * MIB)).toBe(null);
    await writeFile(here.at('b'), Buffer.alloc(4 * MIB, 1));
    expect(await here.after(4 * MIB)).toContain('8 MB');
  });

  it('is not misled by what others give back meanwhile', async () => {
    await using here = await world();
    expect(await here.after(-400 * MIB)).toBe(null);
    await writeFile(here.at('a'), Buffer.alloc(9 * MIB, 1));
    expect(await here.after(9 * MIB)).toContain('8 MB');
  });

  it('counts what is on the disk: no holes, and nothing that was there before', async () => {
    await using here = await world();
    await writeFile(here.at('hole'), '');
    await truncate(here.at('hole'), 1024 * MIB);
    expect(await here.after(1024 * MIB)).toBe(null);
    await using later = await world(Date.now() + 3_600_000);
    await writeFile(later.at('old'), Buffer.alloc(20 * MIB, 1));
    expect(await later.after(20 * MIB)).toBe(null);
  });

  it('counts files that have no name any more while a process holds them', async () => {
    await using here = await world();
    await using file = await open(here.at('a'), 'w');
    await file.writeFile(Buffer.alloc(10 * MIB, 1));
    await unlink(here.at('a'));
    expect(await here.after(10 * MIB)).toBe(null);
    expect(await here.after(10 * MIB, 0, [process.pid])).toContain('8 MB');
  });

  it('ends a flood of small files, and whatever runs when the disk is nearly full', async () => {
    await using here = await world();
    for (let i = 0; i < 120; i += 1) await writeFile(here.at(`f${i}`), '');
    expect(await here.after(0, 99)).toBe(null);
    expect(await here.after(0, 21)).toBe('it made more than 100 files and folders');
    await using full = await world();
    expect(await full.after(PLENTY.bytes - 10)).toBe('the disk is nearly full');
    await using crowded = await world();
    expect(await crowded.after(0, PLENTY.entries - 10)).toBe('the disk is nearly full');
  });
});

describe.each([NO_SANDBOX, sandbox].filter(({ kind }, at) => at === 0 || kind === 'bubblewrap'))(
  'a command that fills the disk ($kind)',
  (kind) => {
    it('is ended, told why, and what it wrote is kept', async () => {
      await using place = await bench(undefined, kind);
      const home = join(place.root, 'other');
      const workspaces = createWorkspaces({ home, sandbox: kind, diskBytes: 64 * MIB });
      const run = { runId: 'run_1', branch: 'baton/x', location: place.repository, base: place.head() };
      const workspace = await workspaces.open(run);
      const flood = `i=0; while :; do head -c ${4 * MIB} /dev/zero > f$i; i=$((i+1)); sleep 0.02; done`;
      const result = await workspace.run({
        argv: ['sh', '-c', flood],
        timeoutMs: 50_000,
        signal: new AbortController().signal,
        allowUnsandboxed: true,
      });
      expect(result).toMatchObject({ exitCode: null, ended: 'resource_limit' });
      expect(result.output).toContain('[Baton ended this command: it wrote more than 64 MB to the disk.]');
      expect((await workspace.files.list('', 10)).paths).toContain('f0');
      await workspaces.close('run_1');
    });
  },
);

describe('the bounds', () => {
  it('are what the person set, or what is usual', () => {
    expect(diskBounds(null)).toEqual({ bytes: 4096 * MIB, entries: 200_000 });
    expect(diskBounds(5)).toEqual({ bytes: 5, entries: 200_000 });
  });
});
