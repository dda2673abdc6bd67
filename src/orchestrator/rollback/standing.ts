import type { Approval } from '../../domain/approval.ts';
import type { StoredEvent } from '../../domain/events.ts';
import { isRollbackRun } from '../../domain/rollback.ts';
import { isTerminal, type RunSpec, type RunStatus } from '../../domain/run.ts';
import type { Session, Store } from '../../ports/store.ts';
import type { Past } from '../../ports/workspace.ts';
import { payloadKind } from '../payloads.ts';
import type { WorkspaceRegistry } from '../workspace-registry.ts';
import { type FoundPoints, findPoints } from './points.ts';

/** Events read at once. */
const PAGE = 1_000;

export interface StandingDeps {
  readonly store: Pick<Store, 'sessions' | 'runs' | 'projections' | 'approvals' | 'decisions'>;
  readonly registry: WorkspaceRegistry;
}

/** A run as it stands, as far as going back is concerned. */
export interface Standing {
  readonly session: Session;
  readonly status: RunStatus;
  readonly spec: RunSpec;
  readonly points: FoundPoints;
  readonly past: Past & { readonly branch: string; readonly base: string };
  /** The tree of its files as they are now: of its worktree, or of its branch once it has ended. */
  readonly head: string;
  readonly tip: string | null;
  /** How far it and its parts have come. */
  readonly position: Readonly<Record<string, number>>;
  /** What it told, in order. */
  readonly events: readonly StoredEvent[];
  /** What was asked in it and in its parts. */
  readonly approvals: readonly Approval[];
}

export type NoStanding = 'unknown' | 'replaced' | 'under_way' | 'nothing';

/** Looks at a run that somebody wants to take back. Says why that cannot be: it is under way, or there is nothing yet. */
export async function standingOf(
  deps: StandingDeps,
  target: string,
  now: number,
): Promise<Standing | NoStanding> {
  const { store, registry } = deps;
  const [session, run] = [await store.sessions.byRun(target), await store.runs.status(target)];
  if (session === null || run === null || isRollbackRun(target)) return 'unknown';
  if (session.currentRunId !== target) return 'replaced';
  const { status, spec } = run;
  if (!isTerminal(status) && status !== 'paused') return 'under_way';
  const ids = [target, ...(await store.runs.parts(target)).filter((id) => !isRollbackRun(id))];
  const approvals = (await Promise.all(ids.map((id) => store.approvals.ofRun(id)))).flat();
  const kinds = new Map(approvals.map(({ id, subject }) => [id, payloadKind(subject.payload)]));
  const failure = run.outcome === null || run.outcome.ok || status !== 'failed' ? null : run.outcome.failure;
  const events = await eventsOf(store, target);
  const points = findPoints(events, kinds, failure);
  if (points.branch === null || points.base === null) return 'nothing';
  const past = await registry.past(target);
  const tip = await past.tip();
  const head = isTerminal(status)
    ? (tip?.tree ?? (await past.baseTree()))
    : (await (await registry.of(target, null)).snapshot('rollback-head', now)).tree;
  const position = await store.runs.position(ids);
  return { session, status, spec, points, past, head, tip: tip?.commit ?? null, position, events, approvals };
}

async function eventsOf(store: StandingDeps['store'], runId: string): Promise<StoredEvent[]> {
  const all: StoredEvent[] = [];
  for (;;) {
    const page = await store.projections.events(runId, all.at(-1)?.seq ?? 0, PAGE);
    all.push(...page);
    if (page.length < PAGE) return all;
  }
}
