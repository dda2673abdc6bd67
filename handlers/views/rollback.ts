import type { App } from '@slack/bolt';
import { z } from 'zod';
import { rollbackLevels } from '../../src/domain/rollback.ts';
import { actionIds, callbackIds, inputIds } from '../../src/slack/actions.ts';
import { chosenPoint, rollbackBlocks, rollbackForm } from '../../src/slack/builders/rollback-form.ts';
import { openOrSay } from '../../src/slack/open-view.ts';
import { clickSchema, readClick } from '../click.ts';
import type { HandlerDeps } from '../deps.ts';
import { isFirst } from '../opened.ts';
import { tellRefused } from '../refused.ts';
import { turnAway } from '../turn-away.ts';
import { readForm, where } from './form.ts';

const keptSchema = z.object({
  team: z.string(),
  user: z.string(),
  runId: z.string(),
  level: z.enum(rollbackLevels),
  number: z.number().int().nullable(),
});

/** The form behind Roll back…: which state, and how much of the run. Asking for it changes nothing yet. */
export function registerRollback(app: App, deps: HandlerDeps): void {
  app.action(actionIds.runRollback, async ({ body, ack }) => {
    await ack();
    const read = readClick(body);
    if (read === null || !(await isFirst(read.intent, deps))) return;
    const { click, trigger } = read;
    const run = await deps.queries.byRun(click.value);
    const offer =
      run === null || run.session.team !== click.team
        ? 'unknown'
        : await deps.rollbacks.offer(click.value, click.user);
    if (typeof offer === 'string') await deps.worker.accept(read.intent, 'rollback-refused', click);
    else await openOrSay(deps, { ...click, trigger }, rollbackForm(offer));
  });
  deps.worker.handle('rollback-refused', async ({ intent, payload }) => {
    const click = clickSchema.parse(payload);
    const run = await deps.queries.byRun(click.value);
    const isTheirs = run !== null && run.session.team === click.team;
    const offer = isTheirs ? await deps.rollbacks.offer(click.value, click.user) : 'unknown';
    // It may be there by now: then it is shown here.
    const answer =
      typeof offer === 'string'
        ? ({ done: 'refused', why: offer, detail: '' } as const)
        : ({ done: 'offer', offer } as const);
    const words = rollbackBlocks(answer, run?.session.requester ?? '', deps.rehearsal);
    if (answer.done === 'refused') {
      const why = run !== null && !isTheirs ? 'other_team' : answer.why;
      await tellRefused({ ...click, intent, what: click.action }, why, words, deps);
    } else await deps.answers.send({ ...click, intent }, words);
  });

  app.view(callbackIds.rollback, async ({ body, ack }) => {
    const form = readForm(body);
    const { values } = form.view.state;
    const level = z
      .enum(rollbackLevels)
      .safeParse(values[inputIds.level]?.[actionIds.rollbackLevel]?.selected_option?.value).data;
    const point = values[inputIds.point]?.[actionIds.rollbackPoint]?.selected_option?.value;
    if (level === undefined || point === undefined)
      return ack({ response_action: 'errors', errors: { [inputIds.level]: 'Choose what goes back.' } });
    const { intent, ...place } = where(form);
    const number = chosenPoint(point);
    const runId = form.view.private_metadata;
    await deps.worker.accept(intent, 'rollback-form', { ...place, user: form.user.id, runId, level, number });
    await ack();
  });
  deps.worker.handle('rollback-form', async ({ intent, payload, receivedAt }) => {
    const { team, user, runId, level, number } = keptSchema.parse(payload);
    const run = await deps.queries.byRun(runId);
    const tried = { intent, team, user, channel: '', what: callbackIds.rollback, value: runId };
    if (run === null || run.session.team !== team)
      return turnAway(tried, run === null ? 'unknown' : 'other_team', deps);
    const { channel, requester } = run.session;
    const answer = await deps.rollbacks.ask({
      runId,
      by: user,
      level,
      number,
      place: null,
      intent,
      receivedAt,
    });
    const words = rollbackBlocks(answer, requester, deps.rehearsal);
    // Opened from the epic, so answered beside it.
    if (answer.done === 'refused') await tellRefused({ ...tried, channel }, answer.why, words, deps);
    else await deps.answers.send({ intent, team, user, channel }, words);
  });
}
