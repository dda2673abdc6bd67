import { type Token, tokensOf } from './ts-tokens.ts';

/** A declaration at the top of a file: what others see of it. */
interface Declared {
  readonly kind: string;
  /** Its words without bodies, as one text. */
  readonly signature: string;
  /** For functions: each parameter, with whether it may be left out. Null: no function. */
  readonly parameters: readonly Parameter[] | null;
  /** What the signature is but for the parameters. */
  readonly rest: string;
}
interface Parameter {
  readonly text: string;
  readonly optional: boolean;
}

export interface Surface {
  /** By the name under which it is exported. */
  readonly exported: ReadonlyMap<string, Declared>;
  /** Exports that are taken over whole from elsewhere: `export * from './a'`. */
  readonly stars: ReadonlySet<string>;
}

/** Words that may stand before a declaration and change nothing of its kind. */
const MODIFIERS = new Set(['declare', 'abstract', 'async', 'default', 'export']);
const BODIES = new Set(['function', 'class', 'interface', 'enum', 'namespace', 'module']);

/**
 * What a TypeScript or JavaScript file exports, each with its signature: parameters, types and members, without
 * bodies, comments and white space. A type of the file's own that a signature names is part of it.
 */
export function surfaceOf(text: string): Surface {
  const reader = new Reader(tokensOf(text));
  const local = new Map<string, Declared[]>();
  const named: { readonly local: string; readonly as: string; readonly from: string | null }[] = [];
  const exported = new Map<string, Declared>();
  const stars = new Set<string>();
  while (!reader.done) {
    const statement = reader.statement();
    const words = statement.map(({ text: word }) => word);
    const isExport = words[0] === 'export';
    if (isExport && (words[1] === '*' || (words[1] === 'type' && words[2] === '*'))) {
      stars.add(words.slice(1).join(' '));
      continue;
    }
    if (isExport && (words[1] === '{' || (words[1] === 'type' && words[2] === '{'))) {
      named.push(...listed(words));
      continue;
    }
    for (const { name, declared } of declarationsOf(statement)) {
      local.set(name, [...(local.get(name) ?? []), declared]);
      if (isExport) named.push({ local: name, as: words[1] === 'default' ? 'default' : name, from: null });
    }
  }
  for (const { local: name, as, from } of named) {
    const declared = from === null ? local.get(name) : undefined;
    if (declared === undefined) {
      const signature = `${name} from ${from ?? 'elsewhere'}`;
      exported.set(as, { kind: 'taken over', signature, parameters: null, rest: signature });
    } else exported.set(as, together(declared, local, name));
  }
  return { exported, stars };
}

/** Overloads and merged declarations as one, with the file's own types that they name. */
function together(
  declared: readonly Declared[],
  local: ReadonlyMap<string, Declared[]>,
  name: string,
): Declared {
  const seen = new Set<string>([name]);
  const pull = (text: string): string => {
    const own = (text.match(/[\w$]+/g) ?? []).filter((word) => !seen.has(word) && local.has(word));
    return own
      .map((word) => {
        if (seen.has(word)) return '';
        seen.add(word);
        const signature = (local.get(word) ?? []).map((each) => each.signature).join(' ');
        return ` where ${word}: ${signature}${pull(signature)}`;
      })
      .join('');
  };
  const [only] = declared;
  if (declared.length === 1 && only !== undefined) {
    const types = pull(only.signature);
    return { ...only, signature: only.signature + types, rest: only.rest + types };
  }
  const signature = declared.map((each) => each.signature).join(' | ');
  const all = signature + pull(signature);
  return { kind: only?.kind ?? '', signature: all, parameters: null, rest: all };
}

/** `export { a, b as c } from './d'` */
function listed(words: readonly string[]): { local: string; as: string; from: string | null }[] {
  const open = words.indexOf('{');
  const close = words.indexOf('}', open);
  const from = words[close + 1] === 'from' ? (words[close + 2] ?? '') : null;
  const inside = words.slice(open + 1, close);
  const found: { local: string; as: string; from: string | null }[] = [];
  for (let item: string[] = [], i = 0; i <= inside.length; i += 1) {
    const word = inside[i];
    if (word !== undefined && word !== ',') item.push(word);
    else {
      const plain = item[0] === 'type' && item.length > 1 && item[1] !== 'as' ? item.slice(1) : item;
      const [local, as, other] = plain;
      if (local !== undefined) found.push({ local, as: as === 'as' ? (other ?? local) : local, from });
      item = [];
    }
  }
  return found;
}

/** What a statement declares; several names in `const a = 1, b = 2` and in patterns. */
function declarationsOf(statement: readonly Token[]): { name: string; declared: Declared }[] {
  let at = 0;
  while (MODIFIERS.has(statement[at]?.text ?? '') && isModifier(statement, at)) at += 1;
  const isDefault = statement[1]?.text === 'default';
  const head = statement[at]?.text ?? '';
  const rest = statement.slice(at);
  const prefix = statement
    .slice(0, at)
    .map(({ text }) => text)
    .filter((word) => word === 'async' || word === 'abstract')
    .join(' ');
  if (BODIES.has(head)) {
    const star = rest[1]?.text === '*' ? 1 : 0;
    const name = rest[1 + star]?.kind === 'word' ? (rest[1 + star]?.text ?? '') : 'default';
    const declared = head === 'function' ? functionOf(rest, prefix) : membersOf(rest, prefix, head);
    return [{ name: isDefault && name === 'extends' ? 'default' : name, declared }];
  }
  if (head === 'type' && rest[1]?.kind === 'word')
    return [{ name: rest[1].text, declared: whole('type', rest) }];
  if (head === 'const' && rest[1]?.text === 'enum')
    return [{ name: rest[2]?.text ?? '', declared: whole('enum', rest) }];
  if (head === 'const' || head === 'let' || head === 'var') return variablesOf(rest, head);
  if (head === 'import')
    return statement[0]?.text === 'export'
      ? [{ name: rest[1]?.text ?? '', declared: whole('import', rest) }]
      : [];
  if (isDefault) return [{ name: 'default', declared: valueDeclared('default', rest) }];
  if (statement[0]?.text === 'export')
    return [{ name: head === '=' ? 'export =' : head, declared: whole('export', rest) }];
  return [];
}

/** `async` and `abstract` may also be names. */
function isModifier(statement: readonly Token[], at: number): boolean {
  const next = statement[at + 1];
  return (
    next !== undefined && (next.kind === 'word' || statement[at]?.text === 'default' || next.text === '{')
  );
}

function whole(kind: string, tokens: readonly Token[]): Declared {
  const signature = textOf(tokens);
  return { kind, signature, parameters: null, rest: signature };
}

function textOf(tokens: readonly Token[]): string {
  const words = tokens.map(({ text }) => text);
  // A comma or semicolon before a closing bracket, or at the end, says nothing.
  return words
    .filter((word, i) => !((word === ',' || word === ';') && /^[)\]}>]?$/.test(words[i + 1] ?? '')))
    .join(' ');
}

/** A function by its parameters, and by what stands before and after them; its body is left out. */
function functionOf(tokens: readonly Token[], prefix: string): Declared {
  const open = openingOf(tokens);
  const close = closing(tokens, open);
  const before = [prefix, textOf(tokens.slice(0, open))].filter(Boolean).join(' ');
  const after = textOf(tokens.slice(close + 1, bodyAt(tokens, close + 1)));
  const parameters = split(tokens.slice(open + 1, close), ',').map(parameterOf);
  const rest = `${before} ( ) ${after}`.trim();
  return {
    kind: 'function',
    signature: `${rest} ${parameters.map(({ text }) => text).join(', ')}`,
    parameters,
    rest,
  };
}

/** The bracket of the parameters: the first one that is not within type parameters. */
function openingOf(tokens: readonly Token[]): number {
  let angle = 0;
  for (const [i, { text }] of tokens.entries()) {
    if (text === '<') angle += 1;
    else if (text === '>') angle -= 1;
    else if (text === '(' && angle <= 0) return i;
  }
  return tokens.length;
}

/** Where the body begins: the first `{` after the return type, which may itself be written in braces. */
function bodyAt(tokens: readonly Token[], from: number): number {
  for (let i = from; i < tokens.length; i += 1) {
    const { text } = tokens[i] ?? { text: '' };
    const before = tokens[i - 1]?.text ?? '';
    const type = i > from && /^(:|=>|\||&|is|extends|keyof|readonly|\?|<|,|=)$/.test(before);
    if (text === '{' && !type) return i;
    if (text === '{' || text === '(' || text === '[') i = closing(tokens, i);
  }
  return tokens.length;
}

/** A default says only that it may be left out. */
function parameterOf(tokens: readonly Token[]): Parameter {
  const equals = split(tokens, '=', true)[0] ?? tokens;
  const [first, second] = tokens;
  const optional = equals.length < tokens.length || second?.text === '?' || first?.text === '...';
  return {
    text: textOf(equals.filter(({ text }, i) => !(text === '?' && i === 1))) + (optional ? ' ?' : ''),
    optional,
  };
}

/** A class, interface, enum or namespace with its members; bodies and what is private are left out. */
function membersOf(tokens: readonly Token[], prefix: string, kind: string): Declared {
  const open = tokens.findIndex(({ text }) => text === '{');
  if (open === -1 || kind === 'namespace' || kind === 'module') return whole(kind, tokens);
  const inside = tokens.slice(open + 1, closing(tokens, open));
  const members = kind === 'enum' ? split(inside, ',').map(textOf) : memberTexts(inside, kind === 'class');
  const head = [prefix, textOf(tokens.slice(0, open))].filter(Boolean).join(' ');
  const signature = `${head} { ${members.join(' ; ')} }`;
  return { kind, signature, parameters: null, rest: signature };
}

function memberTexts(tokens: readonly Token[], isClass: boolean): string[] {
  const reader = new Reader(tokens, true);
  const found: string[] = [];
  while (!reader.done) {
    const member = reader.statement();
    const words = member.map(({ text }) => text);
    if (member.length === 0 || words[0] === 'private' || words[0]?.startsWith('#') === true) continue;
    if (words[0] === 'static' && words[1] === '{') continue;
    if (isClass && isMethod(member)) {
      const { signature } = functionOf(member, '');
      found.push(signature);
    } else found.push(isClass ? valueDeclared('field', member).signature : textOf(member));
  }
  return found;
}

/** A method has its brackets before any `=` or `:`. */
function isMethod(member: readonly Token[]): boolean {
  const open = openingOf(member);
  const sign = member.findIndex(({ text }) => text === '=' || text === ':');
  return open < member.length && (sign === -1 || open < sign);
}

function variablesOf(tokens: readonly Token[], head: string): { name: string; declared: Declared }[] {
  return split(tokens.slice(1), ',').flatMap((one) => {
    const [first] = one;
    if (first === undefined) return [];
    if (first.kind === 'word') return [{ name: first.text, declared: valueDeclared(head, one) }];
    // `export const { a, b } = c`: each name is one.
    const names = one.slice(1, closing(one, 0)).filter(({ kind }) => kind === 'word');
    return names.map(({ text }) => ({ name: text, declared: whole(head, one) }));
  });
}

/** A value by its type where that is written; a function by its parameters; else by what it is made of. */
function valueDeclared(kind: string, tokens: readonly Token[]): Declared {
  const parts = split(tokens, '=', true);
  const [left = tokens, right] = parts;
  const annotated = left.some(({ text }) => text === ':');
  if (annotated || right === undefined) {
    if (right === undefined && kind === 'default' && isArrow(tokens)) return arrowOf(kind, tokens, []);
    return whole(kind, annotated ? left : tokens);
  }
  if (isArrow(right)) return arrowOf(kind, right, left);
  if (right[0]?.text === 'function' || (right[0]?.text === 'async' && right[1]?.text === 'function'))
    return functionOf(right, `${kind} ${textOf(left)} =`);
  if (right[0]?.text === 'class') return membersOf(right, `${kind} ${textOf(left)} =`, 'class');
  // One plain value for another of its kind changes nothing for whoever reads it.
  const [only] = right;
  if (
    right.length === 1 &&
    only !== undefined &&
    ['string', 'number', 'template', 'regex'].includes(only.kind)
  ) {
    const signature = `${kind} ${textOf(left)} = ${only.kind}`;
    return { kind, signature, parameters: null, rest: signature };
  }
  return whole(kind, tokens);
}

function isArrow(tokens: readonly Token[]): boolean {
  const at = tokens[0]?.text === 'async' ? 1 : 0;
  if (tokens[at]?.kind === 'word' && tokens[at + 1]?.text === '=>') return true;
  const first = tokens[at]?.text;
  if (first !== '(' && first !== '<') return false;
  const open = at + openingOf(tokens.slice(at));
  const after = closing(tokens, open) + 1;
  return tokens[after]?.text === '=>' || tokens[after]?.text === ':';
}

function arrowOf(kind: string, tokens: readonly Token[], left: readonly Token[]): Declared {
  const at = tokens[0]?.text === 'async' ? 1 : 0;
  const before = `${kind} ${textOf(left)} = ${textOf(tokens.slice(0, at))}`;
  const single = tokens[at];
  if (single?.kind === 'word') {
    const parameters = [{ text: single.text, optional: false }];
    return { kind: 'function', signature: `${before} ( ) ${single.text}`, parameters, rest: `${before} ( )` };
  }
  const open = at + openingOf(tokens.slice(at));
  const close = closing(tokens, open);
  const types = textOf(tokens.slice(at, open));
  const arrow = bodyArrow(tokens, close + 1);
  const rest = `${before} ${types} ( ) ${textOf(tokens.slice(close + 1, arrow))}`;
  const parameters = split(tokens.slice(open + 1, close), ',').map(parameterOf);
  return {
    kind: 'function',
    signature: `${rest} ${parameters.map(({ text }) => text).join(', ')}`,
    parameters,
    rest,
  };
}

/** The arrow before the body: one in a return type stands in brackets, or is followed by another. */
function bodyArrow(tokens: readonly Token[], from: number): number {
  let last = tokens.length;
  for (let i = from; i < tokens.length; i += 1) {
    const { text } = tokens[i] ?? { text: '' };
    if (text === '=>') {
      last = i;
      const next = tokens[i + 1]?.text ?? '';
      if (next === '{' || tokens[from]?.text === '=>') return i;
    }
    if (text === '(' || text === '{' || text === '[') i = closing(tokens, i);
  }
  return last;
}

/** Where a bracket is closed; the end when it is not. */
function closing(tokens: readonly Token[], open: number): number {
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
function split(tokens: readonly Token[], by: string, once = false): Token[][] {
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

/** Cuts tokens into statements, or a class's members. */
class Reader {
  readonly #tokens: readonly Token[];
  readonly #members: boolean;
  #at = 0;

  constructor(tokens: readonly Token[], members = false) {
    this.#tokens = tokens;
    this.#members = members;
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
      if (this.#tokens[end - 1]?.text === '}' && this.#endsWithBody(end)) break;
    }
    this.#at = Math.min(end, this.#tokens.length);
    return this.#tokens.slice(from, this.#at);
  }

  /** Whether a word at the beginning of a line begins a statement. */
  #begins(at: number): boolean {
    const token = this.#tokens[at];
    const before = this.#tokens[at - 1]?.text ?? '';
    if (token === undefined) return true;
    if (
      /^(=|=>|,|\||&|\?|:|\.|\?\.|\+|-|\*|\/|<|extends|implements|from|as|is|keyof|readonly|typeof|new|await|default|export|async|declare|abstract|type)$/.test(
        before,
      )
    )
      return false;
    if (token.kind === 'sign')
      return this.#members && (token.text === '[' || token.text === '@' || token.text === '*');
    return !/^(extends|implements|from|as|is|satisfies|in|of|instanceof)$/.test(token.text);
  }

  /** After the braces of a body a new statement may begin on the same line. */
  #endsWithBody(at: number): boolean {
    const next = this.#tokens[at];
    return (
      next !== undefined &&
      next.kind === 'word' &&
      /^(export|import|function|class|interface|declare)$/.test(next.text)
    );
  }
}

/**
 * Why a file's exports break whoever uses them; null: they do not. Something new breaks nobody, nor does a
 * parameter more at the end that may be left out.
 */
export function brokenExport(before: Surface, after: Surface): string | null {
  for (const star of before.stars)
    if (!after.stars.has(star)) return `\`export ${star.slice(0, 80)}\` is gone`;
  for (const [name, was] of before.exported) {
    const is = after.exported.get(name);
    if (is === undefined) return `${name} is not exported any more`;
    if (is.signature !== was.signature && !extendedBy(was, is)) return `${name} has another signature`;
  }
  return null;
}

function extendedBy(was: Declared, is: Declared): boolean {
  if (was.parameters === null || is.parameters === null || was.rest !== is.rest) return false;
  const same = was.parameters.every(({ text, optional }, i) => {
    const now = is.parameters?.[i];
    return now !== undefined && (now.text === text || (!optional && now.text === `${text} ?`));
  });
  return same && is.parameters.slice(was.parameters.length).every(({ optional }) => optional);
}
