import { execFileSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import path from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import type { RunEvent } from '../../src/domain/events.ts';
import { inventorySchema } from '../../src/domain/resources.ts';
import type { Node } from '../../src/domain/workflow.ts';
import { MAX_CRASHES } from '../../src/engine/turn.ts';
import type { Activity, StepContext } from '../../src/ports/activity.ts';
import type { JournalWrite } from '../../src/ports/journal.ts';
import {
  type Ended,
  foldersOf,
  followRun,
  openPlace,
  type Place,
  rowsIn,
  startRun,
  workflowOf,
} from '../support/core.ts';
import { type Fate, liveAt, type Moment } from './mortal-core.ts';

/**
 * Three streams with tasks that need one another and two points at which they meet, killed at every event: whatever dies
 * when, the branch ends with the same files, nothing is merged twice, and nothing is left behind.
 */
const writes = (node: string, files: Readonly<Record<string, string>>): string => `
    - when: { node: ${node}, turn: 0 }
      calls:${Object.entries(files)
        .map(
          ([file, content]) =>
            `\n        - { tool: write, arguments: { path: ${file}, content: ${JSON.stringify(content)} } }`,
        )
        .join('')}`;

const CAST = `name: Crash
roles:
  any:${[
    writes('contract', { 'contract.txt': 'agreed\n', 'rule.txt': 'back\n' }),
    writes('mockup', { 'mockup.txt': 'drawn\n', 'rule.txt': 'front\n' }),
    writes('notes', { 'notes.txt': 'noted\n' }),
    writes('api', { 'api.txt': 'made\n', 'both.txt': 'one\n' }),
    writes('page', { 'page.txt': 'made\n', 'both.txt': 'two\n' }),
    // The agent that resolves what both changed is asked for the parallel node.
    writes('build', { 'both.txt': 'one and two\n' }),
  ].join('')}
    - when: { kind: work }
      result: { summary: done, files: [], warnings: [] }
`;

const sees = (id: string, ...files: string[]): Node => ({
  kind: 'command',
  id,
  run: ['test', ...files.flatMap((file, at) => [...(at === 0 ? [] : ['-a']), '-f', file])],
  uses: { desk: 1 },
});
const FLOW: Node = {
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
};
const FILES = {
  'api.txt': 'made\n',
  'both.txt': 'one and two\n',
  'contract.txt': 'agreed\n',
  'mockup.txt': 'drawn\n',
  'notes.txt': 'noted\n',
  'page.txt': 'made\n',
  'rule.txt': 'front\n',
};

/** Deaths of the process during one step. */
const MOST_CRASHES = MAX_CRASHES - 1;
/** Rounds in which every event has to have been died at. */
const MOST_ROUNDS = 40;

const own = {
  extraWorkflows: [workflowOf('streams', FLOW)],
  resources: inventorySchema.parse({ desk: 1 }),
};

type Plant = (activities: readonly Activity[]) => readonly Activity[];

let place: Place;
let count = 0;
/** What a run tells that nothing happens to, and what is left of it. */
let events: ReadonlySet<string>;
let wanted: ReturnType<typeof whatIsLeft>;
beforeAll(async () => {
  place = await openPlace(CAST);
  const calm = await live(() => false);
  events = new Set(calm.told);
  wanted = whatIsLeft(calm);
  await place.close();
}, 60_000);
beforeEach(async () => {
  place = await openPlace(CAST);
});
afterEach(() => place.close());

/** What a commit says of the run, each by a name that is the same in every run. */
function told(writes: readonly JournalWrite[]): string[] {
  return writes.flatMap((write) => {
    if (write.w !== 'event' && write.w !== 'settle') return [];
    const { event } = write;
    return [[event.type, ...named(event)].join(' ')];
  });
}
function named(event: RunEvent): string[] {
  return Object.entries(event).flatMap(([name, value]) =>
    typeof value === 'string' && ['key', 'node', 'stream', 'point', 'path', 'status'].includes(name)
      ? [value]
      : [],
  );
}

interface Lived {
  readonly ended: Ended;
  readonly deaths: number;
  readonly leases: number;
  readonly told: readonly string[];
}

/** One run from its start to its end, over as many lives as it takes. */
async function live(fate: Fate, plant?: Plant): Promise<Lived> {
  count += 1;
  const intent = `run ${count}`;
  const said: string[] = [];
  let deaths = 0;
  for (let runId: string | null = null; ; ) {
    const { core, died, bury } = await liveAt(
      place,
      (turn, moment) => {
        if (moment === 'after') said.push(...told(turn));
        return fate(turn, moment);
      },
      own,
      plant,
    );
    // Started before anything can die: what comes in is kept elsewhere, and tested there.
    runId ??= await startRun(core, 'streams', intent);
    const ended = await followRun(core, runId, async () => 'approve', died);
    if (ended === null) {
      deaths += 1;
      await bury();
      continue;
    }
    await core.stop();
    return { ended, deaths, leases: rowsIn(place, 'leases'), told: said };
  }
}

const git = (...args: string[]): string =>
  execFileSync('git', args, {
    cwd: `${place.home}/sample/reports`,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  });

function onBranch(branch: string, file: string): string | null {
  try {
    return git('show', `${branch}:${file}`);
  } catch {
    return null;
  }
}

/** All that is to hold once a run is over, whatever it went through. */
function whatIsLeft({ ended, leases }: Lived) {
  const { runId, branch } = ended;
  const tips = git(
    'for-each-ref',
    '--format=%(refname)',
    `refs/baton/tip/${runId}`,
    `refs/baton/tip/${runId}.*`,
  );
  const subjects = git(
    'log',
    '--format=%s',
    `main..${branch}`,
    ...tips
      .trim()
      .split('\n')
      .flatMap((ref) => `main..${ref}`),
  )
    .trim()
    .split('\n');
  const count = (names: readonly string[]) => [...names].toSorted();
  return {
    status: ended.status,
    why: ended.of('run.status').flatMap(({ failure }) => failure ?? []),
    files: Object.fromEntries(Object.keys(FILES).map((file) => [file, onBranch(branch, file)])),
    tree: git('rev-parse', `${branch}^{tree}`).trim(),
    commits: git('rev-list', '--count', `main..${branch}`).trim(),
    twice: subjects.filter((subject, at) => subjects.indexOf(subject) !== at),
    checks: count(ended.of('command.finished').map(({ node, exitCode }) => `${node} ${exitCode}`)),
    merged: count(ended.of('stream.merged').map(({ stream, files }) => `${stream} ${files}`)),
    resolved: count(ended.of('conflict.resolved').map(({ path, took, by }) => `${path} ${took} ${by}`)),
    points: count(ended.of('sync.reached').map(({ point }) => point)),
    folders: foldersOf(place.home, runId),
    worktrees: git('worktree', 'list').trim().split('\n').length,
    leases,
  };
}

/**
 * Dies at events that nobody has died at yet and takes them off `open`. Never a third time during one step: three crashes
 * set a step aside for people, which is tested elsewhere.
 */
function reaper(open: Set<string>, when: Moment): Fate {
  /** Steps under way, each with the deaths it has seen. */
  const under = new Map<string, number>();
  return (writes, moment) => {
    if (moment === 'after') follow(under, writes);
    if (moment !== when || [...under.values()].some((deaths) => deaths >= MOST_CRASHES)) return false;
    const news = told(writes).filter((name) => open.has(name));
    if (news.length === 0) return false;
    for (const name of news) open.delete(name);
    for (const [key, deaths] of under) under.set(key, deaths + 1);
    return true;
  };
}

function follow(under: Map<string, number>, writes: readonly JournalWrite[]): void {
  for (const write of writes) {
    if (write.w !== 'event' && write.w !== 'settle') continue;
    const { event } = write;
    if (event.type === 'step.started') under.set(event.key, under.get(event.key) ?? 0);
    else if (event.type === 'step.completed' || event.type === 'step.failed') under.delete(event.key);
  }
}

function differing(left: typeof wanted): string {
  const were = new Map(Object.entries(wanted));
  return Object.entries(left)
    .flatMap(([name, value]) => (isDeepStrictEqual(value, were.get(name)) ? [] : [name]))
    .join(', ');
}

/** Runs, each killed wherever nobody has died yet, until every event of `open` was died at; each has to end as the calm one. */
async function campaign(open: Set<string>, when: Moment, plant?: Plant): Promise<number> {
  let deaths = 0;
  for (let round = 0; open.size > 0 && round < MOST_ROUNDS; round += 1) {
    const lived = await live(reaper(open, when), plant);
    deaths += lived.deaths;
    const left = whatIsLeft(lived);
    expect(left, `differs in ${differing(left)}`).toEqual(wanted);
  }
  expect([...open], 'events that nobody died at').toEqual([]);
  return deaths;
}

test('left alone it ends with the work of all, merged once, and nothing left behind', () => {
  expect(wanted).toMatchObject({ status: 'completed', files: FILES, commits: '1', twice: [] });
  expect(wanted).toMatchObject({ folders: [], worktrees: 1, leases: 0 });
  expect(wanted.points).toEqual(['agreed', 'joined']);
  expect(wanted.resolved).toEqual(['both.txt edited agent', 'rule.txt second rule']);
  expect(wanted.checks).toEqual(['sees-api 0', 'sees-page 0']);
  expect(events.size).toBeGreaterThan(200);
});

test.each(['before', 'after'] as const)(
  'killed %s every commit, it ends as if nothing had been',
  { timeout: 600_000 },
  async (when) => {
    expect(await campaign(new Set(events), when)).toBeGreaterThan(60);
  },
);

const BY = ['-c', 'user.name=b', '-c', 'user.email=b@localhost'] as const;

/** Gives one kind of effect a mistake; `again` says whether an earlier life had begun it. */
function mistaken(
  type: string,
  mistake: (done: () => Promise<unknown>, step: StepContext, again: boolean) => Promise<unknown>,
): Plant {
  const begun = new Set<string>();
  return (activities) =>
    activities.map((activity) =>
      activity.type !== type
        ? activity
        : {
            type,
            perform(input, step) {
              const again = begun.has(step.idempotencyKey);
              begun.add(step.idempotencyKey);
              return mistake(() => activity.perform(input, step), step, again);
            },
          },
    );
}

test.each<[string, RegExp, RegExp, Plant]>([
  [
    'a merge that puts its commit on the line once more',
    /^step\.completed .*\/merge$/,
    /differs in .*twice/,
    mistaken('stream.merge', async (done, { runId }, again) => {
      const outcome = await done();
      const tip = `refs/baton/tip/${runId}`;
      if (again) {
        const subject = git('log', '-1', '--format=%s', tip).trim();
        const commit = git(...BY, 'commit-tree', '-p', tip, '-m', subject, `${tip}^{tree}`).trim();
        git('update-ref', tip, commit);
      }
      return outcome;
    }),
  ],
  [
    'a stream of which nobody wrote down where it began',
    /^step\.completed .*\/open-stream$/,
    /differs in .*why/,
    mistaken('stream.open', async (done, { runId }) => {
      const opened = await done();
      for (const name of foldersOf(place.home, `${runId}.`))
        rmSync(path.join(place.home, 'workspaces', name, 'state.json'), { force: true });
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
  const near = new Set([...events].filter((name) => about.test(name)));
  expect(near.size).toBeGreaterThan(2);
  await expect(campaign(near, 'before', plant)).rejects.toThrow(shown);
});
