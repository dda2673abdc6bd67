import type { Person, Snapshot } from '../../contract.ts';

/** One line the composer offers. `insert` replaces the text from `from` up to the caret. */
export interface Suggestion {
  readonly key: string;
  readonly label: string;
  readonly note: string;
  readonly insert: string;
  readonly from: number;
}

/**
 * What fits the word at the caret: commands while the line is only a `/word`, people after an `@`.
 * @param inThread offers no commands, because none work there.
 */
export function suggest(
  text: string,
  caret: number,
  inThread: boolean,
  commands: Snapshot['commands'],
  people: readonly Person[],
): readonly Suggestion[] {
  const before = text.slice(0, caret);
  if (/^\/\S*$/.test(before) && !inThread) {
    return commands
      .filter((command) => command.command.startsWith(before.toLowerCase()))
      .map((command) => ({
        key: command.command,
        label: `${command.command} ${command.usageHint}`.trim(),
        note: command.description,
        insert: `${command.command} `,
        from: 0,
      }));
  }
  const at = /(?:^|\s)@([\p{L}\p{N}._-]*)$/u.exec(before);
  const typed = at?.[1];
  if (typed === undefined || before.startsWith('/')) return [];
  return people
    .filter((person) => person.name.toLowerCase().startsWith(typed.toLowerCase()))
    .map((person) => ({
      key: person.id,
      label: `@${person.name}`,
      note: person.isBot ? 'app' : person.realName,
      insert: `@${person.name} `,
      from: caret - typed.length - 1,
    }));
}

/** The hint of the command that is being written, once its name is complete. */
export function usageOf(text: string, commands: Snapshot['commands']): string | null {
  const command = commands.find((one) => text.startsWith(`${one.command} `));
  return command === undefined ? null : `${command.command} ${command.usageHint}`.trim();
}
