import type { App } from '@slack/bolt';
import { z } from 'zod';
import { boundsText, isOffered, readAmount } from '../../src/domain/raise.ts';
import { actionIds, callbackIds, inputIds } from '../../src/slack/actions.ts';
import { decideAndAnswer } from '../decide.ts';
import type { ApprovalDeps } from '../deps.ts';
import { readForm, textOf, where } from './form.ts';

const keptSchema = z.object({
  team: z.string(),
  homeTeam: z.string(),
  user: z.string(),
  nonce: z.string(),
  amount: z.number(),
});

/** The amount of a raise: checked while the form is open, then kept, and decided like a click on the button beside it. */
export function registerBudgetForm(app: App, deps: ApprovalDeps): void {
  app.view(callbackIds.amount, async ({ body, ack }) => {
    const form = readForm(body);
    const { team, homeTeam, intent } = where(form);
    const nonce = form.view.private_metadata;
    const approval = await deps.approvals.byNonce(nonce);
    // Of another workspace's question nothing is said here: it is turned away when it is handled.
    const offer = approval?.team === team ? approval.subject.raise : undefined;
    const text = textOf(form, inputIds.amount, actionIds.amountText) ?? '';
    const amount = offer === undefined ? 0 : readAmount(offer.unit, text);
    if (offer !== undefined && (amount === null || !isOffered(offer, amount)))
      return ack({ response_action: 'errors', errors: { [inputIds.amount]: `${boundsText(offer)}.` } });
    await deps.worker.accept(intent, callbackIds.amount, {
      team,
      homeTeam,
      user: form.user.id,
      nonce,
      amount,
    });
    await ack();
  });
  deps.worker.handle(callbackIds.amount, async ({ intent, payload }) => {
    const { amount, ...kept } = keptSchema.parse(payload);
    await decideAndAnswer({ ...kept, intent, channel: '', verdict: 'approve', comment: null, amount }, deps);
  });
}
