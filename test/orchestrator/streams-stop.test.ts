import { afterAll, beforeAll, expect, test } from 'vitest';
import { foldersOf, followRun, rowsIn, startRun } from '../support/core.ts';
import { Crashes, castOf, sees, told, writes } from './crashes.ts';
import { liveAt } from './mortal-core.ts';

/**
 * Two streams that change the same file, so that people are asked, stopped and paused at every event: of a run that was
 * stopped nothing is left, one that was paused ends as if it had not been.
 */
const crashes = new Crashes({
  files: ['both.txt'],
  cast: castOf(writes('one', { 'both.txt': 'one\n' }), writes('two', { 'both.txt': 'two\n' })),
  flow: {
    kind: 'parallel',
    id: 'clash',
    streams: true,
    on_conflict: 'ask',
    tasks: [
      { id: 'one', stream: 'left', agent: 'backend', task: 't' },
      { id: 'two', stream: 'right', agent: 'frontend', task: 't' },
      { id: 'seen', stream: 'left', flow: sees('sees-both', 'both.txt'), needs: ['two'] },
    ],
  },
});

beforeAll(() => crashes.calm(), 60_000);
beforeAll(() => crashes.open());
afterAll(() => crashes.close());

test('left alone it asks about the file, and ends with the side that was taken', () => {
  expect(crashes.wanted).toMatchObject({ status: 'completed', checks: ['sees-both 0'], folders: [] });
  expect(crashes.wanted).toMatchObject({ files: { 'both.txt': 'two\n' } });
  expect(crashes.wanted['resolved']).toContain('both.txt first person');
  expect(crashes.events.size).toBeGreaterThan(60);
});

test('stopped at every event, with an open card or without, nothing of it is left', {
  timeout: 900_000,
}, async () => {
  const { place } = crashes;
  const past = new Set<string>();
  const seen = { cards: 0, worktrees: 0, leases: 0, reached: 0 };
  let target = '';
  let hit = Promise.withResolvers<void>();
  let isHit = false;
  const { core } = await liveAt(
    place,
    (turn, moment) => {
      const mine = turn.filter((write) => 'runId' in write && !past.has(write.runId));
      if (moment === 'after' && told(mine).includes(target)) {
        isHit = true;
        hit.resolve();
      }
      return false;
    },
    crashes.own,
  );
  try {
    for (const [at, name] of [...crashes.events].entries()) {
      target = name;
      hit = Promise.withResolvers<void>();
      isHit = false;
      const runId = await startRun(core, 'streams', `stopped ${at}`);
      const followed = followRun(core, runId, async () => (isHit ? null : 'approve'));
      await Promise.race([hit.promise, followed]);
      if (isHit) seen.reached += 1;
      const open = async () =>
        (await core.store.approvals.ofRun(runId)).filter(({ status }) => status === 'pending');
      if ((await open()).length > 0) seen.cards += 1;
      if (foldersOf(place.home, `${runId}.`).length > 0) seen.worktrees += 1;
      if (rowsIn(place, 'leases') > 0) seen.leases += 1;
      await core.orchestrator.stop(runId, 'U');
      await followed;
      past.add(runId);
      expect(foldersOf(place.home, runId), `folders, stopped at ${name}`).toEqual([]);
      expect(await open(), `cards, stopped at ${name}`).toEqual([]);
      expect(core.engine.loaded, `under way, stopped at ${name}`).toBe(0);
      expect([rowsIn(place, 'leases'), rowsIn(place, 'timers')], `stopped at ${name}`).toEqual([0, 0]);
    }
    expect(crashes.git('worktree', 'list').trim().split('\n')).toHaveLength(1);
    expect(seen.reached).toBeGreaterThan(crashes.events.size * 0.8);
    expect(seen.cards).toBeGreaterThan(2);
    expect(seen.worktrees).toBeGreaterThan(20);
    expect(seen.leases).toBeGreaterThan(0);
  } finally {
    await core.stop();
  }
});

test('paused at every event and gone on with, it ends as if it had not been', {
  timeout: 900_000,
}, async () => {
  const open = new Set(crashes.events);
  let pauses = 0;
  for (let round = 0; open.size > 0 && round < 40; round += 1) pauses += await crashes.paused(open);
  expect([...open], 'events at which nobody paused').toEqual([]);
  expect(pauses).toBeGreaterThan(30);
});
