import { mkdir, realpath, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { BatonError } from '../../domain/failure.ts';
import type {
  HandOverDesk,
  HandOverPlace,
  HandOverShown,
  PullRequest,
  Pushed,
} from '../../ports/hand-over.ts';
import { createGit, withoutCredentials } from '../git/git.ts';
import type { GitHub } from '../git/github.ts';
import { pushAddress } from '../git/remote.ts';
import { addressOf, headOf, locate, type Repository } from '../repository.ts';
import { SYSTEM_PATH } from '../sandbox/bubblewrap.ts';
import { openPullRequest } from './pull-requests.ts';
import { pushBranch } from './push.ts';

export interface HandOverSettings {
  readonly home: string;
  /** Null: no token. */
  readonly github: GitHub | null;
  readonly sshAuthSock?: string | undefined;
  /** A PEM file of authorities trusted beside the usual ones, for https. */
  readonly extraAuthorities?: string | undefined;
}

export interface HandOver extends HandOverSettings, HandOverPlace {
  readonly title: string;
  readonly body: string;
}

export type HandedOver =
  | { readonly status: 'pull-request'; readonly commit: string; readonly pullRequest: PullRequest }
  | Extract<Pushed, { status: 'patch' }>;

const PATCH_TIMEOUT_MS = 60_000;

/** Hands a run's branch over in one go. Errors: those of the desk. */
export async function handOver(input: HandOver): Promise<HandedOver> {
  const desk = createHandOverDesk(input);
  const found = await desk.look(input);
  const pushed = await desk.push(input, found);
  if (pushed.status === 'patch') return pushed;
  const { commit } = pushed;
  return { status: 'pull-request', commit, pullRequest: await desk.pullRequest(input, found, input) };
}

/** Real git, and GitHub over HTTPS. The token is in nothing but their requests. */
export function createHandOverDesk(settings: HandOverSettings): HandOverDesk {
  const at = async ({ location, branch }: HandOverPlace) => {
    await mkdir(join(settings.home, 'git-home'), { recursive: true });
    const home = await realpath(settings.home);
    const { sshAuthSock, extraAuthorities } = settings;
    const git = createGit({ home: join(home, 'git-home'), path: SYSTEM_PATH, sshAuthSock, extraAuthorities });
    const located = await locate({ git, home }, location, false);
    if ('problem' in located)
      throw new BatonError({ class: 'needs_person', code: 'repository_unusable', message: located.problem });
    const { repository } = located;
    const remote = await pushAddress(repository.git);
    const target = settings.github === null ? null : targetOf(remote, settings.github);
    const commit = await repository.git.resolve(`refs/heads/${branch}^{commit}`);
    return { home, git, repository, target, commit };
  };
  return {
    async look(place) {
      const { commit, target } = await at(place);
      if (commit === null) throw branchMissing(place);
      return { commit, address: target?.address ?? null, why: target === null ? whyNowhere(settings) : null };
    },
    async push(place, shown) {
      const { home, git, repository, target } = await at(place);
      const { github } = settings;
      const { commit } = shown;
      sameRemote(shown, target?.address ?? null, 'Nothing was pushed; the branch is kept as it is.');
      if ((await repository.git.resolve(`${commit}^{commit}`)) === null) throw branchMissing(place);
      if (target === null || github === null) {
        const file = await writePatch(home, repository, place.runId, commit);
        return { status: 'patch', commit, file, why: whyNowhere(settings) };
      }
      const { branch } = place;
      const { address } = target;
      await pushBranch(git, home, {
        common: repository.common,
        commit,
        branch,
        address,
        token: github.token,
      });
      return { status: 'pushed', commit };
    },
    async pullRequest(place, shown, { title, body }) {
      const { git, repository, target } = await at(place);
      const { github } = settings;
      if (target === null || github === null)
        throw new BatonError({
          class: 'needs_person',
          code: 'github_refused',
          message: `No pull request was opened: ${github === null ? 'GITHUB_TOKEN is not set any more' : 'the remote is not on that GitHub any more'}. The branch is pushed and stays.`,
          hint: 'Set it back to what it was, then hand over again.',
        });
      sameRemote(shown, target.address, 'The branch is pushed and stays, without a pull request.');
      const onto = place.onto ?? (await headOf(repository, git)).branch;
      const to = { api: github.api, token: github.token, owner: target.owner, repo: target.repo };
      const { branch } = place;
      return openPullRequest(to, { head: branch, base: onto, title, body, marker: `baton:${branch}` });
    },
  };
}

function whyNowhere({ github }: HandOverSettings): string {
  return github === null ? 'GITHUB_TOKEN is not set' : 'the remote is not on that GitHub';
}

/** @throws needs_person `remote_changed` where it would go elsewhere than was shown */
function sameRemote({ address }: HandOverShown, now: string | null, kept: string): void {
  if (address === undefined || address === now) return;
  const name = (where: string | null) => (where === null ? 'nowhere' : withoutCredentials(where));
  throw new BatonError({
    class: 'needs_person',
    code: 'remote_changed',
    message: `The address of origin changed on the way: it was to go to ${name(address)}, and now it would go to ${name(now)}. ${kept}`,
    hint: 'Look who changed it, then hand over again.',
  });
}

function branchMissing({ branch, location }: HandOverPlace): BatonError {
  return new BatonError({
    class: 'needs_person',
    code: 'branch_missing',
    message: `There is no branch ${branch} in ${location}, so nothing was handed over.`,
    hint: 'It is made when a run ends. Look whether the run has ended, and whether somebody deleted the branch.',
  });
}

async function writePatch(
  home: string,
  repository: Repository,
  runId: string,
  commit: string,
): Promise<string> {
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
  const file = join(home, 'patches', `${runId}.patch`);
  await mkdir(join(home, 'patches'), { recursive: true });
  // Bytes as they are: not every file is UTF-8.
  await writeFile(`${file}.making`, patch.stdout);
  await rename(`${file}.making`, file);
  return file;
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
