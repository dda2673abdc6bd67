import { z } from 'zod';
import { BatonError, type Failure } from '../domain/failure.ts';
import { awaitDecision } from '../patterns/await-decision.ts';
import { checkChanges, holdApproval, openApproval } from '../ports/activities.ts';
import type { Flow, Operation } from '../ports/flow.ts';

/** A state of the worktree that may be kept, and the approval that says so. */
export const keptSchema = z.object({ tree: z.string(), approvalId: z.string() });
export type Kept = z.infer<typeof keptSchema>;

/**
 * Asks the policy about the worktree as it is, and people where the policy wants them asked. Null: nobody has to be.
 * Throws when it was not allowed.
 */
export function* allowChanges(flow: Flow, node: string): Operation<Kept | null> {
  for (;;) {
    const at = yield* flow.now('at');
    const { asked } = yield* flow.step(
      'policy',
      checkChanges,
      { at },
      { label: 'looking at what the policy says' },
    );
    if (asked.length === 0) return null;
    const opened = yield* flow.step(
      'open',
      openApproval,
      {
        node,
        title: 'Keep these changes on the branch?',
        why: asked.map(({ why }) => why).join('; '),
        risk: 'Nothing is merged by this; the work stays on its own branch.',
        round: 1,
        policy: {},
        subject: { kind: 'changes', stream: null },
        at,
      },
      { label: 'asking for approval' },
    );
    const answer = yield* awaitDecision('decision', { ...opened, askedAt: at }, flow);
    const { approvalId, tree } = opened;
    if (answer?.verdict === 'approve' && tree !== null) return { tree, approvalId };
    if (answer?.verdict === 'content_changed') continue;
    // There is nothing to go on to without these changes, so leaving them out is an end, too.
    if (answer === null && opened.policy.onTimeout === 'pause')
      yield* flow.step('hold', holdApproval, { approvalId }, { label: 'waiting for somebody to look at it' });
    else throw new BatonError(answer === null ? timeout() : refused(answer.verdict, answer.comment));
  }
}

function timeout(): Failure {
  return {
    class: 'terminal',
    code: 'approval_timeout',
    message: 'Nobody decided in time, so it was not done',
    hint: 'The branch and the snapshot are kept. Run it again when somebody can look at it.',
  };
}

function refused(verdict: string, comment: string | null): Failure {
  const words = comment === null ? '' : `: ${comment}`;
  const hint = 'The branch and the snapshot are kept.';
  return verdict === 'reject'
    ? { class: 'terminal', code: 'approval_rejected', message: `It was rejected${words}`, hint }
    : { class: 'terminal', code: 'approval_changes', message: `It still needs changes${words}`, hint };
}

/** Why an approved state was not kept after all. @param why as the taking of an approval says it */
export function notTakenFailure(why: string): Failure {
  return {
    class: 'terminal',
    code: 'approval_lost',
    message: `It was approved, and not done: ${WHY[why] ?? 'the approval does not hold any more'}`,
    hint: 'The work is on its branch, marked as unfinished, and the snapshot is kept. Run it again to be asked anew.',
  };
}

const WHY: Readonly<Record<string, string>> = {
  lapsed: 'the time in which it could be done ran out',
  content_changed: 'it is not what was shown any more',
  right_lost: 'those who approved it may not do so any more',
  already_taken: 'the approval was used already',
};
