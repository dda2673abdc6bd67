import type { App } from '@slack/bolt';
import { z } from 'zod';
import { parseDuration } from '../../src/domain/duration.ts';
import { workflowSchema } from '../../src/domain/workflow.ts';
import type { PlanChange } from '../../src/orchestrator/plan-reviews.ts';
import { editableOf, type PlanEdits } from '../../src/planning/plan-edits.ts';
import { actionIds, callbackIds, inputIds } from '../../src/slack/actions.ts';
import { answerBlocks } from '../../src/slack/builders/answers.ts';
import { controlWords, startRefusalWords } from '../../src/slack/control-words.ts';
import { mk } from '../../src/slack/text.ts';
import type { HandlerDeps } from '../deps.ts';
import { tellRefused } from '../refused.ts';
import { turnAway } from '../turn-away.ts';
import { type Form, readForm, textOf, where } from './form.ts';

const editSchema = z.object({
  team: z.string(),
  homeTeam: z.string(),
  user: z.string(),
  runId: z.string(),
  edits: z.object({
    off: z.array(z.string()),
    order: z.array(z.string()),
    agents: z.record(z.string(), z.string()),
    groups: z.record(z.string(), z.enum(['sequence', 'parallel'])),
  }),
  limits: z.object({ budgetUsd: z.number().nullable(), withinMs: z.number().nullable() }),
});
const wordsSchema = editSchema
  .pick({ team: true, homeTeam: true, user: true, runId: true })
  .extend({ text: z.string() });
const saveSchema = wordsSchema
  .omit({ text: true })
  .extend({ name: z.string(), description: z.string().nullable() });

/** Forms about a plan: checked while they are open, then kept, acknowledged and done. */
export function registerPlanForms(app: App, deps: HandlerDeps): void {
  registerEdit(app, deps);
  registerSendBack(app, deps);
  registerSave(app, deps);
}

function registerEdit(app: App, deps: HandlerDeps): void {
  app.view(callbackIds.planEdit, async ({ body, ack }) => {
    const form = readForm(body);
    const runId = form.view.private_metadata;
    // Of a run of another workspace nothing is looked at here: the form is kept, and turned away when it is handled.
    const ours = await isOf(where(form).team, runId, deps);
    const definition = ours ? await deps.plans.definitionOf(runId) : null;
    const budgetUsd = dollars(textOf(form, inputIds.budget, actionIds.planBudget));
    const withinMs = duration(textOf(form, inputIds.deadline, actionIds.planDeadline));
    const errors: Record<string, string> = {};
    if (budgetUsd === 'wrong') errors[inputIds.budget] = 'Write an amount such as 5 or 2.50.';
    if (withinMs === 'wrong') errors[inputIds.deadline] = 'Write a time with its unit, such as 30m or 2h.';
    const edits = definition === null ? NO_EDITS : editsOf(form, definition.workflow);
    const problems = ours ? await deps.plans.check(runId, form.user.id, edits) : [];
    for (const { field, message } of problems) errors[blockOf(field)] ??= message;
    if (budgetUsd === 'wrong' || withinMs === 'wrong' || Object.keys(errors).length > 0)
      return ack({ response_action: 'errors', errors });
    const { intent, ...place } = where(form);
    const kept = { ...place, user: form.user.id, runId, edits, limits: { budgetUsd, withinMs } };
    await deps.worker.accept(intent, 'plan-edit', kept);
    await ack();
  });
  deps.worker.handle('plan-edit', async ({ intent, receivedAt, payload }) => {
    const { team, user, runId, edits, limits } = editSchema.parse(payload);
    if (!(await isOurs({ intent, team, user, runId }, callbackIds.planEdit, deps))) return;
    const change = await deps.plans.edit({ runId, by: user, intent, receivedAt }, edits, limits);
    await sayUnlessDone(change, callbackIds.planEdit, { intent, team, user, runId }, deps);
  });
}

function registerSendBack(app: App, deps: HandlerDeps): void {
  app.view(callbackIds.planSendBack, async ({ body, ack }) => {
    const form = readForm(body);
    const text = textOf(form, inputIds.words, actionIds.planWords);
    if (text === null)
      return ack({
        response_action: 'errors',
        errors: { [inputIds.words]: 'Say what should be different.' },
      });
    const { intent, ...place } = where(form);
    const kept = { ...place, user: form.user.id, runId: form.view.private_metadata, text };
    await deps.worker.accept(intent, 'plan-send-back', kept);
    await ack();
  });
  deps.worker.handle('plan-send-back', async ({ intent, receivedAt, payload }) => {
    const { team, user, runId, text } = wordsSchema.parse(payload);
    if (!(await isOurs({ intent, team, user, runId }, callbackIds.planSendBack, deps))) return;
    const change = await deps.plans.sendBack({ runId, by: user, intent, receivedAt }, text);
    await sayUnlessDone(change, callbackIds.planSendBack, { intent, team, user, runId }, deps);
  });
}

function registerSave(app: App, deps: HandlerDeps): void {
  app.view(callbackIds.planSave, async ({ body, ack }) => {
    const form = readForm(body);
    const name = textOf(form, inputIds.name, actionIds.saveName) ?? '';
    const wrong = workflowSchema.shape.name.safeParse(name).error?.issues[0];
    if (wrong !== undefined)
      return ack({ response_action: 'errors', errors: { [inputIds.name]: wrong.message } });
    if (deps.catalog.workflows.has(name))
      return ack({
        response_action: 'errors',
        errors: {
          [inputIds.name]: 'There is a workflow of this name. Nothing is overwritten; choose another.',
        },
      });
    const { intent, ...place } = where(form);
    const description = textOf(form, inputIds.description, actionIds.saveDescription);
    const kept = { ...place, user: form.user.id, runId: form.view.private_metadata, name, description };
    await deps.worker.accept(intent, 'plan-save', kept);
    await ack();
  });
  deps.worker.handle('plan-save', async ({ intent, payload }) => {
    const { team, homeTeam, user, runId, name, description } = saveSchema.parse(payload);
    if (!(await isOurs({ intent, team, user, runId }, callbackIds.planSave, deps))) return;
    const definition = await deps.plans.definitionOf(runId);
    if (definition === null) return;
    const by = await deps.people.decider(user, team, homeTeam);
    const refusal = await deps.orchestrator.admits(by, null);
    if (refusal !== null)
      return refuse(
        callbackIds.planSave,
        refusal,
        startRefusalWords(refusal),
        { intent, team, user, runId },
        deps,
      );
    const text = savedWords(
      name,
      deps.saveWorkflow({
        ...definition.workflow,
        name,
        description: description ?? definition.workflow.description,
      }),
    );
    await say(text, { intent, team, user, runId }, deps);
  });
}

function savedWords(name: string, saved: ReturnType<HandlerDeps['saveWorkflow']>): string {
  return saved.ok
    ? mk`Saved as \`${name}\`. \`/orchestrate ${name} <what you want>\` starts it.`
    : mk`Nothing was saved: ${saved.problem}`;
}

const NO_EDITS = { off: [], order: [], agents: {}, groups: {} };

/** What the form says, against what was offered: boxes not ticked are left out. */
function editsOf(
  form: Form,
  workflow: Parameters<typeof editableOf>[0],
): z.infer<typeof editSchema>['edits'] {
  const { values } = form.view.state;
  const editable = editableOf(workflow);
  const ticked = new Set(
    Object.entries(values)
      .filter(([block]) => block.startsWith(`${inputIds.stages}-`))
      .flatMap(([, actions]) => actions[actionIds.planStages]?.selected_options ?? [])
      .map(({ value }) => value),
  );
  const chosen = (block: string, action: string): string | undefined =>
    values[block]?.[action]?.selected_option?.value;
  const order = textOf(form, inputIds.order, actionIds.planOrder) ?? '';
  const groups = editable.groups.flatMap(({ node, way }, at): [string, 'sequence' | 'parallel'][] => {
    const value = z
      .enum(['sequence', 'parallel'])
      .safeParse(chosen(`${inputIds.group}-${at}`, actionIds.planGroup));
    return [[node, value.data ?? way]];
  });
  return {
    off: editable.stages.filter(({ id, fixed }) => !fixed && !ticked.has(id)).map(({ id }) => id),
    order: order.split(/[\s,;]+/).filter((id) => id !== ''),
    agents: Object.fromEntries(
      editable.agents.map(({ node, key, agent }, at) => [
        `${node}.${key}`,
        chosen(`${inputIds.agent}-${at}`, actionIds.planAgent) ?? agent,
      ]),
    ),
    groups: Object.fromEntries(groups),
  };
}

/** Under which input a problem is shown; Slack shows none at a block that is not there. */
function blockOf(field: keyof PlanEdits): string {
  switch (field) {
    case 'order':
      return inputIds.order;
    case 'agents':
      return `${inputIds.agent}-0`;
    case 'groups':
      return `${inputIds.group}-0`;
    case 'off':
      return `${inputIds.stages}-0`;
    default:
      return field satisfies never;
  }
}

function dollars(text: string | null): number | null | 'wrong' {
  if (text === null) return null;
  const amount = /^\$?\s*(\d+(?:\.\d{1,2})?)$/.exec(text)?.[1];
  return amount === undefined || Number(amount) <= 0 ? 'wrong' : Number(amount);
}

function duration(text: string | null): number | null | 'wrong' {
  if (text === null) return null;
  const ms = parseDuration(text);
  return ms === null || ms <= 0 ? 'wrong' : ms;
}

async function isOf(team: string, runId: string, deps: HandlerDeps): Promise<boolean> {
  return (await deps.queries.byRun(runId))?.session.team === team;
}

/** Whether the form is about a run of this workspace; whoever sent it is told when it is not. */
async function isOurs(about: About, what: string, deps: HandlerDeps): Promise<boolean> {
  const run = await deps.queries.byRun(about.runId);
  if (run?.session.team === about.team) return true;
  const tried = { ...about, channel: '', what, value: about.runId };
  await turnAway(tried, run === null ? 'unknown' : 'other_team', deps);
  return false;
}

interface About {
  readonly intent: string;
  readonly team: string;
  readonly user: string;
  readonly runId: string;
}

/** The new card shows what was done; only what did not come about is said. */
async function sayUnlessDone(
  change: PlanChange,
  what: string,
  about: About,
  deps: HandlerDeps,
): Promise<void> {
  if (change.done === 'done') return;
  const run = await deps.queries.byRun(about.runId);
  const text =
    change.done === 'problems'
      ? mk`The plan stays as it was: ${change.problems.map(({ message }) => message).join(' ')}`
      : controlWords('plan', change.done, run?.session.requester ?? '');
  await refuse(what, change.done, text, about, deps);
}

async function refuse(
  what: string,
  why: string,
  text: string,
  { runId, ...to }: About,
  deps: HandlerDeps,
): Promise<void> {
  const session = (await deps.queries.byRun(runId))?.session;
  // Opened from the epic, so answered beside it: a plan has no thread yet.
  await tellRefused({ ...to, channel: session?.channel ?? '', what, value: runId }, why, text, deps);
}

async function say(text: string, { intent, team, user, runId }: About, deps: HandlerDeps): Promise<void> {
  const run = await deps.queries.byRun(runId);
  if (run === null) return;
  const { channel } = run.session;
  await deps.answers.send({ intent, team, user, channel }, answerBlocks(text, deps.rehearsal));
}
