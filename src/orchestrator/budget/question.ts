import { amount } from '../../domain/budget.ts';
import { awaitDecision } from '../../patterns/await-decision.ts';
import { openApproval } from '../../ports/activities.ts';
import type { Program } from '../../ports/flow.ts';
import { BUDGET_PROGRAM, budgetQuestionSchema, settleBudget, takeStock } from './contracts.ts';

/**
 * Asks what is to become of a run that has used up its budget, with reminders and deputies like any other question, and
 * does what is decided. A run of its own, since the one it asks about is paused.
 */
export function budgetProgram(): Program {
  return {
    name: BUDGET_PROGRAM,
    version: 1,
    *run(_definition, input, flow) {
      const { asked } = budgetQuestionSchema.parse(input);
      for (;;) {
        const { why, stock, to, offer } = yield* flow.step('stock', takeStock, asked, { label: 'adding up' });
        const at = yield* flow.now('asked-at');
        const opened = yield* flow.step(
          'ask',
          openApproval,
          {
            node: 'budget',
            title: `Raise the budget of ${amount(asked.unit, asked.given)} to ${amount(asked.unit, to)}?`,
            why,
            risk: '',
            round: 1,
            // Used by the decision itself: the run only goes on. Without one it waits, paused.
            policy: { onTimeout: 'pause', executeWithinMs: 0 },
            subject: { kind: 'budget', ...asked, to, stock, ...(offer === undefined ? {} : { offer }) },
            at,
          },
          { label: 'asking about the budget' },
        );
        const answer = yield* awaitDecision('answer', { ...opened, askedAt: at }, flow);
        if (answer?.verdict === 'content_changed') continue;
        const { approvalId } = opened;
        const end = yield* flow.step(
          'settle',
          settleBudget,
          { ...asked, to, approvalId },
          { label: 'doing what was decided about the budget' },
        );
        return end.done;
      }
    },
  };
}
