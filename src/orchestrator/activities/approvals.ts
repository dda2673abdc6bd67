import { createHash, randomUUID } from 'node:crypto';
import type { ApprovalPolicy, ApprovalSubject } from '../../domain/approval.ts';
import { BatonError } from '../../domain/failure.ts';
import { whyOf } from '../../policy/requirements.ts';
import {
  checkChanges,
  checkCommand,
  expireApproval,
  holdApproval,
  nudgeApproval,
  openApproval,
} from '../../ports/activities.ts';
import { type Activity, implement } from '../../ports/activity.ts';
import type { DecisionStore } from '../../ports/decisions.ts';
import type { ApprovalStore } from '../../ports/store.ts';
import { withdrawQuestions } from '../contracts.ts';
import type { Findings } from '../findings.ts';
import { contentOf, digestOf, type PayloadDeps, type Subject, snapshotLabel } from '../payloads.ts';

export interface ApprovalDeps {
  readonly approvals: ApprovalStore;
  readonly decisions: DecisionStore;
  readonly payloads: PayloadDeps;
  /** What a node does not say itself. */
  readonly defaults: ApprovalPolicy;
  readonly findings: Findings;
}

/** Asking people, asking again, and letting the clock decide. */
export function approvalActivities(deps: ApprovalDeps): Activity[] {
  const { approvals, decisions, payloads, defaults, findings } = deps;
  const { registry } = payloads;
  return [
    implement(openApproval, async (input, { runId, key, idempotencyKey }) => {
      const session = await registry.input(runId);
      const content = await contentOf(payloads, runId, input.subject, snapshotLabel(key), input.at);
      const own = completePolicy(defaults, input.policy, session.requester);
      const policy = await withTriggers(deps, own, runId, input.subject, content.tree);
      const asked = policy.requirements.map(({ why }) => why);
      const subject: ApprovalSubject = {
        title: input.title,
        why: input.why,
        risk: [...new Set(asked), input.risk].filter(Boolean).join('. '),
        payload: content.payload,
        digest: digestOf(content.payload),
        excerpt: content.excerpt,
        excerptCut: content.cut,
        ...(content.labels === undefined ? {} : { labels: content.labels }),
        ...(input.lastEditor === undefined ? {} : { lastEditor: input.lastEditor }),
      };
      const stored = await approvals.open({
        id: `apr_${createHash('sha256').update(idempotencyKey).digest('hex').slice(0, 20)}`,
        nonce: randomUUID(),
        runId,
        key,
        team: session.team,
        requester: session.requester,
        subject,
        policy,
        requestedAt: input.at,
        expiresAt: input.at + policy.expireAfterMs,
      });
      return { approvalId: stored.id, tree: content.tree, commit: content.commit, policy: stored.policy };
    }),

    implement(nudgeApproval, async ({ approvalId, kind, step, at }) => {
      const approval = await approvals.byId(approvalId);
      if (approval === null || approval.status !== 'pending') return { told: null };
      const to = kind === 'escalate' ? (approval.policy.escalateTo[step - 1] ?? null) : null;
      await approvals.nudged(approvalId, to, at);
      return { told: to };
    }),

    implement(withdrawQuestions, async ({ at }, { runId }) => {
      for (const id of [runId, ...(await payloads.runs.parts(runId))]) await approvals.voidAll(id, at);
      return {};
    }),

    implement(expireApproval, async ({ approvalId, at }) => ({
      expired: await approvals.expire(approvalId, at),
    })),

    implement(holdApproval, async ({ approvalId }, { runId }) => {
      const approval = await approvals.byId(approvalId);
      const closed = approval?.decidedAt ?? 0;
      const resumed = (await decisions.ofRun(runId)).some(
        ({ kind, at }) => (kind === 'retry' || kind === 'resume') && at >= closed,
      );
      if (resumed) return {};
      throw new BatonError({
        class: 'needs_person',
        code: 'approval_timeout',
        message: `Nobody decided on "${approval?.subject.title ?? 'it'}" in time, so it was not done`,
        hint: 'The work is kept as it is. Press Retry when somebody can look at it: it is asked anew.',
      });
    }),

    implement(checkCommand, async ({ argv }) => ({
      asked: findings.ofCommand(argv).map((match) => ({ trigger: match.trigger.when, why: whyOf(match) })),
    })),

    implement(checkChanges, async ({ at }, { runId, key }) => {
      const workspace = await registry.of(runId, null);
      const { tree } = await workspace.snapshot(snapshotLabel(key), at);
      const matches = await findings.ofChanges(workspace, tree);
      return { asked: matches.map((match) => ({ trigger: match.trigger.when, why: whyOf(match) })) };
    }),
  ];
}

/** Whatever is asked, what the policy says about it is asked with it. */
async function withTriggers(
  { findings, payloads }: ApprovalDeps,
  own: ApprovalPolicy,
  runId: string,
  subject: Subject,
  tree: string | null,
): Promise<ApprovalPolicy> {
  switch (subject.kind) {
    case 'changes': {
      const workspace = await payloads.registry.of(runId, subject.stream);
      const matches = tree === null ? [] : await findings.ofChanges(workspace, tree);
      return findings.policyFor(own, matches, workspace);
    }
    case 'command':
      return findings.policyFor(
        own,
        findings.ofCommand(subject.argv),
        await payloads.registry.of(runId, subject.stream),
      );
    case 'conflict':
    case 'question':
    case 'failure':
    case 'unsandboxed':
    case 'tool':
    case 'tool-change':
      return own;
    default:
      return subject satisfies never;
  }
}

/** The node's own words first, then the configured ones; with nobody to escalate to, whoever asked for the work. */
function completePolicy(
  defaults: ApprovalPolicy,
  own: Partial<{ [K in keyof ApprovalPolicy]: ApprovalPolicy[K] | undefined }>,
  requester: string,
): ApprovalPolicy {
  const escalateTo = own.escalateTo ?? defaults.escalateTo;
  const said = Object.fromEntries(Object.entries(own).filter(([, value]) => value !== undefined));
  return { ...defaults, ...said, escalateTo: escalateTo.length > 0 ? escalateTo : [requester] };
}
