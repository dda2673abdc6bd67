import { rmSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Message } from '../../desk/contract.ts';
import { Desk } from './support/desk.ts';
import { deskFileOf } from './support/desk-file.ts';
import { batonBranches, git } from './support/git.ts';
import { approvalCard, branchIn, goodEnd, planCard, REQUEST } from './support/job.ts';
import { alive, type Started, World } from './support/processes.ts';

/** Milliseconds a turn of an agent takes: long enough to be stopped within. */
const CAST_DELAY_MS = '700';

describe('a Baton that is stopped and goes on, with another one started meanwhile', () => {
  let world: World;
  let home: string;
  let first: Started;
  let desk: Desk;
  let epic: Message;

  beforeEach(async () => {
    world = new World();
    home = world.folder('home');
    first = await world.baton(home, { CAST_DELAY_MS });
    desk = new Desk(deskFileOf(home).url);
    expect((await desk.orchestrate('alice', REQUEST)).ok).toBe(true);
    epic = await planCard(desk);
    await desk.click('alice', epic, 'plan_start');
    await desk.message(
      'alice',
      'An agent at work',
      ({ ts, text }) => ts === epic.ts && text.includes('⏳ architect'),
    );
    process.kill(first.pid, 'SIGSTOP');
  });
  afterEach(async () => {
    await world.clear();
  });

  /** One end, and nothing of it twice: posts, decisions, branches, commits. */
  async function expectOneEnd(): Promise<void> {
    await desk.click('alice', await approvalCard(desk), 'approval_approve');
    const end = await goodEnd(desk, epic);
    const branch = branchIn(end.text);
    const repository = path.join(home, 'sample', 'reports');
    expect(batonBranches(repository)).toEqual([branch]);
    expect(git(repository, 'rev-list', '--count', `main..${branch}`).trim()).toBe('1');
    const { messages } = await desk.snapshot('alice');
    expect(messages.filter(({ text }) => text.includes('approved this at'))).toHaveLength(1);
    expect(messages.filter(({ text }) => text.startsWith('❌ node --test'))).toHaveLength(1);
    expect((await desk.stats()).doubledPosts).toBe(0);
  }

  it('keeps its lock however long it is stopped: the other is refused, and it goes on where it was', async () => {
    const second = world.start(home, { CAST_DELAY_MS });
    expect(await second.ended).toBe(1);
    expect(second.output()).toMatch(new RegExp(`process ${first.pid}[\\s\\S]*BATON_HOME`));
    process.kill(first.pid, 'SIGCONT');
    await expectOneEnd();
    expect(alive(first.pid)).toBe(true);
  });

  it('whose lock was lost ends when it goes on, and changes and says nothing more', async () => {
    rmSync(path.join(home, 'baton.db.held'));
    const services = deskFileOf(home).pid;
    const second = await world.baton(home, { CAST_DELAY_MS });
    process.kill(first.pid, 'SIGCONT');
    expect(await first.ended).toBe(1);
    expect(first.output()).toContain('Another Baton has taken over this database');
    // What it had started for itself serves the other one now.
    expect(alive(services)).toBe(true);
    await expectOneEnd();
    expect(alive(second.pid)).toBe(true);
  });
});
