import { type Approval, approvalStatuses } from '../../src/domain/approval.ts';
import { budgetUnits } from '../../src/domain/budget.ts';
import { raiseOffer } from '../../src/domain/raise.ts';
import type { View } from '../../src/slack/blocks.ts';
import { approvalCard, approvalClosed } from '../../src/slack/builders/approval.ts';
import { amountForm } from '../../src/slack/builders/modals.ts';
import type { Message } from '../../src/slack/message.ts';
import type { ApprovalView } from '../../src/slack/views.ts';

const offer = raiseOffer('usd', 4.05, 6, null);

function about(view: ApprovalView): ApprovalView {
  const labels = { approve: 'Raise to $6.00', request_changes: 'Deliver what is there', reject: 'Stop' };
  const subject = { ...view.approval.subject, labels, raise: offer };
  const votes = view.approval.votes.map((vote) => ({ ...vote, amount: 12.5 }));
  return { ...view, approval: { ...view.approval, subject, votes } };
}

/** The question about a budget, whatever came of it. */
export function budgetMessages(of: (status: Approval['status']) => ApprovalView): [string, Message][] {
  return approvalStatuses.map((status): [string, Message] => [
    `budget ${status}`,
    status === 'pending' ? approvalCard(about(of(status))) : approvalClosed(about(of(status))),
  ]);
}

/** The form for an amount, in every unit. */
export function budgetViews(approval: Approval): Record<string, View> {
  return Object.fromEntries(
    budgetUnits.map((unit) => [`amount ${unit}`, amountForm(approval, raiseOffer(unit, 4, 6, 20))]),
  );
}
