/** Milliseconds. */
export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** Looks again and again until there is something; null when there is nothing in time. */
export async function until<T>(
  look: () => T | null | Promise<T | null>,
  limitMs: number,
  everyMs = 50,
): Promise<T | null> {
  const end = performance.now() + limitMs;
  for (;;) {
    const found = await look();
    if (found !== null) return found;
    if (performance.now() >= end) return null;
    await pause(everyMs);
  }
}
