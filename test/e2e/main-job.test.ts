import { statSync } from 'node:fs';
import path from 'node:path';
import type { Browser, Locator } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { openBrowser, readable, Window } from './support/browser.ts';
import { deskFileOf } from './support/desk-file.ts';
import { ROOT, takesPictures, withoutBrowser } from './support/environment.ts';
import { batonBranches, checkoutState, git, testsOf } from './support/git.ts';
import { branchIn, REQUEST } from './support/job.ts';
import { alive, ready, type Started, World } from './support/processes.ts';
import { until } from './support/wait.ts';

const AGENTS = ['architect', 'backend', 'qa', 'reviewer'];
/** Milliseconds for the whole job, clicks included. It takes about 15 s alone; two busy cores may need far more. */
const JOB_MS = 90_000;
/** Bytes; the README is read over slow lines too. */
const PICTURE_MAX = 200 * 1_024;

describe.skipIf(withoutBrowser())('the main job in a browser', () => {
  let browser: Browser;
  let world: World;
  let home: string;
  let window: Window;
  let baton: Started;
  let repository: string;

  beforeAll(async () => {
    browser = await openBrowser();
  });
  afterAll(async () => {
    await browser.close();
  });

  /** As a person does it: `npm start` in a terminal, nothing set but where things are kept. */
  beforeEach(async () => {
    world = new World();
    home = world.folder('home');
    repository = path.join(home, 'sample', 'reports');
    world.keepsServices(home);
    baton = world.run({
      program: 'npm',
      args: ['start', '--silent'],
      env: { BATON_HOME: home, PORT: '0' },
      group: true,
    });
    await ready(baton);
    const { url } = deskFileOf(home);
    expect(baton.output()).toContain(`Open ${url}`);
    window = await Window.open(browser, url);
    await window.actAs('alice');
    await window.channel('baton-epics');
  });
  afterEach(async () => {
    await window.close();
    await world.clear();
  });

  const text = async (place: Locator): Promise<string> => readable(await place.innerText());
  const epic = (): Locator => window.messages.filter({ hasText: 'asked by' }).last();
  const card = (): Locator =>
    window.replies.filter({ has: window.page.getByRole('button', { name: 'Approve', exact: true }) });
  const button = (place: Locator, name: string): Locator => place.getByRole('button', { name, exact: true });

  async function picture(name: string): Promise<void> {
    if (!takesPictures) return;
    const file = path.join(ROOT, 'docs', 'images', name);
    await window.picture(file);
    expect(statSync(file).size).toBeLessThan(PICTURE_MAX);
  }

  async function openThread(): Promise<void> {
    await epic().hover();
    await epic()
      .getByRole('button', { name: /repl(y|ies)/i })
      .first()
      .click();
    await window.page.getByRole('log', { name: 'Replies' }).waitFor();
  }

  /** From the command to the open approval, with the thread open beside it. */
  async function toApproval(): Promise<void> {
    await window.type(`/orchestrate ${REQUEST}`);
    await button(epic(), 'Start').click();
    await until(
      'An answer in the thread',
      async () =>
        (await epic()
          .getByRole('button', { name: /^\d+ repl/ })
          .count()) > 0 || null,
    );
    await openThread();
    await card().waitFor();
  }

  async function atEnd(sign: string): Promise<string> {
    await button(epic(), 'Run again').waitFor();
    const words = await text(epic());
    expect(words).toContain(sign);
    return words;
  }

  it('goes from the command through plan, failing and passing tests and a click to a branch', async () => {
    const before = checkoutState(repository);
    const began = performance.now();
    await window.type(`/orchestrate ${REQUEST}`);

    await button(epic(), 'Start').waitFor();
    const plan = await text(epic());
    for (const agent of AGENTS) expect(plan).toContain(agent);
    expect(plan).toMatch(/Plan: .+/);
    expect(plan).toMatch(/Why: .+/);
    expect(plan).toMatch(/about \d+ (s|min)/);
    expect(plan).toMatch(/\$\d+\.\d\d/);
    expect(plan).toMatch(/Likely to touch .*src\/\S+\.js/);
    await picture('plan.png');

    const looks = await window.watch('asked by');
    await button(window.page.getByRole('complementary', { name: 'First step' }), 'Hide this hint').click();
    await button(epic(), 'Start').click();
    await epic()
      .getByRole('button', { name: /^\d+ repl/ })
      .waitFor();
    await openThread();
    await until(
      'An agent that is done, and others at work',
      async () => /✅ architect[\s\S]*⏳/.test(await text(epic())) || null,
      undefined,
      () => text(epic()),
    );
    await picture('running.png');

    await card().waitFor();
    // The question may overtake what is told at one post a second.
    const thread = () => text(window.page.getByRole('log', { name: 'Replies' }));
    await until(
      'The tests in the thread',
      async () => /❌ node --test fails[\s\S]*✅ node --test passes/.test(await thread()) || null,
      undefined,
      thread,
    );
    const asked = await text(card());
    expect(asked).toContain('Keep these changes on the branch?');
    expect(asked).toMatch(/sha256 [0-9a-f]{4}…[0-9a-f]{2}/);
    expect(asked).toMatch(/^\+.*toCsv/m);
    await until(
      'The question in the epic',
      async () => /🚨 Needs an answer: Keep these/.test(await text(epic())) || null,
      undefined,
      () => text(epic()),
    );
    await picture('approval.png');

    await button(card(), 'Approve').click();
    const end = await atEnd('✅');
    expect(performance.now() - began).toBeLessThan(JOB_MS);
    const branch = branchIn(end);
    expect(end).toMatch(/4 files, \+\d+ −\d+/);
    expect(end).toMatch(/\d+ tests pass/);
    expect(end).toContain('1 approval (@alice)');
    await until('The card without buttons', async () => (await card().count()) === 0 || null);
    await until(
      'Who approved',
      async () =>
        /@alice approved this at .*seen: [0-9a-f]{4}…/.test(
          await text(window.page.getByRole('log', { name: 'Replies' })),
        ) || null,
    );
    await picture('done.png');
    // The epic is rewritten once a second at most, so that a quick agent may never be seen at work.
    const seenAtWork = AGENTS.filter((agent) => {
      const atWork = looks.findIndex((look) => look.includes(`⏳ ${agent}`));
      return atWork !== -1 && looks.slice(atWork).some((look) => look.includes(`✅ ${agent}`));
    });
    expect(seenAtWork.length).toBeGreaterThan(0);
    for (const agent of AGENTS) expect(end).toContain(`✅ ${agent}`);

    expect(batonBranches(repository)).toEqual([branch]);
    const changed = git(repository, 'diff', '--name-only', 'main', branch).trim().split('\n');
    expect(changed).toEqual(['src/export/csv.js', 'src/index.js', 'src/page.js', 'test/csv.test.js']);
    expect(git(repository, 'diff', 'main', branch, '--', 'src/export/csv.js')).toMatch(
      /^\+export function toCsv/m,
    );
    expect(git(repository, 'log', '-1', '--format=%s', branch).trim()).toBe('Add CSV export');
    const counted = Number(/(\d+) tests pass/.exec(end)?.[1]);
    expect(testsOf(repository, branch, world.folder('export'))).toContain(`# pass ${counted}`);
    expect(checkoutState(repository)).toBe(before);
    expect(window.troubles).toEqual([]);
  });

  it('takes changes that bob asks for through the form, and then his approval', async () => {
    await toApproval();
    const first = /sha256 ([0-9a-f]{4}…[0-9a-f]{2})/.exec(await text(card()))?.[1];
    await window.actAs('bob');
    await window.channel('baton-epics');
    await openThread();
    await button(card(), 'Request changes…').click();
    const form = window.page.getByRole('dialog', { name: 'Request changes' });
    await form
      .getByRole('textbox', { name: /What should be different/ })
      .fill('Say in a note how dates are written');
    await button(form, 'Send back').click();
    await form.waitFor({ state: 'detached' });

    const replies = window.page.getByRole('log', { name: 'Replies' });
    await until(
      'What bob asked for, on the card',
      async () =>
        /@bob asked for changes[\s\S]*Say in a note how dates are written/.test(await text(replies)) || null,
    );
    await until('A new card', async () => {
      const digest =
        (await card().count()) === 1
          ? /sha256 ([0-9a-f]{4}…[0-9a-f]{2})/.exec(await text(card()))?.[1]
          : undefined;
      return (digest !== undefined && digest !== first) || null;
    });
    await button(card(), 'Approve').click();
    const end = await atEnd('✅');
    expect(end).toContain('(@bob)');
    const branch = branchIn(end);
    expect(git(repository, 'diff', 'main', branch)).toContain('Say in a note how dates are written');
    expect(batonBranches(repository)).toEqual([branch]);
    expect(window.troubles).toEqual([]);
  });

  it('takes a rejection with its reason, keeps the work, and says so', async () => {
    const before = checkoutState(repository);
    await toApproval();
    await button(card(), 'Reject…').click();
    const form = window.page.getByRole('dialog', { name: 'Reject' });
    await form.getByRole('textbox', { name: /Why/ }).fill('We export spreadsheets instead');
    await button(form, 'Reject').click();
    const end = await atEnd('❌');
    expect(end).toContain('We export spreadsheets instead');
    expect(end).toMatch(/Kept|kept/);
    const replies = window.page.getByRole('log', { name: 'Replies' });
    expect(await text(replies)).toMatch(/@alice rejected this/);
    const branch = branchIn(end);
    expect(git(repository, 'log', '-1', '--format=%B', branch)).toContain('Unfinished');
    expect(checkoutState(repository)).toBe(before);
    expect(window.troubles).toEqual([]);
  });

  it('ends at Ctrl-C together with the desk and the cast it started', async () => {
    const { pid } = deskFileOf(home);
    expect(alive(pid)).toBe(true);
    await baton.end('SIGINT');
    expect(baton.output()).toContain('work goes on where it is at the next start');
    await until('The end of the desk', () => !alive(pid) || null);
  });
});
