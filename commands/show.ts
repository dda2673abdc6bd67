import { answerBlocks, runDetailBlocks } from '../src/slack/builders/answers.ts';
import { runDetail } from '../src/slack/run-views.ts';
import { answers } from '../src/slack/words.ts';
import type { Command } from './command.ts';

/** One run in full. */
export const show: Command = {
  word: 'show',
  usage: 'show [id]',
  description: 'One run in full; your newest without an id',
  async run(call, { queries, rehearsal, now }) {
    const run = await queries.find(call, call.rest);
    if (run === null) return answerBlocks(answers.runGone, rehearsal);
    return runDetailBlocks(runDetail(run.view, { ...run, rehearsal, now: now() }, run.decisions), rehearsal);
  },
};
