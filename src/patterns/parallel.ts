import { z } from 'zod';
import { inParallel, inSequence } from '../domain/estimate.ts';
import { type Handoff, mergeContext } from '../domain/handoff.ts';
import type { Json } from '../domain/json.ts';
import { type Estimate, nodeSchema } from '../domain/workflow.ts';
import type { NamedBody } from '../ports/flow.ts';
import { chooseProblems, chooseSchema, chosen } from './choose.ts';
import { gather, joinProblems, joinShape, lostOf } from './join.ts';
import { commonShape } from './on-error.ts';
import { definePattern } from './pattern.ts';

/** Branches at once unless the node says otherwise: what one provider's rate limit usually bears. */
const DEFAULT_LIMIT = 20;

const schema = z
  .strictObject({
    ...commonShape,
    kind: z.literal('parallel'),
    branches: z.array(nodeSchema).min(1).max(10_000),
    limit: z.number().int().min(1).max(1_000).default(DEFAULT_LIMIT),
    choose: chooseSchema.optional(),
    /** Runs after every branch, once for each. */
    each: nodeSchema.optional(),
    ...joinShape,
  })
  .superRefine((node, context) => {
    for (const issue of [...chooseProblems(node), ...joinProblems(node, node.branches.length)])
      context.addIssue({ code: 'custom', ...issue });
  });

/** P2: all branches side by side, each from the same handoff; the first failure cancels the rest. */
export const parallel = definePattern({
  kind: 'parallel',
  schema,
  children: (node) => [...node.branches, node.each, node.then].filter((child) => child !== undefined),
  *run(node, input, flow, context) {
    const branches = yield* chosen(node, input, flow, context);
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
            const whole = join(
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
    return join(input, ids, ends);
  },
  estimate(node, context) {
    const each = node.each === undefined ? [] : [context.child(node.each)];
    const branches = node.branches.map((branch) => inSequence([context.child(branch), ...each]));
    const then = node.then === undefined ? [] : [context.child(node.then)];
    const all = inSequence([inParallel(branches, node.limit), ...then]);
    return node.join === undefined && node.choose === undefined ? all : fromNothing(all);
  },
  /** One branch at a time. */
  simpler: (node) => (node.limit === 1 ? null : { ...node, limit: 1 }),
  describe: (node, child) => `${node.branches.map(child).join(' and ')} in parallel`,
});

/** Some of it may not be needed: the lower bound is gone. */
function fromNothing(all: Estimate): Estimate {
  return { ...all, ms: { ...all.ms, low: 0 }, usd: all.usd && { ...all.usd, low: 0 } };
}

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
