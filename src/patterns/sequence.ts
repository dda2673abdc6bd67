import { z } from 'zod';
import { inSequence, times } from '../domain/estimate.ts';
import type { Handoff } from '../domain/handoff.ts';
import { nodeSchema } from '../domain/workflow.ts';
import { handoffsProblems, handoffsSchema, validatedStages } from './handoffs.ts';
import { commonShape } from './on-error.ts';
import { definePattern } from './pattern.ts';

const schema = z
  .strictObject({
    ...commonShape,
    kind: z.literal('sequence'),
    stages: z.array(nodeSchema).min(1).max(10_000),
    handoffs: handoffsSchema.optional(),
  })
  .superRefine((node, context) => {
    for (const issue of handoffsProblems(node.stages, node.handoffs))
      context.addIssue({ code: 'custom', ...issue });
  });

/** P1: one stage after the other, each handed what the one before hands over. */
export const sequence = definePattern({
  kind: 'sequence',
  schema,
  children: (node) => node.stages,
  *run(node, input, flow, context) {
    if (node.handoffs !== undefined) return yield* validatedStages(node, node.handoffs, input, flow, context);
    let handoff: Handoff = input;
    for (const stage of node.stages) handoff = yield* context.run(stage, handoff, flow);
    return handoff;
  },
  estimate(node, context) {
    const once = node.stages.map((stage) => context.child(stage));
    const most = 1 + (node.handoffs?.rework ?? 0);
    return inSequence(once.map((stage) => times(stage, 1, 1, most)));
  },
  describe: (node, child) => node.stages.map(child).join(', then '),
});
