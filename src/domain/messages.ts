/**
 * Messages to a run that are no answers of people: what a `wait` is sent by hand, and events that a `receive` hears. Told
 * apart by the names of their signals.
 */
const BY_HAND = 'wait:';
const HEARD = 'event:';

/** Whether a run that goes on from before has to be given a message that was sent to the one it goes on from. */
export function isCarried(
  signal: { readonly name: string; readonly at: number; readonly takenBy: string | null },
  /** When the moment was that it goes on from, and the keys of what was done by then. */
  from: { readonly at: number; readonly keys: ReadonlySet<string> },
): boolean {
  if (signal.takenBy !== null && from.keys.has(signal.takenBy)) return false;
  if (signal.name.startsWith(BY_HAND)) return signal.at <= from.at;
  // Whoever listened then is not asked to listen again: what it heard since it hears once more, or it would wait for ever.
  return signal.name.startsWith(HEARD) && listensBy(signal.name.slice(HEARD.length), from.keys);
}

/** Whether a listener had begun by then. Its name is its node's path; each time it listens anew it has another one. */
export function listensBy(listener: string, keys: Iterable<string>): boolean {
  const path = `${listener.replace(/~\d+$/, '')}/`;
  for (const key of keys) if (key.startsWith(path)) return true;
  return false;
}

/** What of the signals since is heard by nobody any more: events of listeners that had not begun then. */
export function unheard(signals: readonly string[], keys: ReadonlySet<string>): string[] {
  return signals.filter((name) => name.startsWith(HEARD) && !listensBy(name.slice(HEARD.length), keys));
}
