import { answerBlocks } from '../src/slack/builders/answers.ts';
import { handOverWords } from '../src/slack/hand-over-words.ts';
import { answers } from '../src/slack/words.ts';
import type { Command } from './command.ts';
import { noteRefusal } from './refused.ts';

/** Hands an ended run over: pushes its branch and opens its pull request, or brings it up to date. */
export const handOverCommand: Command = {
  word: 'hand-over',
  usage: 'hand-over [id]',
  description: 'Pushes the branch of an ended run and opens its pull request, or updates it',
  async run(call, deps) {
    const { handOvers, queries, rehearsal } = deps;
    const run = await queries.find(call, call.rest.trim());
    if (run === null) return answerBlocks(answers.runGone, rehearsal);
    const answer = await handOvers.begin({ runId: run.view.runId, by: call.user, intent: call.intent });
    if (answer.done === 'refused') await noteRefusal(call, 'hand-over', answer.why, deps);
    return answerBlocks(handOverWords(answer, run.session.requester), rehearsal);
  },
};
