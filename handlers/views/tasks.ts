import type { App } from '@slack/bolt';
import { z } from 'zod';
import { jsonSchema } from '../../src/domain/json.ts';
import { type PersonTask, readOutput, type TaskResult } from '../../src/domain/person-task.ts';
import type { AboutTask } from '../../src/orchestrator/person-desk.ts';
import { actionIds, callbackIds, inputIds } from '../../src/slack/actions.ts';
import { answerBlocks } from '../../src/slack/builders/answers.ts';
import { epicKey } from '../../src/slack/epic-key.ts';
import { taskAnswers, taskRefusalWords } from '../../src/slack/task-words.ts';
import type { HandlerDeps } from '../deps.ts';
import { tellRefused } from '../refused.ts';
import { turnAway } from '../turn-away.ts';
import { type Form, readForm, textOf, where } from './form.ts';

const keptSchema = z.object({
  team: z.string(),
  homeTeam: z.string(),
  user: z.string(),
  nonce: z.string(),
  text: z.string(),
  output: jsonSchema.optional(),
});
type Kept = z.infer<typeof keptSchema>;

/** The forms behind a task's buttons: checked, kept, acknowledged, then done. */
export function registerTaskForms(app: App, deps: HandlerDeps): void {
  app.view(callbackIds.taskDone, async ({ body, ack }) => {
    const form = readForm(body);
    const task = await deps.personTasks.byNonce(form.view.private_metadata);
    const read = readOutput(task?.fields ?? [], (_field, at) => valueAt(form, `${inputIds.field}${at}`));
    const words = textOf(form, inputIds.words, actionIds.taskText);
    const errors: Record<string, string> = {};
    if (!read.ok) for (const [at, problem] of read.problems) errors[`${inputIds.field}${at}`] = problem;
    if (task?.fields.length === 0 && words === null) errors[inputIds.words] = 'Say what came of it.';
    if (!read.ok || Object.keys(errors).length > 0) return ack({ response_action: 'errors', errors });
    const typed = task !== null && task.fields.length > 0;
    await keep(form, typed ? inWords(read.output) : (words ?? ''), typed ? read.output : undefined);
    await ack();
  });
  registerWords(
    callbackIds.taskHandOver,
    (form) => valueAt(form, inputIds.to),
    inputIds.to,
    'Choose somebody.',
  );
  registerWords(
    callbackIds.taskCannot,
    (form) => textOf(form, inputIds.words, actionIds.taskText),
    inputIds.words,
    'Say why.',
  );

  handle(
    callbackIds.taskDone,
    (about, { output, text }) => deps.persons.finish(about, output ?? null, text),
    () => taskAnswers.done,
  );
  handle(
    callbackIds.taskHandOver,
    (about, { text }) => deps.persons.handOver(about, text),
    ({ assignee }) => taskAnswers.given(assignee),
  );
  handle(
    callbackIds.taskCannot,
    (about, { text }) => deps.persons.decline(about, text),
    (task) => (task.status === 'open' ? taskAnswers.passed(task.assignee) : taskAnswers.nobodyLeft),
  );

  function registerWords(
    callback: string,
    read: (form: Form) => string | null,
    block: string,
    problem: string,
  ): void {
    app.view(callback, async ({ body, ack }) => {
      const form = readForm(body);
      const text = read(form);
      if (text === null) return ack({ response_action: 'errors', errors: { [block]: problem } });
      await keep(form, text);
      await ack();
    });
  }

  async function keep(form: Form, text: string, output?: Kept['output']): Promise<void> {
    const { team, homeTeam, intent } = where(form);
    await deps.worker.accept(intent, form.view.callback_id, {
      team,
      homeTeam,
      user: form.user.id,
      nonce: form.view.private_metadata,
      text,
      ...(output === undefined ? {} : { output }),
    });
  }

  function handle(
    callback: string,
    act: (about: AboutTask, kept: Kept) => Promise<TaskResult | null>,
    done: (task: PersonTask) => string,
  ): void {
    deps.worker.handle(callback, async ({ intent, payload }) => {
      const kept = keptSchema.parse(payload);
      const { team, homeTeam, user, nonce } = kept;
      const by = await deps.people.decider(user, team, homeTeam);
      const result = await act({ nonce, intent, by }, kept);
      const tried = { intent, team, user, channel: '', what: callback, value: nonce };
      if (result === null || (!result.ok && result.refusal === 'other_team'))
        return turnAway(tried, result === null ? 'unknown' : 'other_team', deps);
      const run = await deps.queries.byRun(result.task.runId);
      if (run === null) return;
      const { id, channel } = run.session;
      const thread = epicKey(id);
      if (!result.ok) {
        const text = taskRefusalWords(result.refusal, result.task);
        return tellRefused({ ...tried, channel, thread }, result.refusal, text, deps);
      }
      const answer = answerBlocks(done(result.task), deps.rehearsal);
      await deps.answers.send({ intent, team, user, channel, thread }, answer);
    });
  }
}

/** What was typed or chosen in a block that has one element; null when nothing was. */
function valueAt(form: Form, block: string): string | null {
  const [element] = Object.values(form.view.state.values[block] ?? {});
  const text = (element?.selected_option?.value ?? element?.value ?? '').trim();
  return text === '' ? null : text;
}

/** Fields as one line for people. */
function inWords(output: { readonly [name: string]: unknown }): string {
  return Object.entries(output)
    .map(([name, value]) => `${name.replaceAll('_', ' ')}: ${wordOf(value)}`)
    .join(', ')
    .slice(0, 500);
}

function wordOf(value: unknown): string {
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  return Array.isArray(value) ? value.join(', ') : String(value);
}
