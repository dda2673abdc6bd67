import { createHash, randomUUID } from 'node:crypto';
import { z } from 'zod';
import type { Approval, ApprovalPolicy } from '../../domain/approval.ts';
import { canonicalJson } from '../../domain/json.ts';
import { type Activity, implement } from '../../ports/activity.ts';
import type { HandOverDesk, HandOverFound } from '../../ports/hand-over.ts';
import type { Store } from '../../ports/store.ts';
import type { Approvals } from '../approvals.ts';
import type { Findings } from '../findings.ts';
import { digestOf } from '../payloads.ts';
import type { Queries } from '../queries.ts';
import { pullRequestText } from './body.ts';
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
      const found = await desk.look(placeOf(request));
      const { commit, address, why } = found;
      const matches = findings.ofHandOver();
      if (matches.length === 0) return { commit, address, asked: null };
      const payload = payloadOf(request, found, findings.version);
      const to = why === null ? `to ${address}` : `nowhere, for ${why}: its patch is written`;
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
          excerpt: redact(`${request.branch} at ${commit}\n${to}\nfrom ${request.repository}`),
          excerptCut: false,
        },
        policy: await findings.policyFor(request.team, deps.defaults, matches, null),
        requestedAt: at,
        expiresAt: at + deps.defaults.expireAfterMs,
      });
      // Asked before a crash, of what was there then: only that is handed over, whatever is found now.
      const shown = shownSchema.parse(JSON.parse(stored.subject.payload));
      return { ...shown, asked: { approvalId: stored.id, policy: stored.policy } };
    }),

    implement(takeHandOver, async ({ request, approvalId }, { idempotencyKey }) => {
      const found = await desk.look(placeOf(request));
      const digest = digestOf(payloadOf(request, found, findings.version));
      const taken = await approvals.take(approvalId, idempotencyKey, digest);
      return { refused: taken.ok ? null : taken.why };
    }),

    implement(pushBranch, async ({ request, commit, address, at }, { runId }) => {
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
          evidence: { branch: request.branch, commit, ...(address == null ? {} : { address }) },
        },
        at,
      );
      return desk.push(placeOf(request), { commit, address });
    }),

    implement(openPullRequest, async ({ request, commit, address }) => {
      const told = await deps.queries().byRun(request.target);
      if (told === null) throw new Error(`The run ${request.target} is not there.`);
      const text = pullRequestText(told, redact);
      return desk.pullRequest(placeOf(request), { commit, address }, text);
    }),
  ];
}

function placeOf({ target, repository, branch, onto }: HandOverInput) {
  return { runId: target, location: repository, branch, onto };
}

const shownSchema = z.object({ commit: z.string(), address: z.string().nullable().optional() });

/** What a hand-over's approval is bound to: which commit goes where, to the address as git would resolve it. */
function payloadOf(
  { target, repository, branch, onto }: HandOverInput,
  { commit, address }: HandOverFound,
  policy: string,
): string {
  return canonicalJson({ kind: 'hand-over', target, repository, branch, onto, commit, address, policy });
}

/** The digest of what would be handed over now. @throws when there is no such branch any more */
export async function handOverDigest(
  { store, desk, findings }: Pick<HandOverDeps, 'store' | 'desk' | 'findings'>,
  approval: Approval,
): Promise<string> {
  const asking = await store.runs.status(approval.runId);
  const request = handOverInputSchema.parse(asking?.spec.input);
  return digestOf(payloadOf(request, await desk.look(placeOf(request)), findings.version));
}
