/** `repo:acme/web` and the like, taken out of the words of a request. */
export interface Options {
  readonly text: string;
  readonly values: ReadonlyMap<string, string>;
  readonly unknown: readonly string[];
}

/** Options that a start understands. */
const KNOWN = new Set(['repo']);
/** Options people will try because other tools, or later versions, have them: named rather than taken as words. */
const RESERVED = new Set(['budget', 'by', 'pattern', 'quality', 'urgency', 'risk']);

/** Splits a command's text. Only words of the form `known:value` are options; a colon in a sentence stays. */
export function parseOptions(rest: string): Options {
  const values = new Map<string, string>();
  const unknown: string[] = [];
  // Only the words that are options go; line breaks and lists of a longer request stay as they were typed.
  const text = rest.replace(/(?<=^|\s)([a-z]+):(\S+)(\s+|$)/g, (word, key: string, value: string) => {
    if (KNOWN.has(key)) values.set(key, value);
    else if (RESERVED.has(key)) unknown.push(key);
    else return word;
    return '';
  });
  return { text: text.trim(), values, unknown };
}
