import { createHash, randomUUID } from 'node:crypto';
import { z } from 'zod';
import type { ApprovalPolicy, ApprovalSubject } from '../../domain/approval.ts';
import type { Deed, Urgency } from '../../domain/escalation.ts';
import { BatonError } from '../../domain/failure.ts';
import { rootRun } from '../../domain/run.ts';
import { whyOf } from '../../policy/requirements.ts';
import {
  chaseApproval,
  checkChanges,
  checkCommand,
  expireApproval,
  holdApproval,
  holdRule,
  nudgeApproval,
  openApproval,
} from '../../ports/activities.ts';
import { type Activity, implement } from '../../ports/activity.ts';
import type { DecisionStore } from '../../ports/decisions.ts';
import type { ApprovalStore } from '../../ports/store.ts';
import type { Chaser } from '../chaser.ts';
import { withdrawQuestions } from '../contracts.ts';
import type { Findings } from '../findings.ts';
import { contentOf, digestOf, type PayloadDeps, type Subject, snapshotLabel } from '../payloads.ts';
import { resumedSince } from '../resumed.ts';

export interface ApprovalDeps {
  readonly approvals: ApprovalStore;
  readonly decisions: DecisionStore;
  readonly payloads: PayloadDeps;
  /** What a node does not say itself. */
  readonly defaults: ApprovalPolicy;
  readonly findings: Findings;
  readonly chaser: Chaser;
  /** Ends a part of a run that nobody needs any more; one that has ended stays as it is. */
  readonly cancel: (runId: string) => Promise<void>;
}

/** Asking people, asking again, and letting the clock decide. */
export function approvalActivities(deps: ApprovalDeps): Activity[] {
  const { approvals, decisions, payloads, defaults, findings, chaser } = deps;
  const { registry } = payloads;
  return [
    implement(openApproval, async (input, { runId, key, idempotencyKey }) => {
      const session = await registry.input(runId);
      const content = await contentOf(payloads, runId, input.subject, snapshotLabel(key), input.at);
      const urgency = input.urgency ?? (await requestedUrgency(payloads, runId));
      const written = completePolicy(defaults, input.policy, urgency);
      const own = withDeputies(findings.here(written, session.team), session.requester);
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
        ...(content.raise === undefined ? {} : { raise: content.raise }),
        ...(content.edit === undefined ? {} : { edit: content.edit }),
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
      const nextAt = await chaser.chase(stored.id, input.at);
      const { tree, commit } = content;
      return { approvalId: stored.id, tree, commit, policy: stored.policy, nextAt };
    }),

    implement(chaseApproval, async ({ approvalId, at }) => ({ nextAt: await chaser.chase(approvalId, at) })),

    implement(nudgeApproval, async ({ approvalId, kind, step, at }) => {
      const approval = await approvals.byId(approvalId);
      if (approval === null || approval.status !== 'pending') return { told: null };
      const to = kind === 'escalate' ? (approval.policy.escalateTo[step - 1] ?? null) : null;
      const deed: Deed =
        to === null ? { kind: 'remind' } : { kind: 'direct', to, as: 'deputy', inPlaceOf: null };
      await approvals.nudged(approvalId, deed, at);
      return { told: to };
    }),

    implement(withdrawQuestions, async ({ at }, { runId }) => {
      const parts = await payloads.runs.parts(runId);
      // What is left of its parts at its end is whoever still asks for it.
      for (const id of parts) await deps.cancel(id);
      for (const id of [runId, ...parts]) await approvals.voidAll(id, at);
      return {};
    }),

    implement(expireApproval, async ({ approvalId, at }) => ({
      expired: await approvals.expire(approvalId, at),
    })),

    implement(holdApproval, async ({ approvalId }, { runId }) => {
      const approval = await approvals.byId(approvalId);
      if (await resumedSince(decisions, runId, approval?.decidedAt ?? 0)) return {};
      throw new BatonError({
        class: 'needs_person',
        code: 'approval_timeout',
        message: `Nobody decided on "${approval?.subject.title ?? 'it'}" in time, so it was not done`,
        hint: 'The work is kept as it is. Press Retry when somebody can look at it: it is asked anew.',
      });
    }),

    implement(holdRule, async ({ failure, at }, { runId }) => {
      if (await resumedSince(decisions, runId, at)) return {};
      throw new BatonError(failure);
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
  const { team } = await payloads.registry.input(runId);
  switch (subject.kind) {
    case 'changes': {
      const workspace = await payloads.registry.of(runId, subject.stream);
      const matches = tree === null ? [] : await findings.ofChanges(workspace, tree);
      return findings.policyFor(team, own, matches, workspace);
    }
    case 'command':
      return findings.policyFor(
        team,
        own,
        findings.ofCommand(subject.argv),
        await payloads.registry.of(runId, subject.stream),
      );
    case 'budget': {
      const matches = subject.unit === 'usd' ? findings.ofCost(subject.to) : [];
      return findings.policyFor(team, own, matches, null);
    }
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

/** The node's own words first, then the configured ones; ids as they are written. */
function completePolicy(
  defaults: ApprovalPolicy,
  own: Partial<{ [K in keyof ApprovalPolicy]: ApprovalPolicy[K] | undefined }>,
  urgency: Urgency | null,
): ApprovalPolicy {
  const escalateTo = own.escalateTo ?? defaults.escalateTo;
  const said = Object.fromEntries(Object.entries(own).filter(([, value]) => value !== undefined));
  const { escalation } = defaults;
  return {
    ...defaults,
    ...said,
    escalation: { ...escalation, urgency: urgency ?? escalation.urgency },
    escalateTo,
    deputies: escalateTo,
  };
}

/** With nobody to escalate to, it is whoever asked for the work; that gives them no right. */
function withDeputies({ deputies, ...policy }: ApprovalPolicy, requester: string): ApprovalPolicy {
  return policy.escalateTo.length === 0
    ? { ...policy, escalateTo: [requester] }
    : { ...policy, ...(deputies === undefined ? {} : { deputies }) };
}

const wantedSchema = z.looseObject({ wanted: z.looseObject({ timeline: z.string() }).optional() });

/** What the request says of itself: `urgency:urgent` presses more than the settings say, `flexible` less. */
async function requestedUrgency({ runs }: PayloadDeps, runId: string): Promise<Urgency | null> {
  const run = await runs.status(rootRun(runId));
  const timeline = wantedSchema.safeParse(run?.spec.definition).data?.wanted?.timeline;
  return timeline === 'urgent' ? 'high' : timeline === 'flexible' ? 'low' : null;
}
