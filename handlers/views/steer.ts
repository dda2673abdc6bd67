import type { App } from '@slack/bolt';
import { z } from 'zod';
import { isTerminal } from '../../src/domain/run.ts';
import type { Steering } from '../../src/domain/steering.ts';
import { actionIds, callbackIds, inputIds } from '../../src/slack/actions.ts';
import { isEverything, steerForm } from '../../src/slack/builders/steer-form.ts';
import { controlWords } from '../../src/slack/control-words.ts';
import { openOrSay } from '../../src/slack/open-view.ts';
import { answers as words } from '../../src/slack/words.ts';
import { clickSchema, readClick } from '../click.ts';
import type { HandlerDeps } from '../deps.ts';
import { answerSteered } from '../events/messages.ts';
import { isFirst } from '../opened.ts';
import { tellRefused } from '../refused.ts';
import { turnAway } from '../turn-away.ts';
import { readForm, textOf, where } from './form.ts';

const deeds = ['words', 'retry', 'skip', 'take_over', 'done'] as const;
const keptSchema = z.object({
  team: z.string(),
  homeTeam: z.string(),
  user: z.string(),
  runId: z.string(),
  deed: z.enum(deeds),
  node: z.string().nullable(),
  text: z.string().nullable(),
});

/** The form behind Steer…: the same as words in the thread, for whoever would rather choose. */
export function registerSteering(app: App, deps: HandlerDeps): void {
  app.action(actionIds.runSteer, async ({ body, ack }) => {
    await ack();
    const read = readClick(body);
    if (read === null || !(await isFirst(read.intent, deps))) return;
    const { click, trigger } = read;
    const run = await deps.queries.byRun(click.value);
    const open = run !== null && run.session.team === click.team && !isTerminal(run.view.status);
    const may = open && (await deps.roles.steers(run.session, click.user)) === null;
    const work = may ? await deps.steer.workOf(click.value) : [];
    if (work.length === 0) await deps.worker.accept(read.intent, 'steer-refused', click);
    else await openOrSay(deps, { ...click, trigger }, steerForm({ runId: click.value, work }));
  });
  deps.worker.handle('steer-refused', async ({ intent, payload }) => {
    const click = clickSchema.parse(payload);
    const run = await deps.queries.byRun(click.value);
    if (run === null || run.session.team !== click.team)
      return turnAway(
        { ...click, intent, what: click.action },
        run === null ? 'unknown' : 'other_team',
        deps,
      );
    const no = await deps.roles.steers(run.session, click.user);
    const over = isTerminal(run.view.status);
    const nothing = over ? words.alreadyEnded : words.nothingToSteer;
    const text = no === null ? nothing : controlWords('plan', no, run.session.requester);
    const why = no ?? (over ? 'ended' : 'nothing_to_steer');
    await tellRefused({ ...click, intent, what: click.action }, why, text, deps);
  });

  app.view(callbackIds.steer, async ({ body, ack }) => {
    const form = readForm(body);
    const { values } = form.view.state;
    const deed = z
      .enum(deeds)
      .safeParse(values[inputIds.deed]?.[actionIds.steerDo]?.selected_option?.value).data;
    const chosen = values[inputIds.node]?.[actionIds.steerNode]?.selected_option?.value ?? '*';
    const node = isEverything(chosen) ? null : chosen;
    const text = textOf(form, inputIds.words, actionIds.steerText);
    const errors: Record<string, string> = {};
    if (deed === undefined) errors[inputIds.deed] = 'Choose what is to happen.';
    if (deed !== 'words' && node === null) errors[inputIds.node] = 'Choose one piece of work.';
    if (text === null && (deed === 'words' || deed === 'skip' || deed === 'done'))
      errors[inputIds.words] = deed === 'skip' ? 'Say why.' : 'Say it in a few words.';
    if (deed === undefined || Object.keys(errors).length > 0)
      return ack({ response_action: 'errors', errors });
    const { intent, ...place } = where(form);
    const kept = { ...place, user: form.user.id, runId: form.view.private_metadata, deed, node, text };
    await deps.worker.accept(intent, 'steer-form', kept);
    await ack();
  });
  deps.worker.handle('steer-form', async ({ intent, payload, receivedAt }) => {
    const { team, user, runId, deed, node, text } = keptSchema.parse(payload);
    const run = await deps.queries.byRun(runId);
    if (run === null || run.session.team !== team) {
      const tried = { intent, team, user, channel: '', what: callbackIds.steer, value: runId };
      return turnAway(tried, run === null ? 'unknown' : 'other_team', deps);
    }
    const { id: sessionId, channel } = run.session;
    const to = { intent, team, user, channel, sessionId, what: callbackIds.steer, inThread: false };
    // A form that was opened on an earlier run is about that one.
    const at = run.session.currentRunId === runId ? receivedAt : 0;
    const said = { intent, receivedAt, sessionId, by: user, text: text ?? '', addressed: true, at };
    await answerSteered(await deps.steer.apply(said, steeringOf(deed, node, text)), to, deps);
  });
}

function steeringOf(deed: (typeof deeds)[number], target: string | null, text: string | null): Steering {
  const plain = {
    sentiment: 'neutral',
    priority: 'normal',
    direction: null,
    target,
    agent: null,
    reason: text,
  } as const;
  return deed === 'words' ? { ...plain, kind: 'direction', direction: text } : { ...plain, kind: deed };
}
