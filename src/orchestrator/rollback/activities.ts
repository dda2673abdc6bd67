import { createHash, randomUUID } from 'node:crypto';
import type { Approval, ApprovalPolicy } from '../../domain/approval.ts';
import { BatonError } from '../../domain/failure.ts';
import { asJson } from '../../domain/json.ts';
import { isRollbackRun } from '../../domain/rollback.ts';
import { isTerminal } from '../../domain/run.ts';
import { type Activity, implement } from '../../ports/activity.ts';
import type { NewDecision } from '../../ports/decisions.ts';
import type { Engine } from '../../ports/engine.ts';
import type { Approvals } from '../approvals.ts';
import { sessionInputSchema } from '../contracts.ts';
import type { Findings } from '../findings.ts';
import { currentDigest, digestOf, type PayloadDeps, payloadKind } from '../payloads.ts';
import { lossOf, rollbackPayload, treeAfter } from './content.ts';
import {
  askRollback,
  type Deed,
  endTarget,
  goOn,
  keepLost,
  openAgain,
  putBack,
  type RollbackInput,
  rollbackInputSchema,
  takeRollback,
} from './contracts.ts';
import { type Standing, type StandingDeps, standingOf } from './standing.ts';

export interface RollbackDeps extends StandingDeps {
  readonly approvals: Approvals;
  readonly findings: Findings;
  /** What the policy says where no trigger does. */
  readonly defaults: ApprovalPolicy;
  /** Asked for late: it is made of these very activities. */
  readonly engine: () => Pick<Engine, 'cancel' | 'wake'>;
  readonly redact: (text: string) => string;
}

/** Asking about a rollback, and its deeds. Each may be repeated after a crash. */
export function rollbackActivities(deps: RollbackDeps): Activity[] {
  const { store, registry, findings, approvals, engine } = deps;
  return [
    implement(askRollback, async ({ request, at }, { runId, key, idempotencyKey }) => {
      const standing = await stands(deps, request.target, at);
      const payload = await rollbackPayload(request, standing, findings.version);
      const loss = await lossOf(request, standing, store.decisions, deps.redact);
      const { session } = standing;
      const stored = await store.approvals.open({
        id: `apr_${createHash('sha256').update(idempotencyKey).digest('hex').slice(0, 20)}`,
        nonce: randomUUID(),
        runId,
        key,
        team: session.team,
        requester: request.by,
        subject: {
          title: titleOf(request),
          why: whatHappens(request),
          risk: 'What goes back is kept under refs/baton/lost/ and can be had back; answers that no longer count have to be given anew',
          payload,
          digest: digestOf(payload),
          excerpt: loss.excerpt,
          excerptCut: loss.cut,
        },
        policy: await policyFor(deps, standing, request),
        requestedAt: at,
        expiresAt: at + deps.defaults.expireAfterMs,
      });
      return { approvalId: stored.id, policy: stored.policy };
    }),

    implement(keepLost, async ({ request, approvalId, at }) => {
      const standing = await stands(deps, request.target, at);
      const { past, head } = standing;
      const after = await treeAfter(request, standing);
      const message = `baton: before it was rolled back to ${request.point.label}`;
      const { ref } = await past.keepLost({ label: approvalId, tree: head, message, at });
      const { stat } = await past.diff(after, head, 0);
      return { ref, after, files: stat.files.length };
    }),

    implement(takeRollback, async ({ request, approvalId, at }, { idempotencyKey }) => {
      const standing = await standingOf(deps, request.target, at);
      const digest =
        typeof standing === 'string'
          ? digestOf(standing)
          : digestOf(await rollbackPayload(request, standing, findings.version));
      const taken = await approvals.take(approvalId, idempotencyKey, digest);
      return { refused: taken.ok ? null : taken.why };
    }),

    implement(putBack, async (deed) => {
      const { request, after, at } = deed;
      const { target } = request;
      const status = (await store.runs.status(target))?.status;
      if (status !== 'paused' && (status === undefined || !isTerminal(status))) throw underWay();
      if (status === 'paused') await (await registry.of(target, null)).restore(after);
      else {
        const message = `Rolled back to ${request.point.label}\n\nAsked by ${request.by}, run ${target}.`;
        await (await registry.past(target)).put({ tree: after, message, at });
      }
      await store.decisions.record(target, decisionOf(deed, `dec_back_${deed.approvalId}`, status), at);
      return {};
    }),

    implement(endTarget, async (deed) => {
      const { target } = deed.request;
      const id = `dec_back_${deed.approvalId}`;
      const before = await store.runs.status(target);
      await store.decisions.record(target, decisionOf(deed, id, before?.status ?? 'cancelled'), deed.at);
      await engine().cancel(target, `Rolled back to ${deed.request.point.label}`);
      await keepTheRest(deps, deed, id);
      for (const each of [target, ...(await store.runs.parts(target))]) {
        // Who asks about its budget has nobody to ask for; this very run is a part of it, too, and goes on.
        if (!isRollbackRun(each)) await engine().cancel(each, `Rolled back to ${deed.request.point.label}`);
        await store.approvals.voidAll(each, deed.at);
      }
      await registry.close(target);
      return {};
    }),

    implement(openAgain, async ({ request, after, at }) => {
      const { target, next, level } = request;
      const past = await registry.past(target);
      await past.toBase();
      // Begun anew, the run makes its worktree itself.
      if (level === 'full') return {};
      const { repository } = await registry.input(target);
      const workspace = await registry.open(next, repository, past.branch, past.base);
      await workspace.restore(after);
      await workspace.snapshot('rolled-back', at);
      return {};
    }),

    implement(goOn, async (deed) => {
      const { target, next, point, sessionId } = deed.request;
      const before = await store.runs.status(target);
      if (before === null) throw movedOn();
      const input = asJson({ ...sessionInputSchema.parse(before.spec.input), runId: next });
      const spec = { ...before.spec, input, forkedFrom: { runId: target, seq: point.seq } };
      const why = decisionOf(deed, `dec_back_${next}`, before.status);
      if (!(await store.sessions.fork({ sessionId, from: target, runId: next, spec, why, now: deed.at })))
        throw movedOn();
      engine().wake(next);
      return {};
    }),
  ];
}

/** The digest of what any approval is about, as it is now. @throws when it cannot be told */
export function digestNow(
  deps: Parameters<typeof rollbackDigest>[0] & {
    readonly payloads: PayloadDeps;
    readonly ofHandOver: (approval: Approval) => Promise<string>;
  },
): (approval: Approval, now: number) => Promise<string> {
  return (approval, now) => {
    const kind = payloadKind(approval.subject.payload);
    if (kind === 'rollback') return rollbackDigest(deps, approval, now);
    if (kind === 'hand-over') return deps.ofHandOver(approval);
    return currentDigest(deps.payloads, approval, now);
  };
}

/** The digest of what a rollback would take away now. @throws when there is no such rollback any more */
export async function rollbackDigest(
  deps: StandingDeps & { readonly findings: Pick<Findings, 'version'> },
  approval: Approval,
  now: number,
): Promise<string> {
  const asking = await deps.store.runs.status(approval.runId);
  const request = rollbackInputSchema.parse(asking?.spec.input);
  const standing = await standingOf(deps, request.target, now);
  // Under way again, or replaced: not what was shown.
  if (typeof standing === 'string') return digestOf(standing);
  return digestOf(await rollbackPayload(request, standing, deps.findings.version));
}

async function stands(deps: StandingDeps, target: string, at: number): Promise<Standing> {
  const standing = await standingOf(deps, target, at);
  if (typeof standing === 'string') throw standing === 'under_way' ? underWay() : movedOn();
  return standing;
}

async function policyFor(
  { findings, defaults }: RollbackDeps,
  { session, status }: Standing,
  { by }: RollbackInput,
): Promise<ApprovalPolicy> {
  const deputies = session.requester === by ? [] : [session.requester];
  const here = findings.here(defaults, session.team);
  const own: ApprovalPolicy = {
    ...here,
    escalateTo: here.escalateTo.length > 0 ? here.escalateTo : deputies,
    onTimeout: isTerminal(status) ? 'stop' : 'pause',
  };
  return findings.policyFor(session.team, own, findings.ofRollback(), null);
}

/** What was still written while the run was being ended; not again once its worktree is closed. */
async function keepTheRest(
  { store, registry }: RollbackDeps,
  { request, approvalId, lost, at }: Deed,
  id: string,
) {
  const { target } = request;
  const first = (await store.decisions.ofRun(target)).find((each) => each.id === id);
  if (!JSON.stringify(first?.evidence ?? null).includes('"was":"paused"')) return;
  await registry.saveStreams(target, at);
  const { tree } = await (await registry.of(target, null)).snapshot('rollback-end', at);
  const past = await registry.past(target);
  const { stat } = await past.diff(await past.commitOf(lost), tree, 0);
  if (stat.files.length > 0)
    await past.keepLost({ label: `${approvalId}-end`, tree, message: 'baton: while it was ended', at });
}

function decisionOf({ request, lost, after, approvalId }: Deed, id: string, was: string): NewDecision {
  const { by, level, point, target } = request;
  return {
    id,
    kind: 'rollback',
    actor: by,
    actorKind: 'person',
    choice: level,
    reason: `back to ${point.label}`,
    alternatives: [],
    evidence: { target, seq: point.seq, after, lost, approvalId, was },
  };
}

function titleOf({ level, point }: RollbackInput): string {
  switch (level) {
    case 'step':
      return 'Try the step that failed again?';
    case 'state':
      return `Roll the run back to ${point.label}?`;
    case 'snapshot':
      return `Put the files back to how they were ${point.label}?`;
    case 'full':
      return 'Begin anew from the base, on the same plan?';
    default:
      return level satisfies never;
  }
}

function whatHappens({ level }: RollbackInput): string {
  switch (level) {
    case 'step':
      return 'The run goes on with that step; everything before it stays.';
    case 'state':
      return 'The run goes on from there, as if nothing had been done since.';
    case 'snapshot':
      return 'Only the files go back; the run stays where it is.';
    case 'full':
      return 'Nothing of what was done counts any more.';
    default:
      return level satisfies never;
  }
}

function underWay(): BatonError {
  return new BatonError({
    class: 'terminal',
    code: 'rollback_under_way',
    message: 'The run is under way again, so nothing was taken back.',
    hint: 'Pause it, then ask for the rollback again.',
  });
}

function movedOn(): BatonError {
  return new BatonError({
    class: 'terminal',
    code: 'rollback_moved_on',
    message: 'Another run has taken the place of the one that was to be taken back.',
    hint: 'Look at the newest message of the epic, and ask for the rollback there.',
  });
}
