import { access, realpath } from 'node:fs/promises';
import { delimiter, dirname, join } from 'node:path';

/** The node that runs Baton and the npm beside it, as they are offered to commands. */
export interface Toolchain {
  readonly node: string;
  /** The folder of the npm package, and its programs; null when no npm was found. */
  readonly npm: { readonly root: string; readonly npm: string; readonly npx: string } | null;
}

/**
 * Finds npm by the search path, else beside node. Only the program and the npm package are offered to commands,
 * never the folder node stands in, which may be a person's home.
 * @param execPath process.execPath
 */
export async function findToolchain(execPath: string, searchPath: string): Promise<Toolchain> {
  const node = await realpath(execPath);
  const candidates = [...searchPath.split(delimiter), dirname(node)].filter((folder) =>
    folder.startsWith('/'),
  );
  for (const folder of candidates) {
    const npm = await realpath(join(folder, 'npm')).catch(() => null);
    if (npm === null || !npm.endsWith('/npm/bin/npm-cli.js')) continue;
    const root = dirname(dirname(npm));
    const npx = join(root, 'bin', 'npx-cli.js');
    if (await isThere(npx)) return { node, npm: { root, npm, npx } };
  }
  return { node, npm: null };
}

export async function isThere(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
