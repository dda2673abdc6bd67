import type { Desk } from '../desk.ts';

const TOKEN = /<(?:@[UW][A-Z0-9]+|#C[A-Z0-9]+(?:\|[^>]*)?|!subteam\^S[A-Z0-9]+(?:\|[^>]*)?)>/g;

function escapeText(text: string): string {
  return text.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;');
}

/** `@bob`, `@releasers` and `#general` become Slack's own tokens; unknown names stay as typed. */
function mark(desk: Desk, text: string): string {
  if (!/[@#]/.test(text)) return text;
  const people = desk.directory.people();
  const groups = desk.directory.groups();
  const channels = desk.directory.channels();
  return text
    .replace(/(^|[\s(])@([\w.-]*\w)/g, (whole, before: string, name: string) => {
      const wanted = name.toLowerCase();
      const person = people.find((candidate) => candidate.name.toLowerCase() === wanted);
      if (person !== undefined) return `${before}<@${person.id}>`;
      const group = groups.find((candidate) => candidate.handle.toLowerCase() === wanted);
      return group === undefined ? whole : `${before}<!subteam^${group.id}|@${group.handle}>`;
    })
    .replace(/(^|[\s(])#([\w-]+)/g, (whole, before: string, name: string) => {
      const channel = channels.find((candidate) => candidate.kind !== 'im' && candidate.name === name);
      return channel === undefined ? whole : `${before}<#${channel.id}|${channel.name}>`;
    });
}

/**
 * What Slack's composer makes of typed text: mentions become tokens, everything else is escaped. Tokens
 * that are there already (a page may insert them) stay.
 */
export function composed(desk: Desk, typed: string): string {
  let result = '';
  let end = 0;
  for (const match of typed.matchAll(TOKEN)) {
    result += mark(desk, escapeText(typed.slice(end, match.index))) + match[0];
    end = match.index + match[0].length;
  }
  return result + mark(desk, escapeText(typed.slice(end)));
}
