/**
 * Whether a path matches a pattern of people: `*` and `?` within a name, `**` over folders, and with a slash after it, any folders or none. In
 * steps proportional to both lengths, so that no pattern can hold anything up.
 */
export function matchesGlob(pattern: string, path: string): boolean {
  const tokens = pattern.match(/\*\*\/|\*\*|[\s\S]/gu) ?? [];
  const chars = path.match(/[\s\S]/gu) ?? [];
  // rest[at]: whether the tokens after the one being looked at match the path from `at` on; from the last token back.
  let rest = [...chars.map(() => false), true];
  for (const token of tokens.toReversed()) {
    const matched = rest.map(() => false);
    for (let at = chars.length; at >= 0; at -= 1)
      matched[at] = matchesAt(token, at, chars, { rest, matched });
    rest = matched;
  }
  return rest[0] === true;
}

interface Tables {
  readonly rest: readonly boolean[];
  /** Filled for all places behind the present one. */
  readonly matched: readonly boolean[];
}

function matchesAt(token: string, at: number, chars: readonly string[], { rest, matched }: Tables): boolean {
  const char = chars[at];
  switch (token) {
    case '**/': {
      const slash = chars.indexOf('/', at);
      return rest[at] === true || (slash >= 0 && matched[slash + 1] === true);
    }
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
