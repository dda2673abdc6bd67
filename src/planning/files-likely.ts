/** Words that say nothing about where something is. */
const COMMON = new Set([
  'add',
  'the',
  'and',
  'for',
  'with',
  'new',
  'page',
  'make',
  'fix',
  'use',
  'from',
  'into',
  'that',
  'this',
  'should',
  'please',
  'test',
  'tests',
  'src',
  'a',
  'to',
  'of',
  'in',
  'on',
]);

/**
 * Files a request probably touches: those whose path shares words with it, best first. A guess for the plan card,
 * shown as such; the architect's own reading comes later.
 */
export function filesLikely(request: string, files: readonly string[], most = 5): string[] {
  const wanted = new Set(words(request).filter((word) => word.length > 2 && !COMMON.has(word)));
  const scored = files.flatMap((file) => {
    const score = new Set(words(file)).intersection(wanted).size;
    return score === 0 ? [] : [{ file, score }];
  });
  return scored
    .sort((a, b) => b.score - a.score || a.file.length - b.file.length || (a.file < b.file ? -1 : 1))
    .slice(0, most)
    .map(({ file }) => file);
}

/** Lower-case words with a plural's "s" taken off, so that "reports" meets "report.js". */
function words(text: string): string[] {
  return (
    text
      .replace(/([a-z])([A-Z])/g, '$1 $2')
      .toLowerCase()
      .match(/[a-z0-9]+/g) ?? []
  ).map((word) => (word.length > 3 ? word.replace(/s$/, '') : word));
}
