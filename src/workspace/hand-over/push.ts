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
        { network: true, timeoutMs: PUSH_TIMEOUT_MS, secretConfig: secretsFor(address, token) },
      ),
    );
  } catch (error) {
    throw explain(error, request);
  }
}

const KEPT = 'The branch is kept in the repository on this machine.';

function explain(error: unknown, { branch, address }: PushRequest): BatonError {
  const { message, code } = toFailure(error);
  if (code !== 'git_failed')
    return new BatonError(
      { class: 'transient', code: 'push_failed', message: `${branch} was not pushed: ${message} ${KEPT}` },
      error,
    );
  const refusals: readonly (readonly [RegExp, string, string])[] = [
    [
      /non-fast-forward|fetch first|stale info/i,
      'the remote’s branch holds other commits, which were left as they are',
      'Rename or delete that branch there, or merge it yourself, then hand over again.',
    ],
    [
      /protected branch|GH006|pre-receive hook declined|hook declined/i,
      'the remote does not let this branch be changed',
      'Have its rules changed, or push the branch under another name.',
    ],
    [
      /authentication failed|could not read username|permission denied|403|401|access denied/i,
      'the remote did not accept who is asking',
      'Check GITHUB_TOKEN: it needs to write contents of this repository.',
    ],
    [
      /not found|does not appear to be a git repository|does not exist/i,
      'there is no such repository, or it is not shown to this token',
      'Check the address of the remote and what the token may see.',
    ],
  ];
  const found = refusals.find(([words]) => words.test(message));
  if (found === undefined)
    return new BatonError(
      {
        class: 'transient',
        code: 'push_failed',
        message: `${branch} was not pushed to ${hostOf(address)}: ${message} ${KEPT}`,
        hint: 'Hand over again; what arrived already is found.',
      },
      error,
    );
  return new BatonError(
    {
      class: 'needs_person',
      code: 'push_refused',
      message: `${branch} was not pushed to ${hostOf(address)}: ${found[1]}. ${KEPT}`,
      hint: found[2],
    },
    error,
  );
}

function hostOf(address: string): string {
  return (
    /^[a-z]+:\/\/(?:[^@/]*@)?([^/]+)/i.exec(address)?.[1] ?? /@([^:]+):/.exec(address)?.[1] ?? 'the remote'
  );
}
