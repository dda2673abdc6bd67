import { closing, Reader, split } from './ts-statements.ts';
import type { Token } from './ts-tokens.ts';

/** A declaration at the top of a file: what others see of it. */
export interface Declared {
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

/** Words that may stand before a declaration and change nothing of its kind. */
const MODIFIERS = new Set(['declare', 'abstract', 'async', 'default', 'export']);
const BODIES = new Set(['function', 'class', 'interface', 'enum']);

/** What a statement declares; several names in `const a = 1, b = 2` and in patterns. */
export function declarationsOf(statement: readonly Token[]): { name: string; declared: Declared }[] {
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
  if (head === 'global' || (/^(module|namespace)$/.test(head) && rest[1]?.kind !== 'sign'))
    return [{ name: head === 'global' ? head : (rest[1]?.text ?? ''), declared: whole(head, rest) }];
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
  if (open === -1) return whole(kind, tokens);
  const inside = tokens.slice(open + 1, closing(tokens, open));
  const members = kind === 'enum' ? split(inside, ',').map(textOf) : memberTexts(inside, kind === 'class');
  const head = [prefix, textOf(tokens.slice(0, open))].filter(Boolean).join(' ');
  const signature = `${head} { ${members.join(' ; ')} }`;
  return { kind, signature, parameters: null, rest: signature };
}

function memberTexts(tokens: readonly Token[], isClass: boolean): string[] {
  const reader = new Reader(tokens, isClass ? 'class' : 'interface');
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
export function valueDeclared(kind: string, tokens: readonly Token[]): Declared {
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
  // A function that gives a function: what that one takes is part of what this one gives.
  const inner = tokens.slice(arrow + 1);
  const given = isArrow(inner) ? `=> ${arrowOf('', inner, []).signature}` : '';
  const rest = `${before} ${types} ( ) ${textOf(tokens.slice(close + 1, arrow))} ${given}`.trim();
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
