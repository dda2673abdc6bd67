import { z } from 'zod';
import { inSequence } from '../domain/estimate.ts';
import { toFailure } from '../domain/failure.ts';
import type { Handoff } from '../domain/handoff.ts';
import { nodeSchema } from '../domain/workflow.ts';
import { definePattern } from './pattern.ts';

const schema = z.strictObject({
  id: nodeSchema.shape.id,
  kind: z.literal('sequence'),
  stages: z.array(nodeSchema).min(1).max(10_000),
  /** What a failed stage does to the rest: `stop` ends the sequence, `skip` goes on without it. */
  on_error: z.enum(['stop', 'skip']).default('stop'),
});

/** P1: one stage after the other, each handed what the one before hands over. */
export const sequence = definePattern({
  kind: 'sequence',
  schema,
  children: (node) => node.stages,
  *run(node, input, flow, context) {
    let handoff: Handoff = input;
    for (const stage of node.stages) {
      try {
        handoff = yield* context.run(stage, handoff, flow);
      } catch (error) {
        const failure = toFailure(error);
        if (node.on_error === 'stop' || failure.class === 'structural' || failure.class === 'cancelled')
          throw error;
        handoff = {
          ...handoff,
          warnings: [...handoff.warnings, `${stage.id} was skipped: ${failure.message}`],
        };
        yield* flow.emit({
          type: 'node.finished',
          node: stage.id,
          status: 'skipped',
          summary: failure.message,
        });
      }
    }
    return handoff;
  },
  estimate: (node, context) => inSequence(node.stages.map((stage) => context.child(stage))),
  describe: (node, child) => node.stages.map(child).join(', then '),
});
