/** A map that is asked anew each time it is used, for readers that keep hold of it. */
export function liveMap<V>(current: () => ReadonlyMap<string, V>): ReadonlyMap<string, V> {
  const live: ReadonlyMap<string, V> = {
    get size() {
      return current().size;
    },
    get: (key) => current().get(key),
    has: (key) => current().has(key),
    keys: () => current().keys(),
    values: () => current().values(),
    entries: () => current().entries(),
    forEach(each) {
      for (const [key, value] of current()) each(value, key, live);
    },
    [Symbol.iterator]: () => current().entries(),
  };
  return live;
}
