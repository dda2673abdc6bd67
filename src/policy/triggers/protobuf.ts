import type { ChangedFile } from '../../ports/workspace.ts';
import type { Finding } from './change.ts';

/** What others can rely on in .proto files, each with what it is: a field's type and number, a method's messages. */
export function protobufBreaks(files: readonly ChangedFile[]): Finding[] {
  const protos = files.filter(({ path }) => path.endsWith('.proto'));
  const after = new Map(protos.flatMap(({ after: text }) => (text === null ? [] : [...surfaceOf(text)])));
  return protos.flatMap((file): Finding[] => {
    const { path, before } = file;
    if (file.unread) return [{ path, why: 'it is too large to compare' }];
    if (before === null) return [];
    // A message may move to another file of the same package: what counts is whether it is still there.
    const broken = [...surfaceOf(before)].find(([name, is]) => after.get(name) !== is);
    if (broken === undefined) return [];
    const [name, is] = broken;
    const now = after.get(name);
    return [{ path, why: now === undefined ? `${name} is gone` : `${name} was ${is}, and is ${now}` }];
  });
}

type Token = string;

function tokensOf(text: string): Token[] {
  const plain = text.replace(/"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|\/\*[\s\S]*?\*\/|\/\/[^\n]*/g, (found) =>
    found.startsWith('/') ? ' ' : found,
  );
  return plain.match(/"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|[\w.]+|[^\s\w]/g) ?? [];
}

/** Every field, value and method by its full name. */
function surfaceOf(text: string): Map<string, string> {
  const found = new Map<string, string>();
  const tokens = tokensOf(text);
  let at = 0;
  const next = (): Token => tokens[at++] ?? '';
  /** The words up to `;` or `{`, options in brackets left out. */
  const statement = (): { words: Token[]; ends: Token } => {
    const words: Token[] = [];
    for (let depth = 0; at < tokens.length; ) {
      const token = next();
      if (token === '[') depth += 1;
      else if (token === ']') depth -= 1;
      else if (depth === 0 && (token === ';' || token === '{' || token === '}'))
        return { words, ends: token };
      else if (depth === 0) words.push(token);
    }
    return { words, ends: '' };
  };
  const block = (scope: string, kind: string): void => {
    while (at < tokens.length) {
      const { words, ends } = statement();
      if (ends === '}' || ends === '') return;
      read(scope, kind, words, ends);
    }
  };
  const read = (scope: string, kind: string, words: Token[], ends: Token): void => {
    const [head = '', name = ''] = words;
    const path = scope === '' ? name : `${scope}.${name}`;
    if (ends === '{') {
      if (head === 'message' || head === 'enum' || head === 'service' || head === 'group') {
        found.set(path, head);
        block(path, head);
      } else if (head === 'oneof') block(scope, 'message');
      else if (head === 'extend') block(`extend ${name}`, 'message');
      else if (head === 'rpc') {
        found.set(path, words.slice(2).join(' '));
        block('', 'options');
      } else block('', 'options');
      return;
    }
    if (head === 'rpc') found.set(path, words.slice(2).join(' '));
    else if (head === 'package') found.set('package', words.slice(1).join(''));
    else if (kind === 'enum' && words[1] === '=') found.set(`${scope}.${head}`, words.slice(2).join(''));
    else if (kind === 'message' && !['option', 'reserved', 'extensions', 'syntax', 'import'].includes(head)) {
      const equals = words.lastIndexOf('=');
      const field = words[equals - 1];
      // The number is what goes over the wire, the name what people write: each must keep the other.
      if (equals > 1 && field !== undefined)
        found.set(
          `${scope}.${field}`,
          `${words.slice(0, equals - 1).join(' ')} = ${words[equals + 1] ?? ''}`,
        );
    }
  };
  block('', 'file');
  const name = found.get('package') ?? '';
  return new Map([...found].map(([key, is]) => [key === 'package' ? `package ${is}` : `${name}.${key}`, is]));
}
