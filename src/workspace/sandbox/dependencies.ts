import { lstat, readdir, readFile, readlink, realpath } from 'node:fs/promises';
import { basename, dirname, join, relative } from 'node:path';
import { isThere } from './toolchain.ts';

/** Files that pin what is installed beside them; equal files mean that the same is needed. */
const NODE_LOCKS = [
  'package-lock.json',
  'npm-shrinkwrap.json',
  'yarn.lock',
  'pnpm-lock.yaml',
  'bun.lock',
  'bun.lockb',
];
const PYTHON_LOCKS = [
  'poetry.lock',
  'uv.lock',
  'pdm.lock',
  'Pipfile.lock',
  'requirements.txt',
  'pyproject.toml',
];
const PHP_LOCKS = ['composer.lock'];
const RUBY_LOCKS = ['Gemfile.lock'];
/** Where the checkout's packages are shown inside the sandbox. */
const SHOWN = '/opt/baton/packages';
/** Packages of a monorepo that have a folder of their own for what is installed. */
const MAX_NESTED = 100;
/** Entries of one such folder; scopes count once. */
const MAX_ENTRIES = 5_000;

/**
 * What was installed in a checkout, for worktrees of the same repository, which hold only what git holds. As options of
 * bwrap: all of it read-only, and what is written beside it is gone with the command.
 */
export async function dependencyMounts(common: string, worktree: string): Promise<string[]> {
  if (basename(common) !== '.git') return [];
  const checkout = dirname(common);
  const mounts: string[] = [];
  if (await sameLock(NODE_LOCKS, checkout, worktree)) {
    const folders = [checkout, ...(await workspacePackages(checkout))];
    for (const [at, folder] of folders.entries())
      mounts.push(
        ...(await nodeModules(folder, join(worktree, relative(checkout, folder)), `${SHOWN}/${at}`)),
      );
  }
  for (const name of ['.venv', 'venv'])
    if (await usable(checkout, worktree, name, PYTHON_LOCKS)) {
      const from = join(checkout, name);
      // Its scripts name it by the path it was made at.
      mounts.push('--ro-bind', from, join(worktree, name), '--ro-bind', from, from);
    }
  for (const locks of [PHP_LOCKS, RUBY_LOCKS])
    if (await usable(checkout, worktree, 'vendor', locks))
      mounts.push('--ro-bind', join(checkout, 'vendor'), join(worktree, 'vendor'));
  return mounts;
}

/**
 * A folder that can be written, as some tools keep their caches in it, with a link to each installed package. Links of the
 * folder's own stay what they are: to a package of the repository they then lead into the worktree.
 */
async function nodeModules(from: string, to: string, shown: string): Promise<string[]> {
  const installed = join(from, 'node_modules');
  if (!(await isFilled(installed)) || !(await isThere(to)) || (await isFilled(join(to, 'node_modules'))))
    return [];
  const target = join(to, 'node_modules');
  const inside = `${shown}/node_modules`;
  const mounts = ['--ro-bind', await realpath(installed), inside, '--tmpfs', target];
  for (const entry of (await readdir(installed, { withFileTypes: true })).slice(0, MAX_ENTRIES)) {
    const leads = entry.isSymbolicLink()
      ? await readlink(join(installed, entry.name)).catch(() => null)
      : null;
    if (entry.name.startsWith('@') && entry.isDirectory())
      mounts.push(...(await scope(installed, entry.name, target, inside)));
    // Caches: made anew where they are wanted.
    else if (/^\.(?:cache|vite|vite-temp|vitest)$/.test(entry.name)) continue;
    else mounts.push('--symlink', leads ?? `${inside}/${entry.name}`, `${target}/${entry.name}`);
  }
  return mounts;
}

/** The packages of a scope one by one: some may be the repository's own. */
async function scope(installed: string, name: string, target: string, inside: string): Promise<string[]> {
  const mounts: string[] = [];
  for (const entry of await readdir(join(installed, name), { withFileTypes: true })) {
    const path = `${name}/${entry.name}`;
    const leads = entry.isSymbolicLink() ? await readlink(join(installed, path)).catch(() => null) : null;
    mounts.push('--symlink', leads ?? `${inside}/${path}`, `${target}/${path}`);
  }
  return mounts;
}

/** Folders of a monorepo with packages of their own: those two levels down that have both files. */
async function workspacePackages(checkout: string): Promise<string[]> {
  const found: string[] = [];
  for (const group of await folders(checkout))
    for (const folder of [group, ...(await folders(group))])
      if (found.length < MAX_NESTED && (await isThere(join(folder, 'package.json')))) found.push(folder);
  return found;
}

async function folders(parent: string): Promise<string[]> {
  const entries = await readdir(parent, { withFileTypes: true }).catch(() => []);
  return entries
    .filter((entry) => entry.isDirectory() && !entry.name.startsWith('.') && entry.name !== 'node_modules')
    .map(({ name }) => join(parent, name));
}

async function usable(
  checkout: string,
  worktree: string,
  name: string,
  locks: readonly string[],
): Promise<boolean> {
  return (
    (await isFilled(join(checkout, name))) &&
    !(await isFilled(join(worktree, name))) &&
    (await sameLock(locks, checkout, worktree))
  );
}

/** Whether the first lock file that the checkout has is the same in the worktree. */
async function sameLock(names: readonly string[], checkout: string, worktree: string): Promise<boolean> {
  for (const name of names) {
    const wanted = await readFile(join(checkout, name)).catch(() => null);
    if (wanted === null) continue;
    const here = await readFile(join(worktree, name)).catch(() => null);
    return here?.equals(wanted) === true;
  }
  return false;
}

/** Whether it is a folder, no link, with something in it. */
async function isFilled(folder: string): Promise<boolean> {
  const info = await lstat(folder).catch(() => null);
  return info?.isDirectory() === true && (await readdir(folder)).length > 0;
}
