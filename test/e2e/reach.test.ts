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

/** Milliseconds for job and waiting, with slow cores. */
const LONG_MS = 120_000;
const PICTURE_MAX = 200 * 1_024;

/** What nobody answers, by the seconds: so the chain is seen without waiting for it. */
function settings(bob: string, carol: string, channel: string): string {
  return `
approvals:
  people: [${bob}]
  escalate_to: [${carol}]
  four_eyes: true
  remind_after: 2s
  escalate_after: 5s
  expire_after: 1h
  escalation: { quiet_hours: none }
channels:
  escalations: ${channel}
`;
}

describe.skipIf(withoutBrowser())('a question that reaches somebody, in a browser', () => {
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
    const desk = new Desk(deskFileOf(home).url);
    const config = path.join(world.root, 'baton.yaml');
    const channel = await desk.channel('alice', 'escalations');
    writeFileSync(config, settings(await desk.id('bob'), await desk.id('carol'), channel));
    await first.end('SIGTERM');
    await ready(world.start(home, { BATON_CONFIG: config }));
    window = await Window.open(browser, deskFileOf(home).url);
  }, LONG_MS);
  afterEach(async () => {
    await window.close();
    await world.clear();
  });

  const button = (place: Locator, name: string): Locator => place.getByRole('button', { name, exact: true });
  const said = (words: string | RegExp): Locator => window.messages.filter({ hasText: words }).last();

  async function directMessages(): Promise<void> {
    await window.page.getByRole('button', { name: /^Direct message with Baton/ }).click();
  }

  async function picture(name: string): Promise<void> {
    if (!takesPictures) return;
    const file = path.join(ROOT, 'docs', 'images', name);
    await window.picture(file);
    expect(statSync(file).size).toBeLessThan(PICTURE_MAX);
  }

  it(
    'reminder, channel, direct message, deputy, a word, and every card closed',
    async () => {
      await window.actAs('alice');
      await window.channel('baton-epics');
      const hint = window.page.getByRole('complementary', { name: 'First step' });
      await button(hint, 'Hide this hint').click();
      await window.type(`/orchestrate ${REQUEST}`);
      const epic = window.messages.filter({ hasText: 'asked by' }).last();
      await button(epic, 'Start').click();
      await epic.getByRole('button', { name: /^\d+ repl/ }).waitFor();
      await epic.hover();
      await epic.getByRole('button', { name: /^\d+ repl/ }).click();
      const reminder = window.replies.filter({ hasText: 'still waiting for a decision' });
      await reminder.waitFor();
      await picture('reminder.png');

      await window.actAs('bob');
      await window.channel('escalations');
      await said('A person is needed').waitFor();
      await directMessages();
      await said('you are one of those who decide').waitFor();

      await window.actAs('carol');
      await directMessages();
      await said('next in line').waitFor();
      await window.type('approve?');
      await said('write APPROVE or REJECT and nothing else').waitFor();
      await picture('deputy.png');
      await window.type('APPROVE');
      await said('Noted: approved').waitFor();
      await said('approved this').waitFor();

      await window.actAs('alice');
      await directMessages();
      const told = said('asked by direct message');
      await until(
        'What came of it, in the message that told of each step',
        async () => /approved this/.test(await told.innerText()) || null,
        undefined,
        () => told.innerText(),
      );
      expect(readable(await told.innerText())).toMatch(
        /said in the channel[\s\S]*Bob[\s\S]*Carol[\s\S]*approved/i,
      );
      expect(await window.messages.filter({ hasText: 'asked by direct message' }).count()).toBe(1);
      await picture('told.png');

      // Every copy of the card is closed, where nobody clicked as well.
      await window.channel('escalations');
      const raised = said('approved this');
      await raised.waitFor();
      expect(await button(raised, 'Approve').count()).toBe(0);
      await window.channel('baton-epics');
      await button(epic, 'Run again').waitFor();
      expect(readable(await epic.innerText())).toContain('✅');
      expect(window.troubles).toEqual([]);
    },
    LONG_MS,
  );
});
