/** A command line as argv, or why it cannot be one. */
export type SplitCommand =
  | { readonly ok: true; readonly argv: string[] }
  | { readonly ok: false; readonly problem: string };

/**
 * Splits a command line the way a shell would, without being one: quotes and backslashes group, and whatever
 * would need a shell (pipes, redirection, several commands, variables, substitution) is refused with a reason
 * rather than passed on literally.
 */
export function splitCommandLine(line: string): SplitCommand {
  const argv: string[] = [];
  let word: string | null = null;
  let quote: "'" | '"' | null = null;
  for (let at = 0; at < line.length; at += 1) {
    const char = line.charAt(at);
    if (quote === "'") {
      if (char === "'") quote = null;
      else word = `${word ?? ''}${char}`;
    } else if (char === '\\') {
      at += 1;
      word = `${word ?? ''}${line.charAt(at)}`;
    } else if (char === '$' || char === '`') {
      return { ok: false, problem: 'There is no shell: variables and substitutions are not expanded.' };
    } else if (quote === '"') {
      if (char === '"') quote = null;
      else word = `${word ?? ''}${char}`;
    } else if (char === "'" || char === '"') {
      quote = char;
      word ??= '';
    } else if ('|&;<>\n'.includes(char)) {
      return {
        ok: false,
        problem: `There is no shell: "${char === '\n' ? '\\n' : char}" is not understood. Give one command; call run again for the next.`,
      };
    } else if (char === ' ' || char === '\t') {
      if (word !== null) argv.push(word);
      word = null;
    } else word = `${word ?? ''}${char}`;
  }
  if (quote !== null) return { ok: false, problem: `A quote (${quote}) is not closed.` };
  if (word !== null) argv.push(word);
  if (argv.length === 0 || argv[0] === '') return { ok: false, problem: 'The command is empty.' };
  return { ok: true, argv };
}

/** argv as people read it; words with spaces or quotes are quoted. Not meant to be executed. */
export function showCommand(argv: readonly string[]): string {
  return argv.map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : JSON.stringify(word))).join(' ');
}
