import type { App } from '@slack/bolt';
import { actionIds } from '../../src/slack/actions.ts';
import { answerBlocks } from '../../src/slack/builders/answers.ts';
import { conflictForm } from '../../src/slack/builders/conflict-form.ts';
import { openOrSay } from '../../src/slack/open-view.ts';
import { answers as words } from '../../src/slack/words.ts';
import { readClick } from '../click.ts';
import { mayAnswer } from '../decide.ts';
import type { ApprovalDeps } from '../deps.ts';
import { isFirst } from '../opened.ts';

/**
 * Edit on a conflict's card: a form, for whoever may decide, while both sides are what the card shows. Otherwise the click
 * itself is refused, which withdraws a card whose sides have changed: nobody writes what would not count.
 */
export function registerConflictActions(app: App, deps: ApprovalDeps): void {
  app.action(actionIds.approvalEdit, async ({ body, ack }) => {
    await ack();
    const read = readClick(body);
    if (read === null || !(await isFirst(read.intent, deps))) return;
    const { click, intent, trigger } = read;
    const approval = await mayAnswer({ ...click, nonce: click.value, intent }, 'edit', deps);
    if (approval === null) return;
    const { views, answers, rehearsal } = deps;
    const form = conflictForm(approval);
    if (form !== null) await openOrSay({ views, answers, rehearsal }, { ...click, trigger }, form);
    else await answers.send({ ...click, intent }, answerBlocks(words.noEdit, rehearsal));
  });
}
