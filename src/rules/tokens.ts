/** One piece of a rule as people write it, where it stood, and what it becomes in CEL. */
export interface Token {
  readonly kind: 'word' | 'number' | 'string' | 'operator';
  readonly text: string;
  /** Offset in the source. */
  readonly at: number;
}

export type Tokens =
  | { readonly ok: true; readonly tokens: readonly Token[] }
  | { readonly ok: false; readonly at: number; readonly message: string };

/** Longer operators first: what matches first wins. `===` and `!==` are written by people who know JavaScript. */
const OPERATORS = [
  '===',
  '!==',
  '==',
  '!=',
  '<=',
  '>=',
  '&&',
  '||',
  '<',
  '>',
  '+',
  '-',
  '*',
  '/',
  '!',
  '(',
  ')',
  '[',
  ']',
  '{',
  '}',
  ',',
  '.',
  '?',
  ':',
  '%',
];

/**
 * Cuts a rule into tokens. A dash between letters without a space belongs to the word (`cpu-usage`), as the
 * documents write it; a dash with a space beside it is a minus.
 */
export function tokenise(source: string): Tokens {
  const tokens: Token[] = [];
  let at = 0;
  while (at < source.length) {
    const rest = source.slice(at);
    const space = /^\s+/.exec(rest)?.[0];
    if (space !== undefined) {
      at += space.length;
      continue;
    }
    const token = next(rest, at);
    if (token === null) {
      const quote = rest[0] === '"' || rest[0] === "'";
      return {
        ok: false,
        at,
        message: quote
          ? 'This text has no closing quotation mark. Close it, as in "text".'
          : `"${rest[0]}" means nothing in a rule. Take it out; a text stands in quotation marks.`,
      };
    }
    tokens.push(token);
    at += token.text.length;
  }
  return { ok: true, tokens };
}

function next(rest: string, at: number): Token | null {
  const word = /^[A-Za-z_][A-Za-z0-9_]*(?:-[A-Za-z_][A-Za-z0-9_]*)*/.exec(rest)?.[0];
  if (word !== undefined) return { kind: 'word', text: word, at };
  const number = /^\d+(?:\.\d+)?%?/.exec(rest)?.[0];
  if (number !== undefined) return { kind: 'number', text: number, at };
  const text = /^(?:"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')/.exec(rest)?.[0];
  if (text !== undefined) return { kind: 'string', text, at };
  const operator = OPERATORS.find((each) => rest.startsWith(each));
  return operator === undefined ? null : { kind: 'operator', text: operator, at };
}
