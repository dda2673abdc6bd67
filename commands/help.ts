import { helpBlocks } from '../src/slack/builders/answers.ts';
import type { CommandHelp } from '../src/slack/views.ts';
import type { Command } from './command.ts';
import type { RESERVED_WORDS } from './reserved.ts';

/** What there is. The list is given, because help is part of it. */
export function helpCommand(all: () => readonly Command[]): Command {
  return {
    word: 'help',
    usage: 'help',
    description: 'This list',
    async run(_call, { rehearsal }) {
      return helpBlocks(withHeadings(all()), rehearsal);
    },
  };
}

/** What each word is for, in the order in which people look for it. */
const HEADINGS: Readonly<Record<string, readonly (typeof RESERVED_WORDS)[number][]>> = {
  'To look': ['status', 'list', 'show', 'history', 'cost', 'agents', 'workflows'],
  'To steer a run': ['pause', 'resume', 'retry', 'cancel', 'undo', 'signal'],
  'When it has ended': ['rollback', 'hand-over'],
  'For those who decide': ['delegate', 'break-glass'],
  Here: ['flag', 'help'],
};

/** The words by what they are for; what starts work stays as it is. */
export function withHeadings(commands: readonly Command[]): CommandHelp[] {
  const fixed = Object.entries(HEADINGS).flatMap(([heading, words]) =>
    words.flatMap((word) =>
      commands
        .filter((each) => each.word === word)
        .map(({ usage, description }) => ({ usage, description, heading })),
    ),
  );
  return [...fixed, ...commands.filter(({ starts }) => starts !== undefined)];
}
