import { runListBlocks } from '../src/slack/builders/answers.ts';
import { runLine } from '../src/slack/run-views.ts';
import type { Command } from './command.ts';

/** What is going on right now. */
export const status: Command = {
  word: 'status',
  usage: 'status',
  description: 'What is going on right now: here, and yours elsewhere',
  async run(call, { queries, rehearsal, now }) {
    const runs = await queries.underWay(call);
    return runListBlocks(
      runs.map((run) => runLine(run.view, { ...run, rehearsal, now: now() })),
      rehearsal,
    );
  },
};
