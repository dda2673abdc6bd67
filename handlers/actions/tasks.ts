import type { App } from '@slack/bolt';
import { z } from 'zod';
import { type PersonTask, taskRefusals } from '../../src/domain/person-task.ts';
import { actionIds } from '../../src/slack/actions.ts';
import type { View } from '../../src/slack/blocks.ts';
import { cannotForm, doneForm, handOverForm } from '../../src/slack/builders/person-task.ts';
import { openOrSay } from '../../src/slack/open-view.ts';
import { taskAnswers, taskRefusalWords } from '../../src/slack/task-words.ts';
import { type Click, clickSchema, readClick } from '../click.ts';
import type { HandlerDeps } from '../deps.ts';
import { isFirst } from '../opened.ts';
import { tellRefused } from '../refused.ts';

/** Done, Hand over and Cannot do it on a task for a person: each opens a form, or says why not. */
export function registerTaskActions(app: App, deps: HandlerDeps): void {
  const forms = {
    [actionIds.taskDone]: async (task: PersonTask) => doneForm(task),
    [actionIds.taskHandOver]: (task: PersonTask) => handOver(task, deps),
    [actionIds.taskCannot]: async (task: PersonTask) => cannotForm(task),
  } as const;
  for (const [action, form] of Object.entries(forms)) {
    app.action(action, async ({ body, ack }) => {
      await ack();
      const read = readClick(body);
      if (read === null || !(await isFirst(read.intent, deps))) return;
      const { click, trigger } = read;
      const made = await formOf(click, form, deps);
      if (typeof made !== 'string') await openOrSay(deps, { ...click, trigger }, made);
      else await deps.worker.accept(read.intent, 'task-refused', { ...click, why: made });
    });
  }
  deps.worker.handle('task-refused', async ({ intent, payload }) => {
    const { why, ...click } = refusedSchema.parse(payload);
    const { value: nonce, ...to } = click;
    // Clicked in App Home, where nothing can be said: it is said where the work is, if that is here.
    const found = await deps.personTasks.byNonce(nonce);
    const task = found?.team === to.team ? found : null;
    const run = task === null ? null : await deps.queries.byRun(task.runId);
    const channel = to.channel === '' ? (run?.session.channel ?? '') : to.channel;
    const gone = task === null || why === 'unknown' || why === 'other_team';
    const text = gone ? taskAnswers.gone : taskRefusalWords(why, task);
    await tellRefused({ ...click, channel, intent, what: click.action }, why, text, deps);
  });
}

const refusedSchema = clickSchema.extend({ why: z.enum([...taskRefusals, 'unknown']) });
type No = z.infer<typeof refusedSchema>['why'];

/** The form, or why there is none. */
async function formOf(
  { user, team, homeTeam, value: nonce, action }: Click,
  form: (task: PersonTask) => Promise<View | No>,
  deps: HandlerDeps,
): Promise<View | No> {
  const by = await deps.people.decider(user, team, homeTeam);
  const result = await deps.persons.look({ nonce, by });
  if (result === null) return 'unknown';
  const { task } = result;
  // Whoever asked for the work may give it to another, though they may not do it.
  const gives = action === actionIds.taskHandOver && user === task.requester;
  if (!result.ok && !(result.refusal === 'not_eligible' && gives)) return result.refusal;
  if (action === actionIds.taskCannot && user !== task.assignee) return 'not_theirs';
  return form(task);
}

async function handOver(task: PersonTask, deps: HandlerDeps): Promise<View | No> {
  const others = await deps.persons.others(task);
  if (others.length === 0) return 'nobody_else';
  const named = others.map(async (id) => ({ id, name: await deps.people.name(id, task.team) }));
  return handOverForm(task, await Promise.all(named));
}
