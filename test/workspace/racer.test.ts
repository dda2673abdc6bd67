import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { mkdir, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { BatonError } from '../../src/domain/failure.ts';
import type { Workspace } from '../../src/ports/workspace.ts';
import { probeSandbox } from '../../src/workspace/sandbox/sandbox.ts';
import { AT, type Bench, bench, git, put } from './support.ts';

const sandbox = await probeSandbox();
const SECRET = 'OUTSIDE-9f2c';

interface Race {
  readonly place: Bench;
  readonly workspace: Workspace;
  readonly folder: string;
  readonly outside: string;
  /** Lets the swapper end; how often it swapped. */
  stop(): Promise<number>;
}

/** A worktree with a folder that another process swaps for a link to a folder outside. */
async function race(place: Bench): Promise<Race> {
  const outside = join(place.root, 'outside');
  await mkdir(outside);
  await put(outside, { 'a.txt': `${SECRET}\n`, 'b.txt': `${SECRET}\n` });
  const workspace = await place.open();
  const folder = join(workspace.info.path, 'real');
  const stop = join(place.root, 'stop');
  const swapper = spawn(process.execPath, [join(import.meta.dirname, 'swapper.ts'), folder, outside, stop], {
    stdio: 'ignore',
  });
  const ended = once(swapper, 'exit');
  return {
    place,
    workspace,
    folder,
    outside,
    async stop() {
      writeFileSync(stop, '');
      await ended;
      return Number(readFileSync(stop, 'utf8'));
    },
  };
}

const START = { 'real/a.txt': 'inside\n', 'real/b.txt': 'one\ntwo\nthree\n', 'README.md': 'hello\n' };
const PATCH = '--- a/real/b.txt\n+++ b/real/b.txt\n@@ -1,3 +1,3 @@\n one\n-two\n+TWO\n three\n';

/** Everything that reads or writes files, round after round; what came back, as one text. Failures have codes. */
async function deeds(
  { workspace }: Race,
  rounds: number,
): Promise<{ told: string; did: Map<string, number> }> {
  const { files } = workspace;
  const told: string[] = [];
  const did = new Map<string, number>();
  const trees: string[] = [];
  const attempt = async (name: string, work: () => Promise<unknown>) => {
    try {
      told.push(JSON.stringify(await work()));
      did.set(name, (did.get(name) ?? 0) + 1);
    } catch (error) {
      if (!(error instanceof BatonError)) throw error;
      told.push(error.failure.message);
      did.set(`no ${name}`, (did.get(`no ${name}`) ?? 0) + 1);
    }
  };
  for (let round = 0; round < rounds; round += 1) {
    await attempt('read', () => files.read('real/a.txt'));
    await attempt('write', () => files.write('real/new.txt', `round ${round}\n`));
    await attempt('edit', () => files.edit('real/a.txt', 'inside', 'inside', `edit-${round}`));
    await attempt('patch', () => files.patch(PATCH, `patch-${round}`));
    await attempt('search', () => files.search('-', '', 50));
    await attempt('search', () => files.search(SECRET, 'real', 50));
    await attempt('list', () => files.list('', 100));
    await attempt('snapshot', async () => {
      const { tree } = await workspace.snapshot(`round-${round % 5}`, AT);
      trees.push(tree);
      return (await workspace.diff(tree, 10_000)).patch;
    });
    await attempt('restore', () => workspace.restore(trees.at(Math.floor(trees.length / 2)) ?? ''));
  }
  return { told: told.join('\n'), did };
}

/** As a program reads that trusts names; empty while there is nothing of that name. */
function byName(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

/** Every object of the repository, as text. */
const objects = (place: Bench) => git(place.repository, 'cat-file', '--batch-all-objects', '--batch');

describe('a folder that another process swaps for a link as fast as it can', () => {
  it.skipIf(sandbox.kind === 'none')(
    'leads no reading, writing, search, snapshot or restoring outside',
    async () => {
      await using place = await bench(START, sandbox);
      const running = await race(place);
      const { told, did } = await deeds(running, 60);
      const swaps = await running.stop();
      expect(swaps).toBeGreaterThan(100);
      expect(told.includes(SECRET), 'nothing from outside was told').toBe(false);
      expect(objects(place).includes(SECRET), 'nothing from outside was kept').toBe(false);
      expect((await readdir(running.outside)).toSorted()).toEqual(['a.txt', 'b.txt']);
      for (const name of ['a.txt', 'b.txt'])
        expect(await readFile(join(running.outside, name), 'utf8')).toBe(`${SECRET}\n`);
      // Each deed got through at least once, so that something was tried.
      for (const deed of ['read', 'write', 'search', 'list', 'snapshot', 'restore'])
        expect(did.get(deed), deed).toBeGreaterThan(0);
    },
  );

  it('is one: reading and writing by name goes outside', async () => {
    await using place = await bench(START);
    const running = await race(place);
    let read = 0;
    for (let i = 0; i < 200_000 && read === 0; i += 1) {
      if (byName(join(running.folder, 'a.txt')).includes(SECRET)) read += 1;
    }
    expect(read).toBeGreaterThan(0);
    await running.stop();
  });
});

describe.skipIf(sandbox.kind === 'none')('git in a room of its own', () => {
  it('saves new files, goes back and saves again', async () => {
    await using place = await bench(START, sandbox);
    const workspace = await place.open();
    await workspace.files.write('new/deep/file.txt', 'new\n');
    const first = await workspace.snapshot('one', AT);
    await workspace.files.write('new/deep/file.txt', 'newer\n');
    const second = await workspace.snapshot('two', AT);
    expect(second.tree).not.toBe(first.tree);
    await workspace.restore(first.tree);
    expect((await workspace.files.read('new/deep/file.txt')).text).toBe('new\n');
    expect((await workspace.snapshot('three', AT)).tree).toBe(first.tree);
    expect((await workspace.files.search('new', '', 5)).hits).toHaveLength(1);
  });
});
