import { isTerminal } from './run.ts';
import type { RunView } from './run-view.ts';

/**
 * A run as people see it whose work is partly done by runs of its own: their lines, costs and questions beside its own,
 * and paused when one of them is, since nothing else would say so. Pure; neither view is changed.
 */
export function withParts(view: RunView, parts: readonly RunView[]): RunView {
  if (parts.length === 0) return view;
  const all = [view, ...parts];
  const stalled = isTerminal(view.status) ? undefined : parts.find(({ status }) => status === 'paused');
  const usage: Map<string, { costUsd: number | null; tokens: number }> = new Map();
  for (const [agent, { costUsd, tokens }] of all.flatMap((each) => [...each.usage])) {
    const before = usage.get(agent) ?? { costUsd: 0, tokens: 0 };
    usage.set(agent, { costUsd: plus(before.costUsd, costUsd), tokens: before.tokens + tokens });
  }
  return {
    ...view,
    status: stalled?.status ?? view.status,
    failure: stalled?.failure ?? view.failure,
    nodes: new Map(all.flatMap(({ nodes }) => [...nodes])),
    usage,
    costUsd: all.reduce<number | null>((sum, { costUsd }) => plus(sum, costUsd), 0),
    approvals: new Map(all.flatMap(({ approvals }) => [...approvals])),
    tasks: new Map(all.flatMap(({ tasks }) => [...tasks])),
    rounds: all.reduce((sum, { rounds }) => sum + rounds, 0),
    handedOver: all.findLast(({ handedOver }) => handedOver !== null)?.handedOver ?? null,
    rubric: all.findLast(({ rubric }) => rubric !== null)?.rubric ?? null,
    tests: all.findLast(({ tests }) => tests !== null)?.tests ?? null,
  };
}

function plus(a: number | null, b: number | null): number | null {
  return a === null || b === null ? null : a + b;
}
