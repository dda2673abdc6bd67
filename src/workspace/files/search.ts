import type { z } from 'zod';
import { BatonError } from '../../domain/failure.ts';
import { globMatches } from '../../domain/glob.ts';
import type { SearchHow, searchHitSchema } from '../../ports/workspace.ts';
import type { BoundGit } from '../git/git.ts';
import { readPattern, type SearchPattern } from './pattern.ts';

const MAX_HITS = 1_000;
/** Characters of a line shown: minified files have lines of a megabyte. */
const MAX_LINE_CHARS = 300;
const MAX_QUERY_CHARS = 1_000;
/** Bytes of search output read before it is cut. */
export const MAX_SEARCH_BYTES = 8 * 1024 * 1024;
export const SEARCH_TIMEOUT_MS = 20_000;
/** Files that are larger are data. */
const MAX_FILE = '8M';

const OPTIONS = [
  '--untracked',
  '--exclude-standard',
  '--no-recurse-submodules',
  '--no-textconv',
  '--no-color',
];

type Hit = z.infer<typeof searchHitSchema>;
export interface Found {
  readonly hits: Hit[];
  readonly cut: boolean;
}

/** Runs ripgrep at the root of the worktree, shut in and looking only; null where there is none. */
export type Ripgrep = ((args: readonly string[]) => Promise<Grepped>) | null;
export interface Grepped {
  readonly stdout: Buffer;
  readonly cut: boolean;
  readonly exitCode: number | null;
}

/**
 * Lines that hold a text, or match a pattern. Patterns are searched by ripgrep, whose engine is linear in the text, or
 * where there is none by git in a process of its own with a limit of time: whatever it says, nothing waits for it but
 * the search. A search that runs out of time says so and keeps what it found.
 */
export async function searchFiles(
  git: BoundGit,
  ripgrep: Ripgrep,
  query: string,
  { folder, limit, how }: { readonly folder: string; readonly limit: number; readonly how: SearchHow },
): Promise<Found> {
  const pattern = how.pattern === true ? readPattern(query) : null;
  if (pattern === null) checkQuery(query);
  const answer =
    pattern !== null && ripgrep !== null
      ? await byRipgrep(ripgrep, pattern, folder, how)
      : await byGit(git, query, pattern, folder, how);
  const all = parseHits(answer.stdout, answer.cut).filter(
    // An empty line tells nobody anything, and git finds one more than there is at the end of a file.
    ({ path, text }) => text !== '' && (how.glob === undefined || globMatches(how.glob, path)),
  );
  const wanted = Math.min(Math.max(limit, 0), MAX_HITS);
  return { hits: all.slice(0, wanted), cut: answer.cut || all.length > wanted };
}

async function byGit(
  git: BoundGit,
  query: string,
  pattern: SearchPattern | null,
  folder: string,
  how: SearchHow,
): Promise<{ readonly stdout: Buffer; readonly cut: boolean }> {
  const what = pattern === null ? ['-F', '-e', query] : ['-E', '-e', pattern.posix];
  const rest = ['-n', '-z', '-I', ...what, '--', ...(folder === '' ? [] : [folder])];
  const cases = how.ignoreCase === true ? ['-i'] : [];
  try {
    return await git.run(['grep', ...OPTIONS, ...cases, ...rest], {
      answers: [1],
      maxBytes: MAX_SEARCH_BYTES,
      cutOutput: true,
      timeoutMs: SEARCH_TIMEOUT_MS,
    });
  } catch (error) {
    if (pattern !== null && error instanceof BatonError && error.failure.code === 'git_timeout')
      throw tooSlow();
    throw error;
  }
}

function tooSlow(): BatonError {
  return new BatonError({
    class: 'terminal',
    code: 'query_refused',
    message: `The search took longer than ${SEARCH_TIMEOUT_MS / 1_000} s and was ended.`,
    hint: 'Make the pattern simpler, or search in a folder.',
  });
}

async function byRipgrep(
  ripgrep: NonNullable<Ripgrep>,
  pattern: SearchPattern,
  folder: string,
  how: SearchHow,
): Promise<{ readonly stdout: Buffer; readonly cut: boolean }> {
  const answer = await ripgrep([
    '--no-config',
    '--no-ignore-dot',
    '--no-require-git',
    '--hidden',
    '--glob=!.git',
    '--color=never',
    '--no-heading',
    '--with-filename',
    '--line-number',
    '--null',
    '--no-messages',
    '--threads=2',
    '--sort=path',
    `--max-filesize=${MAX_FILE}`,
    ...(how.ignoreCase === true ? ['--ignore-case'] : []),
    '-e',
    pattern.written,
    '--',
    folder === '' ? '.' : folder,
  ]);
  if (answer.exitCode === null && answer.stdout.length === 0) throw tooSlow();
  // 1: nothing found. 2 with output: some file could not be read.
  if (answer.exitCode === 2 && answer.stdout.length === 0)
    throw new BatonError({
      class: 'terminal',
      code: 'query_refused',
      message: 'The pattern could not be read, or would need too much memory.',
      hint: 'Make it simpler, or search for literal text.',
    });
  return answer;
}

/** `path NUL line NUL text LF` of git, `path NUL line : text LF` of ripgrep; the path itself may hold line ends. */
function parseHits(output: Buffer, cut: boolean): Hit[] {
  const all = output.toString('utf8');
  const hits: Hit[] = [];
  for (let at = 0; at < all.length; ) {
    const pathEnd = all.indexOf('\0', at);
    const number = /^(\d+)[\0:]/.exec(all.slice(pathEnd + 1, pathEnd + 20));
    if (pathEnd === -1 || number === null) break;
    const begin = pathEnd + 1 + number[0].length;
    const textEnd = all.indexOf('\n', begin);
    // What comes last is torn where the output was cut.
    if (textEnd === -1 && cut) break;
    const text = all.slice(begin, textEnd === -1 ? all.length : textEnd);
    hits.push({
      path: all.slice(at, pathEnd).replace(/^\.\//, ''),
      line: Number(number[1]),
      text: text.slice(0, MAX_LINE_CHARS),
    });
    at = textEnd === -1 ? all.length : textEnd + 1;
  }
  return hits;
}

function checkQuery(query: string): void {
  if (query !== '' && query.length <= MAX_QUERY_CHARS && !/[\n\0]/.test(query)) return;
  throw new BatonError({
    class: 'terminal',
    code: 'query_refused',
    message: 'The text to search for must be one line of 1 to 1,000 characters.',
    hint: 'Search for one telling line, then read the file around it.',
  });
}
