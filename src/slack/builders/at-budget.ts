import type { Approval } from '../../domain/approval.ts';
import { actions, section } from '../blocks.ts';
import { type Message, message } from '../message.ts';
import { answers } from '../words.ts';
import { answerButtons } from './approval.ts';

/** The question about a budget that is open, among those of a run. */
function asking(approvals: readonly Approval[]): Approval | undefined {
  return approvals.findLast(({ status, subject }) => status === 'pending' && subject.raise !== undefined);
}

/** To whoever wants a run to go on that has used up its budget: why it does not, and the answers there are. */
export function atBudgetBlocks(approvals: readonly Approval[], rehearsal: boolean): Message {
  const question = asking(approvals);
  return message(
    [section(answers.atBudget), question === undefined ? null : actions(...answerButtons(question))],
    rehearsal,
  );
}
