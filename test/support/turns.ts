/** Counts turns of the event loop from now on. */
export function countTurns(): { readonly count: () => number; readonly stop: () => void } {
  let count = 0;
  let stopped = false;
  const next = (): void => {
    count += 1;
    if (!stopped) setImmediate(next);
  };
  setImmediate(next);
  return {
    count: () => count,
    stop: () => {
      stopped = true;
    },
  };
}
