import { z } from 'zod';
import { timeoutActions } from '../domain/approval.ts';
import { durationMs, durationSchema } from '../domain/duration.ts';
import { urgencies } from '../domain/escalation.ts';
import { inSequence, times } from '../domain/estimate.ts';
import { BatonError } from '../domain/failure.ts';
import { type Handoff, mergeContext } from '../domain/handoff.ts';
import { nodeSchema } from '../domain/workflow.ts';
import { holdApproval, openApproval } from '../ports/activities.ts';
import type { Flow } from '../ports/flow.ts';
import { awaitDecision } from './await-decision.ts';
import { commonShape } from './on-error.ts';
import { definePattern } from './pattern.ts';

const schema = z.strictObject({
  ...commonShape,
  kind: z.literal('approval'),
  title: z.string(),
  why: z.string(),
  risk: z.string().default('Nothing is merged by this; the work stays on its own branch.'),
  people: z.array(z.string()).optional(),
  escalate_to: z.array(z.string()).optional(),
  groups: z.array(z.string()).optional(),
  /** How many distinct people have to say yes. */
  count: z.number().int().min(1).max(20).optional(),
  four_eyes: z.boolean().optional(),
  remind_after: durationSchema.optional(),
  escalate_after: durationSchema.optional(),
  expire_after: durationSchema.optional(),
  execute_within: durationSchema.optional(),
  on_timeout: z.enum(timeoutActions).optional(),
  urgency: z.enum(urgencies).optional(),
  /** Runs with the person's words as findings, then asks again. Without it a request for changes is a rejection. */
  on_changes: nodeSchema.optional(),
  max_rounds: z.number().int().min(1).max(10).default(3),
});
type ApprovalNode = z.infer<typeof schema>;

/** P14: people allow exactly what they were shown, reject it, or ask for changes. */
export const approval = definePattern({
  kind: 'approval',
  schema,
  children: (node) => (node.on_changes === undefined ? [] : [node.on_changes]),
  *run(node, input, flow, context) {
    let handoff: Handoff = input;
    for (let round = 1; round <= node.max_rounds; round += 1) {
      const { opened, answer } = yield* ask(node, round, flow, context.stream);
      if (answer === null && opened.policy.onTimeout === 'skip') return unapproved(node, handoff);
      if (answer === null) {
        throw new BatonError({
          class: 'terminal',
          code: 'approval_timeout',
          message: 'Nobody decided in time, so it was not done',
          hint: 'The branch and the snapshot are kept. Run it again when somebody can look at it.',
        });
      }
      if (answer.verdict === 'approve') {
        if (opened.tree !== null) context.approved({ tree: opened.tree, approvalId: opened.approvalId });
        return {
          ...handoff,
          context: mergeContext(handoff.context, [
            { node: node.id, agent: null, summary: `<@${answer.by}> approved` },
          ]),
        };
      }
      if (answer.verdict === 'reject' || node.on_changes === undefined || round === node.max_rounds) {
        throw new BatonError({
          class: 'terminal',
          code: answer.verdict === 'reject' ? 'approval_rejected' : 'approval_changes',
          message: `${answer.verdict === 'reject' ? 'It was rejected' : `It still needs changes after ${round === 1 ? 'one round' : `${round} rounds`}`}${answer.comment === null ? '' : `: ${answer.comment}`}`,
          hint: 'The branch and the snapshot are kept.',
        });
      }
      const wanted = answer.comment ?? 'Changes were requested without words.';
      handoff = yield* context.run(
        node.on_changes,
        { ...handoff, validation: { passed: false, quality: null, findings: [wanted] } },
        flow,
      );
    }
    return handoff;
  },
  estimate(node, context) {
    const changes =
      node.on_changes === undefined
        ? inSequence([])
        : times(context.child(node.on_changes), 0, 0, node.max_rounds - 1);
    // The wait for people is theirs, not the work's: it is not part of the estimate.
    return { ...changes, asks: (node.on_changes === undefined ? 1 : node.max_rounds) + changes.asks };
  },
  describe: () => 'an approval',
});

/** Asks, and anew when the content had changed by the time somebody answered: they had been shown something else. */
function* ask(node: ApprovalNode, round: number, flow: Flow, stream: string | null) {
  for (;;) {
    const at = yield* flow.now('at');
    const opened = yield* flow.step(
      'open',
      openApproval,
      {
        node: node.id,
        title: node.title,
        why: node.why,
        risk: node.risk,
        round,
        policy: policyOf(node),
        ...(node.urgency === undefined ? {} : { urgency: node.urgency }),
        subject: { kind: 'changes', stream },
        at,
      },
      { label: 'asking for approval' },
    );
    const answer = yield* awaitDecision('decision', { ...opened, askedAt: at }, flow);
    if (answer === null && opened.policy.onTimeout === 'pause') {
      // The run waits, paused, until somebody resumes it; then people are asked anew.
      const { approvalId } = opened;
      yield* flow.step('hold', holdApproval, { approvalId }, { label: 'waiting for somebody to look at it' });
    } else if (answer?.verdict !== 'content_changed') return { opened, answer };
  }
}

/** Nobody decided, and the workflow goes on without: nothing is marked as allowed, and the end says so. */
function unapproved(node: ApprovalNode, handoff: Handoff): Handoff {
  return {
    ...handoff,
    warnings: [...handoff.warnings, `Nobody decided on "${node.title}" in time; it was left out.`],
  };
}

function policyOf(node: ApprovalNode) {
  return {
    ...(node.people === undefined ? {} : { people: node.people }),
    ...(node.groups === undefined ? {} : { groups: node.groups }),
    ...(node.count === undefined ? {} : { count: node.count }),
    ...(node.on_timeout === undefined ? {} : { onTimeout: node.on_timeout }),
    ...(node.execute_within === undefined ? {} : { executeWithinMs: durationMs(node.execute_within) }),
    ...(node.escalate_to === undefined ? {} : { escalateTo: node.escalate_to }),
    ...(node.four_eyes === undefined ? {} : { fourEyes: node.four_eyes }),
    ...(node.remind_after === undefined ? {} : { remindAfterMs: durationMs(node.remind_after) }),
    ...(node.escalate_after === undefined ? {} : { escalateAfterMs: durationMs(node.escalate_after) }),
    ...(node.expire_after === undefined ? {} : { expireAfterMs: durationMs(node.expire_after) }),
  };
}
