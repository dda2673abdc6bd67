import { existsSync } from 'node:fs';
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createWorkspaces } from '../../src/workspace/workspaces.ts';
import { changed, FILES, forked, joined, LINES, read, stream, work } from './streams-bench.ts';
import { AT, bench, failureOf, git, NO_SANDBOX, put } from './support.ts';

describe('a stream', () => {
  it('begins where its run stands, uncommitted work included, and disturbs nobody', async () => {
    await using place = await bench(FILES);
    const run = await place.open();
    await run.files.write('new.txt', 'by the run\n');
    await run.line.save('fork', AT);
    const [a, b] = [await stream(place, 'a'), await stream(place, 'b')];
    expect(await read(a, 'new.txt')).toBe('by the run\n');
    await a.files.write('src/a.js', 'only in a\n');
    expect(await read(b, 'src/a.js')).toBe(LINES);
    expect(await read(run, 'src/a.js')).toBe(LINES);
    expect(git(a.info.path, 'status', '--porcelain')).toBe('M src/a.js');
    expect(
      git(place.repository, 'for-each-ref', '--format=%(refname:short)', 'refs/heads/').split('\n'),
    ).toEqual(['baton/work-run_1', 'main']);
    expect((await a.diff((await a.snapshot('s', AT)).tree, 0)).stat.files.map(({ path }) => path)).toEqual([
      'src/a.js',
    ]);
  });

  it('is found again by a later process, with its work in it', async () => {
    await using place = await bench(FILES);
    const { streams } = await forked(place, 'a');
    await streams[0]?.files.write('src/a.js', 'kept\n');
    const later = createWorkspaces({ home: place.home, sandbox: NO_SANDBOX });
    const again = await later.openStream({ runId: 'run_1', location: place.repository, stream: 'a' });
    expect(await read(again, 'src/a.js')).toBe('kept\n');
    expect(await later.streams('run_1')).toEqual([{ stream: 'a', parent: null }]);
  });

  it('is made again from what it saved when its folder is gone', async () => {
    await using place = await bench(FILES);
    const { streams } = await forked(place, 'a');
    const [a] = streams;
    if (a === undefined) throw new Error('no stream');
    await work(a, { 'src/a.js': 'saved\n' });
    await rm(a.info.path, { recursive: true });
    const later = createWorkspaces({ home: place.home, sandbox: NO_SANDBOX });
    const again = await later.openStream({ runId: 'run_1', location: place.repository, stream: 'a' });
    expect(await read(again, 'src/a.js')).toBe('saved\n');
  });

  it('that was never opened is said to be unknown', async () => {
    await using place = await bench(FILES);
    await place.open();
    const asked = place.workspaces.openStream({ runId: 'run_1', location: place.repository, stream: 'a' });
    expect(await failureOf(asked)).toMatchObject({ class: 'structural', code: 'stream_unknown' });
  });

  it('leaves no worktree behind when its run is closed, nested and half-made ones included', async () => {
    await using place = await bench(FILES);
    await forked(place, 'a', 'b');
    await stream(place, 'in-a', 'a');
    await put(join(place.home, 'workspaces/run_1.half'), { 'junk.txt': '' });
    const other = await place.open('run_12');
    await other.line.save('fork', AT);
    await place.workspaces.openStream({
      runId: 'run_12',
      location: place.repository,
      stream: 'a',
      parent: null,
    });
    await place.workspaces.close('run_1');
    await place.workspaces.close('run_1');
    expect((await readdir(join(place.home, 'worktrees'))).sort()).toEqual(['run_12', 'run_12.a']);
    expect((await readdir(join(place.home, 'workspaces'))).sort()).toEqual(['run_12', 'run_12.a']);
    expect((await readdir(join(place.repository, '.git/worktrees'))).sort()).toEqual(['run_12', 'run_12.a']);
  });

  it('closed alone takes those within it along and leaves its siblings', async () => {
    await using place = await bench(FILES);
    await forked(place, 'a', 'b');
    await stream(place, 'in-a', 'a');
    await place.workspaces.closeStream('run_1', 'a');
    expect(await place.workspaces.streams('run_1')).toEqual([{ stream: 'b', parent: null }]);
    expect(existsSync(join(place.home, 'worktrees/run_1.in-a'))).toBe(false);
  });
});

describe('merging', () => {
  it('joins what different streams changed, also in one file', async () => {
    await using place = await bench(FILES);
    const { run, streams } = await forked(place, 'a', 'b');
    const [a, b] = streams;
    if (a === undefined || b === undefined) throw new Error('no streams');
    await work(a, { 'src/a.js': changed('one', 'ONE'), 'src/new-a.js': 'a\n' });
    await work(b, { 'src/a.js': changed('nine', 'NINE') });
    await rm(join(b.info.path, 'docs/x.md'));
    await b.line.save('more', AT);
    expect(await joined(run, 'a')).toMatchObject({ status: 'merged', files: 2, resolutions: [] });
    expect(await joined(run, 'b')).toMatchObject({ status: 'merged', files: 2, resolutions: [] });
    expect(await read(run, 'src/a.js')).toBe(LINES.replace('one', 'ONE').replace('nine', 'NINE'));
    expect(await read(run, 'src/new-a.js')).toBe('a\n');
    expect(existsSync(join(run.info.path, 'docs/x.md'))).toBe(false);
  });

  it('keeps what else was done in the worktree it merges into', async () => {
    await using place = await bench(FILES);
    const { run, streams } = await forked(place, 'a');
    if (streams[0] !== undefined) await work(streams[0], { 'src/a.js': changed('one', 'ONE') });
    await put(run.info.path, { 'src/a.js': changed('nine', 'NINE'), 'beside.txt': 'mine\n' });
    expect(await joined(run, 'a')).toMatchObject({ status: 'merged' });
    expect(await read(run, 'src/a.js')).toBe(LINES.replace('one', 'ONE').replace('nine', 'NINE'));
    expect(await read(run, 'beside.txt')).toBe('mine\n');
  });

  it('takes the last saved state: what is half done in a stream stays there', async () => {
    await using place = await bench(FILES);
    const { run, streams } = await forked(place, 'a');
    const [a] = streams;
    if (a === undefined) throw new Error('no stream');
    await work(a, { 'src/a.js': changed('one', 'ONE') });
    await put(a.info.path, { 'src/a.js': 'half\n' });
    await joined(run, 'a');
    expect(await read(run, 'src/a.js')).toBe(changed('one', 'ONE'));
    await work(a, { 'src/a.js': LINES.replace('one', 'ONE').replace('two', 'TWO') });
    expect(await joined(run, 'a', { key: 'second time' })).toMatchObject({
      status: 'merged',
      resolutions: [],
    });
    expect(await read(run, 'src/a.js')).toBe(LINES.replace('one', 'ONE').replace('two', 'TWO'));
  });

  it('with nothing saved, or merged already, changes nothing', async () => {
    await using place = await bench(FILES);
    const { run, streams } = await forked(place, 'a');
    expect(await joined(run, 'a')).toMatchObject({ status: 'merged', files: 0 });
    if (streams[0] !== undefined) await work(streams[0], { 'src/a.js': 'x\n' });
    const first = await joined(run, 'a', { key: 'k1' });
    const second = await joined(run, 'a', { key: 'k2' });
    expect(second).toMatchObject({ status: 'merged', files: 0 });
    expect(second.status === 'merged' && first.status === 'merged' && second.commit === first.commit).toBe(
      true,
    );
  });

  it('a stream of a stream reaches the run by way of its parent', async () => {
    await using place = await bench(FILES);
    const { run, streams } = await forked(place, 'a');
    const [a] = streams;
    if (a === undefined) throw new Error('no stream');
    await put(a.info.path, { 'src/a.js': changed('one', 'ONE') });
    await a.line.save('fork', AT);
    const inner = await stream(place, 'inner', 'a');
    expect(await read(inner, 'src/a.js')).toBe(changed('one', 'ONE'));
    await work(inner, { 'src/a.js': LINES.replace('one', 'ONE').replace('nine', 'NINE') });
    await joined(a, 'inner');
    expect(await read(run, 'src/a.js')).toBe(LINES);
    await place.workspaces.closeStream('run_1', 'inner');
    await a.line.save('done', AT);
    await joined(run, 'a');
    expect(await read(run, 'src/a.js')).toBe(LINES.replace('one', 'ONE').replace('nine', 'NINE'));
  });

  it('of two runs at once in one repository keep apart', async () => {
    await using place = await bench(FILES);
    const runs = await Promise.all(
      ['run_a', 'run_b'].map(async (runId) => {
        const run = await place.open(runId);
        await run.line.save('fork', AT);
        const [x, y] = await Promise.all(
          ['x', 'y'].map((name) =>
            place.workspaces.openStream({ runId, location: place.repository, stream: name, parent: null }),
          ),
        );
        if (x === undefined || y === undefined) throw new Error('no streams');
        await Promise.all([
          work(x, { 'src/a.js': changed('one', `${runId} x`) }),
          work(y, { 'src/b.js': changed('two', `${runId} y`) }),
        ]);
        await Promise.all([joined(run, 'x'), joined(run, 'y')]);
        return [await read(run, 'src/a.js'), await read(run, 'src/b.js')];
      }),
    );
    expect(runs).toEqual(
      ['run_a', 'run_b'].map((id) => [changed('one', `${id} x`), changed('two', `${id} y`)]),
    );
  });

  it('goes on in a stream after it took in what was merged', async () => {
    await using place = await bench(FILES);
    const { run, streams } = await forked(place, 'a', 'b');
    const [a, b] = streams;
    if (a === undefined || b === undefined) throw new Error('no streams');
    await work(a, { 'src/a.js': changed('one', 'ONE') });
    await work(b, { 'src/b.js': changed('two', 'TWO') });
    expect(await failureOf(a.line.follow())).toMatchObject({ code: 'stream_ahead' });
    await joined(run, 'a');
    await joined(run, 'b');
    await a.line.follow();
    await a.line.follow();
    expect(await read(a, 'src/b.js')).toBe(changed('two', 'TWO'));
    expect(git(a.info.path, 'status', '--porcelain')).toBe('');
    await work(a, { 'src/b.js': LINES.replace('two', 'TWO').replace('one', 'uno') });
    expect((await a.diff((await a.snapshot('s', AT)).tree, 0)).stat.files.map(({ path }) => path)).toEqual([
      'src/b.js',
    ]);
    expect(await joined(run, 'a', { key: 'again' })).toMatchObject({ status: 'merged', resolutions: [] });
    expect(await read(run, 'src/b.js')).toBe(LINES.replace('two', 'TWO').replace('one', 'uno'));
  });
});

/** What two streams do, and the paths in which they meet. */
