/**
 * Whether a text matches a pattern of people: `*` (anything but a slash), `?` (one character but a slash), `**`
 * (anything), and `**` with a slash after it (any folders, or none). Steps grow with pattern times text, whatever is
 * written: no pattern can hang a decision, which the usual packages, made of regular expressions, do not promise.
 */
export function globMatches(pattern: string, text: string): boolean {
  const tokens = pattern.match(/\*\*\/|\*\*|[\s\S]/gu) ?? [];
  const chars = text.match(/[\s\S]/gu) ?? [];
  // rest[at]: whether the tokens after the one being looked at match the text from `at` on; from the last token back.
  let rest = [...chars.map(() => false), true];
  for (const token of tokens.toReversed()) {
    const matched = rest.map(() => false);
    // The next slash at or after each place, for `**/`.
    let slash = -1;
    for (let at = chars.length; at >= 0; at -= 1) {
      if (chars[at] === '/') slash = at;
      matched[at] = matchesAt(token, at, slash, chars, { rest, matched });
    }
    rest = matched;
  }
  return rest[0] === true;
}

interface Tables {
  readonly rest: readonly boolean[];
  /** Filled for all places behind the present one. */
  readonly matched: readonly boolean[];
}

function matchesAt(
  token: string,
  at: number,
  slash: number,
  chars: readonly string[],
  { rest, matched }: Tables,
): boolean {
  const char = chars[at];
  switch (token) {
    case '**/':
      return rest[at] === true || (slash >= 0 && matched[slash + 1] === true);
    case '**':
      return rest[at] === true || (char !== undefined && matched[at + 1] === true);
    case '*':
      return rest[at] === true || (char !== undefined && char !== '/' && matched[at + 1] === true);
    case '?':
      return char !== undefined && char !== '/' && rest[at + 1] === true;
    default:
      return char === token && rest[at + 1] === true;
  }
}

/**
 * As {@link globMatches}, for paths: a pattern without a slash matches in any folder, one that begins with a slash
 * from the root, and one that ends in a slash all below it.
 */
export function pathMatches(pattern: string, path: string): boolean {
  const below = pattern.endsWith('/') ? `${pattern}**` : pattern;
  const rooted = below.startsWith('/') ? below.slice(1) : below;
  const anywhere = !pattern.replace(/\/$/, '').includes('/');
  return globMatches(anywhere ? `**/${rooted}` : rooted, path);
}
