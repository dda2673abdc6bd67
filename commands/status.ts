import { runListBlocks } from '../src/slack/builders/answers.ts';
import { runLine } from '../src/slack/run-views.ts';
import { tidyWords } from '../src/slack/tidy-words.ts';
import type { Command } from './command.ts';

/** What is going on right now. */
export const status: Command = {
  word: 'status',
  usage: 'status',
  description: 'What is going on right now: here, and yours elsewhere',
  async run(call, { queries, rehearsal, now, tidied }) {
    const runs = await queries.underWay(call);
    return runListBlocks(
      runs.map((run) => runLine(run.view, { ...run, rehearsal, now: now() })),
      rehearsal,
      tidyWords(await tidied(), now()),
    );
  },
};
