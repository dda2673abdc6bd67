import { z } from 'zod';
import { inSequence } from '../domain/estimate.ts';
import type { Handoff } from '../domain/handoff.ts';
import { nodeSchema } from '../domain/workflow.ts';
import { commonShape } from './on-error.ts';
import { definePattern } from './pattern.ts';

const schema = z.strictObject({
  ...commonShape,
  kind: z.literal('sequence'),
  stages: z.array(nodeSchema).min(1).max(10_000),
});

/** P1: one stage after the other, each handed what the one before hands over. */
export const sequence = definePattern({
  kind: 'sequence',
  schema,
  children: (node) => node.stages,
  *run(node, input, flow, context) {
    let handoff: Handoff = input;
    for (const stage of node.stages) handoff = yield* context.run(stage, handoff, flow);
    return handoff;
  },
  estimate: (node, context) => inSequence(node.stages.map((stage) => context.child(stage))),
  describe: (node, child) => node.stages.map(child).join(', then '),
});
