import { type Approval, type ApprovalSubject, approvalStatuses } from '../../src/domain/approval.ts';
import { EDIT_CHARS, fitsAForm, inFields } from '../../src/domain/conflict-edit.ts';
import type { View } from '../../src/slack/blocks.ts';
import { approvalCard, approvalClosed } from '../../src/slack/builders/approval.ts';
import { conflictForm } from '../../src/slack/builders/conflict-form.ts';
import type { Message } from '../../src/slack/message.ts';
import type { ApprovalView } from '../../src/slack/views.ts';

const labels = { approve: 'Take first', request_changes: 'Take second', reject: 'Stop' };
const LINES = 'const answer = 42;\n';

function about(approval: Approval, edit: NonNullable<ApprovalSubject['edit']>): Approval {
  const votes = approval.votes.map((vote) => ({ ...vote, edited: 'a'.repeat(64) }));
  return { ...approval, subject: { ...approval.subject, labels, edit }, votes };
}

/** The question about a file in conflict, editable and not, whatever came of it. */
export function conflictMessages(of: (status: Approval['status']) => ApprovalView): [string, Message][] {
  return approvalStatuses.flatMap((status): [string, Message][] => {
    const view = of(status);
    const card = status === 'pending' ? approvalCard : approvalClosed;
    const text = view.approval.subject.title;
    return [
      [`conflict ${status}`, card({ ...view, approval: about(view.approval, { text }) })],
      [`binary conflict ${status}`, card({ ...view, approval: about(view.approval, { why: text }) })],
    ];
  });
}

/** Its form: with what is foreign where that is offered, and as long as it may be. */
export function conflictViews(approval: Approval): Record<string, View> {
  const foreign = approval.subject.title;
  const texts = [LINES, LINES.repeat(Math.floor((EDIT_CHARS * 0.98) / LINES.length))];
  const all = fitsAForm(foreign) && inFields(foreign) !== null ? [...texts, foreign] : texts;
  return Object.fromEntries(
    all.flatMap((text, at): [string, View][] => {
      const form = conflictForm(about(approval, { text }));
      return form === null ? [] : [[`contents ${at}`, form]];
    }),
  );
}
