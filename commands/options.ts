import { nearest } from '../src/workflows/nearest.ts';

/** `repo:acme/web` and the like, taken out of the words of a request. */
export interface Options {
  readonly text: string;
  readonly values: ReadonlyMap<string, string>;
  /** Words that look like a misspelt option, each with the option that is meant. */
  readonly unknown: readonly { readonly word: string; readonly meant: string }[];
}

/** Options that a start understands. */
export const OPTIONS = ['repo', 'budget', 'by', 'pattern', 'quality', 'urgency', 'risk'] as const;
const KNOWN: ReadonlySet<string> = new Set(OPTIONS);
/** Shorter words are near to too many. */
const SHORTEST_SLIP = 3;

/** Splits a command's text. Only words of the form `known:value` are options; a colon in a sentence stays. */
export function parseOptions(rest: string): Options {
  const values = new Map<string, string>();
  const unknown: { word: string; meant: string }[] = [];
  // Only the words that are options go; line breaks and lists of a longer request stay as they were typed.
  const text = rest.replace(/(?<=^|\s)([a-z]+):(\S+)(\s+|$)/g, (whole, key: string, value: string) => {
    if (KNOWN.has(key)) {
      values.set(key, value);
      return '';
    }
    const meant = key.length < SHORTEST_SLIP ? null : nearest(key, OPTIONS);
    // An address is no option, and neither is a word that merely rhymes with one.
    if (meant === null || meant[0] !== key[0] || value.startsWith('//')) return whole;
    unknown.push({ word: key, meant });
    return '';
  });
  return { text: text.trim(), values, unknown };
}
