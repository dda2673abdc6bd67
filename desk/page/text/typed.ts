/** @returns the command and its text when the line is a slash command, else null. */
export function parseCommand(text: string): { readonly command: string; readonly text: string } | null {
  const match = /^(\/[a-z0-9_-]+)(?:\s+([\s\S]*))?$/i.exec(text.trimEnd());
  return match?.[1] === undefined ? null : { command: match[1].toLowerCase(), text: (match[2] ?? '').trim() };
}
