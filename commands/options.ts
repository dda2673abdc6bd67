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
  const words = rest.split(/\s+/).filter((word) => {
    const match = /^([a-z]+):(\S+)$/.exec(word);
    const key = match?.[1];
    const value = match?.[2];
    if (key === undefined || value === undefined) return true;
    if (KNOWN.has(key)) values.set(key, value);
    else if (RESERVED.has(key)) unknown.push(key);
    else return true;
    return false;
  });
  return { text: words.join(' '), values, unknown };
}
