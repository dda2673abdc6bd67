import { z } from 'zod';
import { stepLimitsSchema } from '../domain/agent.ts';
import { mergeContext } from '../domain/handoff.ts';
import { takeSnapshot } from '../ports/activities.ts';
import { askAgent } from './ask.ts';
import { commonShape } from './on-error.ts';
import { definePattern } from './pattern.ts';

const schema = z.strictObject({
  ...commonShape,
  kind: z.literal('agent'),
  agent: z.string(),
  task: z.string(),
  limits: stepLimitsSchema.optional(),
});

/** A leaf: one agent does one task, and what it left in the worktree is kept as a snapshot. */
export const agent = definePattern({
  kind: 'agent',
  schema,
  agents: (node) => [{ agent: node.agent, task: node.task }],
  *run(node, input, flow, context) {
    const outcome = yield* askAgent({ ...node, node: node.id, line: node.id }, input, flow, context);
    const at = yield* flow.now('at');
    yield* flow.step(
      'snapshot',
      takeSnapshot,
      { node: node.id, stream: context.stream, at },
      { label: 'keeping a snapshot' },
    );
    const { output } = context.role(node.agent);
    const judged = output === 'review' || output === 'verdict';
    return {
      result: outcome.result,
      context: mergeContext(input.context, [{ node: node.id, agent: node.agent, summary: outcome.summary }]),
      // A judge's word never outweighs a failed check before it: tests that fail stay failed.
      validation: judged
        ? {
            passed: input.validation.passed && outcome.approved !== false,
            quality: outcome.quality,
            findings: [...input.validation.findings, ...outcome.findings],
          }
        : { passed: true, quality: null, findings: [] },
      warnings: [...new Set([...input.warnings, ...outcome.warnings])],
    };
  },
  estimate: (node, context) => context.agentTask(node.agent),
  describe: (node) => node.agent,
});
