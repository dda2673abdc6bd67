import { BatonError } from '../../domain/failure.ts';

/** Characters of one patch; one model answer holds no more. */
const MAX_PATCH_CHARS = 1024 * 1024;
const MAX_FILES = 100;

interface Line {
  readonly sign: ' ' | '+' | '-';
  readonly text: string;
}

interface Hunk {
  /** Where the old text should begin, from 1; null when the header does not say. */
  readonly at: number | null;
  readonly lines: readonly Line[];
}

/** What a patch does to one file. */
export interface FilePatch {
  readonly path: string;
  /** Whether the file is new. */
  readonly creates: boolean;
  readonly hunks: readonly Hunk[];
}

/**
 * Reads a unified diff as models write it: counts in the headers are not trusted, an empty line counts as an empty line of
 * context. @throws BatonError terminal `patch_invalid`
 */
export function parsePatch(patch: string): FilePatch[] {
  if (patch.length > MAX_PATCH_CHARS) throw invalid('The patch has more than 1 MB.');
  const rows = patch.replaceAll('\r\n', '\n').split('\n');
  if (rows.at(-1) === '') rows.pop();
  const files = new Map<string, { creates: boolean; hunks: { at: number | null; lines: Line[] }[] }>();
  let file: { creates: boolean; hunks: { at: number | null; lines: Line[] }[] } | null = null;
  for (let at = 0; at < rows.length; at += 1) {
    const row = rows[at] ?? '';
    const next = rows[at + 1] ?? '';
    if (row.startsWith('--- ') && next.startsWith('+++ ')) {
      const path = nameIn(next.slice(4));
      if (path === null) throw invalid('A patch cannot delete a file. Use run with rm.');
      const creates = nameIn(row.slice(4)) === null;
      file = files.get(path) ?? { creates, hunks: [] };
      files.set(path, file);
      at += 1;
    } else if (
      /^(?:rename|copy) (?:from|to) |^GIT binary patch|^Binary files /.test(row) &&
      (file?.hunks.length ?? 0) === 0
    ) {
      throw invalid('A patch cannot rename, copy or change binary files.');
    } else if (row.startsWith('@@')) {
      if (file === null) throw invalid('A hunk stands before any “--- ” and “+++ ” line.');
      const start = /^@@ -(\d+)/.exec(row)?.[1];
      file.hunks.push({ at: start === undefined ? null : Number(start), lines: [] });
    } else if (/^(?:diff |index |(?:old|new|deleted) (?:file )?mode |similarity )/.test(row)) {
      file = null;
    } else if (!row.startsWith('\\')) {
      const hunk = file?.hunks.at(-1);
      if (hunk === undefined) continue;
      const sign = row === '' ? ' ' : row[0];
      if (sign !== ' ' && sign !== '+' && sign !== '-')
        throw invalid(
          `A line of a hunk begins with neither space, + nor -: ${JSON.stringify(row.slice(0, 80))}.`,
        );
      hunk.lines.push({ sign, text: row.slice(1) });
    }
  }
  if (files.size === 0)
    throw invalid('There is no file in the patch: it needs “--- a/path” and “+++ b/path” lines.');
  if (files.size > MAX_FILES) throw invalid(`The patch changes more than ${MAX_FILES} files.`);
  return [...files].map(([path, { creates, hunks }]) => {
    if (hunks.length === 0) throw invalid(`The patch has no hunk for ${path}.`);
    return { path, creates, hunks };
  });
}

/** `b/src/a.ts<TAB>date` as a path; null for /dev/null. */
function nameIn(text: string): string | null {
  const name = (text.split('\t')[0] ?? '').trim().replace(/^"(.*)"$/, '$1');
  if (name === '/dev/null') return null;
  return name.replace(/^[ab]\//, '');
}

/**
 * A file's content with its part of a patch applied: every hunk where its old lines stand, nearest to where it says.
 * @param content null when there is no such file
 * @throws BatonError terminal `patch_refused` naming the hunk; nothing is changed then
 */
export function applyPatch({ path, creates, hunks }: FilePatch, content: string | null): string {
  if (creates && content !== null && content !== '')
    throw refused(path, 'The patch would create it, and it is there already.');
  if (!creates && content === null) throw refused(path, 'There is no such file.');
  const windows = content?.includes('\r\n') === true;
  const lines = (content ?? '').replaceAll('\r\n', '\n').split('\n');
  // A last line end leaves an empty piece, which is put back in the end.
  const ended = lines.at(-1) === '';
  if (ended) lines.pop();
  let drift = 0;
  let from = 0;
  for (const [index, hunk] of hunks.entries()) {
    const old = hunk.lines.filter(({ sign }) => sign !== '+').map(({ text }) => text);
    const fresh = hunk.lines.filter(({ sign }) => sign !== '-').map(({ text }) => text);
    const wanted = hunk.at === null ? null : hunk.at - 1 + drift;
    const at = placeOf(lines, old, from, wanted);
    if (at === null) throw refused(path, `Hunk ${index + 1} does not fit: ${whyNot(lines, old)}`);
    if (at === 'several')
      throw refused(
        path,
        `Hunk ${index + 1} fits in several places. Give it more lines around, or line numbers.`,
      );
    lines.splice(at, old.length, ...fresh);
    drift += fresh.length - old.length;
    from = at + fresh.length;
  }
  const text =
    lines.join('\n') + ((ended || content === null || content === '') && lines.length > 0 ? '\n' : '');
  return windows ? text.replaceAll('\n', '\r\n') : text;
}

/** Where the old lines stand at or after `from`; nearest to `wanted`. A hunk without old lines goes where it says, else to the end. */
function placeOf(
  lines: readonly string[],
  old: readonly string[],
  from: number,
  wanted: number | null,
): number | 'several' | null {
  if (old.length === 0)
    return wanted === null
      ? lines.length
      : Math.min(lines.length, Math.max(from, wanted + (lines.length === 0 ? 0 : 1)));
  const places: number[] = [];
  for (let at = from; at + old.length <= lines.length; at += 1)
    if (old.every((text, i) => lines[at + i] === text)) places.push(at);
  if (places.length === 0) return null;
  if (wanted === null && places.length > 1) return 'several';
  const near = (at: number) => Math.abs(at - (wanted ?? at));
  return places.reduce((best, at) => (near(at) < near(best) ? at : best));
}

function whyNot(lines: readonly string[], old: readonly string[]): string {
  const missing = old.find((text) => text.trim() !== '' && !lines.includes(text));
  if (missing === undefined) return 'its lines do not stand in this order. Read the file again.';
  const alike = lines.findIndex((line) => line.trim() === missing.trim());
  const hint = alike === -1 ? '' : ` Line ${alike + 1} differs only in spaces.`;
  return `the file has no line ${JSON.stringify(missing.slice(0, 120))}.${hint}`;
}

function invalid(why: string): BatonError {
  return new BatonError({
    class: 'terminal',
    code: 'patch_invalid',
    message: `${why} Nothing was changed.`,
    hint: 'Give a unified diff, as “git diff” prints it.',
  });
}

function refused(path: string, why: string): BatonError {
  return new BatonError({
    class: 'terminal',
    code: 'patch_refused',
    message: `${path} was not changed, nor was any other file of the patch. ${why}`,
    hint: 'Read the file again and copy the lines exactly.',
  });
}
