import { createHash } from 'node:crypto';

/**
 * A path longer than this is replaced by its digest, so that a key's size does not grow with the depth of
 * nesting. Long enough that ordinary workflows keep readable keys.
 */
const MAX_PATH = 120;

/** The path of a fiber called `name` under `parent`. Stable: the same names give the same path in every version. */
export function joinPath(parent: string, name: string): string {
  const path = parent === '' ? name : `${parent}/${name}`;
  if (path.length <= MAX_PATH) return path;
  return `~${createHash('sha256').update(parent).digest('hex').slice(0, 24)}/${name}`.slice(0, MAX_PATH);
}

/** Numbers repeated names within one fiber: `turn`, `turn#2`, `turn#3`. */
export class NameCounter {
  readonly #seen = new Map<string, number>();

  next(name: string): string {
    const count = (this.#seen.get(name) ?? 0) + 1;
    this.#seen.set(name, count);
    return count === 1 ? name : `${name}#${count}`;
  }
}
