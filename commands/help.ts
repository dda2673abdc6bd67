import { helpBlocks } from '../src/slack/builders/answers.ts';
import type { Command } from './command.ts';

/** What there is. The list is given, because help is part of it. */
export function helpCommand(all: () => readonly Command[]): Command {
  return {
    word: 'help',
    usage: 'help',
    description: 'This list',
    async run(_call, { rehearsal }) {
      return helpBlocks(all(), rehearsal);
    },
  };
}
