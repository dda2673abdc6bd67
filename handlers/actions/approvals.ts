import type { App } from '@slack/bolt';
import type { Approval, Verdict } from '../../src/domain/approval.ts';
import { actionIds } from '../../src/slack/actions.ts';
import type { View } from '../../src/slack/blocks.ts';
import { askForm, changesForm, rejectForm } from '../../src/slack/builders/modals.ts';
import { openOrSay } from '../../src/slack/open-view.ts';
import { clickSchema, readClick } from '../click.ts';
import { answerLook, decideAndAnswer, lookAt } from '../decide.ts';
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
    const looked = await lookAt({ ...read.click, nonce: read.click.value }, deps);
    // A choice between things needs no words.
    const wordless = verdict !== null && looked?.approval.subject.labels !== undefined;
    if (looked?.ok === true && !wordless) {
      const { views, answers, rehearsal } = deps;
      await openOrSay(
        { views, answers, rehearsal },
        { ...read.click, trigger: read.trigger },
        form(looked.approval),
      );
    } else await deps.worker.accept(read.intent, kind, read.click);
  });
  // A choice is a decision; whoever got no form is told why, and the audit has it.
  deps.worker.handle(kind, async ({ intent, payload }) => {
    const click = clickSchema.parse(payload);
    const call = { ...click, nonce: click.value, intent };
    const approval = await deps.approvals.byNonce(click.value);
    if (verdict === null || approval?.subject.labels === undefined)
      await answerLook(call, verdict ?? 'ask', deps);
    else await decideAndAnswer({ ...call, verdict, comment: null }, deps);
  });
}
