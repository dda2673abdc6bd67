import { writeFileSync } from 'node:fs';
import { type Browser, type BrowserContext, chromium, type Locator, type Page } from 'playwright-core';
import { browserPath } from './environment.ts';
import { smallPng } from './png.ts';

/** Enough for a headless browser in a container that speaks to 127.0.0.1 only. */
const QUIET = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];
/** The size of the README's pictures, in CSS pixels. */
const SIZE = { width: 1_280, height: 800 };
const PATIENCE_MS = 60_000;

export async function openBrowser(): Promise<Browser> {
  if (browserPath === null) throw new Error('CI_REQUIRE_BROWSER=1, but no Chromium is installed');
  return chromium.launch({ executablePath: browserPath, args: QUIET });
}

/** Signs are pictures with their character beside them, which a browser reads as a line of its own. */
export function readable(shown: string): string {
  return shown.replace(/\n*([✅⏳🚨❌▫⏸⏭])\uFE0F?\s+/gu, '\n$1 ');
}

/** One person's window on the desk. What the page complains about is collected in `troubles`. */
export class Window {
  readonly page: Page;
  readonly troubles: string[] = [];
  readonly #context: BrowserContext;

  private constructor(context: BrowserContext, page: Page) {
    this.#context = context;
    this.page = page;
    page.setDefaultTimeout(PATIENCE_MS);
    page.on('pageerror', (error) => this.troubles.push(error.message));
    page.on('console', (message) => {
      if (message.type() === 'error') this.troubles.push(message.text());
    });
  }

  static async open(browser: Browser, url: string): Promise<Window> {
    const context = await browser.newContext({ viewport: SIZE, reducedMotion: 'reduce' });
    const opened = new Window(context, await context.newPage());
    await opened.page.goto(url);
    await opened.page.getByRole('navigation', { name: 'Workspace' }).waitFor();
    return opened;
  }

  async close(): Promise<void> {
    await this.#context.close();
  }

  async actAs(name: string): Promise<void> {
    await this.page.getByRole('button', { name: `Act as ${name}`, exact: true }).click();
    await this.page.getByText(`acting as ${name}`).waitFor();
  }

  async channel(name: string): Promise<void> {
    await this.page.getByRole('button', { name: new RegExp(`^Channel ${name}(,|$)`) }).click();
    await this.page.getByRole('heading', { name: `#${name}` }).waitFor();
  }

  /** Types into the channel's composer, as a person does, and sends with Enter. */
  async type(text: string): Promise<void> {
    const box = this.page.getByRole('main').getByRole('textbox');
    await box.pressSequentially(text);
    await box.press('Enter');
  }

  /** Messages of the channel, the thread beside it not counted. */
  get messages(): Locator {
    return this.page.getByRole('log', { name: 'Messages' }).getByRole('article');
  }

  get replies(): Locator {
    return this.page.getByRole('log', { name: 'Replies' }).getByRole('article');
  }

  /** Notes every look the last message with these words takes from now on, each once. */
  async watch(words: string): Promise<readonly string[]> {
    const looks: string[] = [];
    await this.page.exposeFunction('noteLook', (look: string) => {
      if (looks.at(-1) !== readable(look)) looks.push(readable(look));
    });
    await this.page.evaluate((wanted) => {
      const note = (): void => {
        const messages = [
          ...document.querySelectorAll<HTMLElement>('[role=log][aria-label=Messages] article'),
        ];
        const look = messages.findLast(({ innerText }) => innerText.includes(wanted))?.innerText;
        if (look !== undefined) Reflect.get(globalThis, 'noteLook')(look);
      };
      new MutationObserver(note).observe(document.body, {
        subtree: true,
        childList: true,
        characterData: true,
      });
      note();
    }, words);
    return looks;
  }

  async picture(file: string): Promise<void> {
    await this.page.mouse.move(0, 0);
    writeFileSync(file, smallPng(await this.page.screenshot({ animations: 'disabled' })));
  }
}
