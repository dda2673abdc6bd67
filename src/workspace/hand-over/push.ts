import { BatonError, toFailure } from '../../domain/failure.ts';
import type { Git } from '../git/git.ts';
import { fromCleanPlace, secretsFor } from '../git/remote.ts';

/** Milliseconds; a first push of a large branch over a slow line. */
const PUSH_TIMEOUT_MS = 10 * 60_000;

export interface PushRequest {
  /** Where the objects are: `.git` of the main checkout, or a copy of ours. */
  readonly common: string;
  readonly commit: string;
  readonly branch: string;
  /** Where it goes; https, ssh or file. */
  readonly address: string;
  /** For https. Goes to git through its environment, bound to the address's host. */
  readonly token: string | null;
}

/**
 * Puts a commit on a branch of a remote; only forward, never over what is there. Safe to repeat.
 * Errors: needs_person `push_refused`, transient `push_failed`.
 */
export async function pushBranch(git: Git, home: string, request: PushRequest): Promise<void> {
  const { common, commit, branch, address, token } = request;
  const format = commit.length === 64 ? 'sha256' : 'sha1';
  try {
    await fromCleanPlace(git, home, { common, format }, (clean) =>
      clean.run(
        [
          'push',
          '--quiet',
          '--no-verify',
          '--no-signed',
          '--no-recurse-submodules',
          '--',
          address,
          `${commit}:refs/heads/${branch}`,
        ],
        { network: true, timeoutMs: PUSH_TIMEOUT_MS, ...secretsFor(address, token) },
      ),
    );
  } catch (error) {
    throw explain(error, request);
  }
}

const KEPT = 'The branch is kept in the repository on this machine.';
/** Characters of the remote's own words that are shown. */
const MAX_SAID_CHARS = 200;

/** What git's own words mean, the first that fits; the remote's words are no ground for any of it. */
const REFUSALS: readonly (readonly [RegExp, string, string])[] = [
  [
    /non-fast-forward|fetch first|stale info/i,
    'the remote’s branch holds other commits, which were left as they are',
    'Rename or delete that branch there, or merge it yourself, then hand over again.',
  ],
  [
    /certificate verification|certificate problem|certificate subject|SSL: no alternative|local issuer|self.signed/i,
    'the server’s certificate is by no authority that is known here, so nothing was sent to it, the token neither',
    'Name a PEM file with the authority’s certificate in NODE_EXTRA_CA_CERTS, restart Baton, then hand over again.',
  ],
  [
    /\[remote rejected\](?!.*\((?:failed to update ref|cannot lock ref|unpacker error))/,
    'the remote does not let this branch be changed',
    'Have its rules changed, or push the branch under another name.',
  ],
  [
    /authentication failed|could not read username|permission denied|returned error: 40[13]|HTTP 40[13]|access denied/i,
    'the remote did not accept who is asking',
    'Check GITHUB_TOKEN: it needs to write contents of this repository.',
  ],
  [
    /not found|returned error: 404|does not appear to be a git repository|does not exist/i,
    'there is no such repository, or it is not shown to this token',
    'Check the address of the remote and what the token may see.',
  ],
];

function explain(error: unknown, { branch, address }: PushRequest): BatonError {
  const failure = toFailure(error);
  if (failure.code === 'authorities_unreadable')
    return new BatonError({ ...failure, message: `${branch} was not pushed: ${failure.message} ${KEPT}` });
  if (failure.code !== 'git_failed')
    return new BatonError(
      {
        class: 'transient',
        code: 'push_failed',
        message: `${branch} was not pushed: ${failure.message} ${KEPT}`,
      },
      error,
    );
  const lines = failure.message.replace(/^git push failed:? ?/, '').split('\n');
  const git = lines.filter((line) => !line.startsWith('remote:')).join('\n');
  const remote = lines.flatMap((line) => /^remote:(.*)$/.exec(line)?.[1]?.trim() ?? []).join(' ');
  const said = remote.trim() === '' ? '' : ` It said: “${remote.trim().slice(0, MAX_SAID_CHARS)}”.`;
  const found = REFUSALS.find(([words]) => words.test(git));
  if (found === undefined)
    return new BatonError({
      class: 'transient',
      code: 'push_failed',
      message: `${branch} was not pushed to ${hostOf(address)}: ${git}${said} ${KEPT}`,
      hint: 'Hand over again; what arrived already is found.',
    });
  return new BatonError({
    class: 'needs_person',
    code: 'push_refused',
    message: `${branch} was not pushed to ${hostOf(address)}: ${found[1]}.${said} ${KEPT}`,
    hint: found[2],
  });
}

function hostOf(address: string): string {
  return (
    /^[a-z]+:\/\/(?:[^@/]*@)?([^/]+)/i.exec(address)?.[1] ?? /@([^:]+):/.exec(address)?.[1] ?? 'the remote'
  );
}
