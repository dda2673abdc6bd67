import { inSequence, oneOf } from '../../domain/estimate.ts';
import type { Estimate } from '../../domain/workflow.ts';
import type { EstimateContext } from '../pattern.ts';
import { approvalOf, type Part, partsOf, pointsOf } from './parallel-plan.ts';
import type { Parallel } from './parallel-schema.ts';

type Three = Estimate['ms'];

/**
 * Money adds up. Time is at least the longest chain of needs and at least the total shared by the places; at most the chain
 * and the rest shared (Graham 1969, for tasks with an order), and all in one line where a resource lets in one at a time, or
 * where what is needed may be found out late.
 */
export function estimateTasks(node: Parallel, context: EstimateContext): Estimate {
  const parts = partsOf(node).map((part) => ({ ...part, cost: costOf(part, node, context) }));
  const points = pointsOf(node).map((point) => {
    const approval = approvalOf(point);
    return { ...point, cost: approval === null ? inSequence([]) : context.child(approval) };
  });
  const total = inSequence([...parts, ...points].map(({ cost }) => cost));
  const jobs = new Map([...parts, ...points].map((job) => [job.id, job]));
  // One that may be taken over need not follow the task before it in its stream.
  const follows = ({ id, needs }: { readonly id: string; readonly needs: readonly string[] }) => {
    const part = parts.find((each) => each.id === id);
    return part === undefined || part.capabilities.length === 0
      ? needs
      : needs.filter((need) => need !== part.behind);
  };
  const longest = (pick: keyof Three): number => {
    const ends = new Map<string, number>();
    for (const id of inOrder(jobs)) {
      const job = jobs.get(id);
      const waits = job === undefined ? [] : pick === 'high' ? job.needs : follows(job);
      const before = Math.max(0, ...waits.map((need) => ends.get(need) ?? 0));
      ends.set(id, before + (job?.cost.ms[pick] ?? 0));
    }
    return Math.max(0, ...ends.values());
  };
  const { limit } = node;
  // Agents may find out while they work that they need one another's work: then tasks may come to wait in one line.
  const late = (node.tasks ?? []).length > 1;
  // While one of a task's agents waits, its place is another task's, though the task's other agents work on.
  const sharesPlaces = late && (node.tasks ?? []).some(({ flow }) => flow !== undefined);
  const low = Math.max(longest('low'), sharesPlaces ? 0 : total.ms.low / limit);
  const mid = Math.max(longest('mid'), total.ms.mid / limit);
  const chain = longest('high');
  const shared = chain + (limit >= parts.length ? 0 : (total.ms.high - chain) / limit);
  // Merges and points let in one at a time, and so do locks.
  const oneByOne = context.serial || node.rebalance || late || parts.some(({ holds }) => holds.length > 0);
  return { ...total, ms: { low, mid, high: oneByOne ? total.ms.high : shared } };
}

/** By whoever may do it: the agent it is written for, or any of the node's that may take it over. */
function costOf({ node: own, capabilities }: Part, node: Parallel, context: EstimateContext): Estimate {
  if (capabilities.length === 0) return context.child(own);
  const agents = (node.tasks ?? []).flatMap(({ agent }) => agent ?? []);
  return oneOf([own['agent'], ...agents].map((agent) => context.child({ ...own, agent })));
}

/** Each after all that it needs; there is no circle, or the node would not have been taken. */
function inOrder(jobs: ReadonlyMap<string, { readonly needs: readonly string[] }>): string[] {
  const order: string[] = [];
  const done = new Set<string>();
  for (let before = -1; before < order.length && done.size < jobs.size; ) {
    before = order.length;
    for (const [id, { needs }] of jobs)
      if (!done.has(id) && needs.every((need) => done.has(need))) {
        done.add(id);
        order.push(id);
      }
  }
  return order;
}
