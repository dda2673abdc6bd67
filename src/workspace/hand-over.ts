import { mkdir, realpath, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { BatonError } from '../domain/failure.ts';
import { SYSTEM_PATH } from './bubblewrap.ts';
import { createGit } from './git.ts';
import { openPullRequest, type PullRequest } from './pull-requests.ts';
import { pushBranch } from './push.ts';
import { addressOf, headOf, locate } from './repository.ts';

/** GitHub, or a server of one's own that speaks like it. */
export interface GitHub {
  /** `https://github.com` */
  readonly server: string;
  /** `https://api.github.com` */
  readonly api: string;
  readonly token: string;
}

export interface HandOver {
  readonly home: string;
  readonly location: string;
  readonly branch: string;
  readonly runId: string;
  readonly title: string;
  readonly body: string;
  readonly github: GitHub | null;
  readonly sshAuthSock?: string | undefined;
}

export type HandedOver =
  | { readonly status: 'pull-request'; readonly commit: string; readonly pullRequest: PullRequest }
  /** There is no GitHub to open one in: the branch stays where it is, and the patch is a file. */
  | { readonly status: 'patch'; readonly commit: string; readonly file: string; readonly why: string };

const PATCH_TIMEOUT_MS = 60_000;

/**
 * Hands a run's branch over: pushed, with one pull request; where there is no GitHub, a patch file. Safe to repeat after a crash
 * at any moment: the branch goes forward only, and the pull request is found by its head and its marker.
 * Errors: needs_person `repository_unusable`, `branch_missing`, and those of the push and of GitHub.
 */
export async function handOver(input: HandOver): Promise<HandedOver> {
  await mkdir(join(input.home, 'git-home'), { recursive: true });
  const home = await realpath(input.home);
  const git = createGit({ home: join(home, 'git-home'), path: SYSTEM_PATH, sshAuthSock: input.sshAuthSock });
  const located = await locate({ git, home }, input.location, false);
  if ('problem' in located)
    throw new BatonError({ class: 'needs_person', code: 'repository_unusable', message: located.problem });
  const { repository } = located;
  const commit = await repository.git.resolve(`refs/heads/${input.branch}^{commit}`);
  if (commit === null)
    throw new BatonError({
      class: 'needs_person',
      code: 'branch_missing',
      message: `There is no branch ${input.branch} in ${input.location}, so nothing was handed over.`,
      hint: 'It is made when a run ends. Look whether the run has ended, and whether somebody deleted the branch.',
    });
  const remote = repository.config.get('remote.origin.url') ?? null;
  const target = input.github === null ? null : targetOf(remote, input.github);
  if (target === null || input.github === null) {
    const why = input.github === null ? 'GITHUB_TOKEN is not set' : 'the remote is not on that GitHub';
    const patch = await repository.git.run(
      [
        'log',
        '-1',
        '-p',
        '-m',
        '--first-parent',
        '--binary',
        '--no-ext-diff',
        '--no-textconv',
        '--no-show-signature',
        '--no-mailmap',
        '--no-color',
        '--format=email',
        commit,
      ],
      { timeoutMs: PATCH_TIMEOUT_MS },
    );
    const file = join(home, 'patches', `${input.runId}.patch`);
    await mkdir(join(home, 'patches'), { recursive: true });
    // Bytes as they are: not every file is UTF-8.
    await writeFile(`${file}.making`, patch.stdout);
    await rename(`${file}.making`, file);
    return { status: 'patch', commit, file, why };
  }
  const { token, api } = input.github;
  const { branch } = input;
  await pushBranch(git, home, { common: repository.common, commit, branch, address: target.address, token });
  const { branch: onto } = await headOf(repository, git);
  const place = { api, token, owner: target.owner, repo: target.repo };
  const text = { head: branch, base: onto, title: input.title, body: input.body, marker: `baton:${branch}` };
  return { status: 'pull-request', commit, pullRequest: await openPullRequest(place, text) };
}

/** The repository on GitHub that a remote's address names, and where to push; null when it is none of it. */
export function targetOf(
  remote: string | null,
  github: Pick<GitHub, 'server'>,
): { readonly owner: string; readonly repo: string; readonly address: string } | null {
  if (remote === null) return null;
  const host = new URL(github.server).host;
  const names = '([\\w.-]+)/([\\w.-]+?)(?:\\.git)?/?$';
  const quoted = host.replaceAll('.', '\\.');
  const https = new RegExp(`^https://(?:[^@/]*@)?${quoted}/${names}`, 'i').exec(remote);
  const ssh = new RegExp(`^(?:ssh://)?(?:[\\w.-]+@)${quoted}(?::\\d+)?[:/]${names}`, 'i').exec(remote);
  const file = github.server.startsWith('file://') && remote.startsWith(`${github.server}/`);
  const [, owner, repo] =
    https ?? ssh ?? (file ? /([\w.-]+)\/([\w.-]+?)(?:\.git)?$/.exec(remote) : null) ?? [];
  if (owner === undefined || repo === undefined) return null;
  // What may stand in a remote's address beside the names (a user, a password) does not come along.
  const address = https === null ? remote : `https://${host}/${owner}/${repo}.git`;
  return file || addressOf(address) !== null ? { owner, repo, address } : null;
}
