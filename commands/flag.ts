import { flagNameSchema } from '../src/domain/flags.ts';
import { answerBlocks } from '../src/slack/builders/answers.ts';
import { flagsWords, flagWords } from '../src/slack/flag-words.ts';
import type { Command } from './command.ts';
import { noteRefusal } from './refused.ts';

/** Switches of this channel that workflows may ask for. */
export const flag: Command = {
  word: 'flag',
  usage: 'flag [<name> on|off]',
  description: 'Switches of this channel, which rules of workflows may ask for; changes one',
  async run(call, deps) {
    const { rest, team, homeTeam, channel, user } = call;
    const { flags, people, rehearsal } = deps;
    const [name = '', value = '', ...more] = rest.split(/\s+/);
    const say = (text: string) => answerBlocks(text, rehearsal);
    if (name === '') return say(flagsWords(await flags.list(team, channel)));
    const on = value === 'on' ? true : value === 'off' ? false : null;
    if (on === null || more.length > 0) return say(flagWords.usage);
    if (!flagNameSchema.safeParse(name).success) return say(flagWords.name(name));
    const by = await people.decider(user, team, homeTeam);
    if (await flags.set(by, channel, name, on)) return say(flagWords.set(name, on));
    await noteRefusal(call, 'flag', 'no_role', deps);
    return say(flagWords.forbidden);
  },
};
