import { createHash, randomUUID } from 'node:crypto';
import { z } from 'zod';
import type { Approval, ApprovalPolicy, ApprovalSubject } from '../../domain/approval.ts';
import type { DiffStat } from '../../domain/events.ts';
import { canonicalJson } from '../../domain/json.ts';
import { expireApproval, nudgeApproval, openApproval } from '../../ports/activities.ts';
import { type Activity, implement } from '../../ports/activity.ts';
import type { ApprovalStore, RunReader } from '../../ports/store.ts';
import { withdrawQuestions } from '../contracts.ts';
import type { WorkspaceRegistry } from '../workspace-registry.ts';
import { conflictContent } from './conflict-content.ts';

export interface ApprovalDeps {
  readonly approvals: ApprovalStore;
  readonly runs: RunReader;
  readonly registry: WorkspaceRegistry;
  /** What a node does not say itself. */
  readonly defaults: ApprovalPolicy;
  readonly redact: (text: string) => string;
}

/** Characters of the change that the card shows; the digest covers all of it. Leaves room for the rest of the card. */
const EXCERPT_CHARS = 2_000;
/** Git leaves out content that is binary, or that the repository's attributes call so: `*.js -diff` hides a script. */
const WITHOUT_CONTENT = /^Binary files .* differ$/m;
/** What every payload says of itself. */
const payloadSchema = z.looseObject({
  kind: z.enum(['changes', 'unsandboxed', 'question', 'failure', 'conflict']),
  stream: z.string().nullable().default(null),
});
/** Files named above a patch that is cut, and characters of each name: together under 1 100. */
const FILES_NAMED = 15;
const NAME_CHARS = 56;

/** Asking people, asking again, and letting the clock decide. */
export function approvalActivities({
  approvals,
  runs,
  registry,
  defaults,
  redact,
}: ApprovalDeps): Activity[] {
  return [
    implement(openApproval, async (input, { runId, key, idempotencyKey }) => {
      const session = await registry.input(runId);
      const policy = completePolicy(defaults, input.policy, session.requester);
      const content = await contentOf(
        { registry, runs, redact },
        runId,
        input.subject,
        snapshotLabel(key),
        input.at,
      );
      const subject: ApprovalSubject = {
        title: input.title,
        why: input.why,
        risk: input.risk,
        payload: content.payload,
        digest: digestOf(content.payload),
        excerpt: content.excerpt,
        excerptCut: content.cut,
        ...(content.labels === undefined ? {} : { labels: content.labels }),
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
      for (const id of [runId, ...(await runs.parts(runId))]) await approvals.voidAll(id, at);
      return {};
    }),

    implement(expireApproval, async ({ approvalId, at }) => ({
      expired: await approvals.expire(approvalId, at),
    })),
  ];
}

/** The node's own words first, then the configured ones; with nobody to escalate to, whoever asked for the work. */
function completePolicy(
  defaults: ApprovalPolicy,
  own: Partial<{ [K in keyof ApprovalPolicy]: ApprovalPolicy[K] | undefined }>,
  requester: string,
): ApprovalPolicy {
  const escalateTo = own.escalateTo ?? defaults.escalateTo;
  return {
    people: own.people ?? defaults.people,
    fourEyes: own.fourEyes ?? defaults.fourEyes,
    remindAfterMs: own.remindAfterMs ?? defaults.remindAfterMs,
    escalateAfterMs: own.escalateAfterMs ?? defaults.escalateAfterMs,
    expireAfterMs: own.expireAfterMs ?? defaults.expireAfterMs,
    escalateTo: escalateTo.length > 0 ? escalateTo : [requester],
  };
}

interface Content {
  readonly payload: string;
  readonly excerpt: string;
  readonly cut: boolean;
  readonly tree: string | null;
  readonly commit: string | null;
  readonly labels?: ApprovalSubject['labels'];
}

async function contentOf(
  { registry, runs, redact }: Pick<ApprovalDeps, 'registry' | 'runs' | 'redact'>,
  runId: string,
  subject: z.infer<typeof openApproval.input>['subject'],
  label: string,
  at: number,
): Promise<Content> {
  if (subject.kind === 'unsandboxed') {
    const argv = subject.argv === null ? null : [...subject.argv];
    return {
      payload: canonicalJson({ kind: 'unsandboxed', argv, runId }),
      excerpt: argv === null ? '' : redact(argv.join(' ')),
      cut: argv !== null && redact(argv.join(' ')) !== argv.join(' '),
      tree: null,
      commit: null,
    };
  }
  if (subject.kind === 'conflict') return conflictContent({ registry, redact }, runId, subject);
  if (subject.kind === 'question') {
    const payload = canonicalJson({ ...subject, runId, at });
    return { payload, excerpt: '', cut: false, tree: null, commit: null };
  }
  if (subject.kind === 'failure') {
    // Asked at a moment of its own, so that the same failure later is another question.
    const payload = canonicalJson({
      kind: 'failure',
      code: subject.code,
      message: subject.message,
      runId,
      at,
    });
    return { payload, excerpt: '', cut: false, tree: null, commit: null };
  }
  const { stream } = subject;
  const workspace = await registry.of(runId, stream);
  const snapshot = await workspace.snapshot(label, at);
  const { stat, patch, cut } = await workspace.diff(snapshot.tree, EXCERPT_CHARS);
  const clean = redact(patch);
  const partly = cut || clean !== patch || WITHOUT_CONTENT.test(patch);
  const whole = `git diff --text ${workspace.info.base.slice(0, 12)} ${snapshot.commit.slice(0, 12)}`;
  return {
    payload: await changesPayload(registry, runs, { runId, stream, tree: snapshot.tree }),
    excerpt: partly ? `${redact(overview(stat))}\nAll of it: ${whole}\n\n${clean}` : clean,
    cut: partly,
    ...snapshot,
  };
}

/** Names what a cut patch does not show: a file must not go unseen because others before it are long. */
function overview({ files, added, removed }: DiffStat): string {
  const rows = files.slice(0, FILES_NAMED).map((file) => {
    const name = file.path.replace(/\s+/g, ' ');
    const short = name.length <= NAME_CHARS ? name : `…${name.slice(1 - NAME_CHARS)}`;
    return `  ${short} +${file.added} −${file.removed}`;
  });
  const more = files.length - rows.length;
  if (more > 0) rows.push(`  and ${more} more`);
  return [`${files.length} files, +${added} −${removed}:`, ...rows].join('\n');
}

/** What an approval of changes is bound to, in canonical form. */
async function changesPayload(
  registry: WorkspaceRegistry,
  runs: RunReader,
  { runId, stream, tree }: { readonly runId: string; readonly stream: string | null; readonly tree: string },
): Promise<string> {
  const { repository } = await registry.input(runId);
  const { branch, base } = (await registry.of(runId, stream)).info;
  const run = await runs.status(runId);
  const definition = run?.spec.hash ?? '';
  // In a stream its own base and tree: what its siblings do meanwhile is not what was shown.
  const where = stream === null ? {} : { stream };
  return canonicalJson({ kind: 'changes', definition, repository, branch, base, tree, ...where });
}

/**
 * The digest of what an approval is about, as it is now. Differs from the one shown when the content changed
 * since; throws when it cannot be told, and then nobody may decide.
 */
export async function currentDigest(
  deps: Pick<ApprovalDeps, 'registry' | 'runs'>,
  approval: Approval,
  now: number,
): Promise<string> {
  const { kind, stream } = payloadSchema.parse(JSON.parse(approval.subject.payload));
  if (kind !== 'changes') return digestOf(approval.subject.payload);
  const { runId } = approval;
  const workspace = await deps.registry.of(runId, stream);
  const { tree } = await workspace.snapshot(`check-${approval.id}`, now);
  return digestOf(await changesPayload(deps.registry, deps.runs, { runId, stream, tree }));
}

function digestOf(payload: string): string {
  return createHash('sha256').update(payload).digest('hex');
}

function snapshotLabel(key: string): string {
  return `approval-${createHash('sha256').update(key).digest('hex').slice(0, 12)}`;
}
