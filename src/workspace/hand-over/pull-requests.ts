import { z } from 'zod';
import { BatonError } from '../../domain/failure.ts';
import type { PullRequest } from '../../ports/hand-over.ts';

/** Milliseconds one request may take. */
const REQUEST_TIMEOUT_MS = 30_000;

export interface PullRequestPlace {
  /** `https://api.github.com`, or that of an own server. */
  readonly api: string;
  readonly token: string;
  readonly owner: string;
  readonly repo: string;
}

export interface PullRequestText {
  readonly head: string;
  /** Null: the repository's default branch. */
  readonly base: string | null;
  readonly title: string;
  readonly body: string;
  /** In the body, invisible: by it and the head Baton knows its own. */
  readonly marker: string;
}

const listedSchema = z.object({ number: z.number(), html_url: z.string(), body: z.string().nullish() });

/**
 * Exactly one pull request per head: the one that is there is updated where it is Baton's own, and left as it is where somebody
 * else wrote it. So it may be repeated after a crash at any moment.
 * Errors: needs_person `github_refused`, transient `github_failed`.
 */
export async function openPullRequest(place: PullRequestPlace, text: PullRequestText): Promise<PullRequest> {
  const quiet = () => undefined;
  // Its library is read with the first pull request: no start should wait for it.
  const { Octokit } = await import('@octokit/rest');
  const octokit = new Octokit({
    auth: place.token,
    baseUrl: place.api.replace(/\/$/, ''),
    log: { debug: quiet, info: quiet, warn: quiet, error: quiet },
  });
  const at = { owner: place.owner, repo: place.repo };
  const timed = () => ({ request: { signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS) } });
  const body = `${text.body}\n\n<!-- ${text.marker} -->\n`;
  const settle = async (): Promise<PullRequest | null> => {
    const { data } = await octokit.rest.pulls.list({
      ...at,
      ...timed(),
      head: `${place.owner}:${text.head}`,
      state: 'open',
      per_page: 100,
    });
    const open = z.array(listedSchema).parse(data);
    const own = open.find((each) => each.body?.includes(`<!-- ${text.marker} -->`) === true);
    const there = own ?? open[0];
    if (there === undefined) return null;
    const found = { number: there.number, url: there.html_url };
    if (own === undefined) return { ...found, done: 'found' };
    await octokit.rest.pulls.update({ ...at, ...timed(), pull_number: own.number, title: text.title, body });
    return { ...found, done: 'updated' };
  };
  try {
    const there = await settle();
    if (there !== null) return there;
    const base = text.base ?? (await octokit.rest.repos.get({ ...at, ...timed() })).data.default_branch;
    const wanted = { ...at, head: text.head, base, title: text.title, body, maintainer_can_modify: true };
    try {
      const { data } = await octokit.rest.pulls.create({ ...wanted, ...timed() });
      return { number: data.number, url: data.html_url, done: 'opened' };
    } catch (error) {
      // Somebody, or an attempt whose answer was lost, was quicker.
      if (statusOf(error) !== 422) throw error;
      const made = await settle();
      if (made === null) throw error;
      return made;
    }
  } catch (error) {
    throw explain(error, place);
  }
}

function statusOf(error: unknown): number | null {
  return z.object({ status: z.number() }).safeParse(error).data?.status ?? null;
}

const KEPT = 'The branch is pushed and stays.';

function explain(error: unknown, { owner, repo, token }: PullRequestPlace): BatonError {
  const status = statusOf(error);
  const words: Readonly<Record<number, readonly [string, string]>> = {
    401: ['GitHub does not accept the token', 'Set GITHUB_TOKEN to one that is valid, then hand over again.'],
    403: [
      'the token may not open pull requests there',
      'It needs to write pull requests of this repository.',
    ],
    404: ['there is no such repository, or it is not shown to this token', 'Check what the token may see.'],
    422: [
      'GitHub takes no pull request for this branch',
      'Most often there is nothing new on it, or its base is not there.',
    ],
  };
  const said = status === null ? undefined : words[status];
  const detail = error instanceof Error ? error.message.replaceAll(token, '…').slice(0, 300) : '';
  if (said !== undefined)
    return new BatonError({
      class: 'needs_person',
      code: 'github_refused',
      message: `No pull request was opened in ${owner}/${repo}: ${said[0]}. ${KEPT}`,
      hint: status === 422 ? `${said[1]} It said: ${detail}` : said[1],
    });
  return new BatonError({
    class: 'transient',
    code: 'github_failed',
    message: `No pull request was opened in ${owner}/${repo}: GitHub ${status === null ? 'did not answer' : `answered ${status}`}. ${KEPT}`,
    hint: 'Hand over again: what is there already is found, and nothing is opened twice.',
  });
}
