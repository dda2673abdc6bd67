import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Core } from '../../src/compose/core.ts';
import type { Approval } from '../../src/domain/approval.ts';
import { coreAt, decide, Ended, foldersOf, followRun, rowsIn, startRun } from '../support/core.ts';
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
  const seen = { worktrees: 0, leases: 0, reached: 0 };
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

describe('with its card open', () => {
  let core: Core;
  beforeAll(async () => {
    core = await coreAt(crashes.place, crashes.own);
  });
  afterAll(() => core.stop());

  /** A run that people are asked in, and the end of it, whenever that comes. */
  async function asked(intent: string) {
    const card = Promise.withResolvers<Approval>();
    const runId = await startRun(core, 'streams', intent);
    const follow = () =>
      followRun(core, runId, async (approval) => {
        card.resolve(approval);
        return null;
      });
    const first = follow();
    return { runId, approval: await card.promise, first, follow };
  }
  const statusOf = async ({ id }: Approval) => (await core.store.approvals.byId(id))?.status;

  test.each(['stopped', 'paused, then stopped'] as const)(
    '%s: the card goes, and all else with it',
    async (how) => {
      const { runId, approval, first } = await asked(how);
      if (how !== 'stopped') {
        expect(await core.steer.pause(runId, 'U', how)).toBe('done');
        expect((await first)?.status).toBe('paused');
        expect(await statusOf(approval)).toBe('pending');
      }
      expect(await core.orchestrator.stop(runId, 'U')).toBe('done');
      await first;
      expect(await statusOf(approval)).toBe('voided');
      expect(await decide(core, approval, 'approve')).toMatchObject({
        ok: false,
        refusal: 'already_decided',
      });
      expect(foldersOf(crashes.place.home, runId)).toEqual([]);
      expect(core.engine.loaded).toBe(0);
      expect([rowsIn(crashes.place, 'leases'), rowsIn(crashes.place, 'timers')]).toEqual([0, 0]);
    },
  );

  test.each(['meanwhile', 'afterwards'] as const)(
    'paused, and answered %s: the answer counts once the run goes on',
    async (when) => {
      const { runId, approval, first, follow } = await asked(`answered ${when}`);
      expect(await core.steer.pause(runId, 'U', `pause ${when}`)).toBe('done');
      expect((await first)?.status).toBe('paused');
      const answer = () => decide(core, approval, 'request_changes');
      if (when === 'meanwhile') expect(await answer()).toMatchObject({ ok: true });
      expect(await core.steer.resume(runId, 'U', `resume ${when}`)).toBe('done');
      if (when === 'afterwards') expect(await answer()).toMatchObject({ ok: true });
      const ended = (await follow()) ?? new Ended(runId, 'lost', []);
      expect(ended.status).toBe('completed');
      expect(ended.of('conflict.resolved')).toMatchObject([{ path: 'both.txt', took: 'second', who: 'V' }]);
      expect(crashes.git('show', `${ended.branch}:both.txt`)).toBe('one\n');
      expect(foldersOf(crashes.place.home, runId)).toEqual([]);
      expect(rowsIn(crashes.place, 'leases')).toBe(0);
    },
  );
});
