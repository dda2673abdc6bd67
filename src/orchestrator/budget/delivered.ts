import type { Failure } from '../../domain/failure.ts';

/** How a run ends whose budget was used up, when people take what is there. @param by Slack id */
export function budgetDelivered(by: string): Failure {
  return {
    class: 'terminal',
    code: 'budget_delivered',
    message: `It ended at its budget, as <@${by}> decided; what was done by then is on the branch`,
    hint: 'To go on, run it again with a larger budget.',
  };
}
