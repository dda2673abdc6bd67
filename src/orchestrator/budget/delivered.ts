import type { Failure } from '../../domain/failure.ts';

/** How a run ends whose budget was used up, when people take what is there. An end of its own for everybody who reads it. */
export function budgetDelivered(): Failure {
  return {
    class: 'terminal',
    code: 'budget_delivered',
    message: 'It ended at its budget; what was done by then is on the branch, marked as unfinished',
    hint: 'To go on, run it again with a larger budget.',
  };
}
