/** A rule language of macOS's sandbox, as far as its profiles here use it: enough to ask one what it would allow. */
type Term = string | Term[];

interface Asked {
  readonly path: string;
  readonly directory?: boolean;
}

interface Rule {
  readonly allow: boolean;
  readonly operations: readonly string[];
  readonly filters: readonly Term[];
}

const NOT_PATHS = new Set(['literal', 'subpath', 'regex', 'require-all', 'require-not', 'vnode-type']);

/** Strings come back with their quote in front, so that they are no words. */
function parse(text: string): Term[] {
  const tokens = text.replace(/^\s*;.*$/gm, '').match(/[()]|#?"(?:[^"\\]|\\.)*"|[^\s()"]+/g) ?? [];
  const stack: Term[][] = [[]];
  for (const token of tokens) {
    if (token === '(') stack.push([]);
    else if (token === ')') {
      const done = stack.pop() ?? [];
      stack.at(-1)?.push(done);
    } else if (token.startsWith('#"')) stack.at(-1)?.push(`"${token.slice(2, -1)}`);
    else if (token.startsWith('"')) stack.at(-1)?.push(`"${String(JSON.parse(token))}`);
    else stack.at(-1)?.push(token);
  }
  if (stack.length !== 1) throw new Error('the brackets of the profile do not match');
  return stack[0] ?? [];
}

function matches(filter: Term, asked: Asked): boolean {
  if (typeof filter === 'string') throw new Error(`no filter: ${filter}`);
  const [name, ...rest] = filter;
  const word = typeof rest[0] === 'string' ? rest[0].slice(1) : '';
  switch (name) {
    case 'literal':
      return asked.path === word;
    case 'subpath':
      return asked.path === word || asked.path.startsWith(word === '/' ? '/' : `${word}/`);
    case 'regex':
      return new RegExp(word).test(asked.path);
    case 'vnode-type':
      return rest[0] === 'DIRECTORY' && asked.directory === true;
    case 'require-all':
      return rest.every((each) => matches(each, asked));
    case 'require-not':
      return rest[0] !== undefined && !matches(rest[0], asked);
    default:
      throw new Error(`a filter this reader does not know: ${JSON.stringify(filter)}`);
  }
}

/**
 * Reads a profile. The last rule that matches decides; one for the very operation goes before one for a group of them, since
 * a Mac holds it so. What no rule names is denied, which the profile itself has to say.
 */
export function readProfile(text: string): {
  readonly allows: (operation: string, path: string, directory?: boolean) => boolean;
  /** Every operation that some rule allows. */
  readonly allowed: ReadonlySet<string>;
} {
  const rules = parse(text).flatMap((term): Rule[] => {
    if (typeof term === 'string' || (term[0] !== 'allow' && term[0] !== 'deny')) return [];
    const rest = term.slice(1);
    return [
      {
        allow: term[0] === 'allow',
        operations: rest.filter((each) => typeof each === 'string'),
        filters: rest.filter((each) => typeof each !== 'string' && each[0] !== 'with'),
      },
    ];
  });
  if (!rules[0] || rules[0].allow || rules[0].operations[0] !== 'default')
    throw new Error('it does not deny first');
  const last = (named: string, asked: Asked) =>
    rules.findLast(
      ({ operations, filters }) =>
        operations.includes(named) &&
        (filters.length === 0 ||
          filters.some((filter) => NOT_PATHS.has(String(filter[0])) && matches(filter, asked))),
    );
  return {
    allows(operation, path, directory = false) {
      const asked = { path, directory };
      const group = `${operation.split('-').slice(0, 2).join('-')}*`;
      return (last(operation, asked) ?? last(group, asked))?.allow ?? false;
    },
    allowed: new Set(rules.filter(({ allow }) => allow).flatMap(({ operations }) => operations)),
  };
}
