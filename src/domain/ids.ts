const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz';

/**
 * A time-ordered id: 9 characters of milliseconds, then 10 of randomness, in Crockford's base 32. Ordered ids
 * keep inserts at the end of the index: with random ones a file of a million events is three times slower.
 * @param random function giving numbers in [0, 1)
 */
export function timeOrderedId(prefix: string, nowMs: number, random: () => number): string {
  let time = '';
  for (let rest = Math.floor(nowMs), i = 0; i < 9; i += 1, rest = Math.floor(rest / 32))
    time = `${ALPHABET[rest % 32]}${time}`;
  let tail = '';
  for (let i = 0; i < 10; i += 1) tail += ALPHABET[Math.floor(random() * 32)];
  return `${prefix}_${time}${tail}`;
}

/** The last characters of a run's id: short enough for a branch name, random enough not to meet another. */
export function shortId(id: string): string {
  return id.slice(-6);
}

/** A request as the middle of a branch name: ASCII words joined by `-`, at most 40 characters, never empty. */
export function slugOf(text: string): string {
  const words =
    text
      .normalize('NFKD')
      .replace(/[\u0300-\u036f]/g, '')
      .toLowerCase()
      .match(/[a-z0-9]+/g) ?? [];
  let slug = '';
  for (const word of words) {
    const next = slug === '' ? word : `${slug}-${word}`;
    if (next.length > 40) break;
    slug = next;
  }
  return slug === '' ? (words[0]?.slice(0, 40) ?? 'work') : slug;
}
