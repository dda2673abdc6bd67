import { type Declared, declarationsOf, valueDeclared } from './ts-declarations.ts';
import { closing, isWhole, Reader } from './ts-statements.ts';
import { type Token, tokensOf } from './ts-tokens.ts';

export interface Surface {
  /** By the name under which it is exported. */
  readonly exported: ReadonlyMap<string, Declared>;
  /** Exports that are taken over whole from elsewhere: `export * from './a'`. */
  readonly stars: ReadonlySet<string>;
  /** False: the file has something that cannot be read here, which may hide anything. */
  readonly whole: boolean;
}

/**
 * What a TypeScript or JavaScript file exports, each with its signature: parameters, types and members, without
 * bodies, comments and white space. A type of the file's own that a signature names is part of it.
 */
export function surfaceOf(text: string): Surface {
  const tokens = tokensOf(text);
  const reader = new Reader(tokens);
  const local = new Map<string, Declared[]>();
  const named: { readonly local: string; readonly as: string; readonly from: string | null }[] = [];
  const exported = new Map<string, Declared>();
  const stars = new Set<string>();
  while (!reader.done) {
    const statement = undecorated(reader.statement());
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
    const common = commonName(words);
    if (common !== null) {
      const before = common === 'module.exports' ? undefined : exported.get(common);
      exported.set(common, before ?? valueDeclared('exports', statement));
      continue;
    }
    const ambient =
      words[0] === 'declare' &&
      /^(global$|["'])/.test(words[1] === 'module' ? (words[2] ?? '') : (words[1] ?? ''));
    for (const { name, declared } of declarationsOf(statement)) {
      local.set(name, [...(local.get(name) ?? []), declared]);
      if (ambient) exported.set(`declare ${name}`, declared);
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
  return { exported, stars, whole: isWhole(tokens) };
}

/** Decorators before a class say nothing of what it offers. */
function undecorated(statement: readonly Token[]): readonly Token[] {
  let at = 0;
  while (statement[at]?.text === '@') {
    at += 2;
    while (statement[at]?.text === '.') at += 2;
    if (statement[at]?.text === '(') at = closing(statement, at) + 1;
  }
  return statement.slice(at);
}

/** What a statement of a CommonJS module exports: `exports.a = …`, `module.exports = …`. Null: nothing. */
function commonName(words: readonly string[]): string | null {
  const whole = words[0] === 'module' && words[1] === '.' && words[2] === 'exports';
  const rest = whole ? words.slice(3) : words[0] === 'exports' ? words.slice(1) : null;
  if (rest === null) return null;
  if (rest[0] === '.' && rest[1] !== undefined) return rest[1];
  return rest[0] === '=' && whole ? 'module.exports' : null;
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
