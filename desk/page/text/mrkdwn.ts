/**
 * Slack's mrkdwn as data. Nothing here makes HTML: the page draws these nodes as React text, so markup that
 * somebody typed can never come alive; only `http`, `https` and `mailto` addresses become links.
 */
export type Inline =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'bold' | 'italic' | 'strike'; readonly children: readonly Inline[] }
  | { readonly kind: 'code'; readonly text: string }
  | { readonly kind: 'link'; readonly url: string; readonly label: string }
  | { readonly kind: 'user' | 'channel' | 'usergroup'; readonly id: string; readonly label: string | null }
  | { readonly kind: 'broadcast'; readonly name: string }
  | { readonly kind: 'date'; readonly seconds: number; readonly format: string; readonly fallback: string }
  | { readonly kind: 'emoji'; readonly name: string };

export type Block =
  | { readonly kind: 'lines'; readonly children: readonly Inline[] }
  | { readonly kind: 'quote'; readonly children: readonly Inline[] }
  | { readonly kind: 'pre'; readonly text: string };

const STYLES = { '*': 'bold', _: 'italic', '~': 'strike' } as const;
const SAFE_URL = /^(?:https?:\/\/|mailto:)[^\s<>]+$/i;
/** An address as typed: it ends before an escaped bracket, and without the sentence's own full stop. */
const BARE_URL = /^https?:\/\/(?:(?!&lt;|&gt;)[^\s<>|`])*(?!&lt;|&gt;)[^\s<>|`.,;:!?)\]'"*_~]/i;
/** Characters within which a mark must close; a bound, so that hostile text stays quick to read. */
const STYLE_REACH = 2000;
/** Marks inside marks: bold, italic and struck through at once, and one to spare. */
const MAX_DEPTH = 4;
const EMOJI = /^:([a-z0-9_+'-]+):/;

/** Splits a text into fenced code, quotes and lines, and reads the inline marks inside. */
export function parseMrkdwn(text: string): readonly Block[] {
  const blocks: Block[] = [];
  const parts = text.split('```');
  // An unclosed fence is ordinary text, as in Slack.
  const closed = parts.length % 2 === 1 ? parts : [...parts.slice(0, -2), parts.slice(-2).join('```')];
  closed.forEach((part, index) => {
    if (index % 2 === 1)
      blocks.push({ kind: 'pre', text: unescapeSlack(plainReferences(part.replace(/^\n|\n$/g, ''))) });
    else blocks.push(...parseLines(index === 0 ? part : part.replace(/^\n/, '')));
  });
  return blocks;
}

/** Undoes Slack's three escapes; `&amp;` last, so that nothing is undone twice. */
function unescapeSlack(text: string): string {
  return text.replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&amp;', '&');
}

/** @returns whether the address may become a link. */
export function isSafeUrl(url: string): boolean {
  return SAFE_URL.test(url);
}

function parseLines(text: string): Block[] {
  const blocks: Block[] = [];
  let kind: 'lines' | 'quote' = 'lines';
  let lines: string[] = [];
  const flush = () => {
    const joined = lines.join('\n');
    if (joined.trim() !== '') blocks.push({ kind, children: parseInline(joined) });
    lines = [];
  };
  for (const line of text.replace(/\n$/, '').split('\n')) {
    const quoted = /^(?:&gt;|>) ?(.*)$/.exec(line);
    const next = quoted === null ? 'lines' : 'quote';
    if (next !== kind) flush();
    kind = next;
    lines.push(quoted?.[1] ?? line);
  }
  flush();
  return blocks;
}

/** Reads the inline marks of one run of lines. */
export function parseInline(text: string, depth = 0): readonly Inline[] {
  const nodes: Inline[] = [];
  let plain = '';
  let at = 0;
  while (at < text.length) {
    const found = tokenAt(text, at, depth);
    if (found === null) {
      plain += text[at];
      at += 1;
      continue;
    }
    if (plain !== '') nodes.push({ kind: 'text', text: unescapeSlack(plain) });
    plain = '';
    nodes.push(found.node);
    at += found.length;
  }
  if (plain !== '') nodes.push({ kind: 'text', text: unescapeSlack(plain) });
  return nodes;
}

interface Token {
  readonly node: Inline;
  readonly length: number;
}

function tokenAt(text: string, at: number, depth: number): Token | null {
  switch (text.charAt(at)) {
    case '<':
      return referenceAt(text, at);
    case '`':
      return codeAt(text, at);
    case ':':
      return emojiAt(text, at);
    case '*':
      return styledAt(text, at, '*', depth);
    case '_':
      return styledAt(text, at, '_', depth);
    case '~':
      return styledAt(text, at, '~', depth);
    case 'h':
      return bareUrlAt(text, at);
    default:
      return null;
  }
}

function codeAt(text: string, at: number): Token | null {
  const end = text.indexOf('`', at + 1);
  const inner = text.slice(at + 1, end);
  if (end === -1 || inner.trim() === '' || inner.includes('\n')) return null;
  return { node: { kind: 'code', text: unescapeSlack(plainReferences(inner)) }, length: end + 1 - at };
}

function emojiAt(text: string, at: number): Token | null {
  const match = EMOJI.exec(text.slice(at, at + 64));
  const name = match?.[1];
  if (name === undefined || /[a-z0-9]/i.test(text[at - 1] ?? ' ')) return null;
  // 12:30:45 is a time of day, not an emoji.
  if (/^\d+$/.test(name) && name !== '100') return null;
  return { node: { kind: 'emoji', name }, length: name.length + 2 };
}

/**
 * A mark opens after a break and closes before one, so snake_case and 2*3*4 stay as they are. It closes on the
 * same line, and neither inside code nor inside a reference that began after it.
 */
function styledAt(text: string, at: number, mark: keyof typeof STYLES, depth: number): Token | null {
  const next = text[at + 1] ?? ' ';
  if (depth >= MAX_DEPTH || isWord(text[at - 1]) || /\s/.test(next) || next === mark) return null;
  let inCode = false;
  let inReference = false;
  const stop = Math.min(text.length, at + STYLE_REACH);
  for (let end = at + 1; end < stop; end += 1) {
    const char = text[end];
    if (char === '\n') return null;
    if (char === '`') inCode = !inCode;
    if (char === '<' || char === '>') inReference = char === '<';
    if (char !== mark || inCode || inReference) continue;
    if (/\s/.test(text[end - 1] ?? '') || isWord(text[end + 1])) continue;
    const children = parseInline(text.slice(at + 1, end), depth + 1);
    return { node: { kind: STYLES[mark], children }, length: end + 1 - at };
  }
  return null;
}

function isWord(char: string | undefined): boolean {
  return char !== undefined && /[\p{L}\p{N}]/u.test(char);
}

function bareUrlAt(text: string, at: number): Token | null {
  if (isWord(text[at - 1])) return null;
  const url = BARE_URL.exec(text.slice(at))?.[0];
  if (url === undefined) return null;
  return { node: { kind: 'link', url: unescapeSlack(url), label: unescapeSlack(url) }, length: url.length };
}

/** `<…>`: a mention, a link, a date or a broadcast. What is none of these stays text, brackets and all. */
function referenceAt(text: string, at: number): Token | null {
  const end = text.indexOf('>', at);
  if (end === -1) return null;
  const inner = text.slice(at + 1, end);
  if (inner === '' || inner.includes('<') || inner.includes('\n')) return null;
  const node = reference(inner);
  return node === null ? null : { node, length: end + 1 - at };
}

function reference(inner: string): Inline | null {
  const bar = inner.indexOf('|');
  const target = bar === -1 ? inner : inner.slice(0, bar);
  const label = bar === -1 ? null : unescapeSlack(inner.slice(bar + 1));
  if (/^@[A-Z0-9]+$/i.test(target)) return { kind: 'user', id: target.slice(1), label };
  if (/^#[A-Z0-9]+$/i.test(target)) return { kind: 'channel', id: target.slice(1), label };
  const group = /^!subteam\^([A-Z0-9]+)$/i.exec(target)?.[1];
  if (group !== undefined) return { kind: 'usergroup', id: group, label };
  if (/^!(?:here|channel|everyone)$/.test(target)) return { kind: 'broadcast', name: target.slice(1) };
  const date = /^!date\^(\d+)\^([^^]*)(?:\^.*)?$/.exec(target);
  if (date !== null)
    return { kind: 'date', seconds: Number(date[1]), format: date[2] ?? '', fallback: label ?? '' };
  const url = unescapeSlack(target);
  return isSafeUrl(url) ? { kind: 'link', url, label: label ?? url.replace(/^mailto:/, '') } : null;
}

/** In code, `<https://a.test|a>` shows as it would have been typed. */
function plainReferences(text: string): string {
  return text.replace(
    /<((?:https?:\/\/|mailto:)[^|<>\s]+)(?:\|([^<>]*))?>/g,
    (_all, url: string, label?: string) => label ?? url,
  );
}
