import { answerBlocks } from '../src/slack/builders/answers.ts';
import { answers } from '../src/slack/words.ts';
import type { Command } from './command.ts';
import { controlAnswer } from './refused.ts';

/** Stops a run for good. */
export const cancel: Command = {
  word: 'cancel',
  usage: 'cancel [id]',
  description: 'Stops a run for good; its branch and snapshots stay',
  async run(call, deps) {
    const { orchestrator, queries, rehearsal } = deps;
    const run = await queries.find(call, call.rest);
    if (run === null) return answerBlocks(answers.runGone, rehearsal);
    const done = await orchestrator.stop(run.view.runId, call.user, call.intent);
    return controlAnswer(call, { word: 'cancel', verb: 'stop', done }, run, deps);
  },
};

/** Holds a run. */
export const pause: Command = {
  word: 'pause',
  usage: 'pause [id]',
  description: 'Holds a run: what is under way finishes, nothing new starts',
  async run(call, deps) {
    const { steer, queries, rehearsal } = deps;
    const run = await queries.find(call, call.rest);
    if (run === null) return answerBlocks(answers.runGone, rehearsal);
    const done = await steer.pause(run.view.runId, call.user, call.intent);
    return controlAnswer(call, { word: 'pause', verb: 'pause', done }, run, deps);
  },
};

/** Lets a run that was held go on. */
export const resume: Command = {
  word: 'resume',
  usage: 'resume [id]',
  description: 'Lets a paused run go on',
  async run(call, deps) {
    const { steer, queries, rehearsal } = deps;
    const run = await queries.find(call, call.rest);
    if (run === null) return answerBlocks(answers.runGone, rehearsal);
    const done = await steer.resume(run.view.runId, call.user, call.intent);
    return controlAnswer(call, { word: 'resume', verb: 'resume', done }, run, deps);
  },
};

/** Goes on after a pause, or runs an ended one again. */
export const retry: Command = {
  word: 'retry',
  usage: 'retry [id]',
  description: 'Goes on where a run paused, or runs an ended one again',
  async run(call, deps) {
    const { orchestrator, queries, rehearsal } = deps;
    const run = await queries.find(call, call.rest);
    if (run === null) return answerBlocks(answers.runGone, rehearsal);
    const done = await orchestrator.retry(run.view.runId, call.user, call.intent, call.receivedAt);
    return controlAnswer(call, { word: 'retry', verb: 'retry', done }, run, deps);
  },
};

/** Takes back how an adaptive workflow changed its plan last. */
export const undo: Command = {
  word: 'undo',
  usage: 'undo [id]',
  description: 'Takes back the last change a run made to its own plan, at the next sync point',
  async run(call, deps) {
    const { orchestrator, queries, rehearsal } = deps;
    const run = await queries.find(call, call.rest);
    if (run === null) return answerBlocks(answers.runGone, rehearsal);
    const done = await orchestrator.undo(run.view.runId, call.user, call.intent);
    return controlAnswer(call, { word: 'undo', verb: 'undo', done }, run, deps);
  },
};
