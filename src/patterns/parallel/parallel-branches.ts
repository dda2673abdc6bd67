import { fromNothing, inSequence } from '../../domain/estimate.ts';
import type { Handoff } from '../../domain/handoff.ts';
import type { Estimate } from '../../domain/workflow.ts';
import type { Flow, NamedBody, Operation } from '../../ports/flow.ts';
import { gather, lostOf } from '../join.ts';
import { joined } from '../joined.ts';
import type { EstimateContext, RunContext } from '../pattern.ts';
import { chosen } from './choose.ts';
import type { Parallel } from './parallel-schema.ts';

/** All branches side by side, each from the same handoff, in the worktree of the node itself. */
export function* runBranches(
  node: Parallel,
  input: Handoff,
  flow: Flow,
  context: RunContext,
): Operation<Handoff> {
  const branches = yield* chosen({ ...node, branches: node.branches ?? [] }, input, flow, context);
  if (branches.length === 0) return input;
  const ids = branches.map(({ id }) => id);
  const bodies: NamedBody<Handoff>[] = branches.map((branch) => ({
    name: branch.id,
    *run(inner) {
      const end = yield* context.run(branch, input, inner);
      return node.each === undefined ? end : yield* context.run(node.each, end, inner);
    },
  }));
  if (node.join !== undefined || context.board.isCompletable(node.id))
    return yield* gather(
      {
        node: node.id,
        group: 'branches',
        bodies,
        limit: node.limit,
        join: node.join ?? null,
        then: node.then ?? null,
        endsAll: () => node.join === undefined,
        assemble: (all) => {
          const done = all.flatMap((end, at) =>
            end.status === 'done' ? [{ id: ids[at] ?? '', handoff: end.value }] : [],
          );
          const whole = joined(
            input,
            done.map(({ id }) => id),
            done.map(({ handoff }) => handoff),
          );
          return { ...whole, warnings: [...whole.warnings, ...lostOf(ids, all)] };
        },
      },
      flow,
      context,
    );
  const ends = yield* flow.all('branches', bodies, node.limit);
  return joined(input, ids, ends);
}

export function estimateBranches(node: Parallel, context: EstimateContext): Estimate {
  const each = node.each === undefined ? [] : [context.child(node.each)];
  const branches = (node.branches ?? []).map((branch) => inSequence([context.child(branch), ...each]));
  const then = node.then === undefined ? [] : [context.child(node.then)];
  const all = inSequence([context.parallel(branches, node.limit), ...then]);
  return node.join === undefined && node.choose === undefined ? all : fromNothing(all);
}
