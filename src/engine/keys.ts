import { createHash } from 'node:crypto';

/**
 * A path longer than this is replaced by its digest, so that a key's size does not grow with the depth of
 * nesting. Long enough that ordinary workflows keep readable keys.
 */
const MAX_PATH = 120;
/** A name longer than this keeps its beginning and a digest of the whole: cutting alone would make two one. */
const MAX_NAME = 64;
/** Hex digits of a digest in a key: 96 bits, beyond any chance of two alike within a run. */
const DIGEST = 24;
/** `/` parts names, `#` numbers them, `~` marks a digest: in a name they would let two paths meet. */
const RESERVED = /[%/#~]/;

/** The path of what is called `segment` under `parent`. Stable: the same names give the same path in every version. */
export function joinPath(parent: string, segment: string): string {
  if (parent === '') return segment;
  if (parent.length + segment.length < MAX_PATH) return `${parent}/${segment}`;
  return `~${digest(parent)}/${segment}`;
}

/** The path below `parent` that these names lead to, each the first of its name. */
export function pathBelow(parent: string, names: readonly string[]): string {
  return names.reduce((path, name) => joinPath(path, segmentOf(name)), parent);
}

/** A name as part of a path: reserved characters escaped, length bounded. */
export function segmentOf(name: string): string {
  const plain = RESERVED.test(name)
    ? name.replace(/[%/#~]/g, (found) => `%${found.charCodeAt(0).toString(16)}`)
    : name;
  if (plain.length <= MAX_NAME) return plain;
  return `${plain.slice(0, MAX_NAME - DIGEST - 1)}~${digest(plain)}`;
}

/** Numbers repeated names within one fiber: `turn`, `turn#2`, `turn#3`. */
export class NameCounter {
  // Most fibers ask for one thing; the table is made for those that ask for more.
  #first: string | null = null;
  #seen: Map<string, number> | null = null;

  next(name: string): string {
    if (this.#first === null) {
      this.#first = name;
      return segmentOf(name);
    }
    this.#seen ??= new Map([[this.#first, 1]]);
    const count = (this.#seen.get(name) ?? 0) + 1;
    this.#seen.set(name, count);
    const segment = segmentOf(name);
    return count === 1 ? segment : `${segment}#${count}`;
  }
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, DIGEST);
}
