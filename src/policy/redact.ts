import type { Redact } from '../ports/redactor.ts';
import { MIN_SECRET_CHARS, secretForms } from './secret-forms.ts';
import { REDACTED, redactPatterns } from './secret-patterns.ts';

/**
 * A replacement may join what stood around a secret into something that looks like one; the next pass finds it.
 * Two passes settle everything seen; the cap only bounds hostile text.
 */
const MAX_PASSES = 4;

/**
 * Builds the redactor: known secrets in all their forms, also broken over lines, and everything that looks
 * like a secret, become `[redacted]`. Pure, linear in the length of the text, and stable: redacting twice
 * changes nothing, so what a replay reads equals what the first run saw.
 * @param secrets values that must never leave the process; those under six characters are ignored, they would
 *   be found in ordinary words
 */
export function createRedactor(secrets: readonly string[]): Redact {
  const forms = [...new Set(secrets.flatMap(secretForms))]
    .filter((form) => form.length >= MIN_SECRET_CHARS && !REDACTED.includes(form))
    .sort((a, b) => b.length - a.length);
  const exact = forms.length === 0 ? null : new RegExp(forms.map(escapeRegExp).join('|'), 'g');
  const unbroken = [...new Set(forms.map((form) => joinLines(form).text))].filter(
    (form) => form.length >= MIN_SECRET_CHARS,
  );

  const pass = (text: string): string => {
    const known = exact === null ? text : redactBroken(text.replace(exact, REDACTED), unbroken);
    return redactPatterns(known);
  };
  return (text) => {
    let current = text;
    for (let count = 0; count < MAX_PASSES; count += 1) {
      const next = pass(current);
      if (next === current) break;
      current = next;
    }
    return current;
  };
}

function escapeRegExp(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/-]/g, String.raw`\$&`);
}

/** Line breaks, real or escaped as in JSON. */
const LINE_BREAK = /\r\n|\n|\r|\\r\\n|\\n|\\r/g;
/** What surrounds a line break without belonging to the text that was broken: indentation, quotes, margins. */
const MARGIN = ' \t"\'`\\>|#*';

interface Piece {
  /** Where it begins in the joined text, and where in the original. */
  readonly at: number;
  readonly from: number;
  readonly to: number;
}

/** The text with its line breaks and their margins taken out, and the way back to the original positions. */
function joinLines(text: string): { text: string; pieces: Piece[] } {
  const pieces: Piece[] = [];
  const parts: string[] = [];
  let at = 0;
  const add = (start: number, end: number): void => {
    let from = start;
    let to = end;
    while (from < to && MARGIN.includes(text.charAt(from))) from += 1;
    while (to > from && MARGIN.includes(text.charAt(to - 1))) to -= 1;
    if (from === to) return;
    pieces.push({ at, from, to });
    parts.push(text.slice(from, to));
    at += to - from;
  };
  let start = 0;
  for (const found of text.matchAll(LINE_BREAK)) {
    add(start, found.index);
    start = found.index + found[0].length;
  }
  add(start, text.length);
  return { text: parts.join(''), pieces };
}

/** Replaces secrets that were broken over lines, breaks included. */
function redactBroken(text: string, forms: readonly string[]): string {
  if (!/[\r\n]|\\[nr]/.test(text)) return text;
  const joined = joinLines(text);
  const ranges: [number, number][] = [];
  for (const form of forms) {
    for (let at = joined.text.indexOf(form); at !== -1; at = joined.text.indexOf(form, at + form.length)) {
      ranges.push([positionOf(joined.pieces, at), positionOf(joined.pieces, at + form.length - 1) + 1]);
    }
  }
  if (ranges.length === 0) return text;
  ranges.sort((a, b) => a[0] - b[0]);
  let result = '';
  let done = 0;
  for (const [from, to] of ranges) {
    if (from >= done) result += text.slice(done, from) + REDACTED;
    done = Math.max(done, to);
  }
  return result + text.slice(done);
}

/** The original position of a position in the joined text, by binary search. */
function positionOf(pieces: readonly Piece[], at: number): number {
  let low = 0;
  let high = pieces.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if ((pieces[middle]?.at ?? 0) <= at) low = middle;
    else high = middle - 1;
  }
  const piece = pieces[low];
  return piece === undefined ? 0 : piece.from + (at - piece.at);
}
