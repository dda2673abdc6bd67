import { z } from 'zod';
import { inSequence } from '../domain/estimate.ts';
import { BatonError } from '../domain/failure.ts';
import { nodeSchema } from '../domain/workflow.ts';
import { commonShape } from './on-error.ts';
import { definePattern } from './pattern.ts';

const schema = z.strictObject({
  ...commonShape,
  kind: z.literal('workflow'),
  /** The name of another workflow, or of this one. */
  workflow: z.string(),
  /** How often the workflow may be within itself by this node. */
  max_depth: z.number().int().min(1).max(20).optional(),
  /** Put there when a run starts: the called workflow's tree, as it was then. Files leave it out. */
  flow: nodeSchema.optional(),
});

/** P14: another workflow as one node. What it calls is part of the run's own definition. */
export const workflow = definePattern({
  kind: 'workflow',
  schema,
  children: (node) => (node.flow === undefined ? [] : [node.flow]),
  *run(node, input, flow, context) {
    if (node.flow === undefined)
      throw new BatonError({
        class: 'terminal',
        code: 'recursion_limit',
        message: `"${node.id}" would call the workflow "${node.workflow}" within itself more often than \`max_depth\` allows`,
        hint: 'The branch and every snapshot are kept. Raise `max_depth`, or let a rule end it earlier.',
      });
    return yield* context.apart(node.flow, input, flow);
  },
  estimate: (node, context) => (node.flow === undefined ? inSequence([]) : context.child(node.flow)),
  describe: (node) => `the workflow ${node.workflow}`,
});
