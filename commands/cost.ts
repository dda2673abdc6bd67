import { answerBlocks } from '../src/slack/builders/answers.ts';
import { runCostBlocks, weekCostBlocks } from '../src/slack/builders/spending.ts';
import { answers } from '../src/slack/words.ts';
import type { Command } from './command.ts';

const WEEK_MS = 7 * 86_400_000;

/** What one run cost, or what the week cost by channel. */
export const cost: Command = {
  word: 'cost',
  usage: 'cost [id]',
  description:
    'What a run cost, by agent, step, model and kind; without an id this week by channel, day and agent',
  async run(call, { queries, usage, rehearsal, now }) {
    if (call.rest === '') {
      const since = now() - WEEK_MS;
      const also = { days: await usage.byDay(call, since), agents: await usage.byAgentSeen(call, since) };
      return weekCostBlocks(await usage.byChannel(call, since), also, rehearsal);
    }
    const run = await queries.find(call, call.rest);
    if (run === null) return answerBlocks(answers.runGone, rehearsal);
    const title = run.session.request.split('\n')[0] ?? run.session.request;
    const { runId } = run.view;
    return runCostBlocks(title, await usage.ofRun(runId), await usage.bySteps(runId), rehearsal);
  },
};
