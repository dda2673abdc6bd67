import type { App } from '@slack/bolt';
import type { PersonTask } from '../../src/domain/person-task.ts';
import { actionIds } from '../../src/slack/actions.ts';
import type { View } from '../../src/slack/blocks.ts';
import { answerBlocks } from '../../src/slack/builders/answers.ts';
import { cannotForm, doneForm, handOverForm } from '../../src/slack/builders/person-task.ts';
import { openOrSay } from '../../src/slack/open-view.ts';
import { taskAnswers, taskRefusalWords } from '../../src/slack/task-words.ts';
import { type Click, clickSchema, readClick } from '../click.ts';
import type { HandlerDeps } from '../deps.ts';
import { isFirst } from '../opened.ts';

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
      else await deps.worker.accept(read.intent, 'task-refused', { ...click, text: made });
    });
  }
  deps.worker.handle('task-refused', async ({ intent, payload }) => {
    const { text, value: nonce, ...to } = refusedSchema.parse(payload);
    // Clicked in App Home, where nothing can be said: it is said where the work is.
    const task = to.channel === '' ? await deps.personTasks.byNonce(nonce) : null;
    const run = task === null ? null : await deps.queries.byRun(task.runId);
    const channel = to.channel === '' ? (run?.session.channel ?? '') : to.channel;
    if (channel === '') return;
    await deps.answers.send({ ...to, channel, intent }, answerBlocks(text, deps.rehearsal));
  });
}

const refusedSchema = clickSchema.extend({ text: clickSchema.shape.value });

/** The form, or why there is none. */
async function formOf(
  { user, team, homeTeam, value: nonce, action }: Click,
  form: (task: PersonTask) => Promise<View | string>,
  deps: HandlerDeps,
): Promise<View | string> {
  const by = await deps.people.decider(user, team, homeTeam);
  const result = await deps.persons.look({ nonce, by });
  if (result === null || (!result.ok && result.refusal === 'other_team')) return taskAnswers.gone;
  const { task } = result;
  // Whoever asked for the work may give it to another, though they may not do it.
  const gives = action === actionIds.taskHandOver && user === task.requester;
  if (!result.ok && !(result.refusal === 'not_eligible' && gives))
    return taskRefusalWords(result.refusal, task);
  if (action === actionIds.taskCannot && user !== task.assignee) return taskRefusalWords('not_theirs', task);
  return form(task);
}

async function handOver(task: PersonTask, deps: HandlerDeps): Promise<View | string> {
  const others = await deps.persons.others(task);
  if (others.length === 0) return taskRefusalWords('nobody_else', task);
  const named = others.map(async (id) => ({ id, name: await deps.people.name(id, task.team) }));
  return handOverForm(task, await Promise.all(named));
}
