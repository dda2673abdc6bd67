import type { App } from '@slack/bolt';
import type { Control } from '../../src/domain/control.ts';
import type { RunAnswer } from '../../src/orchestrator/queries.ts';
import { actionIds } from '../../src/slack/actions.ts';
import { answerBlocks, runDetailBlocks } from '../../src/slack/builders/answers.ts';
import { atBudgetBlocks } from '../../src/slack/builders/at-budget.ts';
import { controlWords } from '../../src/slack/control-words.ts';
import { handOverWords } from '../../src/slack/hand-over-words.ts';
import type { Message } from '../../src/slack/message.ts';
import { runDetail } from '../../src/slack/run-views.ts';
import { answers as words } from '../../src/slack/words.ts';
import { type Click, clickSchema, readClick } from '../click.ts';
import type { HandlerDeps } from '../deps.ts';
import { tellRefused } from '../refused.ts';
import { turnAway } from '../turn-away.ts';

const RUN_ACTIONS = [
  actionIds.planStart,
  actionIds.planCancel,
  actionIds.runStop,
  actionIds.runPause,
  actionIds.runResume,
  actionIds.runRetry,
  actionIds.runAgain,
  actionIds.runHandOver,
  actionIds.runDetails,
] as const;

/** Buttons on the epic: kept, acknowledged, then done. */
export function registerRunActions(app: App, deps: HandlerDeps): void {
  for (const id of RUN_ACTIONS) {
    app.action(id, async ({ body, ack }) => {
      const read = readClick(body);
      if (read !== null) await deps.worker.accept(read.intent, 'run-click', read.click);
      await ack();
    });
  }
  deps.worker.handle('run-click', async ({ intent, payload, receivedAt }) => {
    const click = clickSchema.parse(payload);
    const run = await deps.queries.byRun(click.value);
    if (run === null || run.session.team !== click.team)
      return turnAway(
        { ...click, intent, what: click.action },
        run === null ? 'unknown' : 'other_team',
        deps,
      );
    // Pressed in the channel, so answered there: in a thread that is not open, nobody sees what only they can see.
    const done = await act(click, intent, receivedAt, run, deps);
    // A button of the epic shows its own result; only what cannot be seen there is said.
    if ('refused' in done)
      await tellRefused({ ...click, intent, what: click.action }, done.refused, done.words, deps);
    else if (done.told !== null) {
      const { team, user, channel } = click;
      await deps.answers.send({ intent, team, user, channel }, done.told);
    }
  });
}

/** What came of a click: what is told, if anything; or why nothing came of it, with the words for that. */
type Done = { readonly told: Message | null } | { readonly refused: string; readonly words: Message };

async function act(
  click: Click,
  intent: string,
  receivedAt: number,
  run: RunAnswer,
  deps: HandlerDeps,
): Promise<Done> {
  const { orchestrator, rehearsal } = deps;
  const { requester } = run.session;
  const say = (verb: 'start' | 'cancel' | 'stop' | 'pause' | 'resume' | 'retry', done: Control): Done => {
    if (done === 'done') return { told: null };
    if (done === 'at_budget') return { refused: done, words: atBudgetBlocks(run.approvals, rehearsal) };
    return { refused: done, words: answerBlocks(controlWords(verb, done, requester), rehearsal) };
  };
  switch (click.action) {
    case actionIds.planStart:
      return say('start', await orchestrator.answerPlan(click.value, 'start', click.user, intent));
    case actionIds.planCancel:
      return say('cancel', await orchestrator.answerPlan(click.value, 'cancel', click.user, intent));
    case actionIds.runStop:
      return say('stop', await orchestrator.stop(click.value, click.user, intent));
    case actionIds.runPause:
      return say('pause', await deps.steer.pause(click.value, click.user, intent));
    case actionIds.runResume:
      return say('resume', await deps.steer.resume(click.value, click.user, intent));
    case actionIds.runRetry:
    case actionIds.runAgain:
      return say('retry', await orchestrator.retry(click.value, click.user, intent, receivedAt));
    case actionIds.runHandOver: {
      const answer = await deps.handOvers.begin({ runId: click.value, by: click.user, intent });
      const words = answerBlocks(handOverWords(answer, requester), rehearsal);
      return answer.done === 'refused' ? { refused: answer.why, words } : { told: words };
    }
    default: {
      if (!(await deps.roles.sees(run.session, click.user)))
        return { refused: 'look', words: answerBlocks(words.runGone, rehearsal) };
      const detail = runDetail(run.view, { ...run, rehearsal, now: deps.now() }, run.decisions);
      return { told: runDetailBlocks(detail, rehearsal) };
    }
  }
}
