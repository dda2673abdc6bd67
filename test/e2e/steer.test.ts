import { statSync } from 'node:fs';
import path from 'node:path';
import type { Browser, Locator } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { openBrowser, readable, Window } from './support/browser.ts';
import { deskFileOf } from './support/desk-file.ts';
import { ROOT, takesPictures, withoutBrowser } from './support/environment.ts';
import { REQUEST } from './support/job.ts';
import { ready, World } from './support/processes.ts';
import { until } from './support/wait.ts';

/** Milliseconds for the whole story, with slow cores. */
const LONG_MS = 170_000;
const PICTURE_MAX = 200 * 1_024;

describe.skipIf(withoutBrowser())('a run that people steer and take back, in a browser', () => {
  let browser: Browser;
  let world: World;
  let window: Window;
  beforeAll(async () => {
    browser = await openBrowser();
  });
  afterAll(async () => {
    await browser.close();
  });
  beforeEach(async () => {
    world = new World();
    const home = world.folder('home');
    await ready(world.start(home));
    window = await Window.open(browser, deskFileOf(home).url);
  });
  afterEach(async () => {
    await window.close();
    await world.clear();
  });

  const button = (place: Locator, name: string): Locator => place.getByRole('button', { name, exact: true });
  const epic = (): Locator => window.messages.filter({ hasText: 'asked by' }).last();
  const dialog = (): Locator => window.page.getByRole('dialog');
  const reply = (words: string | RegExp): Locator => window.replies.filter({ hasText: words }).last();

  async function picture(name: string): Promise<void> {
    if (!takesPictures) return;
    const file = path.join(ROOT, 'docs', 'images', name);
    await window.picture(file);
    expect(statSync(file).size).toBeLessThan(PICTURE_MAX);
  }

  /** Writes a reply in the thread that is open. */
  async function answer(text: string): Promise<void> {
    const box = window.page.getByRole('textbox', { name: 'Reply in thread' });
    await box.fill(text);
    await box.press('Enter');
  }

  async function openThread(): Promise<void> {
    await epic()
      .getByRole('button', { name: /^\d+ repl/ })
      .waitFor();
    await epic().hover();
    await epic()
      .getByRole('button', { name: /^\d+ repl/ })
      .click();
    await window.page.getByRole('log', { name: 'Replies' }).waitFor();
  }

  it(
    'the plan is edited, words steer, and it goes back to a state it had when somebody else agrees',
    async () => {
      await window.actAs('alice');
      await window.channel('baton-epics');
      await button(window.page.getByRole('complementary', { name: 'First step' }), 'Hide this hint').click();
      await window.type(`/orchestrate ${REQUEST}`);

      await button(epic(), 'Edit plan…').click();
      await dialog().waitFor();
      await picture('edit-plan.png');
      await dialog()
        .getByRole('textbox', { name: /Budget/ })
        .fill('5');
      await dialog().locator('button[type=submit]').click();
      await until('The edited plan', async () => /budget \$5/i.test(await epic().innerText()) || null);

      await button(epic(), 'Start').click();
      await openThread();
      await answer('@Baton backend: keep the header in its own constant, it is important');
      await reply('Noted: instructions changed for backend').waitFor();
      await picture('steering.png');

      await window.replies
        .filter({ has: window.page.getByRole('button', { name: 'Approve', exact: true }) })
        .first()
        .waitFor();
      await answer('@Baton pause');
      await button(epic(), 'Roll back…').click();
      await dialog().waitFor();
      const states = dialog().locator('select').nth(1);
      const early = (await states.locator('option').allInnerTexts()).findIndex((text) =>
        /after design/.test(text),
      );
      await states.selectOption({ index: early });
      await picture('rollback-form.png');
      await dialog().locator('button[type=submit]').click();
      const ask = reply('Roll the run back to');
      await ask.waitFor();
      await ask.scrollIntoViewIfNeeded();
      await picture('rollback.png');

      await window.actAs('bob');
      await window.channel('baton-epics');
      await openThread();
      await button(reply('Roll the run back to'), 'Approve').click();
      const done = reply('git switch -c before-rollback');
      await done.waitFor();
      expect(await done.innerText()).toContain('refs/baton/lost/');

      // The work goes on from there and ends like any other.
      await window.actAs('alice');
      await window.channel('baton-epics');
      await openThread();
      const again = window.replies.filter({
        has: window.page.getByRole('button', { name: 'Approve', exact: true }),
      });
      await again.last().waitFor();
      await button(again.last(), 'Approve').click();
      await button(epic(), 'Run again').waitFor();
      expect(readable(await epic().innerText())).toContain('✅');
      expect(await button(epic(), 'Roll back…').count()).toBe(1);
      await picture('rolled-back.png');

      await window.page.getByRole('button', { name: /^App Home of/ }).click();
      await window.page.getByText('Ended lately').waitFor();
      await picture('home.png');
      expect(window.troubles).toEqual([]);
    },
    LONG_MS,
  );
});
