import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Message } from '../../desk/contract.ts';
import { Desk } from './support/desk.ts';
import { deskFileOf } from './support/desk-file.ts';
import { batonBranches, git, testsOf } from './support/git.ts';
import { approvalCard, branchIn, goodEnd, planCard, REQUEST } from './support/job.ts';
import { alive, type Started, World } from './support/processes.ts';

/** Milliseconds a turn of an agent takes: long enough to be seen at work in an epic that is rewritten once a second. */
const CAST_DELAY_MS = '700';

describe('kill -9 of Baton in the middle, and a start', () => {
  let world: World;
  let home: string;
  let baton: Started;
  let desk: Desk;

  beforeEach(async () => {
    world = new World();
    home = world.folder('home');
    baton = await world.baton(home, { CAST_DELAY_MS });
    desk = new Desk(deskFileOf(home).url);
    expect((await desk.orchestrate('alice', REQUEST)).ok).toBe(true);
  });
  afterEach(async () => {
    await world.clear();
  });

  /** The desk goes on through Baton's end, and the next Baton finds it again. */
  async function killAndStart(): Promise<void> {
    const { pid } = deskFileOf(home);
    expect(await baton.end('SIGKILL')).toBeNull();
    expect(alive(pid)).toBe(true);
    baton = await world.baton(home, { CAST_DELAY_MS });
    expect(deskFileOf(home).pid).toBe(pid);
  }

  /** The same end as without a kill: one branch, its tree, nothing posted or decided twice. */
  async function expectSameEnd(epic: Message): Promise<void> {
    const end = await goodEnd(desk, epic);
    const branch = branchIn(end.text);
    const repository = path.join(home, 'sample', 'reports');
    expect(batonBranches(repository)).toEqual([branch]);
    expect(git(repository, 'diff', '--name-only', 'main', branch).trim().split('\n')).toEqual([
      'src/export/csv.js',
      'src/index.js',
      'src/page.js',
      'test/csv.test.js',
    ]);
    expect(git(repository, 'rev-list', '--count', `main..${branch}`).trim()).toBe('1');
    expect(testsOf(repository, branch, world.folder('export'))).toContain('# fail 0');
    expect(git(repository, 'worktree', 'list').trim().split('\n')).toHaveLength(1);
    const { messages } = await desk.snapshot('alice');
    expect(messages.filter(({ text }) => text.includes('approved this at'))).toHaveLength(1);
    expect(messages.filter(({ text }) => text.startsWith('❌ node --test'))).toHaveLength(1);
    expect(
      messages
        .filter(({ threadTs, ts }) => threadTs === null || threadTs === ts)
        .filter(({ ephemeralFor }) => ephemeralFor === null),
    ).toHaveLength(1);
    expect(end.text).toContain('1 approval');
    expect((await desk.stats()).doubledPosts).toBe(0);
  }

  it('keeps the plan: the old Start button works', async () => {
    const epic = await planCard(desk);
    await killAndStart();
    expect((await desk.click('alice', epic, 'plan_start')).ok).toBe(true);
    await desk.click('alice', await approvalCard(desk), 'approval_approve');
    await expectSameEnd(epic);
  });

  for (const agent of ['architect', 'qa', 'reviewer']) {
    it(`goes on where it was while ${agent} was at work`, async () => {
      const epic = await planCard(desk);
      await desk.click('alice', epic, 'plan_start');
      await desk.message(
        'alice',
        `${agent} at work`,
        ({ ts, text }) => ts === epic.ts && text.includes(`⏳ ${agent}`),
      );
      await killAndStart();
      await desk.click('alice', await approvalCard(desk), 'approval_approve');
      await expectSameEnd(epic);
    });
  }

  it('keeps an open approval: the old Approve button works, for somebody else too', async () => {
    const epic = await planCard(desk);
    await desk.click('alice', epic, 'plan_start');
    const card = await approvalCard(desk);
    await killAndStart();
    expect((await desk.click('bob', card, 'approval_approve')).ok).toBe(true);
    await goodEnd(desk, epic);
    const closed = await desk.message(
      'alice',
      'The closed card',
      ({ ts, text }) => ts === card.ts && text.includes('approved this at'),
    );
    expect(closed.text).toContain(`<@${await desk.id('bob')}>`);
    await expectSameEnd(epic);
  });

  it('loses no click that Slack was told is taken', async () => {
    const epic = await planCard(desk);
    await desk.click('alice', epic, 'plan_start');
    const card = await approvalCard(desk);
    const clicked = await desk.click('alice', card, 'approval_approve');
    await killAndStart();
    expect(clicked.ok).toBe(true);
    await expectSameEnd(epic);
  });
});
