import { createHash } from 'node:crypto';
import { mkdir, realpath, rename, rm, stat } from 'node:fs/promises';
import { isAbsolute, join, resolve } from 'node:path';
import { toFailure } from '../domain/failure.ts';
import { type BoundGit, type Git, withoutCredentials } from './git/git.ts';

/** Milliseconds. A first clone of a large repository over a slow line; it can be repeated and then goes on quickly. */
const FETCH_TIMEOUT_MS = 15 * 60_000;

/** A repository that can be worked with. All paths are real ones. */
export interface Repository {
  readonly kind: 'checkout' | 'mirror';
  /** The folder of the user's checkout, or of our copy. */
  readonly top: string;
  /** Where branches and objects live: `.git` of the main checkout, also when `top` is a linked worktree. */
  readonly common: string;
  readonly config: ReadonlyMap<string, string>;
  /** Bound to `common`, without a worktree. */
  readonly git: BoundGit;
  /** Things to know that do not stop the work. */
  readonly warnings: readonly string[];
}

export type Located = { readonly repository: Repository } | { readonly problem: string };

interface Context {
  readonly git: Git;
  readonly home: string;
}

/** Finds the repository a location stands for. URLs are fetched into a bare copy of ours when `fetch` says so. */
export async function locate(context: Context, location: string, fetch: boolean): Promise<Located> {
  if (location.trim() === '')
    return { problem: 'No repository is set. Set BATON_REPOSITORY to a path or an address.' };
  if (location.includes('\0')) return { problem: 'The location of the repository contains a NUL character.' };
  const address = addressOf(location);
  if (address === null) return locatePath(context, resolve(location));
  if ('problem' in address) return address;
  return locateMirror(context, address.url, fetch);
}

/**
 * A location as a URL, null when it is a path, or why the address is not taken. Only https, ssh and file are
 * allowed: other transports (`ext::`) run programs.
 */
export function addressOf(location: string): { url: string } | { problem: string } | null {
  if (isAbsolute(location) || location.startsWith('.') || location.startsWith('~')) return null;
  const allowed = 'Use a path, or an address that begins with https://, ssh:// or file://.';
  const scheme = /^([a-z][a-z0-9+.-]*):(:|\/\/)/i.exec(location);
  if (scheme?.[2] === ':')
    return { problem: `“${scheme[1]}::” addresses run programs and are not allowed. ${allowed}` };
  if (scheme !== null) {
    if (!['https', 'ssh', 'file'].includes((scheme[1] ?? '').toLowerCase())) {
      return { problem: `“${scheme[1]}://” addresses are not allowed. ${allowed}` };
    }
    if (/^https:\/\/[^/]*@/i.test(location) || /^\w+:\/\/[^/@]*:[^/@]*@/.test(location)) {
      return {
        problem:
          'The address contains a name or password. Clone the repository yourself and give its path, or use ssh://.',
      };
    }
    if (/^ssh:\/\/-/i.test(location)) return { problem: `The address is not a valid one. ${allowed}` };
    return { url: location };
  }
  return /^[\w.-]+@[\w.-]+:(?!\/\/)[^\\]/.test(location) ? { url: location } : null;
}

async function locatePath(context: Context, path: string): Promise<Located> {
  const info = await stat(path).catch(() => null);
  if (info === null) {
    return { problem: `There is nothing at ${path}. Check the path, or give the repository's address.` };
  }
  if (!info.isDirectory()) return { problem: `${path} is a file. Give the folder of the repository.` };
  const cwd = await realpath(path);
  const worktrees = await realpath(context.home).then((home) => join(home, 'worktrees'));
  if (`${cwd}/`.startsWith(`${worktrees}/`)) {
    return { problem: `${path} is a worktree Baton made for a run. Give the repository it came from.` };
  }
  if (await looksBare(cwd)) {
    return {
      problem: `${path} is a bare repository, which has no files to work from. Give a clone of it, or its address as file://${path}.`,
    };
  }
  const finder = await bindOrProblem(context.git, cwd);
  if ('problem' in finder) return finder;
  const { code, stdout } = await finder.bound.run(
    ['rev-parse', '--path-format=absolute', '--show-toplevel', '--git-common-dir'],
    { answers: [128] },
  );
  if (code !== 0) {
    return (await ownedByAnother(cwd))
      ? {
          problem: `${path} belongs to another user, so git does not trust it. Run Baton as its owner, or clone it for yourself.`,
        }
      : {
          problem: `${path} is not a git repository. Run “git init” and commit there, or give another path.`,
        };
  }
  const [topLine, commonLine] = stdout.toString('utf8').trimEnd().split('\n');
  if (topLine === undefined || commonLine === undefined)
    return { problem: `${path} is not a git repository.` };
  const top = await realpath(topLine);
  const common = await realpath(commonLine);
  const config = await context.git.config({ cwd: common, gitDir: common });
  if (
    [...config.keys()].some((key) => /^(?:extensions\.partialclone|remote\.[\s\S]*\.promisor)$/.test(key))
  ) {
    return {
      problem: `${path} is a partial clone, so files would be missing. Clone it whole, then give that path.`,
    };
  }
  const warnings = top === cwd ? [] : [`${path} lies within ${top}: the whole of that repository is used.`];
  const git = await context.git.bind({ cwd: common, gitDir: common });
  return { repository: { kind: 'checkout', top, common, config, git, warnings } };
}

async function bindOrProblem(git: Git, cwd: string): Promise<{ bound: BoundGit } | { problem: string }> {
  try {
    return { bound: await git.bind({ cwd }) };
  } catch (error) {
    return { problem: `git cannot read the configuration of ${cwd}: ${toFailure(error).message}` };
  }
}

async function looksBare(folder: string): Promise<boolean> {
  const parts = ['HEAD', 'objects', 'refs'].map((name) =>
    stat(join(folder, name)).then(
      () => true,
      () => false,
    ),
  );
  return (await Promise.all(parts)).every(Boolean);
}

async function ownedByAnother(folder: string): Promise<boolean> {
  const entry = await stat(join(folder, '.git')).catch(() => null);
  return entry !== null && process.getuid !== undefined && entry.uid !== process.getuid();
}

/** A bare copy whose remote branches stay under refs/remotes, so that a fetch never touches our branches. */
async function locateMirror(context: Context, url: string, fetch: boolean): Promise<Located> {
  const shown = withoutCredentials(url);
  const folder = join(
    context.home,
    'repositories',
    `${createHash('sha256').update(url).digest('hex').slice(0, 20)}.git`,
  );
  const present = await stat(folder).then(
    () => true,
    () => false,
  );
  const warnings: string[] = [];
  if (!present || fetch) {
    try {
      await (present ? fetchInto(context.git, folder, url) : cloneInto(context.git, folder, url));
    } catch (error) {
      const words = toFailure(error).message;
      if (!present) {
        return {
          problem: `${shown} could not be fetched (${words}). Check the address and your access, then try again.`,
        };
      }
      warnings.push(`${shown} could not be reached, so the copy fetched before is used.`);
    }
  }
  const common = await realpath(folder);
  const config = await context.git.config({ cwd: common, gitDir: common });
  const git = await context.git.bind({ cwd: common, gitDir: common });
  return { repository: { kind: 'mirror', top: common, common, config, git, warnings } };
}

async function cloneInto(git: Git, folder: string, url: string): Promise<void> {
  const making = `${folder}.making`;
  await rm(making, { recursive: true, force: true });
  await mkdir(making, { recursive: true });
  const outside = await git.bind({ cwd: making });
  await outside.run(['init', '--quiet', '--bare', '--template=', '--', making]);
  const bound = await git.bind({ cwd: making, gitDir: making });
  await bound.run(['config', 'remote.origin.url', url]);
  await fetchInto(git, making, url);
  await rename(making, folder);
}

async function fetchInto(git: Git, folder: string, url: string): Promise<void> {
  const bound = await git.bind({ cwd: folder, gitDir: folder });
  const network = { network: true, timeoutMs: FETCH_TIMEOUT_MS };
  await bound.run(
    [
      'fetch',
      '--quiet',
      '--no-tags',
      '--prune',
      '--no-write-fetch-head',
      '--',
      url,
      '+refs/heads/*:refs/remotes/origin/*',
    ],
    network,
  );
  const heads = await bound.text(['ls-remote', '--symref', '--', url, 'HEAD'], network);
  const target = /^ref: refs\/heads\/(\S+)\tHEAD$/m.exec(heads)?.[1];
  if (target !== undefined) {
    await bound.run(['symbolic-ref', 'refs/remotes/origin/HEAD', `refs/remotes/origin/${target}`]);
  }
}

/** The commit work starts from and the branch it is on: HEAD of a checkout, the default branch of a copy. */
export async function headOf(
  repository: Repository,
  git: Git,
): Promise<{ head: string | null; branch: string | null }> {
  const place = repository.kind === 'checkout' ? await git.bind({ cwd: repository.top }) : repository.git;
  const name = repository.kind === 'checkout' ? 'HEAD' : 'refs/remotes/origin/HEAD';
  const symbolic = await place.run(['symbolic-ref', '--quiet', name], { answers: [1, 128] });
  const ref = symbolic.stdout.toString('utf8').trim();
  const head = await place.resolve(`${name}^{commit}`);
  const branch = symbolic.code === 0 ? ref.replace(/^refs\/(?:heads|remotes\/origin)\//, '') : null;
  return { head, branch };
}
