import type { App } from '@slack/bolt';
import { z } from 'zod';
import { type Control, controls, startRefusals } from '../../src/domain/control.ts';
import { durationText } from '../../src/domain/duration.ts';
import type { PlanForm } from '../../src/orchestrator/plan-reviews.ts';
import { editableOf } from '../../src/planning/plan-edits.ts';
import { actionIds } from '../../src/slack/actions.ts';
import type { View } from '../../src/slack/blocks.ts';
import { planEditForm, planSendBackForm, saveForm } from '../../src/slack/builders/plan-forms.ts';
import { controlWords, startRefusalWords } from '../../src/slack/control-words.ts';
import { openOrSay } from '../../src/slack/open-view.ts';
import type { PlanFormView } from '../../src/slack/views.ts';
import { answers as words } from '../../src/slack/words.ts';
import { type Click, clickSchema, readClick } from '../click.ts';
import type { HandlerDeps } from '../deps.ts';
import { isFirst } from '../opened.ts';
import { tellRefused } from '../refused.ts';
import { turnAway } from '../turn-away.ts';

/** Edit, Send back, Other plans and Save on a plan: forms at once, everything else kept first. */
export function registerPlanActions(app: App, deps: HandlerDeps): void {
  const forms = {
    [actionIds.planEdit]: editForm,
    [actionIds.planSendBack]: sendBackForm,
    [actionIds.planSave]: keepForm,
  } as const;
  for (const [action, form] of Object.entries(forms)) {
    app.action(action, async ({ body, ack }) => {
      await ack();
      const read = readClick(body);
      if (read === null || !(await isFirst(read.intent, deps))) return;
      const { click, trigger } = read;
      const run = await deps.queries.byRun(click.value);
      if (run === null || run.session.team !== click.team) {
        await deps.worker.accept(read.intent, 'plan-gone', click);
        return;
      }
      const made = await form(click, deps);
      if (typeof made !== 'string') await openOrSay(deps, { ...click, trigger }, made);
      else await deps.worker.accept(read.intent, 'plan-refused', { ...click, why: made });
    });
  }
  deps.worker.handle('plan-gone', async ({ intent, payload }) => {
    const click = clickSchema.parse(payload);
    const gone = (await deps.queries.byRun(click.value)) === null;
    await turnAway({ ...click, intent, what: click.action }, gone ? 'unknown' : 'other_team', deps);
  });
  deps.worker.handle('plan-refused', async ({ intent, payload }) => {
    const { why, ...click } = refusedSchema.parse(payload);
    const run = await deps.queries.byRun(click.value);
    const text = run === null ? words.runGone : refusalWords(why, run.session.requester);
    await tellRefused({ ...click, intent, what: click.action }, why, text, deps);
  });

  app.action(actionIds.planOther, async ({ body, ack }) => {
    const read = readClick(body);
    if (read !== null) await deps.worker.accept(read.intent, 'plan-other', read.click);
    await ack();
  });
  deps.worker.handle('plan-other', async ({ intent, payload, receivedAt }) => {
    const click = clickSchema.parse(payload);
    const [runId = '', workflow = ''] = click.value.split('/');
    const run = await deps.queries.byRun(runId);
    if (run === null || run.session.team !== click.team)
      return turnAway(
        { ...click, intent, what: click.action },
        run === null ? 'unknown' : 'other_team',
        deps,
      );
    const change = await deps.plans.choose({ runId, by: click.user, intent, receivedAt }, workflow);
    if (change.done === 'done' || change.done === 'problems') return;
    const text = controlWords('plan', change.done, run.session.requester);
    await tellRefused({ ...click, intent, what: click.action }, change.done, text, deps);
  });
}

const noStart = z.enum(startRefusals);
const refusedSchema = clickSchema.extend({ why: z.union([z.enum(controls), noStart]) });

/** Why there is no form. */
type No = Exclude<Control, 'done'> | z.infer<typeof noStart>;

function refusalWords(why: z.infer<typeof refusedSchema>['why'], requester: string): string {
  const refusal = noStart.safeParse(why);
  if (refusal.success) return startRefusalWords(refusal.data);
  return controlWords('plan', z.enum(controls).parse(why), requester);
}

/** The form, or why there is none. */
async function editForm(click: Click, deps: HandlerDeps): Promise<View | No> {
  const form = await deps.plans.form(click.value, click.user);
  return typeof form === 'string' ? form : planEditForm(formView(form));
}

async function sendBackForm(click: Click, deps: HandlerDeps): Promise<View | No> {
  const form = await editForm(click, deps);
  return typeof form === 'string' ? form : planSendBackForm(click.value);
}

/** Any member who may start work may keep how it was done. */
async function keepForm(click: Click, deps: HandlerDeps): Promise<View | No> {
  const definition = await deps.plans.definitionOf(click.value);
  if (definition === null) return 'unknown';
  const by = await deps.people.decider(click.user, click.team, click.homeTeam);
  const refusal = await deps.orchestrator.admits(by, null);
  if (refusal !== null) return refusal;
  return saveForm({
    runId: click.value,
    title: definition.workflow.title,
    name: `${definition.workflow.name}-mine`,
  });
}

export function formView({ runId, workflow, limits, candidates }: PlanForm): PlanFormView {
  const { stages, order, groups, agents } = editableOf(workflow);
  return {
    runId,
    stages: stages.filter(({ fixed }) => !fixed),
    order,
    groups,
    agents: agents.map((slot) => ({ ...slot, candidates: candidates(slot) })),
    budget: limits.budgetUsd === null ? '' : limits.budgetUsd.toFixed(2),
    deadline: limits.withinMs === null ? '' : durationText(limits.withinMs),
  };
}
