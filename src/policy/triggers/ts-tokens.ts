/** One word or sign of a TypeScript file. `line`: whether a line break stands before it, which can end a statement. */
export interface Token {
  readonly text: string;
  /** `broken`: something that the end of the file, or of the line, left open. */
  readonly kind: 'word' | 'sign' | 'string' | 'template' | 'number' | 'regex' | 'broken';
  readonly line: boolean;
}

/** Signs that are read as one: what matters is that `=>` is not `=` and `>`. */
const LONG = ['=>', '...', '?.', '??', '&&', '||', '==', '!=', '<=', '**', '++', '--'];
/** After these a slash begins a regular expression, not a division. */
const BEFORE_REGEX =
  /^(?:[([{,;=:?!&|+\-*%^~<>]|=>|&&|\|\||\?\?|return|typeof|case|in|of|delete|void|throw|new|else|do|instanceof|yield|await)$/;

/** What each kind looks like when it is not left open. */
const CLOSED: Partial<Record<Token['kind'], RegExp>> = {
  string: /^(["'])(?:\\[\s\S]|(?!\1)[^\\])*\1$/,
  template: /`$/,
  regex: /^\/.*\/[a-z]*$/s,
};

/** Either kind of quotes means the same. */
function sameQuotes(found: string): string {
  return /^'[^'"\\]*'$/.test(found) ? `"${found.slice(1, -1)}"` : found;
}

/** The words and signs of a file, without comments and white space. */
export function tokensOf(text: string): Token[] {
  const tokens: Token[] = [];
  let at = 0;
  let line = true;
  const push = (kind: Token['kind'], end: number): void => {
    const found = text.slice(at, end);
    const closed = CLOSED[kind]?.test(found) !== false;
    tokens.push({
      text: kind === 'string' ? sameQuotes(found) : found,
      kind: closed ? kind : 'broken',
      line,
    });
    line = false;
    at = end;
  };
  while (at < text.length) {
    const c = text[at] ?? '';
    if (c === '\n' || c === '\r' || c === '\u2028' || c === '\u2029') {
      line = true;
      at += 1;
    } else if (/\s|\ufeff/.test(c)) at += 1;
    else if (text.startsWith('//', at)) at = endOf(text, '\n', at);
    else if (text.startsWith('/*', at)) {
      const end = endOf(text, '*/', at + 2) + 2;
      if (end > text.length) push('broken', text.length);
      if (text.slice(at, end).includes('\n')) line = true;
      at = end;
    } else if (text.startsWith('#!', at) && at === 0) at = endOf(text, '\n', at);
    else if (c === '"' || c === "'") push('string', quoted(text, at));
    else if (c === '`') push('template', template(text, at));
    else if (/[\p{ID_Start}$_#\\]/u.test(c))
      push('word', runOf(text, at, /[\p{ID_Continue}$_#\\\u200c\u200d]/u));
    else if (/\d/.test(c)) push('number', runOf(text, at, /[\w.]/));
    else if (c === '/' && beginsRegex(tokens.at(-1))) push('regex', regex(text, at));
    else push('sign', at + (LONG.find((each) => text.startsWith(each, at))?.length ?? 1));
  }
  return tokens;
}

function beginsRegex(before: Token | undefined): boolean {
  return (
    before === undefined ||
    ((before.kind === 'sign' || before.kind === 'word') && BEFORE_REGEX.test(before.text))
  );
}

function endOf(text: string, end: string, from: number): number {
  const found = text.indexOf(end, from);
  return found === -1 ? text.length : found;
}

function runOf(text: string, from: number, of: RegExp): number {
  let end = from + 1;
  while (end < text.length && of.test(text[end] ?? '')) end += 1;
  return end;
}

function quoted(text: string, from: number): number {
  const quote = text[from];
  for (let i = from + 1; i < text.length; i += 1) {
    if (text[i] === '\\') i += 1;
    else if (text[i] === quote || text[i] === '\n') return i + 1;
  }
  return text.length;
}

/** A template with the expressions in it. */
function template(text: string, from: number): number {
  for (let i = from + 1; i < text.length; i += 1) {
    if (text[i] === '\\') i += 1;
    else if (text[i] === '`') return i + 1;
    else if (text.startsWith('${', i)) i = expression(text, i + 2);
  }
  return text.length;
}

/** Where the `}` stands that ends an expression in a template. */
function expression(text: string, from: number): number {
  let depth = 1;
  for (let i = from; i < text.length; i += 1) {
    const c = text[i];
    if (c === '`') i = template(text, i) - 1;
    else if (c === '"' || c === "'") i = quoted(text, i) - 1;
    else if (c === '{') depth += 1;
    else if (c === '}') {
      depth -= 1;
      if (depth === 0) return i;
    }
  }
  return text.length;
}

function regex(text: string, from: number): number {
  let inClass = false;
  for (let i = from + 1; i < text.length; i += 1) {
    const c = text[i];
    if (c === '\\') i += 1;
    else if (c === '\n') return i;
    else if (c === '[') inClass = true;
    else if (c === ']') inClass = false;
    else if (c === '/' && !inClass) return runOf(text, i, /[a-z]/);
  }
  return text.length;
}
