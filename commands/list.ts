import { runListBlocks } from '../src/slack/builders/answers.ts';
import { runLine } from '../src/slack/run-views.ts';
import type { Command } from './command.ts';

/** The newest runs of this workspace. */
export const list: Command = {
  word: 'list',
  usage: 'list',
  description: 'The newest runs of this channel, and yours elsewhere',
  async run(call, { queries, rehearsal, now }) {
    const runs = await queries.recent(call);
    return runListBlocks(
      runs.map((run) => runLine(run.view, { ...run, rehearsal, now: now() })),
      rehearsal,
    );
  },
};
