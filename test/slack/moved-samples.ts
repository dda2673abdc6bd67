import { approvalDm } from '../../src/slack/builders/chasing.ts';
import type { Message } from '../../src/slack/message.ts';
import type { ApprovalView } from '../../src/slack/views.ts';

/** A question that goes on to whoever stands in, and comes back. */
export function movedMessages(view: ApprovalView, alice: string, bob: string): [string, Message][] {
  const asked = { as: 'approver', to: alice, inPlaceOf: bob, moved: { from: bob } } as const;
  return [
    ['DM that went on', approvalDm(view, 1_200_000, asked)],
    ['DM that came back', approvalDm(view, 1_200_000, { as: 'approver', to: bob, moved: { from: alice } })],
  ];
}
