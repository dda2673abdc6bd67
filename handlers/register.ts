import type { App } from '@slack/bolt';
import { registerApprovalActions } from './actions/approvals.ts';
import { registerBudgetActions } from './actions/budget.ts';
import { registerConflictActions } from './actions/conflicts.ts';
import { registerPlanActions } from './actions/plans.ts';
import { registerRunActions } from './actions/runs.ts';
import { registerTaskActions } from './actions/tasks.ts';
import type { HandlerDeps } from './deps.ts';
import { registerHome } from './events/home.ts';
import { registerMessages } from './events/messages.ts';
import { registerOpened } from './opened.ts';
import { registerBudgetForm } from './views/budget.ts';
import { registerConflictForm } from './views/conflicts.ts';
import { registerForms } from './views/forms.ts';
import { registerPlanForms } from './views/plans.ts';
import { registerRollback } from './views/rollback.ts';
import { registerSteering } from './views/steer.ts';
import { registerTaskForms } from './views/tasks.ts';

/** Every listener but the slash command's. */
export function registerHandlers(app: App, deps: HandlerDeps): void {
  registerRunActions(app, deps);
  registerApprovalActions(app, deps);
  registerBudgetActions(app, deps);
  registerBudgetForm(app, deps);
  registerConflictActions(app, deps);
  registerOpened(deps);
  registerPlanActions(app, deps);
  registerForms(app, deps);
  registerConflictForm(app, deps);
  registerPlanForms(app, deps);
  registerSteering(app, deps);
  registerTaskActions(app, deps);
  registerTaskForms(app, deps);
  registerRollback(app, deps);
  registerMessages(app, deps);
  registerHome(app, deps);
}
