import { existsSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Workspace } from '../../src/ports/workspace.ts';
import { changed, FILES, forked, joined, LINES, read, rule, work } from './streams-bench.ts';
import { AT, bench, git, put } from './support.ts';

const meetings: Record<
  string,
  {
    readonly a: (w: Workspace) => Promise<unknown>;
    readonly b: (w: Workspace) => Promise<unknown>;
    readonly paths: string[];
    readonly kind: string;
  }
> = {
  'the same line': {
    a: (w) => put(w.info.path, { 'src/a.js': changed('two', 'A') }),
    b: (w) => put(w.info.path, { 'src/a.js': changed('two', 'B') }),
    paths: ['src/a.js'],
    kind: 'contents',
  },
  'one new file': {
    a: (w) => put(w.info.path, { 'src/n.js': 'A\n' }),
    b: (w) => put(w.info.path, { 'src/n.js': 'B\n' }),
    paths: ['src/n.js'],
    kind: 'contents',
  },
  'a binary file': {
    a: (w) => writeFile(join(w.info.path, 'logo.png'), Buffer.from([0, 1, 2, 65])),
    b: (w) => writeFile(join(w.info.path, 'logo.png'), Buffer.from([0, 1, 2, 66])),
    paths: ['logo.png'],
    kind: 'binary',
  },
  'changed here, deleted there': {
    a: (w) => put(w.info.path, { 'src/a.js': changed('two', 'A') }),
    b: (w) => rm(join(w.info.path, 'src/a.js')),
    paths: ['src/a.js'],
    kind: 'modify/delete',
  },
  'renamed to two names': {
    a: (w) => put(w.info.path, { 'src/x.js': LINES }).then(() => rm(join(w.info.path, 'src/a.js'))),
    b: (w) => put(w.info.path, { 'src/y.js': LINES }).then(() => rm(join(w.info.path, 'src/a.js'))),
    paths: ['src/a.js', 'src/x.js', 'src/y.js'],
    kind: 'rename/rename',
  },
};

describe('a conflict', () => {
  for (const [name, { a: doA, b: doB, paths, kind }] of Object.entries(meetings)) {
    it(`over ${name} changes nothing until it is decided, and then gives the side that was chosen`, async () => {
      for (const side of ['first', 'second'] as const) {
        await using place = await bench(FILES);
        const { run, streams } = await forked(place, 'a', 'b');
        const [a, b] = streams;
        if (a === undefined || b === undefined) throw new Error('no streams');
        await doA(a);
        await doB(b);
        await Promise.all([a.line.save('w', AT), b.line.save('w', AT)]);
        await joined(run, 'a');
        const before = (await run.snapshot('x', AT)).tree;
        const outcome = await joined(run, 'b');
        expect(outcome.status).toBe('conflict');
        if (outcome.status !== 'conflict') return;
        expect(outcome.conflicts.map(({ path }) => path)).toEqual(paths);
        expect(outcome.conflicts.map((each) => each.kind).every((each) => each.startsWith(kind))).toBe(true);
        expect(outcome.conflicts.every(({ way }) => way === 'stop')).toBe(true);
        expect((await run.snapshot('y', AT)).tree).toBe(before);
        const done = await joined(run, 'b', { choices: paths.map((path) => ({ path, take: side })) });
        expect(done.status).toBe('merged');
        const wanted = side === 'first' ? a : b;
        expect((await run.snapshot('z', AT)).tree).toBe((await wanted.snapshot('z', AT)).tree);
      }
    });
  }

  it('is decided by the first rule that matches its path', async () => {
    await using place = await bench(FILES);
    const { run, streams } = await forked(place, 'a', 'b');
    const [a, b] = streams;
    if (a === undefined || b === undefined) throw new Error('no streams');
    const all = (side: string) => ({
      'src/a.js': `${side}\n`,
      'docs/x.md': `${side}\n`,
      'README.md': `${side}\n`,
    });
    await work(a, all('A'));
    await work(b, all('B'));
    await joined(run, 'a');
    const rules = [rule('second', 'docs/**'), rule('first', '**/*.js'), rule('ask', '*.md')];
    const asked = await joined(run, 'b', { rules });
    expect(asked.status === 'conflict' && asked.conflicts.map(({ path, way }) => [path, way])).toEqual([
      ['README.md', 'ask'],
    ]);
    const done = await joined(run, 'b', { rules, choices: [{ path: 'README.md', take: 'second' }] });
    expect(
      done.status === 'merged' && done.resolutions.map(({ path, took, by }) => [path, took, by]),
    ).toEqual([
      ['README.md', 'second', 'choice'],
      ['docs/x.md', 'second', 'rule'],
      ['src/a.js', 'first', 'rule'],
    ]);
    expect([await read(run, 'README.md'), await read(run, 'docs/x.md'), await read(run, 'src/a.js')]).toEqual(
      ['B\n', 'B\n', 'A\n'],
    );
  });

  it('left for an agent has both sides in it, is seen until it is resolved, and can be taken back', async () => {
    await using place = await bench(FILES);
    const { run, streams } = await forked(place, 'a', 'b');
    const [a, b] = streams;
    if (a === undefined || b === undefined) throw new Error('no streams');
    await work(a, { 'src/a.js': changed('two', 'A') });
    await work(b, { 'src/a.js': changed('two', 'B'), 'src/only-b.js': 'b\n' });
    await joined(run, 'a');
    const before = (await run.snapshot('x', AT)).tree;
    const open = await joined(run, 'b');
    if (open.status !== 'conflict') throw new Error('no conflict');
    const sides = await run.line.sidesOf({
      path: 'src/a.js',
      before: open.before,
      second: open.second,
      maxChars: 2_000,
    });
    expect(sides.first).toMatch(/-two\n\+A/);
    expect(sides.second).toMatch(/-two\n\+B/);
    const done = await joined(run, 'b', { choices: [{ path: 'src/a.js', take: 'marked' }] });
    expect(await read(run, 'src/a.js')).toMatch(/<{7} [\s\S]*A\n={7}\nB\n>{7} /);
    expect(await run.line.marked(['src/a.js', 'src/b.js', 'gone.js'])).toEqual(['src/a.js']);
    if (done.status !== 'merged') throw new Error('not merged');
    await put(run.info.path, { 'src/a.js': changed('two', 'A and B') });
    expect(await run.line.marked(['src/a.js'])).toEqual([]);
    await run.line.undo(done.before);
    await run.line.undo(done.before);
    expect((await run.snapshot('y', AT)).tree).toBe(before);
    // Taken back, so that stream is not merged, and can be.
    expect((await joined(run, 'b', { key: 'anew', rules: [rule('second')] })).status).toBe('merged');
    expect(await read(run, 'src/a.js')).toBe(changed('two', 'B'));
  });

  it('is seen before anything is merged, from the newest snapshots', async () => {
    await using place = await bench(FILES);
    const { streams } = await forked(place, 'a', 'b');
    const [a, b] = streams;
    if (a === undefined || b === undefined) throw new Error('no streams');
    expect(await a.line.meets('b')).toEqual([]);
    await put(a.info.path, { 'src/a.js': changed('two', 'A') });
    await a.snapshot('one', AT);
    expect(await a.line.meets('b')).toEqual([]);
    await put(b.info.path, { 'src/a.js': changed('two', 'B') });
    await b.snapshot('one', AT);
    expect(await b.line.meets('a')).toEqual(['src/a.js']);
    expect(await read(a, 'src/a.js')).toBe(changed('two', 'A'));
  });

  it('never runs a merge driver that the repository names', async () => {
    await using place = await bench({ ...FILES, '.gitattributes': '*.js merge=evil\n' });
    git(place.repository, 'config', 'merge.evil.driver', `touch ${join(place.root, 'ran')}; cp %B %A`);
    const { run, streams } = await forked(place, 'a', 'b');
    const [a, b] = streams;
    if (a === undefined || b === undefined) throw new Error('no streams');
    await work(a, { 'src/a.js': changed('two', 'A'), 'src/b.js': changed('one', 'ONE') });
    await work(b, { 'src/a.js': changed('two', 'B'), 'src/b.js': changed('nine', 'NINE') });
    await joined(run, 'a');
    const outcome = await joined(run, 'b');
    expect(outcome.status === 'conflict' && outcome.conflicts.map(({ path }) => path)).toEqual(['src/a.js']);
    expect(existsSync(join(place.root, 'ran'))).toBe(false);
  });
});
