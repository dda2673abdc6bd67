import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { git } from '../workspace/support.ts';
import { type RollbackWorld, rollbackWorld, TARGET, type WorldOptions } from './world.ts';

const worlds: RollbackWorld[] = [];
afterEach(async () => {
  for (const w of worlds.splice(0)) await w.close();
});
async function world(options: WorldOptions = {}): Promise<RollbackWorld> {
  const w = await rollbackWorld(options);
  worlds.push(w);
  await w.worked();
  return w;
}
const goesOn = (w: RollbackWorld) =>
  w.until(async () => (await w.status(await w.current())) === 'waiting', 'the work');

test('what there is to go back to: newest first, with the files since, and which one is the last good state', async () => {
  const w = await world();
  const offer = await w.life.rollbacks.offer(TARGET, 'U-alice');
  if (typeof offer === 'string') throw new Error(offer);
  expect(
    offer.points.map(({ number, label, filesSince, validated }) => [number, label, filesSince, validated]),
  ).toEqual([
    [1, 'after two', 1, true],
    [2, 'after one', 2, true],
  ]);
  expect(offer.lastGood?.number).toBe(1);
});

describe('state', () => {
  test('the run goes on from there as another run; files, branch and order of things are as they were then', async () => {
    const w = await world();
    const before = w.life.log.after(TARGET, 0, 10_000).length;
    expect(await w.ask('state', 2)).toMatchObject({ done: 'asked' });
    const card = await w.card();
    expect(card.subject.excerpt).toContain('three.txt +1 −0');
    expect(card.subject.excerpt).toContain('two.txt +1 −0');
    expect(card.subject.excerpt).not.toContain('one.txt');
    expect(card.policy).toMatchObject({ fourEyes: true });
    await w.say(card);
    const told = await w.over(card);
    expect(told).toContain('Rolled back to after one: 2 files went back');
    await goesOn(w);
    const next = await w.current();
    expect(next).not.toBe(TARGET);
    expect(await w.status(TARGET)).toBe('cancelled');
    // What stands from before was written then; what comes after was done anew.
    expect(await w.file(next, 'one.txt')).toBe(`by ${TARGET}\n`);
    expect(await w.file(next, 'two.txt')).toBe(`by ${next}\n`);
    // Nothing of the lost work is gone, and nothing of the old journal was changed.
    const [lost = ''] = w.lost();
    expect(told).toContain(lost);
    expect(git(w.repository, 'show', `${lost}:three.txt`)).toBe(`by ${TARGET}`);
    expect(w.life.log.after(TARGET, 0, before)).toHaveLength(before);
    // The run that goes on can be replayed from its own journal, and ends like any other.
    w.crash();
    await w.life.engine.signal(next, 'go', 'on', 'go');
    await w.until(async () => (await w.status(next)) === 'completed', 'the end');
  });

  test('what was done before is told as done, and not told again', async () => {
    const w = await world();
    await w.ask('state', 2);
    const card = await w.card();
    await w.say(card);
    await w.over(card);
    await goesOn(w);
    const next = await w.current();
    const events = w.life.log.after(next, 0, 10_000);
    const one = events.find(({ event }) => event.type === 'node.finished' && event.node === 'one');
    const [row] = (await w.life.store.projections.behind()).filter(({ runId }) => runId === next);
    expect(one?.seq).toBeLessThanOrEqual(row?.projectedSeq ?? 0);
    expect(events.filter(({ event }) => event.type === 'node.finished')).toHaveLength(2);
  });
});

test('snapshot: only the files go back; the run stays paused where it is, and its worktree is the same', async () => {
  const w = await world();
  const position = await w.life.store.runs.position([TARGET]);
  await w.ask('snapshot', 2);
  const card = await w.card();
  await w.say(card);
  expect(await w.over(card)).toContain('The run itself stays where it is');
  expect(await w.current()).toBe(TARGET);
  expect(await w.status(TARGET)).toBe('paused');
  expect(await w.file(TARGET, 'one.txt')).not.toBeNull();
  expect(await w.file(TARGET, 'two.txt')).toBeNull();
  expect(await w.life.store.runs.position([TARGET])).toEqual(position);
});

test('full: the run begins anew from its base on the same plan', async () => {
  const w = await world();
  await w.ask('full');
  const card = await w.card();
  await w.say(card);
  await w.over(card);
  await goesOn(w);
  const next = await w.current();
  expect(await w.file(next, 'one.txt')).toBe(`by ${next}\n`);
  const [before, after] = [await w.life.store.runs.status(TARGET), await w.life.store.runs.status(next)];
  expect(after?.spec.definition).toEqual(before?.spec.definition);
});

describe('step', () => {
  test('of a run that failed: that step is tried again, and what was done before it stays', async () => {
    const w = await world({ fails: true });
    await w.ask('step');
    const card = await w.card();
    expect(card.subject.excerpt).toContain('Files that go back: 0');
    await w.say(card);
    await w.over(card);
    const next = await w.current();
    await w.until(async () => (await w.status(next)) === 'failed', 'the second failure');
    const done = w.life.log
      .after(next, 0, 10_000)
      .flatMap(({ event }) => ('key' in event ? [`${event.type} ${event.key}`] : []));
    expect(done.filter((each) => each.startsWith('step.started'))).toEqual(['step.started fail']);
  });

  test('of a paused one: it goes on, and nobody is asked, since nothing is lost', async () => {
    const w = await world();
    expect(await w.ask('step')).toEqual({ done: 'resumed' });
  });
});

describe('a run that has ended', () => {
  test('snapshot puts the state on its branch; the run stays ended', async () => {
    const w = await world({ fails: true });
    const past = await w.life.registry.past(TARGET);
    const { tree } = await (await w.life.registry.of(TARGET, null)).snapshot('end', 1);
    await w.life.registry.close(TARGET);
    await past.put({ tree, message: 'all of it', at: 1 });
    await w.ask('snapshot', 1);
    const card = await w.card();
    expect(card.subject.excerpt).toContain('Commits taken off baton/work: 1');
    expect(card.subject.excerpt).toContain('all of it');
    await w.say(card);
    await w.over(card);
    expect(git(w.repository, 'ls-tree', '--name-only', 'baton/work').split('\n')).toEqual([
      'README.md',
      'one.txt',
      'two.txt',
    ]);
    expect(await w.status(TARGET)).toBe('failed');
    expect(git(w.repository, 'log', '-1', '--format=%s', `${w.lost()[0]}^`)).toBe('all of it');
  });

  test('a branch that holds somebody else’s commits, or is checked out, is left alone', async () => {
    const w = await world({ fails: true });
    await w.life.registry.close(TARGET);
    git(w.repository, 'checkout', '-q', 'baton/work');
    await w.ask('state', 1);
    const card = await w.card();
    // At its base there is nothing to move; somebody's own commit on it is another matter.
    git(w.repository, 'commit', '-q', '--allow-empty', '-m', 'mine');
    const tip = git(w.repository, 'rev-parse', 'HEAD');
    await w.say(card);
    expect(await w.over(card)).toContain('something changed after it was shown');
    expect(git(w.repository, 'rev-parse', 'baton/work')).toBe(tip);
    expect(await w.ask('state', 1, 'again')).toEqual({
      done: 'refused',
      why: 'branch_moved',
      detail: 'baton/work',
    });
  });
});

describe('nothing is taken back', () => {
  test('when a file changed by one byte after it was shown', async () => {
    const w = await world();
    await w.ask('state', 2);
    const card = await w.card();
    await writeFile(path.join(await w.folder(TARGET), 'three.txt'), 'by somebody\n');
    expect(await w.say(card)).toMatchObject({ ok: false, refusal: 'content_changed' });
    expect(await w.over(card)).toContain('something changed after it was shown');
    expect(await w.current()).toBe(TARGET);
    expect(await w.status(TARGET)).toBe('paused');
  });

  test('when the run went on after it was shown', async () => {
    const w = await world();
    await w.ask('state', 2);
    const card = await w.card();
    await w.life.engine.resume(TARGET);
    expect(await w.say(card)).toMatchObject({ ok: false, refusal: 'content_changed' });
    await w.over(card);
    expect(await w.current()).toBe(TARGET);
  });

  test('by whoever asked for it, without a yes, or twice at once', async () => {
    const w = await world();
    await w.ask('state', 2);
    const card = await w.card();
    expect(await w.say(card, 'U-alice')).toMatchObject({ ok: false, refusal: 'requester' });
    expect(await w.ask('full', null, 'other')).toEqual({ done: 'refused', why: 'asked_already', detail: '' });
    await w.say(card, 'U-bob', 'reject');
    expect(await w.over(card)).toContain('was not allowed');
    expect(await w.current()).toBe(TARGET);
    expect(w.lost()).toEqual([]);
  });

  test('while the run is under way, or where there is nothing to go back to', async () => {
    const w = await world();
    await w.life.engine.resume(TARGET);
    await w.until(async () => (await w.status(TARGET)) === 'waiting', 'the wait');
    expect(await w.ask('state')).toMatchObject({ why: 'under_way' });
    expect(await w.ask('state', 7)).toMatchObject({ why: 'under_way' });
    await w.life.engine.pause(TARGET, { class: 'needs_person', code: 'x', message: 'x' });
    expect(await w.ask('state', 7)).toMatchObject({ why: 'not_there' });
  });
});
