import { z } from 'zod';
import { inParallel } from '../domain/estimate.ts';
import { type Handoff, mergeContext } from '../domain/handoff.ts';
import type { Json } from '../domain/json.ts';
import { nodeSchema } from '../domain/workflow.ts';
import type { NamedBody } from '../ports/flow.ts';
import { commonShape } from './on-error.ts';
import { definePattern } from './pattern.ts';

/** Branches at once unless the node says otherwise: what one provider's rate limit usually bears. */
const DEFAULT_LIMIT = 20;

const schema = z.strictObject({
  ...commonShape,
  kind: z.literal('parallel'),
  branches: z.array(nodeSchema).min(1).max(10_000),
  limit: z.number().int().min(1).max(1_000).default(DEFAULT_LIMIT),
});

/** P2: all branches side by side, each from the same handoff; the first failure cancels the rest. */
export const parallel = definePattern({
  kind: 'parallel',
  schema,
  children: (node) => node.branches,
  *run(node, input, flow, context) {
    const bodies: NamedBody<Handoff>[] = node.branches.map((branch) => ({
      name: branch.id,
      run: (inner) => context.run(branch, input, inner),
    }));
    const ends = yield* flow.all('branches', bodies, node.limit);
    return join(
      input,
      node.branches.map(({ id }) => id),
      ends,
    );
  },
  estimate: (node, context) =>
    inParallel(
      node.branches.map((branch) => context.child(branch)),
      node.limit,
    ),
  describe: (node, child) => `${node.branches.map(child).join(' and ')} in parallel`,
});

/** One handoff out of many: results by branch, contexts in the branches' order, good only when all are. */
function join(input: Handoff, ids: readonly string[], ends: readonly Handoff[]): Handoff {
  const result: { [key: string]: Json } = {};
  for (const [index, id] of ids.entries()) result[id] = ends[index]?.result ?? null;
  const qualities = ends.flatMap(({ validation }) =>
    validation.quality === null ? [] : [validation.quality],
  );
  return {
    result,
    context: mergeContext(input.context, ...ends.map(({ context }) => context)),
    validation: {
      passed: ends.every(({ validation }) => validation.passed),
      quality: qualities.length === 0 ? null : Math.min(...qualities),
      findings: ends.flatMap(({ validation }) => validation.findings),
    },
    warnings: [...new Set(ends.flatMap(({ warnings }) => warnings))],
  };
}
