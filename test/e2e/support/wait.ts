/** Milliseconds between two looks: short beside a person's patience, long beside what a look costs. */
const LOOK_AGAIN_MS = 50;
/** Milliseconds anything may take on a busy machine with two cores before a test calls it broken. */
export const PATIENCE_MS = 60_000;

/**
 * Looks until there is something to see, and returns it.
 * @throws Error that names what was waited for, with what was there instead
 */
export async function until<T>(
  what: string,
  look: () => Promise<T | null | undefined> | T | null | undefined,
  limitMs: number = PATIENCE_MS,
  instead: () => Promise<string> | string = () => '',
): Promise<T> {
  for (const limit = performance.now() + limitMs; ; ) {
    const seen = await look();
    if (seen !== null && seen !== undefined) return seen;
    if (performance.now() > limit)
      throw new Error(`${what} did not come within ${limitMs} ms.\n${await instead()}`);
    await new Promise((resolve) => setTimeout(resolve, LOOK_AGAIN_MS));
  }
}
