import type { Channel, Person } from '../../contract.ts';

/**
 * What a person typed, as Slack would send it to an app: `&`, `<`, `>` escaped, `@name` and `#channel` as
 * references. Slash commands are sent raw and do not come through here.
 */
export function encodeTyped(text: string, people: readonly Person[], channels: readonly Channel[]): string {
  const escaped = text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
  return escaped.replace(
    /(^|[^\w`/])([@#])([\p{L}\p{N}._-]*[\p{L}\p{N}])/gu,
    (all, before: string, sign: string, name: string) => {
      if (sign === '@') return before + (mention(name, people) ?? all.slice(before.length));
      const channel = channels.find((one) => one.kind !== 'im' && one.name === name);
      return channel === undefined ? all : `${before}<#${channel.id}|${channel.name}>`;
    },
  );
}

function mention(name: string, people: readonly Person[]): string | null {
  if (name === 'here' || name === 'channel' || name === 'everyone') return `<!${name}>`;
  const wanted = name.toLowerCase();
  const person = people.find(
    (one) => one.name.toLowerCase() === wanted || (one.isBot && one.realName.toLowerCase() === wanted),
  );
  return person === undefined ? null : `<@${person.id}>`;
}

/** @returns the command and its text when the line is a slash command, else null. */
export function parseCommand(text: string): { readonly command: string; readonly text: string } | null {
  const match = /^(\/[a-z0-9_-]+)(?:\s+([\s\S]*))?$/i.exec(text.trimEnd());
  return match?.[1] === undefined ? null : { command: match[1].toLowerCase(), text: (match[2] ?? '').trim() };
}
