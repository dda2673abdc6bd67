import { readBack } from '../src/planning/back-words.ts';
import { answerBlocks } from '../src/slack/builders/answers.ts';
import { rollbackBlocks } from '../src/slack/builders/rollback-form.ts';
import { answers } from '../src/slack/words.ts';
import type { Command } from './command.ts';
import { noteRefusal } from './refused.ts';

/** Takes a run back: lists what there is to go back to, or asks for it. */
export const rollback: Command = {
  word: 'rollback',
  usage: 'rollback [id] [number | step | full] [files]',
  description: 'Takes a paused or ended run back; shows what would be lost, and asks',
  async run(call, deps) {
    const { rollbacks, queries, rehearsal } = deps;
    const [first = '', ...others] = call.rest.split(/\s+/);
    const named = await queries.find(call, first);
    // Without an id it is about one's newest run, and all of it says where to.
    const isWish = named === null && readBack(call.rest) !== null;
    const run = isWish ? await queries.find(call, '') : named;
    if (run === null) return answerBlocks(answers.runGone, rehearsal);
    const words = isWish ? call.rest : others.join(' ');
    const wisher = { runId: run.view.runId, by: call.user, intent: call.intent, receivedAt: call.receivedAt };
    const answer = await rollbacks.request(words === '' ? null : words, wisher);
    if (answer.done === 'refused') await noteRefusal(call, 'rollback', answer.why, deps);
    return rollbackBlocks(answer, run.session.requester, rehearsal);
  },
};
