import type { Control } from '../src/domain/control.ts';
import type { RunAnswer } from '../src/orchestrator/queries.ts';
import { answerBlocks } from '../src/slack/builders/answers.ts';
import { atBudgetBlocks } from '../src/slack/builders/at-budget.ts';
import { controlWords } from '../src/slack/control-words.ts';
import type { Message } from '../src/slack/message.ts';
import type { CommandCall, CommandDeps } from './command.ts';

/** Keeps that somebody was turned away: who, by which word, about what, and why. */
export async function noteRefusal(
  { team, user, channel, rest }: CommandCall,
  word: string,
  why: string,
  { audit, now }: Pick<CommandDeps, 'audit' | 'now'>,
): Promise<void> {
  await audit.turnedAway({ team, user, place: channel, what: `command:${word}`, value: rest, why }, now());
}

/** What somebody reads after a word about a run; where it led nowhere, the audit has it. */
export async function controlAnswer(
  call: CommandCall,
  {
    word,
    verb,
    done,
  }: { readonly word: string; readonly verb: Parameters<typeof controlWords>[0]; readonly done: Control },
  run: RunAnswer,
  deps: CommandDeps,
): Promise<Message> {
  if (done !== 'done') await noteRefusal(call, word, done, deps);
  if (done === 'at_budget') return atBudgetBlocks(run.approvals, deps.rehearsal);
  return answerBlocks(controlWords(verb, done, run.session.requester), deps.rehearsal);
}
