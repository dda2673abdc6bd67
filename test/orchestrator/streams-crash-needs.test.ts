import { afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import type { Verdict } from '../../src/domain/approval.ts';
import { Crashes, castOf, mistaken, type Plant, sees, turnOf, writes } from './crashes.ts';
import type { Life, Moment } from './mortal-core.ts';

/**
 * A task that finds out while it runs what it needs, and one that goes from a late stream to whoever is free, killed at
 * every event: what was declared and moved stays so, happens once, and leads to the same files.
 */
const FILES = {
  'api.txt': 'made\n',
  'free.txt': 'taken over\n',
  'page.txt': 'made\n',
  'quick.txt': 'done\n',
};
const work = (id: string, stream: string, agent: string, more: object = {}) => ({
  id,
  stream,
  agent,
  task: 't',
  ...more,
});
const crashes = new Crashes({
  files: Object.keys(FILES),
  cast: castOf(
    turnOf('page', 0, [['need', { task: 'api', why: 'It shows what that gives.' }]]),
    writes('page', { 'page.txt': 'made\n' }, 1),
    writes('api', { 'api.txt': 'made\n' }),
    writes('quick', { 'quick.txt': 'done\n' }),
    writes('free', { 'free.txt': 'taken over\n' }),
  ),
  flow: {
    kind: 'parallel',
    id: 'build',
    streams: true,
    rebalance: true,
    tasks: [
      work('page', 'front', 'backend'),
      { id: 'shown', stream: 'front', flow: sees('sees-api', 'api.txt', 'page.txt') },
      work('api', 'back', 'backend'),
      // Its stream is late for as long as nobody answers, which is until somebody else has taken what stands behind it.
      { id: 'long', stream: 'late', flow: { kind: 'approval', id: 'asks', title: 'Well?', why: 'w' } },
      work('free', 'late', 'backend', { capabilities: ['css'] }),
      { id: 'last', stream: 'late', flow: sees('sees-free', 'free.txt') },
      work('quick', 'early', 'frontend'),
    ],
  },
  answer: ({ id }, life, runId) => onceTaken(id, life, runId),
});

/** Yes, once the task that stands behind the question has been done elsewhere; null when the process is gone first, or nobody is asked any more. */
async function onceTaken(id: string, { core, died }: Life, runId: string): Promise<Verdict | null> {
  let gone = false;
  const over = died.then(() => {
    gone = true;
  });
  for (;;) {
    const next = Promise.withResolvers<void>();
    const off = core.engine.onCommit(() => next.resolve());
    const events = await core.store.projections.events(runId, 0, 10_000);
    const done = events.some(({ event }) => event.type === 'node.finished' && event.node === 'free');
    const open = (await core.store.approvals.byId(id))?.status === 'pending';
    if (!gone && !done && open) await Promise.race([next.promise, over]);
    off();
    if (gone || !open) return null;
    if (done) return 'approve';
  }
}

beforeAll(() => crashes.calm(), 60_000);
beforeEach(() => crashes.open());
afterEach(() => crashes.close());

test('left alone a task waits for what it found out that it needs, and another is taken over', () => {
  expect(crashes.wanted).toMatchObject({ status: 'completed', files: FILES, commits: '1', twice: [] });
  expect(crashes.wanted).toMatchObject({ folders: [], worktrees: 1, leases: 0 });
  const moves = ['free goes from late to frontend in early'];
  expect(crashes.wanted).toMatchObject({
    declared: ['page needs api'],
    moved: moves,
    changes: moves,
    checks: ['sees-api 0', 'sees-free 0'],
  });
  expect(crashes.events.size).toBeGreaterThan(120);
});

test.each(['before', 'after'] as const)(
  'killed %s every commit, it ends as if nothing had been',
  { timeout: 600_000 },
  async (when) => {
    expect(await crashes.campaign(new Set(crashes.events), when)).toBeGreaterThan(40);
  },
);

test.each<[string, Moment, RegExp, RegExp, Plant]>([
  [
    'work that is taken for brought since somebody began to bring it',
    'after',
    /^step\.started .*\/take-in( |$)/,
    /differs in .*checks/,
    mistaken('stream.take-in', async (done, _step, again) =>
      again
        ? { status: 'merged', commit: '', tree: '', before: '', second: '', files: 0, resolutions: [] }
        : await done(),
    ),
  ],
  [
    'a move that is decided once more',
    'before',
    /^step\.completed .*\/move$/,
    /differs in .*changes/,
    mistaken('decision.record', async (done, _step, again) => done(again ? '!' : '')),
  ],
  [
    'a merge for whoever needs it that puts its commit on the line once more',
    'before',
    /^step\.completed .*\/merge$/,
    /differs in .*twice/,
    crashes.mergesTwice(),
  ],
])('%s is caught', { timeout: 300_000 }, async (_name, when, about, shown, plant) => {
  const near = new Set([...crashes.events].filter((name) => about.test(name)));
  expect(near.size).toBeGreaterThan(0);
  await expect(crashes.campaign(near, when, plant)).rejects.toThrow(shown);
});
