import { Clocks } from '../src/domain/local-time.ts';
import { readUntil } from '../src/domain/until.ts';
import { answerBlocks } from '../src/slack/builders/answers.ts';
import { delegationWords } from '../src/slack/delegation-words.ts';
import type { Message } from '../src/slack/message.ts';
import type { Command, CommandCall, CommandDeps } from './command.ts';
import { noteRefusal } from './refused.ts';

/** Who decides while somebody is away: for a time, and never more than they could decide themselves. */
export const delegate: Command = {
  word: 'delegate',
  usage: 'delegate @somebody until <day or time> | off | list',
  description: 'While you are away, somebody else answers what you are asked to decide',
  async run(call, deps) {
    const { absences, rehearsal } = deps;
    const say = (markup: string): Message => answerBlocks(markup, rehearsal);
    const text = call.rest.trim();
    if (text === '' || text === 'list')
      return say(delegationWords.list(await absences.list(call.team), call.user));
    if (text === 'off') return say(delegationWords.off(await absences.back(call.team, call.user)));
    const parts = /^(?<who>\S+) +(?:until|till|for) +(?<until>.+)$/i.exec(text)?.groups;
    if (parts === undefined) return say(delegationWords.usage);
    return say(await make(parts['who'] ?? '', parts['until'] ?? '', call, deps));
  },
};

async function make(who: string, until: string, call: CommandCall, deps: CommandDeps): Promise<string> {
  const { absences, people, now } = deps;
  const found = await people.named(who, call.team);
  const [to] = found;
  if (to === undefined) return delegationWords.nobody(who);
  if (found.length > 1) return delegationWords.several(who, found);
  const zone = await people.zone(call.user, call.team);
  const end = readUntil(until, now(), zone ?? 'UTC', new Clocks());
  if (end === null) return delegationWords.when(until);
  const from = await people.decider(call.user, call.team, call.homeTeam, true);
  const made = await absences.delegate(from, to, end, call.intent);
  if (made.ok) return delegationWords.made(made.delegation, zone);
  await noteRefusal(call, 'delegate', made.refusal, deps);
  return delegationWords.refused(made.refusal, to);
}
