import type { App } from '@slack/bolt';
import type { Approval, Verdict } from '../../src/domain/approval.ts';
import { actionIds } from '../../src/slack/actions.ts';
import type { View } from '../../src/slack/blocks.ts';
import { askForm, changesForm, rejectForm } from '../../src/slack/builders/modals.ts';
import { openOrSay } from '../../src/slack/open-view.ts';
import { clickSchema, readClick } from '../click.ts';
import { askAndAnswer, decideAndAnswer } from '../decide.ts';
import type { ApprovalDeps } from '../deps.ts';

/** Approve is done at once; Reject and Request changes ask for words first. */
export function registerApprovalActions(app: App, deps: ApprovalDeps): void {
  app.action(actionIds.approvalApprove, async ({ body, ack }) => {
    const read = readClick(body);
    if (read !== null) await deps.worker.accept(read.intent, 'approve-click', read.click);
    await ack();
  });
  registerForm(app, deps, actionIds.approvalReject, rejectForm, 'reject');
  registerForm(app, deps, actionIds.approvalChanges, changesForm, 'request_changes');
  registerForm(app, deps, actionIds.approvalAsk, askForm, null);

  deps.worker.handle('approve-click', async ({ intent, payload }) => {
    const click = clickSchema.parse(payload);
    await decideAndAnswer({ ...click, nonce: click.value, intent, verdict: 'approve', comment: null }, deps);
  });
}

function registerForm(
  app: App,
  deps: ApprovalDeps,
  action: string,
  form: (approval: Approval) => View,
  /** Null: a question, which decides nothing. */
  verdict: Verdict | null,
): void {
  const kind = `${verdict ?? 'ask'}-click`;
  app.action(action, async ({ body, ack }) => {
    await ack();
    const read = readClick(body);
    if (read === null) return;
    const approval = await deps.approvals.byNonce(read.click.value);
    // A choice between things needs no words.
    const wordless = verdict !== null && approval?.subject.labels !== undefined;
    if (approval?.status === 'pending' && approval.team === read.click.team && !wordless) {
      // Whoever may not decide is told so by the decision's own rules, which keep it in the audit.
      const { views, answers, rehearsal } = deps;
      await openOrSay(
        { views, answers, rehearsal },
        { ...read.click, trigger: read.trigger },
        form(approval),
      );
    } else await deps.worker.accept(read.intent, kind, read.click);
  });
  // Nothing to ask about any more: the click is answered like a late decision, which changes nothing.
  deps.worker.handle(kind, async ({ intent, payload }) => {
    const click = clickSchema.parse(payload);
    const call = { ...click, nonce: click.value, intent };
    if (verdict === null) await askAndAnswer({ ...call, text: '' }, deps);
    else await decideAndAnswer({ ...call, verdict, comment: null }, deps);
  });
}
