import { z } from 'zod';
import type { Json } from '../domain/json.ts';

/** What a delivery of GitHub says, as an event of Baton's. */
export interface FromGithub {
  readonly name: 'code-pushed' | 'test-failed';
  readonly payload: Json;
  /** When it happened, in milliseconds since the epoch. */
  readonly at: number;
}

const repository = z.object({ full_name: z.string() });
const sender = z.object({ login: z.string() });
const FAILURES: ReadonlySet<string> = new Set(['failure', 'timed_out']);

const push = z.object({
  ref: z.string(),
  before: z.string(),
  after: z.string(),
  deleted: z.boolean().default(false),
  compare: z.string().optional(),
  /** Seconds here, though a date elsewhere. */
  repository: repository.extend({ pushed_at: z.number() }),
  sender,
  commits: z.array(z.unknown()).default([]),
  head_commit: z.object({ message: z.string() }).nullish(),
});

const workflowRun = z.object({
  action: z.string(),
  repository,
  sender,
  workflow_run: z.object({
    name: z.string().nullish(),
    head_branch: z.string().nullish(),
    head_sha: z.string(),
    conclusion: z.string().nullish(),
    html_url: z.string(),
    updated_at: z.iso.datetime({ offset: true }),
    display_title: z.string().optional(),
  }),
});

const checkRun = z.object({
  action: z.string(),
  repository,
  sender,
  check_run: z.object({
    name: z.string(),
    head_sha: z.string(),
    conclusion: z.string().nullish(),
    html_url: z.string(),
    completed_at: z.iso.datetime({ offset: true }).nullish(),
    output: z.object({ title: z.string().nullish(), summary: z.string().nullish() }).optional(),
    check_suite: z.object({ head_branch: z.string().nullish() }).optional(),
  }),
});

const LONGEST = 2_000;
const short = (text: string): string => (text.length > LONGEST ? `${text.slice(0, LONGEST - 1)}…` : text);

/**
 * A push becomes `code-pushed`, a check or workflow that ended badly `test-failed`; null for all else. Pure.
 * @throws ZodError when it is not what GitHub sends under that name
 */
export function fromGithub(kind: string, body: unknown): FromGithub | null {
  switch (kind) {
    case 'push':
      return pushed(push.parse(body));
    case 'workflow_run':
      return workflowEnded(workflowRun.parse(body));
    case 'check_run':
      return checkEnded(checkRun.parse(body));
    default:
      return null;
  }
}

function pushed(given: z.infer<typeof push>): FromGithub | null {
  const branch = /^refs\/heads\/(.+)$/.exec(given.ref)?.[1];
  if (branch === undefined || given.deleted) return null;
  const title = given.head_commit?.message.split('\n')[0];
  return {
    name: 'code-pushed',
    at: given.repository.pushed_at * 1_000,
    payload: {
      repository: given.repository.full_name,
      branch,
      commit: given.after,
      before: given.before,
      by: given.sender.login,
      commits: given.commits.length,
      ...(title === undefined ? {} : { title: short(title) }),
      ...(given.compare === undefined ? {} : { url: given.compare }),
    },
  };
}

function workflowEnded({
  action,
  repository: { full_name },
  sender: { login },
  workflow_run: run,
}: z.infer<typeof workflowRun>): FromGithub | null {
  if (action !== 'completed' || !FAILURES.has(run.conclusion ?? '')) return null;
  return {
    name: 'test-failed',
    at: Date.parse(run.updated_at),
    payload: {
      repository: full_name,
      check: short(run.name ?? 'workflow'),
      commit: run.head_sha,
      by: login,
      url: run.html_url,
      summary: short(run.display_title ?? run.conclusion ?? ''),
      ...(run.head_branch == null ? {} : { branch: run.head_branch }),
    },
  };
}

function checkEnded({
  action,
  repository: { full_name },
  sender: { login },
  check_run: run,
}: z.infer<typeof checkRun>): FromGithub | null {
  if (action !== 'completed' || !FAILURES.has(run.conclusion ?? '') || run.completed_at == null) return null;
  const branch = run.check_suite?.head_branch;
  return {
    name: 'test-failed',
    at: Date.parse(run.completed_at),
    payload: {
      repository: full_name,
      check: short(run.name),
      commit: run.head_sha,
      by: login,
      url: run.html_url,
      summary: short(run.output?.title ?? run.output?.summary ?? run.conclusion ?? ''),
      ...(branch == null ? {} : { branch }),
    },
  };
}
