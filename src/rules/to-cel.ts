import type { Token } from './tokens.ts';

/** A rule in CEL, and for each of its characters where it came from. */
export interface CelText {
  readonly text: string;
  /** Offset in the source of the token that holds an offset of `text`. */
  sourceOf(offset: number): number;
}

/** Words of people and of other languages, and what CEL says instead. */
const WORDS: Readonly<Record<string, string>> = { and: '&&', or: '||', not: '!', includes: 'contains' };
const OPERATORS: Readonly<Record<string, string>> = { '===': '==', '!==': '!=' };

/** Writes tokens as CEL: friendly words, `80%` as 80, dashes in names as underscores, whole numbers as CEL compares them. */
export function toCel(tokens: readonly Token[]): CelText {
  const pieces: { readonly text: string; readonly at: number; readonly start: number }[] = [];
  let length = 0;
  for (const [index, token] of tokens.entries()) {
    const after = tokens[index + 1];
    // Spaces stay where they stood: CEL reads `items .exists(…)` as two things.
    const spaced = after !== undefined && after.at > token.at + token.text.length;
    const text = `${celOf(token, tokens, index)}${spaced || needsSpace(token, after) ? ' ' : ''}`;
    pieces.push({ text, at: token.at, start: length });
    length += text.length;
  }
  return {
    text: pieces.map(({ text }) => text).join(''),
    sourceOf: (offset) => (pieces.findLast(({ start }) => start <= offset) ?? pieces[0])?.at ?? 0,
  };
}

/** Two names side by side would run into one. */
function needsSpace(token: Token, after: Token | undefined): boolean {
  return after !== undefined && token.kind !== 'operator' && after.kind !== 'operator';
}

function celOf(token: Token, tokens: readonly Token[], index: number): string {
  switch (token.kind) {
    case 'word':
      return (
        (Object.hasOwn(WORDS, token.text) ? WORDS[token.text] : undefined) ?? token.text.replaceAll('-', '_')
      );
    case 'number':
      return numberOf(token.text, isIndex(tokens, index));
    case 'operator':
      return (Object.hasOwn(OPERATORS, token.text) ? OPERATORS[token.text] : undefined) ?? token.text;
    case 'string':
      return token.text;
    default:
      return token.kind satisfies never;
  }
}

/** Facts are JSON, whose numbers are CEL's doubles; only a place in a list is a whole number. */
function numberOf(text: string, index: boolean): string {
  const bare = text.replace('%', '');
  return index || bare.includes('.') ? bare : `${bare}.0`;
}

/** `items[0]`: the number stands between a bracket that follows a value, and the closing one. */
function isIndex(tokens: readonly Token[], at: number): boolean {
  const before = tokens[at - 2];
  const follows =
    before !== undefined && (before.kind === 'word' || before.text === ')' || before.text === ']');
  return tokens[at - 1]?.text === '[' && tokens[at + 1]?.text === ']' && follows;
}
