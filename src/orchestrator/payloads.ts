import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { Approval, ApprovalSubject } from '../domain/approval.ts';
import { amount, type BudgetUnit } from '../domain/budget.ts';
import type { DiffStat } from '../domain/events.ts';
import { canonicalJson } from '../domain/json.ts';
import type { RaiseOffer } from '../domain/raise.ts';
import type { ToolAsked } from '../ports/runner.ts';
import type { RunReader } from '../ports/store.ts';
import { type ConflictAsked, conflictContent, conflictNow } from './activities/conflict-content.ts';
import type { WorkspaceRegistry } from './workspace-registry.ts';

/** What an approval is about, in the one form whose SHA-256 it is bound to (A5), and what of it a card shows. */

export interface PayloadDeps {
  readonly registry: WorkspaceRegistry;
  readonly runs: RunReader;
  /** Digest of the policy in force: part of every payload, so that a changed policy voids what was asked under another. */
  readonly policyVersion: string;
  readonly redact: (text: string) => string;
}

export type Subject =
  | { readonly kind: 'changes'; readonly stream: string | null }
  | { readonly kind: 'unsandboxed'; readonly argv: readonly string[] | null }
  | { readonly kind: 'command'; readonly argv: readonly string[]; readonly stream: string | null }
  | ({ readonly kind: 'conflict' } & ConflictAsked)
  | ToolAsked
  | { readonly kind: 'question'; readonly question: string; readonly why: string }
  | { readonly kind: 'failure'; readonly code: string; readonly message: string }
  | ({ readonly kind: 'budget'; readonly stock: string } & Raise);

interface Raise {
  readonly unit: BudgetUnit;
  readonly given: number;
  readonly to: number;
  readonly offer?: RaiseOffer | undefined;
}

export interface Content {
  readonly payload: string;
  readonly excerpt: string;
  readonly cut: boolean;
  readonly tree: string | null;
  readonly commit: string | null;
  readonly labels?: ApprovalSubject['labels'];
  readonly raise?: ApprovalSubject['raise'];
  readonly edit?: ApprovalSubject['edit'];
}

/** Characters of the change that the card shows; the digest covers all of it. Leaves room for the rest of the card. */
const EXCERPT_CHARS = 2_000;
/** Git leaves out content that is binary, or that the repository's attributes call so: `*.js -diff` hides a script. */
const WITHOUT_CONTENT = /^Binary files .* differ$/m;
/** What every payload says of itself. */
const payloadSchema = z.looseObject({
  kind: z.enum([
    'changes',
    'unsandboxed',
    'command',
    'question',
    'failure',
    'conflict',
    'rollback',
    'hand-over',
    'tool',
    'tool-change',
    'budget',
  ]),
  argv: z.array(z.string()).nullish(),
  stream: z.string().nullable().default(null),
});
/** Files named above a patch that is cut, and characters of each name: together under 1 100. */
const FILES_NAMED = 15;
const NAME_CHARS = 56;

/** @param at for the snapshot, and to tell questions about the same failure apart */
export async function contentOf(
  deps: PayloadDeps,
  runId: string,
  subject: Subject,
  label: string,
  at: number,
): Promise<Content> {
  switch (subject.kind) {
    case 'unsandboxed': {
      const argv = subject.argv === null ? null : [...subject.argv];
      return { ...commandLine(deps, argv ?? []), ...withoutTree(unsandboxedPayload(deps, runId, argv)) };
    }
    case 'failure': {
      // Asked at a moment of its own, so that the same failure later is another question.
      const { code, message } = subject;
      const policy = deps.policyVersion;
      const payload = canonicalJson({ kind: 'failure', code, message, runId, at, policy });
      return { excerpt: '', cut: false, ...withoutTree(payload) };
    }
    case 'question': {
      const payload = canonicalJson({ ...subject, runId, at, policy: deps.policyVersion });
      return { excerpt: '', cut: false, ...withoutTree(payload) };
    }
    case 'tool':
      return { ...shortened(deps, readable(subject)), ...withoutTree(toolPayload(deps, runId, subject)) };
    case 'tool-change': {
      const says = subject.tools.map((tool) => tool.says).join('\n\n');
      const payload = canonicalJson({ ...subject, runId, policy: deps.policyVersion });
      return { ...shortened(deps, says), ...withoutTree(payload) };
    }
    case 'command': {
      const { stream } = subject;
      const workspace = await deps.registry.of(runId, stream);
      const snapshot = await workspace.snapshot(label, at);
      const place = { runId, stream, tree: snapshot.tree };
      const payload = await treePayload(deps, place, { kind: 'command', argv: [...subject.argv] });
      return { ...commandLine(deps, subject.argv), payload, ...snapshot };
    }
    case 'conflict':
      return conflictContent(deps, runId, subject);
    case 'budget': {
      const { unit, given, to, offer } = subject;
      const raise = offer === undefined ? {} : { raise: offer };
      const stock = deps.redact(subject.stock);
      const payload = canonicalJson({
        kind: 'budget',
        unit,
        given,
        to,
        stock,
        ...raise,
        runId,
        at,
        policy: deps.policyVersion,
      });
      const labels = {
        approve: `Raise to ${amount(unit, to)}`,
        request_changes: 'Deliver what is there',
        reject: 'Stop',
      };
      return { excerpt: stock, cut: false, labels, ...raise, ...withoutTree(payload) };
    }
    case 'changes':
      return changes(deps, runId, subject.stream, label, at);
    default:
      return subject satisfies never;
  }
}

async function changes(
  deps: PayloadDeps,
  runId: string,
  stream: string | null,
  label: string,
  at: number,
): Promise<Content> {
  const workspace = await deps.registry.of(runId, stream);
  const snapshot = await workspace.snapshot(label, at);
  const { stat, patch, cut } = await workspace.diff(snapshot.tree, EXCERPT_CHARS);
  const clean = deps.redact(patch);
  const partly = cut || clean !== patch || WITHOUT_CONTENT.test(patch);
  const whole = `git diff --text ${workspace.info.base.slice(0, 12)} ${snapshot.commit.slice(0, 12)}`;
  return {
    payload: await treePayload(deps, { runId, stream, tree: snapshot.tree }, { kind: 'changes' }),
    excerpt: partly ? `${deps.redact(overview(stat))}\nAll of it: ${whole}\n\n${clean}` : clean,
    cut: partly,
    ...snapshot,
  };
}

/** The digest of changes that end in this very tree, in the form in which this approval was asked. */
export async function changesDigest(deps: PayloadDeps, approval: Approval, tree: string): Promise<string> {
  const first = approval.policy.version === '';
  const place = { runId: approval.runId, stream: null, tree };
  return digestOf(await treePayload(deps, place, { kind: 'changes' }, first));
}

/** The digest of this command, run on the worktree as it is. */
export async function commandDigest(
  deps: PayloadDeps,
  call: { readonly runId: string; readonly stream: string | null; readonly argv: readonly string[] },
  at: number,
): Promise<string> {
  const { runId, stream, argv } = call;
  const workspace = await deps.registry.of(runId, stream);
  const { tree } = await workspace.snapshot(`run-${short(argv.join('\0'))}`, at);
  return digestOf(await treePayload(deps, { runId, stream, tree }, { kind: 'command', argv: [...argv] }));
}

/** The digest of this command without a sandbox; argv null: of going on without one at all. */
export function unsandboxedDigest(
  deps: Pick<PayloadDeps, 'policyVersion'>,
  runId: string,
  argv: readonly string[] | null,
): string {
  return digestOf(unsandboxedPayload(deps, runId, argv));
}

/**
 * The digest of what an approval is about, as it is now. Differs from the one shown when the content changed
 * since; throws when it cannot be told, and then nobody may decide.
 */
export async function currentDigest(deps: PayloadDeps, approval: Approval, now: number): Promise<string> {
  const { subject, runId, policy } = approval;
  const { kind, argv, stream } = payloadSchema.parse(JSON.parse(subject.payload));
  // The first version knew no policy: what it asked is answered as it was asked.
  const first = policy.version === '';
  if (kind !== 'changes' && kind !== 'command') {
    const same = first || policy.version === deps.policyVersion;
    const { payload } = subject;
    const now = kind === 'conflict' ? await conflictNow(deps.registry, payload) : payload;
    return digestOf(same ? now : `${now}\n`);
  }
  const workspace = await deps.registry.of(runId, stream);
  const { tree } = await workspace.snapshot(`check-${approval.id}`, now);
  const what = kind === 'changes' ? { kind } : { kind, argv: argv ?? [] };
  return digestOf(await treePayload(deps, { runId, stream, tree }, what, first));
}

/** What holds for everything that is bound to a state of the worktree. */
async function treePayload(
  { registry, runs, policyVersion: policy }: PayloadDeps,
  { runId, stream, tree }: { readonly runId: string; readonly stream: string | null; readonly tree: string },
  what: { kind: 'changes' } | { kind: 'command'; argv: string[] },
  first = false,
): Promise<string> {
  const { repository } = await registry.input(runId);
  const { branch, base } = (await registry.of(runId, stream)).info;
  const definition = (await runs.status(runId))?.spec.hash ?? '';
  // In a stream its own base and tree: what its siblings do meanwhile is not what was shown.
  const where = { ...(stream === null ? {} : { stream }), ...(first ? {} : { policy }) };
  return canonicalJson({ ...what, definition, repository, branch, base, tree, ...where });
}

function unsandboxedPayload(
  { policyVersion: policy }: Pick<PayloadDeps, 'policyVersion'>,
  runId: string,
  argv: readonly string[] | null,
): string {
  return canonicalJson({ kind: 'unsandboxed', argv: argv === null ? null : [...argv], runId, policy });
}

type ToolCalled = Extract<ToolAsked, { kind: 'tool' }>;

/** The digest of one call of a server's tool, with these arguments, while the tool says this of itself. */
export function toolDigest(
  deps: Pick<PayloadDeps, 'policyVersion'>,
  runId: string,
  called: Omit<ToolCalled, 'kind' | 'effect'>,
): string {
  return digestOf(toolPayload(deps, runId, called));
}

function toolPayload(
  { policyVersion: policy }: Pick<PayloadDeps, 'policyVersion'>,
  runId: string,
  { server, tool, hash, arguments: text }: Omit<ToolCalled, 'kind' | 'effect'>,
): string {
  return canonicalJson({ kind: 'tool', server, tool, hash, arguments: text, runId, policy });
}

/** Arguments as a card shows them: an entry a line, as they will be sent. */
function readable({ arguments: text }: ToolCalled): string {
  try {
    return JSON.stringify(JSON.parse(text), null, 1);
  } catch {
    return text;
  }
}

function shortened({ redact }: PayloadDeps, text: string): { excerpt: string; cut: boolean } {
  const clean = redact(text);
  const shown = clean.slice(0, EXCERPT_CHARS);
  return { excerpt: shown, cut: shown !== text };
}

/** A command as a card shows it: one argument per line where spaces would hide where one ends. */
function commandLine(deps: PayloadDeps, argv: readonly string[]): { excerpt: string; cut: boolean } {
  const line = argv.some((word) => /\s|^$/.test(word))
    ? argv.map((word) => JSON.stringify(word)).join(' ')
    : argv.join(' ');
  return shortened(deps, line);
}

function withoutTree(payload: string) {
  return { payload, tree: null, commit: null };
}

/** Names what a cut patch does not show: a file must not go unseen because others before it are long. */
function overview({ files, added, removed }: DiffStat): string {
  const rows = files.slice(0, FILES_NAMED).map((file) => {
    const name = file.path.replace(/\s+/g, ' ');
    const shown = name.length <= NAME_CHARS ? name : `…${name.slice(1 - NAME_CHARS)}`;
    return `  ${shown} +${file.added} −${file.removed}`;
  });
  const more = files.length - rows.length;
  if (more > 0) rows.push(`  and ${more} more`);
  return [`${files.length} files, +${added} −${removed}:`, ...rows].join('\n');
}

/** What an approval is about, by its payload; '' when that cannot be read. */
export function payloadKind(payload: string): string {
  return payloadSchema.safeParse(JSON.parse(payload)).data?.kind ?? '';
}

export function digestOf(payload: string): string {
  return createHash('sha256').update(payload).digest('hex');
}

function short(text: string): string {
  return digestOf(text).slice(0, 12);
}

export function snapshotLabel(key: string): string {
  return `approval-${short(key)}`;
}
