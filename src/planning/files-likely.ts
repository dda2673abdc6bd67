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

/** Folders that hold what is built or said about it, not what it is made of. */
const BESIDE = /(?:^|\/)(?:test|tests|__tests__|spec|docs?|dist|build|vendor|node_modules|\.[^/]+)\//;
const SOURCE = /\.(?:[cm]?[jt]sx?|py|rb|go|rs|java|kt|cs|php|swift|scala|c|cc|cpp|h|hpp|vue|svelte)$/;
/** A repository with no more source files than this is looked through as a whole anyway. */
const SMALL = 8;

/**
 * Files a request probably touches: those whose path shares words with it, best first; in a small repository where
 * none does, its source files. A guess for the plan card, shown as such; the architect's own reading comes later.
 */
export function filesLikely(request: string, files: readonly string[], most = 5): string[] {
  const wanted = new Set(words(request).filter((word) => word.length > 2 && !COMMON.has(word)));
  const scored = files.flatMap((file) => {
    const score = new Set(words(file)).intersection(wanted).size;
    return score === 0 ? [] : [{ file, score }];
  });
  if (scored.length === 0) {
    const sources = files.filter((file) => SOURCE.test(file) && !BESIDE.test(file));
    return sources.length > SMALL ? [] : sources.slice(0, most);
  }
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
