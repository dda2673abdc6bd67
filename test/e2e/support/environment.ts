import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** The project's own folder. */
export const ROOT = fileURLToPath(new URL('../../../', import.meta.url));

const BROWSERS = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];
const SANDBOXES = ['/usr/bin/bwrap', '/usr/local/bin/bwrap'];

function flag(name: string): boolean {
  // biome-ignore lint/style/noProcessEnv: how the tests themselves are run is told by the environment
  return process.env[name] === '1';
}

/** Whether the README's pictures are to be taken anew. */
export const takesPictures = flag('README_SHOTS');

/** Where Chromium is, or null. */
export const browserPath = BROWSERS.find((path) => existsSync(path)) ?? null;

/** Whether tests in a browser are left out here, said in a line; never where CI_REQUIRE_BROWSER=1. */
export function withoutBrowser(): boolean {
  return leftOut(
    browserPath,
    'CI_REQUIRE_BROWSER',
    'tests in a browser: install the package "chromium" to run them',
  );
}

/** Whether tests of the sandbox are left out here, said in a line; never where CI_REQUIRE_SANDBOX=1. */
export function withoutSandbox(): boolean {
  const found = SANDBOXES.find((path) => existsSync(path)) ?? null;
  return leftOut(
    found,
    'CI_REQUIRE_SANDBOX',
    'tests of the sandbox: install the package "bubblewrap" to run them',
  );
}

function leftOut(found: string | null, required: string, what: string): boolean {
  if (found !== null || flag(required)) return false;
  console.log(`Skipped ${what}.`);
  return true;
}
