import { z } from 'zod';
import { inSequence } from '../domain/estimate.ts';
import { mergeContext } from '../domain/handoff.ts';
import { commonShape } from './on-error.ts';
import { definePattern } from './pattern.ts';

const schema = z.strictObject({
  ...commonShape,
  kind: z.literal('end'),
  status: z.enum(['completed', 'failed']).default('completed'),
  /** Why, for people. */
  says: z.string().default('That is all there is to do.'),
});

/** P14: the whole workflow ends here, whatever else is under way. */
export const end = definePattern({
  kind: 'end',
  schema,
  *run(node, input, flow, context) {
    yield* flow.emit(
      { type: 'node.started', node: node.id, kind: 'end' },
      {
        type: 'node.finished',
        node: node.id,
        status: node.status === 'completed' ? 'done' : 'failed',
        summary: node.says,
      },
    );
    const said = mergeContext(input.context, [{ node: node.id, agent: null, summary: node.says }]);
    context.end(
      node.status === 'completed'
        ? { ok: true, node: node.id, handoff: { ...input, context: said } }
        : {
            ok: false,
            node: node.id,
            failure: {
              class: 'terminal',
              code: 'ended_failed',
              message: node.says,
              hint: 'The branch and every snapshot are kept.',
            },
          },
    );
    // Given up with everything else once the end is seen.
    yield* flow.until(() => false, { patient: true });
    return input;
  },
  estimate: () => inSequence([]),
  describe: (node) => `the end${node.status === 'failed' ? ', failed' : ''}`,
});
