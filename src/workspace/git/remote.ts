import { randomUUID } from 'node:crypto';
import { copyFile, mkdir, rm, writeFile } from 'node:fs/promises';
import { isAbsolute, join } from 'node:path';
import { addressOf } from '../repository.ts';
import type { BoundGit, Git, GitOptions } from './git.ts';
import type { GitHub } from './github.ts';

/** Milliseconds; a list of heads is small. */
const ASK_TIMEOUT_MS = 60_000;

/**
 * Git in an empty repository of ours, from which a remote is spoken to: nothing in the configuration of the person's repository
 * (rewritten addresses, helpers, hooks, proxies) has a part in it, and nothing is written there. Gone when the work ends.
 * @param borrow whose objects it has, and how they are named
 */
export async function fromCleanPlace<T>(
  git: Git,
  home: string,
  borrow: { readonly common: string; readonly format: 'sha1' | 'sha256' } | null,
  work: (clean: BoundGit) => Promise<T>,
): Promise<T> {
  const folder = join(home, 'pushes', `${randomUUID()}.git`);
  await mkdir(folder, { recursive: true });
  try {
    const outside = await git.bind({ cwd: folder });
    const format = `--object-format=${borrow?.format ?? 'sha1'}`;
    await outside.run(['init', '--quiet', '--bare', '--template=', format, '--', folder]);
    if (borrow !== null) {
      await mkdir(join(folder, 'objects', 'info'), { recursive: true });
      await writeFile(join(folder, 'objects', 'info', 'alternates'), `${join(borrow.common, 'objects')}\n`);
      await copyFile(join(borrow.common, 'shallow'), join(folder, 'shallow')).catch(() => undefined);
    }
    return await work(await git.bind({ cwd: folder, gitDir: folder }));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** The token for this host alone, through git's environment; where it redirects to is not followed. */
export function secretsFor(
  address: string,
  token: string | null,
): Required<Pick<GitOptions, 'secretConfig' | 'secrets'>> {
  if (token === null || !address.startsWith('https://')) return { secretConfig: [], secrets: [] };
  const basic = Buffer.from(`x-access-token:${token}`).toString('base64');
  const secretConfig = [
    { key: `http.${new URL(address).origin}/.extraHeader`, value: `Authorization: Basic ${basic}` },
    { key: 'http.followRedirects', value: 'false' },
  ];
  return { secretConfig, secrets: [token, basic] };
}

/**
 * Where `git push origin` would go: `pushurl` before `url`, rewritten as `insteadOf` and `pushInsteadOf` of the repository say.
 * Null: there is no origin, or more than one such address.
 */
export async function pushAddress(bound: BoundGit): Promise<string | null> {
  const asked = await bound.run(['remote', 'get-url', '--push', '--all', 'origin'], { answers: [2, 128] });
  const [address, ...others] = asked.stdout.toString('utf8').trim().split('\n');
  return asked.code !== 0 || address === undefined || address === '' || others.length > 0 ? null : address;
}

/** What the remote has now, by ref, which is nothing where there is none; null when it did not say. */
export async function remoteHeads(
  git: Git,
  home: string,
  address: string | null,
  github: GitHub | null,
): Promise<ReadonlyMap<string, string> | null> {
  if (address === null) return new Map();
  // What may stand in an address beside the place (a user, a password) does not come along.
  const plain = address.replace(/^(https:\/\/)[^@/]*@/i, '$1');
  const known = addressOf(plain);
  if (known === null ? !isAbsolute(plain) : 'problem' in known) return null;
  const isOurs = github !== null && plain.toLowerCase().startsWith(`${github.server.toLowerCase()}/`);
  const secrets = secretsFor(plain, isOurs ? github.token : null);
  try {
    const text = await fromCleanPlace(git, home, null, (clean) =>
      clean.text(['ls-remote', '--heads', '--', plain], {
        network: true,
        timeoutMs: ASK_TIMEOUT_MS,
        ...secrets,
      }),
    );
    return new Map(
      text.split('\n').flatMap((line): [string, string][] => {
        const [commit = '', ref = ''] = line.split('\t');
        return ref === '' ? [] : [[ref, commit]];
      }),
    );
  } catch {
    return null;
  }
}
