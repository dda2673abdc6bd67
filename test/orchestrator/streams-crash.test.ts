import { rmSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { foldersOf } from '../support/core.ts';
import { Crashes, castOf, mistaken, type Plant, sees, writes } from './crashes.ts';

/**
 * Three streams with tasks that need one another and two points at which they meet, killed at every event: whatever dies
 * when, the branch ends with the same files, nothing is merged twice, and nothing is left behind.
 */
const FILES = {
  'api.txt': 'made\n',
  'both.txt': 'one and two\n',
  'contract.txt': 'agreed\n',
  'mockup.txt': 'drawn\n',
  'notes.txt': 'noted\n',
  'page.txt': 'made\n',
  'rule.txt': 'front\n',
};
const crashes = new Crashes({
  files: Object.keys(FILES),
  cast: castOf(
    writes('contract', { 'contract.txt': 'agreed\n', 'rule.txt': 'back\n' }),
    writes('mockup', { 'mockup.txt': 'drawn\n', 'rule.txt': 'front\n' }),
    writes('notes', { 'notes.txt': 'noted\n' }),
    writes('api', { 'api.txt': 'made\n', 'both.txt': 'one\n' }),
    writes('page', { 'page.txt': 'made\n', 'both.txt': 'two\n' }),
    // The agent that resolves what both changed is asked for the parallel node.
    writes('build', { 'both.txt': 'one and two\n' }),
  ),
  flow: {
    kind: 'parallel',
    id: 'build',
    streams: true,
    on_conflict: [{ paths: ['rule.txt'], then: 'second' }, { agent: 'backend' }],
    tasks: [
      { id: 'contract', stream: 'back', agent: 'backend', task: 't' },
      { id: 'mockup', stream: 'front', agent: 'frontend', task: 't' },
      { id: 'notes', stream: 'docs', agent: 'backend', task: 't' },
      { id: 'api', stream: 'back', agent: 'backend', task: 't' },
      { id: 'page', stream: 'front', agent: 'frontend', task: 't' },
      {
        id: 'guide',
        stream: 'docs',
        flow: sees('sees-api', 'api.txt', 'contract.txt', 'notes.txt'),
        needs: ['api'],
      },
      { id: 'tried', stream: 'back', flow: sees('sees-page', 'page.txt', 'mockup.txt', 'both.txt') },
    ],
    sync: [
      {
        id: 'agreed',
        type: 'integration',
        participants: ['contract', 'mockup'],
        approval: { title: 'Agreed?', why: 'Both build on it' },
      },
      { id: 'joined', type: 'integration', participants: ['api', 'page'] },
    ],
  },
});

beforeAll(() => crashes.calm(), 60_000);
beforeEach(() => crashes.open());
afterEach(() => crashes.close());

test('left alone it ends with the work of all, merged once, and nothing left behind', () => {
  expect(crashes.wanted).toMatchObject({ status: 'completed', files: FILES, commits: '1', twice: [] });
  expect(crashes.wanted).toMatchObject({ folders: [], worktrees: 1, leases: 0, moved: [], declared: [] });
  expect(crashes.wanted).toMatchObject({
    points: ['agreed', 'joined'],
    resolved: ['both.txt edited agent', 'rule.txt second rule'],
    checks: ['sees-api 0', 'sees-page 0'],
  });
  expect(crashes.events.size).toBeGreaterThan(200);
});

test.each(['before', 'after'] as const)(
  'killed %s every commit, it ends as if nothing had been',
  { timeout: 600_000 },
  async (when) => {
    expect(await crashes.campaign(new Set(crashes.events), when)).toBeGreaterThan(60);
  },
);

test.each<[string, RegExp, RegExp, Plant]>([
  [
    'a merge that puts its commit on the line once more',
    /^step\.completed .*\/merge$/,
    /differs in .*twice/,
    crashes.mergesTwice(),
  ],
  [
    'a stream of which nobody wrote down where it began',
    /^step\.completed .*\/open-stream$/,
    /differs in .*why/,
    mistaken('stream.open', async (done, { runId }) => {
      const opened = await done();
      const { home } = crashes.place;
      for (const name of foldersOf(home, `${runId}.`))
        rmSync(path.join(home, 'workspaces', name, 'state.json'), { force: true });
      return opened;
    }),
  ],
  [
    'an arrival at a sync point that is forgotten',
    /^step\.completed .*\/merge$/,
    /differs in .*checks/,
    mistaken('stream.merge', async (done, _step, again) =>
      again
        ? { status: 'merged', commit: '', tree: '', before: '', second: '', files: 0, resolutions: [] }
        : await done(),
    ),
  ],
])('%s is caught', { timeout: 300_000 }, async (_name, about, shown, plant) => {
  const near = new Set([...crashes.events].filter((name) => about.test(name)));
  expect(near.size).toBeGreaterThan(2);
  await expect(crashes.campaign(near, 'before', plant)).rejects.toThrow(shown);
});
