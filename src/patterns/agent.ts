import { z } from 'zod';
import { durationMs, durationSchema } from '../domain/duration.ts';
import { mergeContext } from '../domain/handoff.ts';
import { nodeSchema } from '../domain/workflow.ts';
import { takeSnapshot } from '../ports/activities.ts';
import { definePattern } from './pattern.ts';

/** Caps of one agent's task unless the node sets its own: enough for a feature in a small repository. */
const DEFAULT_LIMITS = { turns: 40, tokens: 400_000, timeout: '20m' } as const;

const schema = z.strictObject({
  id: nodeSchema.shape.id,
  kind: z.literal('agent'),
  agent: z.string(),
  task: z.string(),
  limits: z
    .strictObject({
      turns: z.number().int().min(1).max(500).default(DEFAULT_LIMITS.turns),
      tokens: z.number().int().min(1_000).default(DEFAULT_LIMITS.tokens),
      timeout: durationSchema.default(DEFAULT_LIMITS.timeout),
    })
    .default(DEFAULT_LIMITS),
});

/** A leaf: one agent does one task, and what it left in the worktree is kept as a snapshot. */
export const agent = definePattern({
  kind: 'agent',
  schema,
  agents: (node) => [{ agent: node.agent, task: node.task }],
  *run(node, input, flow, context) {
    const role = context.role(node.agent);
    yield* flow.emit({ type: 'node.started', node: node.id, kind: 'agent', agent: role.name });
    const outcome = yield* context.runner(role).run(
      {
        node: node.id,
        role,
        request: context.request,
        task: node.task,
        context: input.context,
        previous: input.result,
        feedback: input.validation.findings,
        testCommand: context.testCommand === null ? null : [...context.testCommand],
        limits: {
          turns: node.limits.turns,
          tokens: node.limits.tokens,
          timeoutMs: durationMs(node.limits.timeout),
        },
      },
      flow,
      { command: (argv, inner) => context.permit(argv, node.id, inner) },
    );
    const at = yield* flow.now('at');
    yield* flow.step('snapshot', takeSnapshot, { node: node.id, at }, { label: 'keeping a snapshot' });
    yield* flow.emit({
      type: 'node.finished',
      node: node.id,
      agent: role.name,
      status: 'done',
      summary: outcome.summary,
    });
    const judged = role.output === 'review';
    return {
      result: outcome.result,
      context: mergeContext(input.context, [{ node: node.id, agent: role.name, summary: outcome.summary }]),
      // A reviewer's word never outweighs a failed check before it: tests that fail stay failed.
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
