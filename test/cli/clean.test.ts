import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Core } from '../../src/compose/core.ts';
import { readPolicy } from '../../src/policy/approval-settings.ts';
import type { Clock } from '../../src/ports/clock.ts';
import { systemClock } from '../../src/system-clock.ts';
import { coreAt, followRun, openPlace, type Place, startRun, when, workflowOf } from '../support/core.ts';
import { git } from '../workspace/support.ts';

const BATON = fileURLToPath(new URL('../../bin/baton.mjs', import.meta.url));
const DAY = 86_400_000;

/** Runs of a real Baton, three weeks and five days ago, and what became of their branches since. */
const FATES = {
  'merged long ago': { daysAgo: 21, done: 'merged' },
  'merged lately': { daysAgo: 5, done: 'merged' },
  'pushed long ago': { daysAgo: 21, done: 'pushed' },
  'pushed lately': { daysAgo: 5, done: 'pushed' },
  'left alone': { daysAgo: 21, done: 'nothing' },
} as const;
type Fate = keyof typeof FATES;

let place: Place;
let repository: string;
let remote: string;
/** Milliseconds by which the cores' clock is behind. */
let behind = 0;
const branches = new Map<Fate | 'still open', { readonly branch: string; readonly runId: string }>();

async function coreAgo(daysAgo: number): Promise<Core> {
  behind = daysAgo * DAY;
  const clock: Clock = { ...systemClock, now: () => systemClock.now() - behind };
  const core = await coreAt(place, {
    clock,
    repository,
    policy: readPolicy({ remind_after: '1000h', escalate_after: '2000h', expire_after: '3000h' }, {}),
    extraWorkflows: [
      workflowOf('touch', { kind: 'command', id: 'touch', run: ['sh', '-c', 'date +%N%s > made.txt'] }),
      workflowOf('ask', { kind: 'approval', id: 'keep', title: 'Keep it?', why: 'Built.' }),
    ],
  });
  core.engine.recover();
  return core;
}

/** A home with all of these runs, no Baton at work in it. */
async function lived(): Promise<void> {
  place = await openPlace('name: none\nroles: {}\n');
  repository = join(place.home, 'web');
  remote = join(place.home, 'web.git');
  mkdirSync(repository);
  git(repository, 'init', '-q', '-b', 'main');
  writeFileSync(join(repository, 'README.md'), 'hello\n');
  git(repository, 'add', '-A');
  git(repository, 'commit', '-q', '-m', 'First');
  git(place.home, 'clone', '-q', '--bare', repository, remote);
  git(repository, 'remote', 'add', 'origin', remote);
  for (const daysAgo of [21, 5]) {
    const core = await coreAgo(daysAgo);
    for (const fate of names().filter((each) => FATES[each].daysAgo === daysAgo)) {
      const runId = await startRun(core, 'touch', fate, fate);
      const ended = await followRun(core, runId);
      if (ended?.status !== 'completed') throw new Error(`${fate} is ${ended?.status}`);
      branches.set(fate, { branch: ended.branch, runId });
    }
    if (daysAgo === 21) {
      // It asks, and nobody has answered since.
      const runId = await startRun(core, 'ask', 'still open', 'still open');
      await when(core, async () => (await core.store.approvals.ofRun(runId)).length > 0);
      branches.set('still open', { branch: '', runId });
    }
    await core.stop();
  }
  for (const fate of names()) {
    const { branch } = of(fate);
    if (FATES[fate].done === 'pushed') git(repository, 'push', '-q', 'origin', branch);
    if (FATES[fate].done === 'merged')
      git(repository, 'merge', '-q', '-X', 'theirs', '--no-ff', '-m', 'Merge', branch);
  }
}
// Six runs of a whole Baton.
beforeAll(lived, 180_000);
afterAll(() => place.close());

const names = (): Fate[] => [
  'merged long ago',
  'merged lately',
  'pushed long ago',
  'pushed lately',
  'left alone',
];
function of(fate: Fate | 'still open') {
  const found = branches.get(fate);
  if (found === undefined) throw new Error(`no ${fate}`);
  return found;
}
const refs = () => git(repository, 'for-each-ref', '--format=%(refname)').split('\n');
/** What Baton has of a run: its branch, its states. */
const left = (fate: Fate | 'still open') =>
  refs().filter(
    (ref) =>
      /^refs\/(?:heads|baton)\//.test(ref) &&
      [of(fate).branch, of(fate).runId].some((part) => part !== '' && ref.includes(part)),
  );

/** As somebody types it. */
async function baton(...args: string[]): Promise<{ readonly code: unknown; readonly said: string }> {
  const child = spawn(process.execPath, [BATON, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: '/usr/local/bin:/usr/bin:/bin', HOME: place.home, BATON_HOME: place.home },
  });
  const chunks: Buffer[] = [];
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => chunks.push(chunk));
  const [code] = await once(child, 'close');
  return { code, said: Buffer.concat(chunks).toString() };
}

const safe = ['merged long ago', 'merged lately', 'pushed long ago'] as const;
const kept = ['pushed lately', 'left alone', 'still open'] as const;

test('baton clean --dry-run says what would go and what stays, and beside a Baton at work nothing goes', async () => {
  const before = refs();
  for (const fate of names()) expect(left(fate).length, fate).toBeGreaterThan(1);
  const { code, said } = await baton('clean', '--dry-run');
  expect(code).toBe(0);
  for (const fate of safe) expect(said).toContain(`would remove refs/heads/${of(fate).branch} (`);
  expect(said).toContain(`keeps refs/heads/${of('pushed lately').branch}: it ended not long ago`);
  expect(said).toContain(`keeps refs/heads/${of('left alone').branch}: it exists nowhere else`);
  expect(said).toContain('Nothing was changed.');
  const core = await coreAgo(0);
  try {
    const beside = await baton('clean');
    expect(beside.code).toBe(1);
    expect(beside.said).toMatch(/Another Baton.* is using this database/);
    expect(beside.said).not.toMatch(/^\s+at /m);
  } finally {
    await core.stop();
  }
  expect(refs()).toEqual(before);
});

test('baton clean takes what is safe elsewhere, records it, and leaves all else as it was', async () => {
  const before = kept.map(left);
  const { code, said } = await baton('clean');
  expect(code).toBe(0);
  expect(said).toMatch(/^Removed 3 branches and [1-9]\d* saved states that are safe elsewhere\./);
  expect(said).toContain(`kept refs/heads/${of('left alone').branch}: it exists nowhere else`);
  for (const fate of safe) expect(left(fate), fate).toEqual([]);
  expect(kept.map(left)).toEqual(before);
  expect(git(remote, 'rev-parse', '--verify', of('pushed long ago').branch)).toMatch(/^[0-9a-f]{40}$/);
  expect((await baton('history', of('merged long ago').runId)).said).toContain('decision.clean by baton');
  expect((await baton('audit', 'verify')).code).toBe(0);
  expect((await baton('clean')).said).toContain('Removed 0 branches and 0 saved states');
});
