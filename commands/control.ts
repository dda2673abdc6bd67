import { answerBlocks } from '../src/slack/builders/answers.ts';
import { atBudgetBlocks } from '../src/slack/builders/at-budget.ts';
import { controlWords } from '../src/slack/control-words.ts';
import { answers } from '../src/slack/words.ts';
import type { Command } from './command.ts';

/** Stops a run for good. */
export const cancel: Command = {
  word: 'cancel',
  usage: 'cancel [id]',
  description: 'Stops a run for good; its branch and snapshots stay',
  async run(call, { orchestrator, queries, rehearsal }) {
    const run = await queries.find(call, call.rest);
    if (run === null) return answerBlocks(answers.runGone, rehearsal);
    return answerBlocks(
      controlWords('stop', await orchestrator.stop(run.view.runId, call.user), run.session.requester),
      rehearsal,
    );
  },
};

/** Holds a run. */
export const pause: Command = {
  word: 'pause',
  usage: 'pause [id]',
  description: 'Holds a run: what is under way finishes, nothing new starts',
  async run(call, { steer, queries, rehearsal }) {
    const run = await queries.find(call, call.rest);
    if (run === null) return answerBlocks(answers.runGone, rehearsal);
    const done = await steer.pause(run.view.runId, call.user, call.intent);
    return answerBlocks(controlWords('pause', done, run.session.requester), rehearsal);
  },
};

/** Lets a run that was held go on. */
export const resume: Command = {
  word: 'resume',
  usage: 'resume [id]',
  description: 'Lets a paused run go on',
  async run(call, { steer, queries, rehearsal }) {
    const run = await queries.find(call, call.rest);
    if (run === null) return answerBlocks(answers.runGone, rehearsal);
    const done = await steer.resume(run.view.runId, call.user, call.intent);
    if (done === 'at_budget') return atBudgetBlocks(run.approvals, rehearsal);
    return answerBlocks(controlWords('resume', done, run.session.requester), rehearsal);
  },
};

/** Goes on after a pause, or runs an ended one again. */
export const retry: Command = {
  word: 'retry',
  usage: 'retry [id]',
  description: 'Goes on where a run paused, or runs an ended one again',
  async run(call, { orchestrator, queries, rehearsal }) {
    const run = await queries.find(call, call.rest);
    if (run === null) return answerBlocks(answers.runGone, rehearsal);
    const done = await orchestrator.retry(run.view.runId, call.user, call.intent, call.receivedAt);
    if (done === 'at_budget') return atBudgetBlocks(run.approvals, rehearsal);
    return answerBlocks(controlWords('retry', done, run.session.requester), rehearsal);
  },
};

/** Takes back how an adaptive workflow changed its plan last. */
export const undo: Command = {
  word: 'undo',
  usage: 'undo [id]',
  description: 'Takes back the last change a run made to its own plan, at the next sync point',
  async run(call, { orchestrator, queries, rehearsal }) {
    const run = await queries.find(call, call.rest);
    if (run === null) return answerBlocks(answers.runGone, rehearsal);
    const done = await orchestrator.undo(run.view.runId, call.user, call.intent);
    return answerBlocks(controlWords('undo', done, run.session.requester), rehearsal);
  },
};
