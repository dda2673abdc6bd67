import type { z } from 'zod';
import type { ApprovalPolicy } from '../domain/approval.ts';
import { BatonError } from '../domain/failure.ts';
import { openApproval } from '../ports/activities.ts';
import type { Flow, Operation } from '../ports/flow.ts';
import { awaitDecision } from './await-decision.ts';

type Question = Omit<z.infer<typeof openApproval.input>, 'at' | 'policy'> & {
  readonly policy?: { readonly [K in keyof ApprovalPolicy]?: ApprovalPolicy[K] | undefined };
};
export interface Answer {
  readonly verdict: 'approve' | 'request_changes';
  readonly by: string;
  readonly comment: string | null;
}

/**
 * Asks people something that is no state of the worktree, and waits for who answers first.
 * @throws BatonError terminal `approval_rejected` or `approval_timeout`: a no, or silence, is final
 */
export function* askPeople(question: Question, flow: Flow): Operation<Answer> {
  const at = yield* flow.now('asked-at');
  const opened = yield* flow.step(
    'ask',
    openApproval,
    { ...question, policy: { ...question.policy }, at },
    { label: 'asking people' },
  );
  const answer = yield* awaitDecision('answer', { ...opened, askedAt: at }, flow);
  const { title } = question;
  if (answer === null || answer.verdict === 'content_changed')
    throw new BatonError({
      class: 'terminal',
      code: 'approval_timeout',
      message: `Nobody answered in time: ${title}`,
      hint: 'The branch and the snapshots are kept. Run it again when somebody can look at it.',
    });
  if (answer.verdict === 'reject')
    throw new BatonError({
      class: 'terminal',
      code: 'approval_rejected',
      message: `The answer was no: ${title}${answer.comment === null ? '' : ` (${answer.comment})`}`,
      hint: 'The branch and the snapshots are kept.',
    });
  return { verdict: answer.verdict, by: answer.by, comment: answer.comment };
}
