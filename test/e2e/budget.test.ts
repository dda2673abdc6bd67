import { statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Browser, Locator } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { openBrowser, readable, Window } from './support/browser.ts';
import { Desk } from './support/desk.ts';
import { deskFileOf } from './support/desk-file.ts';
import { ROOT, takesPictures, withoutBrowser } from './support/environment.ts';
import { REQUEST } from './support/job.ts';
import { ready, World } from './support/processes.ts';
import { until } from './support/wait.ts';

/** Milliseconds for the whole story, with slow cores. */
const LONG_MS = 170_000;
const PICTURE_MAX = 200 * 1_024;
/** Calls of models: a rehearsal costs nothing, but its calls are counted. */
const CALLS = 6;

const settings = (bob: string): string => `
approvals: { people: [${bob}] }
budget: { turns: ${CALLS} }
`;

describe.skipIf(withoutBrowser())('a budget that is used up, in a browser', () => {
  let browser: Browser;
  let world: World;
  let window: Window;
  beforeAll(async () => {
    browser = await openBrowser();
  });
  afterAll(async () => {
    await browser.close();
  });

  /** A first start brings the desk its people, whose ids the settings of the second name. */
  beforeEach(async () => {
    world = new World();
    const home = world.folder('home');
    const first = world.start(home);
    await ready(first);
    const config = path.join(world.root, 'baton.yaml');
    writeFileSync(config, settings(await new Desk(deskFileOf(home).url).id('bob')));
    await first.end('SIGTERM');
    await ready(world.start(home, { BATON_CONFIG: config }));
    window = await Window.open(browser, deskFileOf(home).url);
  }, LONG_MS);
  afterEach(async () => {
    await window.close();
    await world.clear();
  });

  const button = (place: Locator, name: string | RegExp): Locator => place.getByRole('button', { name });
  const epic = (): Locator => window.messages.filter({ hasText: 'asked by' }).last();
  const dialog = (): Locator => window.page.getByRole('dialog');
  const home = (): Locator => window.page.getByRole('main');

  async function picture(name: string): Promise<void> {
    if (!takesPictures) return;
    const file = path.join(ROOT, 'docs', 'images', name);
    await window.picture(file);
    expect(statSync(file).size).toBeLessThan(PICTURE_MAX);
  }

  async function openThread(): Promise<void> {
    const replies = epic().getByRole('button', { name: /^\d+ repl/ });
    await replies.waitFor();
    await epic().hover();
    await replies.click();
    await window.page.getByRole('log', { name: 'Replies' }).waitFor();
  }

  async function openHome(): Promise<void> {
    await window.page.getByRole('button', { name: /^App Home of/ }).click();
    await home().getByText('Waiting for you').waitFor();
  }

  async function raise(to: string): Promise<void> {
    await dialog().waitFor();
    await dialog()
      .getByRole('textbox', { name: /budget|calls|Raise/i })
      .fill(to);
  }

  it(
    'is raised by another amount on its card and in the App Home, where the work is approved, too',
    async () => {
      await window.actAs('alice');
      await window.channel('baton-epics');
      await button(window.page.getByRole('complementary', { name: 'First step' }), 'Hide this hint').click();
      await window.type(`/orchestrate ${REQUEST}`);
      await button(epic(), 'Start').click();

      // Whoever decides presses the card in the thread; too little is told in the form.
      await window.actAs('bob');
      await window.channel('baton-epics');
      await openThread();
      const cards = window.replies.filter({ hasText: 'Raise the budget' });
      await button(cards.last(), 'Another amount…').waitFor();
      await cards.last().scrollIntoViewIfNeeded();
      await picture('budget.png');
      await button(cards.last(), 'Another amount…').click();
      await raise(String(CALLS + 2));
      await picture('budget-form.png');
      await raise('1');
      await dialog().locator('button[type=submit]').click();
      await dialog().getByText('which it has used').nth(1).waitFor();
      await raise(String(CALLS + 2));
      await dialog().locator('button[type=submit]').click();
      const closed = window.replies.filter({ hasText: `Raise to ${CALLS + 2} model calls` });
      await closed.first().waitFor();
      expect(await button(closed.first(), /Raise|Another amount|Stop/).count()).toBe(0);

      // It goes on to that, and asks again: this time it is answered in the App Home.
      await openHome();
      await button(home(), 'Another amount…').waitFor();
      await picture('home-waiting.png');
      await button(home(), 'Another amount…').click();
      await raise('60');
      await dialog().locator('button[type=submit]').click();
      await dialog().waitFor({ state: 'detached' });

      await home().getByText('Keep these changes on the branch?').waitFor();
      await button(home(), 'Approve').click();
      await home().getByText('Nothing. You will get a message when there is something.').waitFor();

      await window.channel('baton-epics');
      await button(epic(), 'Run again').waitFor();
      const end = readable(await epic().innerText());
      expect(end).toContain('✅');
      expect(end).toContain('3 approvals');
      await openThread();
      await until('Every card closed', async () =>
        (await button(window.replies, /^(Approve|Another amount…|Stop)$/).count()) === 0 ? true : null,
      );
      expect(window.troubles).toEqual([]);
    },
    LONG_MS,
  );
});
