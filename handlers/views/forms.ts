import type { App } from '@slack/bolt';
import { z } from 'zod';
import type { Verdict } from '../../src/domain/approval.ts';
import { actionIds, callbackIds, inputIds } from '../../src/slack/actions.ts';
import { startRefusalWords } from '../../src/slack/control-words.ts';
import { askAndAnswer, decideAndAnswer } from '../decide.ts';
import type { HandlerDeps } from '../deps.ts';
import { tellRefused } from '../refused.ts';
import { readForm, textOf, where } from './form.ts';

const reasonSchema = z.object({
  team: z.string(),
  homeTeam: z.string(),
  user: z.string(),
  nonce: z.string(),
  text: z.string().nullable(),
});
const startSchema = z.object({
  team: z.string(),
  homeTeam: z.string(),
  user: z.string(),
  channel: z.string(),
  workflow: z.string(),
  request: z.string(),
  repository: z.string().nullable(),
});

/** Submitted forms: checked, kept, acknowledged, then done. */
export function registerForms(app: App, deps: HandlerDeps): void {
  app.view(callbackIds.start, async ({ body, ack }) => {
    const form = readForm(body);
    const workflow =
      form.view.state.values[inputIds.workflow]?.[actionIds.startWorkflow]?.selected_option?.value ?? '';
    const request = textOf(form, inputIds.request, actionIds.startRequest);
    if (!deps.catalog.workflows.has(workflow))
      return ack({ response_action: 'errors', errors: { [inputIds.workflow]: 'Choose how to work.' } });
    if (request === null)
      return ack({ response_action: 'errors', errors: { [inputIds.request]: 'Say what should be done.' } });
    const { team, homeTeam, intent } = where(form);
    const repository = textOf(form, inputIds.repository, actionIds.startRepository);
    await deps.worker.accept(intent, 'start-form', {
      team,
      homeTeam,
      user: form.user.id,
      channel: form.view.private_metadata,
      workflow,
      request,
      repository,
    });
    await ack();
  });
  registerReason(app, deps, callbackIds.reject, inputIds.reason, actionIds.reasonText, 'reject');
  registerReason(app, deps, callbackIds.changes, inputIds.changes, actionIds.changesText, 'request_changes');
  registerReason(app, deps, callbackIds.ask, inputIds.ask, actionIds.askText, null);

  deps.worker.handle('start-form', async ({ intent, receivedAt, payload }) => {
    const { user, homeTeam, ...start } = startSchema.parse(payload);
    const by = await deps.people.decider(user, start.team, homeTeam);
    const refusal = await deps.orchestrator.admits(by, start.repository);
    if (refusal === null) await deps.orchestrator.start({ ...start, intent, receivedAt, requester: user });
    else {
      const { team, channel, workflow } = start;
      const tried = { intent, team, user, channel, what: callbackIds.start, value: workflow };
      await tellRefused(tried, refusal, startRefusalWords(refusal), deps);
    }
  });
}

function registerReason(
  app: App,
  deps: HandlerDeps,
  callback: string,
  block: string,
  action: string,
  /** Null: a question, which decides nothing. */
  verdict: Verdict | null,
): void {
  app.view(callback, async ({ body, ack }) => {
    const form = readForm(body);
    const { team, homeTeam, intent } = where(form);
    const text = textOf(form, block, action);
    await deps.worker.accept(intent, callback, {
      team,
      homeTeam,
      user: form.user.id,
      nonce: form.view.private_metadata,
      text,
    });
    await ack();
  });
  deps.worker.handle(callback, async ({ intent, payload }) => {
    const { text, ...kept } = reasonSchema.parse(payload);
    const call = { ...kept, intent, channel: '' };
    if (verdict === null) await askAndAnswer({ ...call, text: text ?? '' }, deps);
    else await decideAndAnswer({ ...call, verdict, comment: text }, deps);
  });
}
