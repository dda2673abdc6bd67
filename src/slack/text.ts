/**
 * Text as Slack may show it. Everything foreign (a person's request, a model's words, a repository's lines) passes
 * through here, so that nothing in it comes alive or hides.
 */

/** Already safe markup of ours (a mention, a date), let through {@link mk} as it is. */
export interface Live {
  readonly live: string;
}

/** Characters that change the order of what is read, or take no space: bidi controls, zero-width, tags, fillers. */
const HIDDEN =
  /\u034f|[\u00ad\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b\u200c\u200e\u200f\u2028-\u202e\u2060-\u206f\u3164\ufeff\uffa0\ufff9-\ufffb\u{e0000}-\u{e007f}]/gu;

/** A zero-width joiner that joins no two emoji. */
const STRAY_JOINER =
  /(?<!\p{Extended_Pictographic}(?:\ufe0f|\p{Emoji_Modifier})?)\u200d|\u200d(?!\p{Extended_Pictographic})/gu;

/** Control characters but tab and line feed. A terminal's escape codes in a test's output are among them. */
const CONTROL = /(?![\t\n])\p{Cc}/gu;

/** What stands for a cut. */
const CUT_MARK = '…';

function codePoint(character: string): string {
  return `⟨U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}⟩`;
}

/**
 * Makes characters that hide or reorder text visible as ⟨U+202E⟩ (an approver must see what is hashed). A joiner
 * between two emoji parts stays: it draws a family, and hides nothing.
 */
export function visible(text: string): string {
  return text
    .replaceAll('\r\n', '\n')
    .replace(CONTROL, codePoint)
    .replace(HIDDEN, codePoint)
    .replace(STRAY_JOINER, codePoint);
}

/** `visible` on a single line: runs of white space become one space. */
export function oneLine(text: string): string {
  return visible(text.replace(/\s+/g, ' ').trim());
}

/** Escapes the three characters that begin markup in Slack. */
export function escapeMarkup(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

/** Text as a person typed it, out of Slack's markup. */
export function unescapeMarkup(text: string): string {
  return text.replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&amp;', '&');
}

/** At most `max` UTF-16 units (what Slack's limits count), ending in `…` when cut; never half a character. */
export function cut(text: string, max: number): string {
  if (text.length <= max) return text;
  const end = max - CUT_MARK.length;
  const head = text.slice(0, Math.max(0, end));
  return `${/[\ud800-\udbff]$/.test(head) ? head.slice(0, -1) : head}${CUT_MARK}`;
}

/** `cut` for markup: neither a mention, a date nor an escaped character is left half. */
export function cutMarkup(markup: string, max: number): string {
  if (markup.length <= max) return markup;
  const head = cut(markup, max).slice(0, -CUT_MARK.length);
  return `${head.replace(/<[^<>]*$/, '').replace(/&[a-z]{0,3}$/, '')}${CUT_MARK}`;
}

/** Units by which a line can change at its end with what follows: a pair, a joiner between emoji, white space. */
const BOUNDARY = 64;

/** One line of at most `max` units. Of a long text, only as much is looked at as it takes to fill them. */
export function short(text: string, max: number): string {
  for (let size = 4 * (max + BOUNDARY); size < text.length; size *= 4) {
    const line = oneLine(text.slice(0, size));
    if (line.length > max + BOUNDARY) return cut(line, max);
  }
  return cut(oneLine(text), max);
}

/**
 * Keeps whole lines from the start while they fit in `max` units.
 * @returns the text, and how many lines were left out
 */
export function cutLines(text: string, max: number): { readonly text: string; readonly leftOut: number } {
  if (text.length <= max) return { text, leftOut: 0 };
  const lines = text.split('\n');
  const kept: string[] = [];
  let size = 0;
  for (const line of lines) {
    if (size + line.length + 1 > max) break;
    kept.push(line);
    size += line.length + 1;
  }
  if (kept.length === 0) return { text: cut(lines[0] ?? '', max), leftOut: lines.length - 1 };
  return { text: kept.join('\n'), leftOut: lines.length - kept.length };
}

/** Whether this has the shape of a person's id (`U…`, or `W…` on Enterprise Grid), and of nothing else. */
export function isUserId(id: string): boolean {
  return /^[UW][A-Z0-9]{2,20}$/.test(id);
}

/** A living mention of a person. Anything that is no user id comes out as escaped text. */
export function mention(id: string): Live {
  return { live: isUserId(id) ? `<@${id}>` : escapeMarkup(short(id, 80)) };
}

export function isGroupId(id: string): boolean {
  return /^S[A-Z0-9]{2,20}$/.test(id);
}

/** Mentions as people read a list: "@a, @b and @c", or "@a, @b or @c". */
export function mentions(ids: readonly string[], word: 'and' | 'or'): Live {
  const each = ids.map((id) => mention(id).live);
  const last = each.pop();
  if (last === undefined) return { live: '' };
  return { live: each.length === 0 ? last : `${each.join(', ')} ${word} ${last}` };
}

/** The formats of Slack's dates that we use, each with what a client without them shows. */
export type DateShape = 'time' | 'day and time';

/** A time in each reader's own time zone; in UTC where it cannot be shown so. @param at milliseconds since the epoch */
export function date(at: number, shape: DateShape = 'time'): Live {
  const parts = dateParts(at, shape);
  return { live: `<!date^${parts.timestamp}^${parts.format}|${parts.fallback}>` };
}

/** The parts of a date for `rich_text`; see {@link date}. */
export function dateParts(
  at: number,
  shape: DateShape,
): { readonly timestamp: number; readonly format: string; readonly fallback: string } {
  const iso = new Date(at).toISOString();
  const time = `${iso.slice(11, 16)} UTC`;
  return shape === 'time'
    ? { timestamp: Math.floor(at / 1000), format: '{time}', fallback: time }
    : {
        timestamp: Math.floor(at / 1000),
        format: '{date_short_pretty} {time}',
        fallback: `${iso.slice(0, 10)} ${time}`,
      };
}

/** Slack's markup with every interpolated string made visible and escaped; only {@link Live} parts come alive. */
export function mk(strings: TemplateStringsArray, ...values: readonly (string | number | Live)[]): string {
  return strings.reduce((text, piece, i) => {
    const value = i === 0 ? '' : values[i - 1];
    if (value === undefined) return text + piece;
    const safe = typeof value === 'object' ? value.live : escapeMarkup(visible(String(value)));
    return text + safe + piece;
  }, '');
}
