import type { App } from '@slack/bolt';
import { z } from 'zod';
import { editProblem, fromFields } from '../../src/domain/conflict-edit.ts';
import { actionIds, callbackIds, inputIds } from '../../src/slack/actions.ts';
import { editAndAnswer } from '../decide.ts';
import type { ApprovalDeps, HandlerDeps } from '../deps.ts';
import { type Form, readForm, where } from './form.ts';

const keptSchema = z.object({
  team: z.string(),
  homeTeam: z.string(),
  user: z.string(),
  nonce: z.string(),
  text: z.string(),
});

/** What somebody wrote in place of both sides: looked at before it is kept, since what cannot count is told in the form. */
export function registerConflictForm(app: App, deps: ApprovalDeps & Pick<HandlerDeps, 'redact'>): void {
  app.view(callbackIds.contents, async ({ body, ack }) => {
    const form = readForm(body);
    const text = fromFields(fieldsOf(form));
    const problem = editProblem(text, deps.redact);
    if (problem !== null)
      return ack({ response_action: 'errors', errors: { [`${inputIds.contents}0`]: problem } });
    const { team, homeTeam, intent } = where(form);
    await deps.worker.accept(intent, callbackIds.contents, {
      team,
      homeTeam,
      user: form.user.id,
      nonce: form.view.private_metadata,
      text,
    });
    await ack();
  });
  deps.worker.handle(callbackIds.contents, async ({ intent, payload }) => {
    await editAndAnswer({ ...keptSchema.parse(payload), intent, channel: '' }, deps);
  });
}

/** The fields in their order, each as it was typed: space around it belongs to the file. */
function fieldsOf({ view }: Form): string[] {
  const fields: string[] = [];
  for (let at = 0; ; at += 1) {
    const block = view.state.values[`${inputIds.contents}${at}`];
    if (block === undefined) return fields;
    fields.push(block[actionIds.contentsText]?.value ?? '');
  }
}
