import type { App } from '@slack/bolt';
import { registerApprovalActions } from './actions/approvals.ts';
import { registerRunActions } from './actions/runs.ts';
import type { HandlerDeps } from './deps.ts';
import { registerMentions } from './events/mentions.ts';
import { registerForms } from './views/forms.ts';

/** Every listener but the slash command's. */
export function registerHandlers(app: App, deps: HandlerDeps): void {
  registerRunActions(app, deps);
  registerApprovalActions(app, deps);
  registerForms(app, deps);
  registerMentions(app, deps);
}
