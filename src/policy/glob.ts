/**
 * Whether a name matches a pattern of `*` (anything but a slash), `?` (one character but a slash) and `**`
 * (anything). Time grows with pattern times name, whatever is written: no pattern can hang a decision.
 */
export function globMatches(pattern: string, name: string): boolean {
  const tokens = tokensOf(pattern);
  // reach[i]: whether the tokens so far can end before the i-th character of the name.
  let reach: boolean[] = Array.from({ length: name.length + 1 }, (_, i) => i === 0);
  for (const token of tokens) {
    const next: boolean[] = Array.from({ length: name.length + 1 }, () => false);
    for (let i = 0; i <= name.length; i += 1) {
      const wild = token === '**' || (token === '*' && name[i - 1] !== '/');
      if (token === '**' || token === '*')
        next[i] = reach[i] === true || (i > 0 && wild && next[i - 1] === true);
      else if (i > 0 && reach[i - 1] === true)
        next[i] = token === '?' ? name[i - 1] !== '/' : token === name[i - 1];
    }
    reach = next;
  }
  return reach[name.length] === true;
}

/** As {@link globMatches}, but a pattern without a slash matches in any folder, and one that ends in a slash all below it. */
export function pathMatches(pattern: string, path: string): boolean {
  const below = pattern.endsWith('/') ? `${pattern}**` : pattern;
  const rooted = below.startsWith('/') ? below.slice(1) : below;
  const anywhere = !pattern.replace(/\/$/, '').includes('/');
  if (globMatches(rooted, path)) return true;
  // `a/**/b` also means `a/b`, and `**/b` also means `b`.
  if (rooted.includes('**/') && globMatches(rooted.replaceAll('**/', ''), path)) return true;
  return anywhere && globMatches(`**/${rooted}`, path);
}

function tokensOf(pattern: string): string[] {
  const tokens: string[] = [];
  for (let i = 0; i < pattern.length; i += 1) {
    const both = pattern[i] === '*' && pattern[i + 1] === '*';
    tokens.push(both ? '**' : (pattern[i] ?? ''));
    if (both) i += 1;
  }
  return tokens;
}
