import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Desk, hasButton } from './support/desk.ts';
import { deskFileOf } from './support/desk-file.ts';
import { batonBranches, checkoutState, git, makeRepository } from './support/git.ts';
import { approvalCard, branchIn, goodEnd, planCard, REQUEST } from './support/job.ts';
import { World } from './support/processes.ts';

describe('bad input is answered with what happened, what was kept and what to do', () => {
  let world: World;
  let home: string;

  beforeEach(() => {
    world = new World();
    home = world.folder('home');
  });
  afterEach(async () => {
    await world.clear();
  });

  async function start(): Promise<Desk> {
    await world.baton(home);
    return new Desk(deskFileOf(home).url);
  }

  it('an unknown word: the nearest one and help, to that person only', async () => {
    const desk = await start();
    expect((await desk.orchestrate('alice', 'featre Add CSV export')).ok).toBe(true);
    const answer = await desk.message('alice', 'The answer', ({ text }) => text.includes('featre'));
    expect(answer.text).toMatch(
      /no `\/orchestrate featre`[\s\S]*Did you mean `feature`\?[\s\S]*Nothing was started/,
    );
    expect(answer.text).toContain('/orchestrate help');
    expect(answer.ephemeralFor).toBe(await desk.id('alice'));
    expect((await desk.snapshot('bob')).messages).toEqual([]);
    expect((await desk.orchestrate('bob', 'xyzzy')).ok).toBe(true);
    expect(
      (await desk.message('bob', 'The answer', ({ text }) => text.includes('xyzzy'))).text,
    ).not.toContain('Did you mean');
  });

  it('an option that does not exist here', async () => {
    const desk = await start();
    await desk.orchestrate('alice', `${REQUEST} budgt:$5`);
    const answer = await desk.message('alice', 'The answer', ({ text }) => text.includes('budget:'));
    expect(answer.text).toMatch(/no option here[\s\S]*Nothing was started/);
    expect(answer.ephemeralFor).not.toBeNull();
  });

  it('a channel the bot is not in: a DM with what to do, and nothing runs unseen', async () => {
    const desk = await start();
    expect((await desk.orchestrate('alice', REQUEST, 'random')).ok).toBe(true);
    const random = await desk.channel('alice', 'random');
    const told = await desk.message('alice', 'The DM', ({ text }) => text.includes(`<#${random}`));
    const { channels, messages } = await desk.snapshot('alice');
    expect(channels.find(({ id }) => id === told.channel)?.kind).toBe('im');
    expect(told.text).toMatch(/not a member[\s\S]*\/invite/);
    expect(told.ephemeralFor).toBeNull();
    expect(
      messages.filter(({ channel, ephemeralFor }) => channel === random && ephemeralFor === null),
    ).toEqual([]);
    expect(batonBranches(path.join(home, 'sample', 'reports'))).toEqual([]);
  });

  it('a repository that is missing, bare, empty or a file: said instead of a plan', async () => {
    const desk = await start();
    const bare = world.folder('bare');
    git(bare, 'init', '--quiet', '--bare');
    const empty = world.folder('empty');
    git(empty, 'init', '--quiet');
    const plain = world.folder('plain');
    const file = path.join(world.root, 'file.txt');
    writeFileSync(file, 'words');
    const cases = [
      { at: path.join(world.root, 'nowhere'), says: /There is nothing at .*nowhere/ },
      { at: bare, says: /bare is a bare repository.*file:\/\// },
      { at: empty, says: /empty has no commits yet.*Commit something there first/ },
      { at: plain, says: /plain is not a git repository.*git init/ },
      { at: file, says: /file\.txt is a file/ },
      { at: 'ext::sh', says: /not allowed/ },
    ];
    for (const { at, says } of cases) {
      await desk.orchestrate('alice', `${REQUEST} repo:${at}`);
      const told = await desk.message(
        'alice',
        `What is wrong with ${at}`,
        ({ text, ephemeralFor }) => ephemeralFor === null && says.test(text),
      );
      expect(told.text).toMatch(/^❌/);
      expect(told.text).toMatch(/Nothing was started/);
      expect(hasButton(told, 'plan_start')).toBe(false);
    }
  });

  it('a repository with uncommitted changes: said on the plan, and they stay as they are', async () => {
    const desk = await start();
    const dirty = makeRepository(world.folder('dirty'));
    writeFileSync(path.join(dirty, 'notes.txt'), 'not committed');
    const before = checkoutState(dirty);
    await desk.orchestrate('alice', `feature Add a greeting repo:${dirty}`);
    const plan = await planCard(desk);
    expect(plan.text).toMatch(/1 file has uncommitted changes, which are not part of the work/);
    expect(plan.text).toMatch(/No test command was recognised/);
    await desk.click('alice', plan, 'plan_cancel');
    await desk.message(
      'alice',
      'The cancelled plan',
      ({ ts, text }) => ts === plan.ts && text.includes('cancelled'),
    );
    expect(checkoutState(dirty)).toBe(before);
    expect(batonBranches(dirty)).toEqual([]);
  });

  it('a model that cannot be reached: a few tries, then a pause with Retry that works once it is there', async () => {
    const first = await world.cast('model');
    const port = Number(new URL(first.url).port);
    await first.started.end('SIGTERM');
    await world.baton(home, { OPENAI_BASE_URL: first.url, OPENAI_MODEL: 'a-model' });
    const desk = new Desk(deskFileOf(home).url);
    await desk.orchestrate('alice', REQUEST);
    const epic = await planCard(desk);
    await desk.click('alice', epic, 'plan_start');
    const paused = await desk.message(
      'alice',
      'The pause',
      (message) => message.ts === epic.ts && hasButton(message, 'run_retry'),
    );
    expect(paused.text).toMatch(
      /⏸ Paused: .*No connection to the model server at 127\.0\.0\.1.*OPENAI_BASE_URL/s,
    );
    await desk.message(
      'alice',
      'The pause in the thread',
      ({ threadTs, ts, text }) => threadTs === epic.ts && ts !== epic.ts && text.includes('No connection'),
    );

    await world.cast('model', port);
    const stranger = await desk.click('bob', paused, 'run_retry');
    expect(stranger.ok).toBe(true);
    await desk.message(
      'bob',
      'Why bob’s click changed nothing',
      ({ text, ephemeralFor }) => ephemeralFor !== null && text.includes('can do that'),
    );
    await desk.click('alice', paused, 'run_retry');
    await desk.click('alice', await approvalCard(desk), 'approval_approve');
    const end = await goodEnd(desk, epic);
    expect(batonBranches(path.join(home, 'sample', 'reports'))).toEqual([branchIn(end.text)]);
  });

  it('a click of somebody who may not, and two at once: one counts, the other is told', async () => {
    const desk = await start();
    await desk.orchestrate('alice', REQUEST);
    const epic = await planCard(desk);
    await desk.click('bob', epic, 'plan_start');
    await desk.message(
      'bob',
      'Whose plan it is',
      ({ text, ephemeralFor }) => ephemeralFor !== null && text.includes('who asked for this, can do that'),
    );
    await desk.click('alice', epic, 'plan_start');
    await desk.click('alice', epic, 'plan_start');
    const card = await approvalCard(desk);
    const clicks = await Promise.all(
      ['carol', 'bob'].map((who) => desk.click(who, card, 'approval_approve')),
    );
    expect(clicks.map(({ ok }) => ok)).toEqual([true, true]);
    const end = await goodEnd(desk, epic);
    const [carol, bob] = [await desk.id('carol'), await desk.id('bob')];
    const [winner, loser] = end.text.includes(`<@${carol}>`) ? [carol, 'bob'] : [bob, 'carol'];
    const late = await desk.message(
      loser,
      'What became of the second click',
      ({ text, ephemeralFor }) => ephemeralFor !== null && text.includes('Already approved'),
    );
    expect(late.text).toContain(`<@${winner}>`);
    expect(late.text).toContain('Your click changed nothing');
    expect(end.text).toMatch(/✅ architect[\s\S]*✅ backend[\s\S]*✅ qa[\s\S]*✅ reviewer/);
  });
});
