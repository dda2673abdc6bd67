import { canonicalJson } from '../../domain/json.ts';
import { unheard } from '../../domain/messages.ts';
import type { DecisionStore } from '../../ports/decisions.ts';
import type { RollbackRequest } from './contracts.ts';
import type { Standing } from './standing.ts';

/** Characters of the patch on the card; the digest covers all of it. */
const PATCH_CHARS = 1_500;
const FILES_NAMED = 10;
const LINES_NAMED = 8;
const NAME_CHARS = 56;

/** Words that only held the run or took it back: nothing of them is lost. */
const HOLDING: ReadonlySet<string> = new Set(['pause', 'resume', 'rollback', 'stop']);

/** What would be lost, for people. */
export interface Loss {
  readonly files: number;
  readonly commits: readonly string[];
  /** Answers of people that would no longer count. */
  readonly decisions: readonly string[];
  readonly excerpt: string;
  readonly cut: boolean;
}

/** Of how a run stands, what a rollback's approval is bound to. */
export type Bound = Pick<Standing, 'status' | 'head' | 'tip' | 'position'> & {
  readonly session: Pick<Standing['session'], 'repository'>;
  readonly spec: Pick<Standing['spec'], 'hash'>;
  readonly past: Pick<Standing['past'], 'branch' | 'base' | 'baseTree'>;
};

/** The tree that the files will have. */
export async function treeAfter(
  { level, point }: RollbackRequest,
  { head, past }: Pick<Bound, 'head' | 'past'>,
): Promise<string> {
  switch (level) {
    case 'step':
      return head;
    case 'full':
      return past.baseTree();
    case 'state':
    case 'snapshot':
      return point.tree ?? past.baseTree();
    default:
      return level satisfies never;
  }
}

/**
 * What a rollback's approval is bound to: which moment, and everything that would be taken away. Whatever changes in
 * between, the files, the branch, or how far the run has come, makes it another one.
 */
export async function rollbackPayload(
  request: RollbackRequest,
  standing: Bound,
  policy: string,
): Promise<string> {
  const { target, level, point } = request;
  const { session, status, spec, past, head, tip, position } = standing;
  return canonicalJson({
    kind: 'rollback',
    target,
    level,
    seq: point.seq,
    after: await treeAfter(request, standing),
    head,
    branch: past.branch,
    base: past.base,
    tip,
    position: { ...position },
    status,
    definition: spec.hash,
    repository: session.repository,
    policy,
  });
}

/** What going back takes away: files, commits, and answers that would no longer count. */
export async function lossOf(
  request: RollbackRequest,
  standing: Standing,
  decisions: DecisionStore,
  redact: (text: string) => string,
): Promise<Loss> {
  const { past, head } = standing;
  const after = await treeAfter(request, standing);
  const { stat, patch, cut } = await past.diff(after, head, PATCH_CHARS);
  const commits = request.level === 'step' ? [] : await past.commits();
  const voided = await voidedBy(request, standing, decisions);
  const silent = unheardSince(request, standing);
  const clean = redact(patch);
  const parts = [
    `Files that go back: ${stat.files.length}, with +${stat.added} −${stat.removed} since`,
    ...named(
      stat.files.map(({ path, added, removed }) => `${shortName(path)} +${added} −${removed}`),
      FILES_NAMED,
    ),
    `Commits taken off ${past.branch}: ${commits.length === 0 ? 'none' : commits.length}`,
    ...named(commits, LINES_NAMED),
    `Answers that no longer count: ${voided.length === 0 ? 'none' : voided.length}`,
    ...named(voided, LINES_NAMED),
    ...(silent.length === 0 ? [] : [`Events that count for nothing any more: ${silent.length}`]),
    ...named(silent, LINES_NAMED),
    ...(clean.trim() === '' ? [] : ['', `git diff --text ${after.slice(0, 12)} ${head.slice(0, 12)}`, clean]),
  ];
  return {
    files: stat.files.length,
    commits,
    decisions: voided,
    excerpt: redact(parts.join('\n')),
    cut: cut || clean !== patch || stat.files.length > FILES_NAMED,
  };
}

/** Events that were heard since, by nodes that had not begun then: they listen anew, for what comes from then on. */
function unheardSince({ level, point }: RollbackRequest, { events }: Standing): string[] {
  if (level === 'step' || level === 'snapshot') return [];
  const keys = new Set<string>();
  const since: string[] = [];
  for (const { seq, event } of events) {
    if (seq <= point.seq && event.type === 'step.completed') keys.add(event.key);
    if (seq > point.seq && event.type === 'signal.received') since.push(event.name);
  }
  return unheard(since, keys);
}

async function voidedBy(
  { level, point, target }: RollbackRequest,
  { approvals }: Standing,
  decisions: DecisionStore,
): Promise<string[]> {
  if (level === 'step') return [];
  const asked = approvals
    .filter(
      ({ status, requestedAt }) =>
        status === 'pending' || status === 'approved' || (status === 'taken' && requestedAt > point.at),
    )
    .map(({ subject, status }) => `“${subject.title}” (${status === 'pending' ? 'still open' : 'approved'})`);
  if (level === 'snapshot') return asked;
  const said = (await decisions.ofRun(target))
    .filter(
      ({ actorKind, kind, choice, at }) =>
        actorKind === 'person' && kind !== 'approval' && !HOLDING.has(choice) && at > point.at,
    )
    .map(
      ({ kind, choice, reason }) => `${kind}: ${choice}${reason === '' ? '' : ` (${reason.slice(0, 60)})`}`,
    );
  return [...asked, ...said];
}

function named(lines: readonly string[], most: number): string[] {
  const more = lines.length - most;
  return [...lines.slice(0, most).map((line) => `  ${line}`), ...(more > 0 ? [`  and ${more} more`] : [])];
}

function shortName(path: string): string {
  const name = path.replace(/\s+/g, ' ');
  return name.length <= NAME_CHARS ? name : `…${name.slice(1 - NAME_CHARS)}`;
}
