import { pathMatches } from '../domain/glob.ts';

/** One line of a CODEOWNERS file. No owners: nobody owns what it matches. */
export interface OwnersRule {
  readonly pattern: string;
  readonly owners: readonly string[];
}

/** Where the file may lie, in the order in which it is looked for. */
export const OWNERS_FILES = ['.github/CODEOWNERS', 'CODEOWNERS', 'docs/CODEOWNERS'] as const;

export type Owners =
  | { readonly ok: true; readonly rules: readonly OwnersRule[] }
  | { readonly ok: false; readonly problem: string };

/**
 * Reads CODEOWNERS as GitHub does: the last rule that matches a path holds for it, one without owners takes them
 * away, and patterns are those of .gitignore without `!` and `[ ]`. A line that is none makes the file a problem: who
 * decides is nothing to guess.
 */
export function parseOwners(text: string): Owners {
  const rules: OwnersRule[] = [];
  for (const [i, line] of text.split(/\r?\n/).entries()) {
    const words = wordsOf(line);
    const [pattern, ...owners] = words;
    if (pattern === undefined || /^\[|^\^\[/.test(pattern)) {
      if (pattern !== undefined) return bad(i, 'sections are not understood here');
      continue;
    }
    if (pattern.startsWith('!')) return bad(i, 'a pattern cannot begin with "!"');
    if (/[[\]]/.test(pattern)) return bad(i, 'a pattern cannot hold "[" or "]"');
    const wrong = owners.find((owner) => !/^@[^@\s]+$|^[^@\s]+@[^@\s]+$/.test(owner));
    if (wrong !== undefined) return bad(i, `"${wrong.slice(0, 60)}" is no owner`);
    rules.push({ pattern, owners });
  }
  return { ok: true, rules };
}

function bad(line: number, what: string): Owners {
  return { ok: false, problem: `CODEOWNERS, line ${line + 1}: ${what}` };
}

/** Words of a line up to a comment; a backslash keeps the character after it. */
function wordsOf(line: string): string[] {
  const words: string[] = [];
  let word = '';
  for (let i = 0; i < line.length; i += 1) {
    const c = line[i] ?? '';
    if (c === '\\' && i + 1 < line.length) {
      word += line[i + 1] ?? '';
      i += 1;
    } else if (c === '#' && word === '') break;
    else if (/\s/.test(c)) {
      if (word !== '') words.push(word);
      word = '';
    } else word += c;
  }
  return word === '' ? words : [...words, word];
}

/** Who owns a path: the owners of the last rule that matches it. */
export function ownersOf(rules: readonly OwnersRule[], path: string): readonly string[] {
  return rules.findLast(({ pattern }) => owns(pattern, path))?.owners ?? [];
}

/** A pattern names a file, or a folder with all below it; `docs/*` only what lies directly in it. */
function owns(pattern: string, path: string): boolean {
  if (pathMatches(pattern, path)) return true;
  if (pattern.endsWith('/*')) return false;
  return !pattern.endsWith('/') && pathMatches(`${pattern}/`, path);
}
