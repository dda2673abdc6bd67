import type { App } from '@slack/bolt';
import { actionIds } from '../../src/slack/actions.ts';
import { amountForm } from '../../src/slack/builders/modals.ts';
import { openOrSay } from '../../src/slack/open-view.ts';
import { clickSchema, readClick } from '../click.ts';
import { answerLook, lookAt } from '../decide.ts';
import type { ApprovalDeps } from '../deps.ts';

/** "Another amount…" on the question about a budget: a form for whoever may answer it, and words for everybody else. */
export function registerBudgetActions(app: App, deps: ApprovalDeps): void {
  app.action(actionIds.budgetAmount, async ({ body, ack }) => {
    await ack();
    const read = readClick(body);
    if (read === null) return;
    const { click, trigger, intent } = read;
    const looked = await lookAt({ ...click, nonce: click.value }, deps);
    const offer = looked?.approval.subject.raise;
    if (looked?.ok === true && offer !== undefined) {
      const { views, answers, rehearsal } = deps;
      await openOrSay(
        { views, answers, rehearsal },
        { ...click, trigger },
        amountForm(looked.approval, offer),
      );
    } else await deps.worker.accept(intent, 'amount-click', click);
  });
  deps.worker.handle('amount-click', async ({ intent, payload }) => {
    const click = clickSchema.parse(payload);
    await answerLook({ ...click, nonce: click.value, intent }, 'raise', deps);
  });
}
