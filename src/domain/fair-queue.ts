/** Somebody's wish, in a line of its own flow. */
export interface Waiting {
  readonly id: string;
  /** Whose it is: flows get turns by weight, however many wishes each has. */
  readonly flow: string;
  /** Above 0: twice the weight, twice the turns. */
  readonly weight: number;
}

/**
 * A fair queue: of several flows each gets turns in proportion to its weight (stride scheduling), within one the oldest
 * wish goes first. Nobody starves: between two turns of a waiting flow of weight w, another of weight v gets about v/w
 * turns and never more than that and one. A flow that comes late begins where the others stand, and owes nobody.
 */
export class FairQueue<T extends Waiting> {
  readonly #flows = new Map<string, { pass: number; readonly items: T[]; readonly order: number }>();
  /** The pass of the last turn: nobody begins behind it. */
  #now = 0;
  #order = 0;

  get size(): number {
    let size = 0;
    for (const { items } of this.#flows.values()) size += items.length;
    return size;
  }

  push(item: T): void {
    const known = this.#flows.get(item.flow);
    if (known !== undefined) {
      known.items.push(item);
      if (known.items.length === 1) known.pass = Math.max(known.pass, this.#now);
      return;
    }
    this.#order += 1;
    this.#flows.set(item.flow, { pass: this.#now, items: [item], order: this.#order });
  }

  /** Whose turn it is; null when nobody waits. Asking changes nothing. */
  peek(): T | null {
    return this.#first()?.items[0] ?? null;
  }

  /** Gives the next one its turn. */
  take(): T | null {
    const flow = this.#first();
    const item = flow?.items.shift();
    if (flow === undefined || item === undefined) return null;
    this.#now = flow.pass;
    flow.pass += 1 / item.weight;
    this.#tidy();
    return item;
  }

  /** Somebody gave up waiting. */
  remove(id: string): void {
    for (const { items } of this.#flows.values()) {
      const at = items.findIndex((item) => item.id === id);
      if (at !== -1) items.splice(at, 1);
    }
    this.#tidy();
  }

  /** How many stand before this one if nobody else comes; null when it does not wait. */
  ahead(id: string): number | null {
    const copy = new FairQueue<T>();
    copy.#now = this.#now;
    for (const [name, flow] of this.#flows) copy.#flows.set(name, { ...flow, items: [...flow.items] });
    for (let before = 0; ; before += 1) {
      const next = copy.take();
      if (next === null) return null;
      if (next.id === id) return before;
    }
  }

  #first() {
    let best: { pass: number; readonly items: T[]; readonly order: number } | undefined;
    for (const flow of this.#flows.values()) {
      if (flow.items.length === 0) continue;
      if (best === undefined || flow.pass < best.pass || (flow.pass === best.pass && flow.order < best.order))
        best = flow;
    }
    return best;
  }

  /** What a flow had beyond its share is remembered until the others have caught up. */
  #tidy(): void {
    for (const [name, flow] of this.#flows)
      if (flow.items.length === 0 && flow.pass <= this.#now) this.#flows.delete(name);
  }
}
