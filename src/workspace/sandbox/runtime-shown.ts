import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { SandboxPlace } from './bubblewrap.ts';
import { SHOWN_ETC, SYSTEM_FOLDERS } from './sandbox-mounts.ts';
import { isThere } from './toolchain.ts';

/** Folders of an installation by Homebrew that hold programs; not those with data of services, and their settings. */
const HOMEBREW = ['Cellar', 'Frameworks', 'bin', 'include', 'lib', 'libexec', 'opt', 'sbin', 'share'];
const HOMEBREW_ETC = ['etc/ca-certificates', 'etc/openssl@3'];

/**
 * macOS: programs, frameworks, what the linker and the clock need, and what Homebrew installed. Everything but these may not
 * be read at all: neither `/Users` nor a keychain, nor what services keep.
 */
const DARWIN = [
  ...['bin', 'include', 'lib', 'libexec', 'sbin', 'share'].map((name) => `/usr/${name}`),
  '/bin',
  '/sbin',
  ...['Cryptexes', 'Library', 'Volumes/Preboot/Cryptexes', 'iOSSupport'].map((name) => `/System/${name}`),
  ...['Apple', 'Developer', 'Frameworks', 'Java'].map((name) => `/Library/${name}`),
  '/Applications/Xcode.app',
  ...['/opt/homebrew', '/usr/local'].flatMap((at) =>
    [...HOMEBREW, ...HOMEBREW_ETC].map((name) => `${at}/${name}`),
  ),
  '/dev',
  ...['hosts', 'localtime', 'protocols', 'services', 'shells', 'ssl'].map((name) => `/private/etc/${name}`),
  ...['dyld', 'timezone', 'xcode_select_link'].map((name) => `/private/var/db/${name}`),
  '/private/var/select',
];

/** Linux: what bubblewrap shows as well. */
const LINUX = ['/usr', ...SYSTEM_FOLDERS, ...SHOWN_ETC.map((name) => `/etc/${name}`)];

/** What may be read of a system; nothing else of it may. */
export function shownSystem(platform: NodeJS.Platform): readonly string[] {
  return platform === 'darwin' ? DARWIN : LINUX;
}

/**
 * What of a repository may be read: enough for `git status`, `git log` and `git diff`. Without its configuration git does
 * not work on macOS, where a file that may not be read is not the same as none; it is shown only where nothing in it could be
 * a login.
 */
export async function shownRepository({ common, gitDir }: SandboxPlace): Promise<string[]> {
  if (!(await isThere(join(common, 'objects')))) return [];
  const shown = ['objects', 'refs', 'packed-refs', 'HEAD', 'shallow'].map((name) => join(common, name));
  const config = join(common, 'config');
  const text = await readFile(config, 'utf8').catch(() => null);
  return [...shown, gitDir, ...(text !== null && mayBeShown(text) ? [config] : [])];
}

/** Whether nothing in a git configuration looks like a login, or leads to another file. A false no costs git inside. */
export function mayBeShown(config: string): boolean {
  const harmless = config.replaceAll('ssh://git@', 'ssh://');
  return !/:\/\/[^\s/]*[:@]|include|header|helper|pass|token|secret|credential|cookie|proxy|auth|key/i.test(
    harmless,
  );
}
