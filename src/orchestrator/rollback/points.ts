import type { RunEvent, StoredEvent } from '../../domain/events.ts';
import type { Failure } from '../../domain/failure.ts';
import type { RollbackPoint } from '../../domain/rollback.ts';

/** A moment that can be gone back to, and whether the run itself can go on from there. */
export interface FoundPoint extends RollbackPoint {
  readonly tree: string;
  /** The piece of work after which it was kept, and who did that. */
  readonly node: string;
  readonly agent: string | null;
  /** Somebody, or a check of the workflow, found that state good. */
  readonly validated: boolean;
  /** Why only the files can go back there; null: the run can go on from there, too. */
  readonly filesOnly: string | null;
}

export interface FoundPoints {
  /** States of the run's own worktree, oldest first. */
  readonly states: readonly FoundPoint[];
  /** Where the failed step is tried again; null: no single step failed. */
  readonly step: RollbackPoint | null;
  /** The plan, before anything was done; null: it was never started. */
  readonly beginning: RollbackPoint | null;
  readonly branch: string | null;
  readonly base: string | null;
}

/** Said by the program itself in the turn of an outcome: part of the moment that the outcome brought about. */
const SAID: ReadonlySet<RunEvent['type']> = new Set([
  'node.started',
  'node.finished',
  'agent.ended',
  'handoff',
  'loop.round',
  'plan.ready',
  'plan.started',
  'workspace.ready',
  'vote.counted',
  'sync.reached',
  'agent.told',
]);
/** The last part of the key under which a validated handoff's state is kept. */
const VALIDATED = /(?:^|\/)validated(?:#\d+)?$/;
const OPENED = 'open';

/**
 * Reads a run's events for the moments it can be taken back to. Pure. A run can only go on from a moment at which
 * nothing was open that lives outside its own journal: worktrees of streams, leases, questions to people, and approvals,
 * each of which is for one use.
 * @param approvals kinds of what was asked, by id
 * @param failure what the run failed with; null: it did not
 */
export function findPoints(
  events: readonly StoredEvent[],
  approvals: ReadonlyMap<string, string>,
  failure: Pick<Failure, 'code' | 'message'> | null,
): FoundPoints {
  const states: FoundPoint[] = [];
  const streams = new Set<string>();
  const asked = new Set<string>();
  let held = 0;
  let allowed = false;
  let step: RollbackPoint | null = null;
  let beginning: RollbackPoint | null = null;
  let ready: { readonly branch: string; readonly base: string } | null = null;
  let taken: { readonly node: string; readonly tree: string; readonly at: number } | null = null;
  const agents = new Map<string, string>();

  for (const [index, { event, seq, at }] of events.entries()) {
    switch (event.type) {
      case 'stream.opened':
        streams.add(event.stream);
        break;
      case 'stream.merged':
        streams.delete(event.stream);
        break;
      case 'approval.requested':
        asked.add(event.approvalId);
        break;
      case 'approval.closed':
        asked.delete(event.approvalId);
        allowed ||= approvals.get(event.approvalId) === 'changes';
        break;
      case 'person.asked':
        asked.add(event.taskId);
        break;
      case 'person.ended':
        asked.delete(event.taskId);
        break;
      case 'resource.held':
        held += 1;
        break;
      case 'resource.released':
        held -= 1;
        break;
      case 'workspace.ready':
        ready = { branch: event.branch, base: event.base };
        break;
      case 'node.started':
        if (event.agent !== undefined) agents.set(event.node, event.agent);
        break;
      case 'snapshot.taken':
        taken = { node: event.node, tree: event.tree, at };
        break;
      case 'step.started':
        if (event.key === OPENED && beginning === null)
          beginning = { seq: seq - 1, tree: null, at, label: 'the beginning' };
        break;
      case 'step.failed':
        if (event.failure.code === failure?.code && event.failure.message === failure.message)
          step =
            streams.size === 0 && reasonAgainst({ asked: asked.size, held, allowed }) === null
              ? { seq: seq - 1, tree: null, at, label: 'the step that failed' }
              : null;
        break;
      case 'step.completed': {
        if (event.key.split('/').at(-1)?.startsWith('close-streams') === true) streams.clear();
        // The step that took it ends right after what it told; what else is told there is its own.
        if (taken === null) break;
        const { node, tree } = taken;
        const agent = agents.get(node) ?? null;
        const when = { seq: endOfMoment(events, index), at: taken.at };
        taken = null;
        if (streams.size > 0) break;
        const filesOnly = reasonAgainst({ asked: asked.size, held, allowed });
        states.push({
          ...when,
          tree,
          node,
          agent,
          label: labelOf(node, agent),
          validated: VALIDATED.test(event.key),
          filesOnly,
        });
        break;
      }
      default:
    }
  }
  return { states, step, beginning, branch: ready?.branch ?? null, base: ready?.base ?? null };
}

/** The last validated state; where the workflow validates nothing, the last one there is. */
export function lastGood(states: readonly FoundPoint[]): FoundPoint | null {
  const usable = states.filter(({ filesOnly }) => filesOnly === null);
  return usable.findLast(({ validated }) => validated) ?? usable.at(-1) ?? null;
}

function reasonAgainst(open: {
  readonly asked: number;
  readonly held: number;
  readonly allowed: boolean;
}): string | null {
  if (open.asked > 0) return 'people were being asked something then';
  if (open.held > 0) return 'it held something that others wait for';
  return open.allowed ? 'it lies behind an approval, and a yes is used once' : null;
}

/** The number of the last event that an outcome itself brought about. */
function endOfMoment(events: readonly StoredEvent[], index: number): number {
  let end = index;
  for (let next = index + 1; next < events.length; next += 1) {
    const type = events[next]?.event.type;
    if (type === undefined || !SAID.has(type)) break;
    end = next;
  }
  return events[end]?.seq ?? 0;
}

function labelOf(node: string, agent: string | null): string {
  return agent === null || agent === node ? `after ${node}` : `after ${node} (${agent})`;
}
