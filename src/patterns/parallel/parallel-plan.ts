import type { Node } from '../../domain/workflow.ts';
import type { SyncPoint, Task } from './parallel-shapes.ts';

/** One task with all that it waits for, whether somebody wrote that or a stream or sync point brings it about. */
export interface Part {
  readonly id: string;
  readonly node: Node;
  /** The stream it works in, as the workflow names it; null: where the parallel node itself works. */
  readonly stream: string | null;
  readonly needs: readonly string[];
  /** The task before it in its stream: waited for because both share a worktree. */
  readonly behind: string | null;
  /** What whoever takes it over must be capable of; empty: it stays where it is. */
  readonly capabilities: readonly string[];
  /** Points that only one of their participants may be at. */
  readonly holds: readonly string[];
}
export interface Point extends SyncPoint {
  readonly needs: readonly string[];
}

/** The fields of a parallel node that say what waits for what. */
interface Given {
  readonly branches?: readonly Node[] | undefined;
  readonly tasks?: readonly Task[] | undefined;
  readonly sync?: readonly SyncPoint[] | undefined;
  readonly streams: boolean;
  readonly rebalance?: boolean | undefined;
}

/** Tasks as they were written, before what streams and sync points add. */
function plainParts({ branches, tasks, streams, rebalance = false }: Given): Part[] {
  if (branches !== undefined)
    return branches.map((node) => ({
      id: node.id,
      node,
      stream: streams ? node.id : null,
      needs: [],
      behind: null,
      capabilities: [],
      holds: [],
    }));
  return (tasks ?? []).map(({ id, agent, task, limits, flow, needs, stream, capabilities }) => ({
    id,
    node: flow ?? {
      kind: 'agent',
      id,
      agent,
      task,
      ...(limits === undefined ? {} : { limits }),
    },
    stream: streams ? (stream ?? id) : null,
    needs,
    behind: null,
    capabilities: rebalance && agent !== undefined ? (capabilities ?? []) : [],
    holds: [],
  }));
}

/** Every task with everything it waits for. */
export function partsOf(node: Given): Part[] {
  const parts = plainParts(node);
  const points = node.sync ?? [];
  return parts.map((part, at) => {
    const before =
      part.stream === null ? undefined : parts.slice(0, at).findLast(({ stream }) => stream === part.stream);
    const opened = points.filter(
      ({ type, participants }) => (type === 'start' || type === 'resource') && participants.includes(part.id),
    );
    const met = points.filter((point) => isHeldAt(point, parts, at));
    return {
      ...part,
      // One that names it needs what it made, not only its place.
      behind: before === undefined || part.needs.includes(before.id) ? null : before.id,
      needs: [
        ...new Set([
          ...part.needs,
          ...(before === undefined ? [] : [before.id]),
          ...[...opened, ...met].map(({ id }) => id),
        ]),
      ],
      holds: opened.filter(({ type }) => type === 'resource').map(({ id }) => id),
    };
  });
}

/** A stream that takes part in a point waits there: what follows its last participant follows the point. */
function isHeldAt({ type, participants }: SyncPoint, parts: readonly Part[], at: number): boolean {
  if (type !== 'milestone' && type !== 'integration') return false;
  const { stream } = parts[at] ?? { stream: null };
  if (stream === null) return false;
  const last = parts.findLastIndex((part) => part.stream === stream && participants.includes(part.id));
  return last >= 0 && at > last;
}

export function pointsOf({ sync }: Given): Point[] {
  return (sync ?? []).map((point) => ({
    ...point,
    needs: point.type === 'start' || point.type === 'resource' ? point.after : point.participants,
  }));
}

/** The ids of a circle in which each waits for the next, its first again at the end; null where there is none. */
export function circleIn(node: Given): string[] | null {
  const needs = new Map<string, readonly string[]>();
  for (const { id, needs: before } of [...partsOf(node), ...pointsOf(node)]) needs.set(id, before);
  const done = new Set<string>();
  for (const start of needs.keys()) {
    const found = circleFrom(start, needs, done);
    if (found !== null) return found;
  }
  return null;
}

function circleFrom(
  start: string,
  needs: ReadonlyMap<string, readonly string[]>,
  done: Set<string>,
): string[] | null {
  // Without recursion: a thousand tasks may stand in one line.
  const path: { id: string; left: string[] }[] = [{ id: start, left: [...(needs.get(start) ?? [])] }];
  for (let top = path.at(-1); top !== undefined; top = path.at(-1)) {
    const next = top.left.pop();
    if (next === undefined) {
      done.add(top.id);
      path.pop();
      continue;
    }
    const before = path.findIndex(({ id }) => id === next);
    if (before >= 0) return [...path.slice(before).map(({ id }) => id), next];
    if (!done.has(next)) path.push({ id: next, left: [...(needs.get(next) ?? [])] });
  }
  return null;
}

/** Whether branches just run side by side, as they did before there were tasks and streams. */
export function isPlain({ tasks, sync, streams }: Given): boolean {
  return tasks === undefined && sync === undefined && !streams;
}

/** The nodes below, in order; an approval at a sync point is one of them. */
export function nodesOf(node: Given): Node[] {
  return [
    ...plainParts(node).map((part) => part.node),
    ...(node.sync ?? []).flatMap((point) => approvalOf(point) ?? []),
  ];
}

export function approvalOf({ id, approval }: SyncPoint): Node | null {
  return approval === undefined ? null : { ...approval, kind: 'approval', id };
}
