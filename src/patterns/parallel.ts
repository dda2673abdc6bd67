import { estimateBranches, runBranches } from './parallel/parallel-branches.ts';
import { estimateTasks } from './parallel/parallel-estimate.ts';
import { isPlain, nodesOf, partsOf } from './parallel/parallel-plan.ts';
import { runTasks } from './parallel/parallel-run.ts';
import { parallelSchema } from './parallel/parallel-schema.ts';
import { resolving } from './parallel/stream-shape.ts';
import { definePattern } from './pattern.ts';

/** P2: branches side by side, or tasks that wait for one another, in streams of their own if wanted; the first failure cancels the rest. */
export const parallel = definePattern({
  kind: 'parallel',
  schema: parallelSchema,
  children: (node) => [...nodesOf(node), node.each, node.then].filter((child) => child !== undefined),
  agents: (node) => resolving(node),
  run: (node, input, flow, context) =>
    isPlain(node) ? runBranches(node, input, flow, context) : runTasks(node, input, flow, context),
  estimate: (node, context) =>
    isPlain(node) ? estimateBranches(node, context) : estimateTasks(node, context),
  /** One at a time. */
  simpler: (node) => (node.limit === 1 ? null : { ...node, limit: 1 }),
  describe: (node, child) => {
    const parts = partsOf(node);
    const names = parts.map((part) => child(part.node)).join(' and ');
    const streams = new Set(parts.flatMap(({ stream }) => stream ?? [])).size;
    const points = (node.sync ?? []).map(({ id, type }) => `${id} (${type})`);
    return [
      parts.length === 1 ? names : `${names} in parallel`,
      streams === 0 ? '' : `, in ${streams} ${streams === 1 ? 'worktree' : 'worktrees'} that are merged`,
      points.length === 0 ? '' : `, meeting at ${points.join(', ')}`,
    ].join('');
  },
});
