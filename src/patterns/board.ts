import { z } from 'zod';
import type { Failure } from '../domain/failure.ts';
import type { Handoff } from '../domain/handoff.ts';
import type { Node } from '../domain/workflow.ts';
import type { Flow, Operation } from '../ports/flow.ts';

/** How a workflow ended before its tree did. */
export type Ending =
  | { readonly ok: true; readonly node: string; readonly handoff: Handoff }
  | { readonly ok: false; readonly node: string; readonly failure: Failure };

const idsSchema = z.array(z.string()).catch([]);

interface Turn {
  readonly names: readonly string[];
}

/** Keys by which one node speaks of others. */
const NAMING = ['cancels', 'completes', 'milestone', 'lock'];

/**
 * What the nodes of one workflow in one run know of one another: who works, what was reached, which locks are held, who was
 * cancelled. Lives with the run's generators and is never stored: a replay comes to the same again.
 */
export class Board {
  /** Whether any node of the tree speaks of another: where none does, nobody needs to keep count. */
  readonly used: boolean;
  /** Whether a node can end the whole workflow. */
  readonly mayEnd: boolean;
  #ending: Ending | null = null;
  readonly #cancellable: ReadonlySet<string>;
  readonly #completable: ReadonlySet<string>;
  readonly #locked = new Set<string>();
  /** Who waits for locks, in the order they came. */
  readonly #queue = new Set<Turn>();
  readonly #active = new Map<string, number>();
  readonly #begun = new Map<string, number>();
  readonly #ended = new Map<string, number>();
  readonly #cancelled = new Map<string, number>();
  readonly #completed = new Map<string, number>();

  constructor(root: Node) {
    const found = scan(root);
    this.used = found.used;
    this.mayEnd = found.mayEnd;
    this.#cancellable = found.cancellable;
    this.#completable = found.completable;
  }

  get ending(): Ending | null {
    return this.#ending;
  }

  /** The first ending stands. */
  end(ending: Ending): void {
    this.#ending ??= ending;
  }

  /** Whether a node may end this `map` or `parallel` early. */
  isCompletable(id: string): boolean {
    return this.#completable.has(id);
  }

  isCancellable(id: string): boolean {
    return this.#cancellable.has(id);
  }

  enter(id: string): void {
    add(this.#active, id, 1);
    add(this.#begun, id, 1);
  }

  leave(id: string): void {
    add(this.#active, id, -1);
  }

  /** It ended well. */
  finish(id: string): void {
    add(this.#ended, id, 1);
  }

  /** Of these, the nodes that work now. */
  activeOf(ids: Iterable<string>): string[] {
    return [...ids].filter((id) => (this.#active.get(id) ?? 0) > 0);
  }

  /** Whether `after` has ended and `until` has not begun since; in rounds, once more often than `until` began. */
  isReached(after: string, until: string | undefined): boolean {
    const reached = this.#ended.get(after) ?? 0;
    return reached > (until === undefined ? 0 : (this.#begun.get(until) ?? 0));
  }

  isPast(until: string | undefined): boolean {
    return until !== undefined && (this.#begun.get(until) ?? 0) > 0;
  }

  cancel(ids: readonly string[]): void {
    for (const id of ids) add(this.#cancelled, id, 1);
  }

  cancellations(id: string): number {
    return this.#cancelled.get(id) ?? 0;
  }

  complete(ids: readonly string[]): void {
    for (const id of ids) add(this.#completed, id, 1);
  }

  completions(id: string): number {
    return this.#completed.get(id) ?? 0;
  }

  /** All it wants is free, and nobody who came before wants any of it: nobody is passed over for ever. */
  #isNext(turn: Turn): boolean {
    if (turn.names.some((name) => this.#locked.has(name))) return false;
    for (const earlier of this.#queue) {
      if (earlier === turn) return true;
      if (earlier.names.some((name) => turn.names.includes(name))) return false;
    }
    return true;
  }

  /**
   * Holds all of these while `work` runs. Of several that wait the longest waiting is next; it lets go however it ends.
   * False when they will never be free.
   */
  *holding<T>(
    names: readonly string[],
    flow: Flow,
    work: () => Operation<T>,
  ): Operation<{ readonly value: T } | null> {
    if (names.length === 0) return { value: yield* work() };
    const turn = { names };
    this.#queue.add(turn);
    try {
      const isNext = (): boolean => this.#isNext(turn);
      if (!isNext() && !(yield* flow.until(isNext))) return null;
      this.#queue.delete(turn);
      for (const name of names) this.#locked.add(name);
      try {
        return { value: yield* work() };
      } finally {
        for (const name of names) this.#locked.delete(name);
      }
    } finally {
      this.#queue.delete(turn);
    }
  }
}

function add(counts: Map<string, number>, id: string, by: number): void {
  counts.set(id, (counts.get(id) ?? 0) + by);
}

interface Scanned {
  readonly used: boolean;
  readonly mayEnd: boolean;
  readonly cancellable: ReadonlySet<string>;
  readonly completable: ReadonlySet<string>;
}

/** Looks once through the tree as plain data. Workflows within it have boards of their own. */
function scan(root: Node): Scanned {
  const cancellable = new Set<string>();
  const completable = new Set<string>();
  let used = false;
  let mayEnd = false;
  const stack: unknown[] = [root];
  for (let next = stack.pop(); next !== undefined; next = stack.pop()) {
    if (next === null || typeof next !== 'object') continue;
    // By hand: this looks at every node of every run, and most say nothing of others.
    if ('kind' in next && 'id' in next) {
      used ||= NAMING.some((key) => Object.hasOwn(next, key));
      mayEnd ||= next.kind === 'end';
      if ('cancels' in next) for (const id of idsSchema.parse(next.cancels)) cancellable.add(id);
      if ('completes' in next) for (const id of idsSchema.parse(next.completes)) completable.add(id);
      if (next.kind === 'workflow' && next !== root) continue;
    }
    for (const value of Object.values(next)) stack.push(value);
  }
  return { used: used || mayEnd, mayEnd, cancellable, completable };
}
