import { createHash, randomUUID } from 'node:crypto';
import type { Approval, ApprovalPolicy } from '../../domain/approval.ts';
import { canonicalJson } from '../../domain/json.ts';
import { type Activity, implement } from '../../ports/activity.ts';
import type { HandOverDesk } from '../../ports/hand-over.ts';
import type { Store } from '../../ports/store.ts';
import type { Approvals } from '../approvals.ts';
import type { Findings } from '../findings.ts';
import { digestOf } from '../payloads.ts';
import type { Queries } from '../queries.ts';
import { pullRequestBody, pullRequestTitle } from './body.ts';
import {
  askHandOver,
  type HandOverInput,
  handOverInputSchema,
  openPullRequest,
  pushBranch,
  takeHandOver,
} from './contracts.ts';

export interface HandOverDeps {
  readonly desk: HandOverDesk;
  readonly store: Pick<Store, 'runs' | 'approvals' | 'decisions'>;
  readonly queries: () => Pick<Queries, 'byRun'>;
  readonly approvals: Approvals;
  readonly findings: Findings;
  readonly defaults: ApprovalPolicy;
  readonly redact: (text: string) => string;
}

/** Asking about a hand-over, and its deeds. Each may be repeated after a crash. */
export function handOverActivities(deps: HandOverDeps): Activity[] {
  const { desk, store, approvals, findings, redact } = deps;
  return [
    implement(askHandOver, async ({ request, at }, { runId, key, idempotencyKey }) => {
      const commit = await desk.commitOf(placeOf(request));
      const matches = findings.ofHandOver();
      if (matches.length === 0) return { commit, asked: null };
      const payload = payloadOf(request, commit, findings.version);
      const stored = await store.approvals.open({
        id: `apr_${createHash('sha256').update(idempotencyKey).digest('hex').slice(0, 20)}`,
        nonce: randomUUID(),
        runId,
        key,
        team: request.team,
        requester: request.by,
        subject: {
          title: `Hand ${request.branch} over?`,
          why: 'Its branch is pushed, and a pull request is opened or brought up to date.',
          risk: 'What is pushed can be read by whoever reads the remote; nothing is merged by this.',
          payload,
          digest: digestOf(payload),
          excerpt: redact(`${request.branch} at ${commit}\n${request.repository}`),
          excerptCut: false,
        },
        policy: await findings.policyFor(request.team, deps.defaults, matches, null),
        requestedAt: at,
        expiresAt: at + deps.defaults.expireAfterMs,
      });
      return { commit, asked: { approvalId: stored.id, policy: stored.policy } };
    }),

    implement(takeHandOver, async ({ request, approvalId }, { idempotencyKey }) => {
      const commit = await desk.commitOf(placeOf(request));
      const digest = digestOf(payloadOf(request, commit, findings.version));
      const taken = await approvals.take(approvalId, idempotencyKey, digest);
      return { refused: taken.ok ? null : taken.why };
    }),

    implement(pushBranch, async ({ request, commit, at }, { runId }) => {
      await store.decisions.record(
        request.target,
        {
          id: `dec_${runId}`,
          kind: 'hand-over',
          actor: request.by,
          actorKind: 'person',
          choice: 'hand over',
          reason: `${request.branch} as it was at ${commit.slice(0, 12)}`,
          alternatives: [],
          evidence: { branch: request.branch, commit },
        },
        at,
      );
      return desk.push(placeOf(request), commit);
    }),

    implement(openPullRequest, async ({ request }) => {
      const told = await deps.queries().byRun(request.target);
      const { session, view, decisions } = told ?? { session: null, view: null, decisions: [] };
      const words = {
        runId: request.target,
        request: session?.request ?? request.branch,
        requester: session?.requester ?? request.by,
        status: view?.result?.status ?? 'failed',
        summary: view?.result?.summary ?? '',
        decisions: decisions.toSorted((a, b) => a.at - b.at),
        costUsd: view?.costUsd ?? null,
      };
      return desk.pullRequest(placeOf(request), {
        title: redact(pullRequestTitle(words)),
        body: redact(pullRequestBody(words)),
      });
    }),
  ];
}

function placeOf({ target, repository, branch, onto }: HandOverInput) {
  return { runId: target, location: repository, branch, onto };
}

/** What a hand-over's approval is bound to: which commit goes where. */
function payloadOf(
  { target, repository, branch, onto }: HandOverInput,
  commit: string,
  policy: string,
): string {
  return canonicalJson({ kind: 'hand-over', target, repository, branch, onto, commit, policy });
}

/** The digest of what would be handed over now. @throws when there is no such branch any more */
export async function handOverDigest(
  { store, desk, findings }: Pick<HandOverDeps, 'store' | 'desk' | 'findings'>,
  approval: Approval,
): Promise<string> {
  const asking = await store.runs.status(approval.runId);
  const request = handOverInputSchema.parse(asking?.spec.input);
  return digestOf(payloadOf(request, await desk.commitOf(placeOf(request)), findings.version));
}
