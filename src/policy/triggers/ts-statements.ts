import type { Token } from './ts-tokens.ts';

/** After these a line break ends nothing. */
const GOES_ON =
  /^(=|=>|,|\||&|\?|:|\.|\?\.|\+|-|\*|\/|<|\(|\[|\{|@|extends|implements|from|as|is|keyof|readonly|typeof|new|await|default|export|async|declare|abstract|type|function|class|interface|enum|const|let|var|namespace|module|static|get|set|public|private|protected|override|accessor|import|infer|asserts|satisfies|instanceof|unique)$/;
/** These go on with what stands before them. */
const CONTINUES = /^(extends|implements|from|as|is|satisfies|in|of|instanceof)$/;
/** These begin something, even on the line of what ended before. */
const DECLARES =
  /^(export|import|function|class|interface|declare|type|enum|const|let|var|namespace|abstract|async|module|exports)$/;

/** Where a bracket is closed; the end when it is not. */
export function closing(tokens: readonly Token[], open: number): number {
  let depth = 0;
  for (let i = open; i < tokens.length; i += 1) {
    const { text, kind } = tokens[i] ?? { text: '', kind: 'sign' };
    if (kind !== 'sign') continue;
    if (text === '(' || text === '[' || text === '{') depth += 1;
    else if (text === ')' || text === ']' || text === '}') {
      depth -= 1;
      if (depth === 0) return i;
    }
  }
  return tokens.length;
}

/** Parts between a sign that stands in no brackets; with `once` only the first one counts. */
export function split(tokens: readonly Token[], by: string, once = false): Token[][] {
  const parts: Token[][] = [[]];
  let depth = 0;
  for (const token of tokens) {
    const sign = token.kind === 'sign';
    if (sign && '([{<'.includes(token.text)) depth += 1;
    else if (sign && ')]}>'.includes(token.text)) depth -= 1;
    if (sign && token.text === by && depth <= 0 && !(once && parts.length > 1)) parts.push([]);
    else parts.at(-1)?.push(token);
  }
  return parts.filter((part) => part.length > 0);
}

/** Whether all brackets of a file find their other half, and nothing in it is left open. */
export function isWhole(tokens: readonly Token[]): boolean {
  const open: string[] = [];
  for (const { text, kind } of tokens) {
    if (kind === 'broken') return false;
    if (kind !== 'sign') continue;
    if (text === '(' || text === '[' || text === '{') open.push(text);
    else if (text === ')' || text === ']' || text === '}') {
      const other = open.pop();
      if (other === undefined || `${other}${text}`.match(/^(\(\)|\[\]|\{\})$/) === null) return false;
    }
  }
  return open.length === 0;
}

/** Cuts tokens into statements, or a class's members. */
export class Reader {
  readonly #tokens: readonly Token[];
  readonly #members: boolean;
  readonly #classes: boolean;
  #at = 0;

  constructor(tokens: readonly Token[], of: 'file' | 'class' | 'interface' = 'file') {
    this.#tokens = tokens;
    this.#members = of !== 'file';
    this.#classes = of === 'class';
  }

  get done(): boolean {
    return this.#at >= this.#tokens.length;
  }

  /** Up to `;`, or to where a line break ends it and the next word begins something new. */
  statement(): Token[] {
    const from = this.#at;
    let end = from;
    while (end < this.#tokens.length) {
      const token = this.#tokens[end];
      if (token === undefined) break;
      if (token.kind === 'sign' && (token.text === ';' || (this.#members && token.text === ','))) {
        this.#at = end + 1;
        return this.#tokens.slice(from, end);
      }
      if (end > from && token.line && this.#begins(end)) break;
      end = token.kind === 'sign' && /^[([{]$/.test(token.text) ? closing(this.#tokens, end) + 1 : end + 1;
      if (this.#tokens[end - 1]?.text === '}' && this.#endsWithBody(from, end)) break;
    }
    this.#at = Math.min(end, this.#tokens.length);
    return this.#tokens.slice(from, this.#at);
  }

  /** Whether a word at the beginning of a line begins a statement. */
  #begins(at: number): boolean {
    const token = this.#tokens[at];
    const before = this.#tokens[at - 1];
    if (token === undefined || before === undefined) return true;
    if (before.kind === 'word' || before.kind === 'sign') {
      // An export is never swallowed by what stands before it, whatever that is.
      if (!this.#members && token.text === 'export') return true;
      if (GOES_ON.test(before.text)) return false;
    }
    if (token.kind === 'sign')
      return this.#members && (token.text === '[' || token.text === '@' || token.text === '*');
    return !CONTINUES.test(token.text);
  }

  /** After the braces of a body a new statement, or a class's next member, may begin on the same line. */
  #endsWithBody(from: number, at: number): boolean {
    const next = this.#tokens[at];
    if (next === undefined) return false;
    if (this.#classes)
      return (
        (next.kind === 'word' && !CONTINUES.test(next.text) && hasBody(this.#tokens.slice(from, at))) ||
        next.text === '@'
      );
    return next.kind === 'word' && DECLARES.test(next.text);
  }
}

/** Before its braces a member of a class has its parameters, or nothing: `static { }`. */
function hasBody(member: readonly Token[]): boolean {
  const open = member.findIndex(({ text }) => text === '(' || text === '{');
  const sign = member.findIndex(({ text, kind }) => kind === 'sign' && (text === '=' || text === ':'));
  return open !== -1 && (sign === -1 || open < sign);
}
