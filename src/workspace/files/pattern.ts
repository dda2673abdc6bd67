import { BatonError } from '../../domain/failure.ts';

/** Characters of a pattern: more is no search but a program. */
const MAX_PATTERN_CHARS = 500;
/** How often a piece may be repeated by counts, nested counts multiplied: engines unroll them. */
const MAX_REPEATS = 1_000;
const MAX_GROUPS = 20;

/** Classes that are written the same way in every dialect but git's. */
const CLASSES: Readonly<Record<string, string>> = {
  d: '[0-9]',
  D: '[^0-9]',
  t: '\t',
};

/** A pattern in the two dialects it may be searched with. */
export interface SearchPattern {
  /** As it was written: for ripgrep. */
  readonly written: string;
  /** For git's own search: the same in POSIX form. */
  readonly posix: string;
}

/**
 * Checks a regular expression and translates it. Only what an automaton can decide is taken, so that no text can hold a
 * search up: no references back, nothing that looks ahead or behind.
 * @throws BatonError terminal / `query_refused`, saying what is not taken
 */
export function readPattern(written: string): SearchPattern {
  if (written === '' || written.length > MAX_PATTERN_CHARS || /[\n\r\0]/.test(written))
    refuse(`must be one line of 1 to ${MAX_PATTERN_CHARS} characters`);
  let posix = '';
  let at = 0;
  let groups = 0;
  // What each open group has been repeated by at most, the innermost last.
  const repeats: number[] = [1];
  while (at < written.length) {
    const rest = written.slice(at);
    const char = rest[0] ?? '';
    if (char === '\\') {
      posix += escaped(rest[1]);
      at += 2;
    } else if (char === '[') {
      const set = /^\[\^?\]?(?:\\.|\[:[a-z]+:\]|[^\]\\])*\]/.exec(rest)?.[0];
      if (set === undefined) refuse('has a set of characters that is not closed');
      posix += posixSet(set);
      at += set.length;
    } else if (char === '(') {
      groups += 1;
      if (groups > MAX_GROUPS) refuse(`has more than ${MAX_GROUPS} groups`);
      if (rest.startsWith('(?') && !rest.startsWith('(?:'))
        refuse('looks ahead or behind, names a group or sets a flag');
      posix += '(';
      at += rest.startsWith('(?:') ? 3 : 1;
      repeats.push(1);
    } else if (char === ')') {
      const inner = repeats.pop() ?? 1;
      if (repeats.length === 0) refuse('closes a group that is not open');
      repeats.push(Math.max(repeats.pop() ?? 1, inner));
      posix += ')';
      at += 1;
    } else if (char === '{') {
      const [count = '', from = '', to = ''] = /^\{(\d{1,4})(?:,(\d{0,4}))?\}/.exec(rest) ?? [];
      if (count === '') refuse('has a { that counts nothing; write \\{ for the character');
      const most = (repeats.pop() ?? 1) * Math.max(1, Number(from), Number(to));
      if (most > MAX_REPEATS) refuse(`repeats more than ${MAX_REPEATS} times`);
      repeats.push(most);
      posix += count;
      at += count.length;
      // A lazy repeat finds the same lines.
      if (written[at] === '?') at += 1;
    } else if ('*+?'.includes(char)) {
      posix += char;
      at += 1;
      if (written[at] === '?') at += 1;
      if ('*+?{'.includes(written[at] ?? ' ')) refuse('repeats a repeat');
    } else {
      posix += char;
      at += 1;
    }
  }
  if (repeats.length > 1) refuse('has a group that is not closed');
  return { written, posix };
}

function escaped(char: string | undefined): string {
  if (char === undefined) refuse('ends in a backslash');
  const known = CLASSES[char];
  if (known !== undefined) return known;
  if ('wWsSbB'.includes(char)) return `\\${char}`;
  if (/[1-9]/.test(char)) refuse('refers back to a group');
  if (/[A-Za-z0]/.test(char)) refuse(`has \\${char}, which is not known here`);
  return `\\${char}`;
}

/** In POSIX sets a backslash is itself. */
function posixSet(set: string): string {
  const inside = set.slice(1, -1);
  const negated = inside.startsWith('^');
  let ends = '';
  const body = (negated ? inside.slice(1) : inside).replace(/\\(.)/g, (_, char: string) => {
    switch (char) {
      case 'd':
        return '0-9';
      case 'w':
        return '[:alnum:]_';
      case 's':
        return '[:space:]';
      case 't':
        return '\t';
      case ']':
      case '-':
      case '^':
        ends += char;
        return '';
      case '\\':
        return '\\';
      default:
        if (/[A-Za-z0-9]/.test(char)) refuse(`has \\${char} in a set, which is not known here`);
        return char;
    }
  });
  // A bracket stands first in a set, a dash last, a caret anywhere but first.
  const first = ends.includes(']') ? ']' : '';
  const last = `${ends.includes('^') ? '^' : ''}${ends.includes('-') ? '-' : ''}`;
  const whole = `${first}${body}${last}`;
  return !negated && whole === '^' ? '\\^' : `[${negated ? '^' : ''}${whole}]`;
}

function refuse(why: string): never {
  throw new BatonError({
    class: 'terminal',
    code: 'query_refused',
    message: `The pattern ${why}.`,
    hint: 'Patterns take characters, sets, groups, |, ^, $, ., *, +, ?, {1,9}, \\d, \\w, \\s and \\b. Or search for literal text.',
  });
}
