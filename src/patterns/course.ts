import type { Handoff } from '../domain/handoff.ts';
import type { Json } from '../domain/json.ts';
import type { Node } from '../domain/workflow.ts';
import type { Metrics } from '../ports/metrics.ts';
import { joined } from './joined.ts';

/** A unit that took so many times the mean of the others is a bottleneck. */
const BOTTLENECK = 2;
/** Below this part of the time that its places offer, coordination costs more than it gains. */
const EFFICIENT = 0.5;
/** The deadline approaches when less than so many times the estimate is left. */
const NEAR = 1.25;

/** What an adaptation changes. */
export type Action =
  | {
      readonly do:
        | 'reduce-concurrency'
        | 'raise-concurrency'
        | 'parallel-execution'
        | 'one-by-one'
        | 'simpler';
    }
  | { readonly agent: string }
  | { readonly insert: Node }
  | { readonly to: Node };

interface Settings {
  readonly limit: number;
  /** One after the other, each handed what the one before hands over; else side by side from the same package. */
  readonly chained: boolean;
  readonly agent: string | null;
  readonly simple: boolean;
}

export interface Change {
  readonly number: number;
  /** Which adaptation it follows. */
  readonly index: number;
  readonly at: number;
  readonly what: string;
  readonly before: { readonly settings: Settings; readonly queue: readonly Node[] };
  undone: boolean;
}

/** How far the units of an adaptive node have come, and how the rest is to go. Mutable; lives with the run's fibers. */
export class Course {
  settings: Settings;
  readonly changes: Change[] = [];
  /** Triggers that somebody outside told of and nothing has answered yet, each with why. */
  readonly told = new Map<string, string>();
  readonly places: number;
  #queue: readonly Node[];
  readonly #begun = new Set<Node>();
  #running = 0;
  /** Sync points under way: nothing begins meanwhile, so that all their changes hold for what is left. */
  #looking = 0;
  #handoff: Handoff;
  readonly #sides: { readonly id: string; readonly handoff: Handoff }[] = [];
  readonly #took: number[] = [];
  readonly #began: number;
  readonly #inventory: string;

  constructor(
    units: readonly Node[],
    given: { readonly chained: boolean; readonly limit: number; readonly places: number },
    handoff: Handoff,
    first: Metrics,
  ) {
    this.#queue = units;
    this.settings = {
      limit: given.chained ? 1 : given.limit,
      chained: given.chained,
      agent: null,
      simple: false,
    };
    this.places = given.places;
    this.#handoff = handoff;
    this.#began = first.at;
    this.#inventory = first.inventory;
  }

  /** Whether a unit may begin now. */
  get mayStart(): boolean {
    return this.#looking === 0 && this.#queue.length > 0 && this.#running < this.settings.limit;
  }

  get over(): boolean {
    return this.#queue.length === 0 && this.#running === 0;
  }

  /** The next unit, and what it is handed. */
  take(): { readonly unit: Node; readonly given: Handoff } | null {
    const [unit, ...rest] = this.#queue;
    if (unit === undefined) return null;
    this.#queue = rest;
    this.#begun.add(unit);
    this.#running += 1;
    // Nothing else is under way in a chain, so what was done side by side before it is complete.
    if (this.settings.chained) this.#gather();
    return { unit, given: this.#handoff };
  }

  /** A unit has ended; its place is free only after the sync point that follows. */
  ended(unit: Node, handoff: Handoff, ms: number, chained: boolean): void {
    this.#looking += 1;
    this.#took.push(ms);
    if (chained) this.#handoff = handoff;
    else this.#sides.push({ id: unit.id, handoff });
  }

  release(): void {
    this.#looking -= 1;
    this.#running -= 1;
  }

  /** What is handed on when all is done. */
  finish(order: readonly string[]): Handoff {
    const place = (id: string): number => (order.includes(id) ? order.indexOf(id) : order.length);
    this.#sides.sort((a, b) => place(a.id) - place(b.id));
    this.#gather();
    return this.#handoff;
  }

  #gather(): void {
    const sides = this.#sides.splice(0);
    if (sides.length === 0) return;
    this.#handoff = joined(
      this.#handoff,
      sides.map(({ id }) => id),
      sides.map(({ handoff }) => handoff),
    );
  }

  /** What the rules of adaptations may speak of, beside what was handed over. Percentages as numbers, times in seconds. */
  facts(
    metrics: Metrics,
    deadlineMs: number | null,
    estimateMs: number | null,
  ): Readonly<Record<string, Json>> {
    const elapsed = metrics.at - this.#began;
    const left = this.#queue.length;
    const busy = this.#took.reduce((sum, ms) => sum + ms, 0);
    const mean = this.#took.length === 0 ? null : busy / this.#took.length;
    const estimate = mean === null ? estimateMs : (mean * left) / this.settings.limit;
    const timeLeft = deadlineMs === null ? null : deadlineMs - elapsed;
    const known = {
      'cpu-usage': metrics.cpuUsage,
      'error-rate': metrics.errorRate,
      cost: metrics.costUsd,
      estimate: estimate === null ? null : estimate / 1_000,
      'time-left': timeLeft === null ? null : timeLeft / 1_000,
      'deadline-approaching': timeLeft === null || estimate === null ? null : timeLeft < NEAR * estimate,
    };
    return {
      ...Object.fromEntries(Object.entries(known).filter(([, value]) => value !== null)),
      elapsed: elapsed / 1_000,
      done: this.#took.length,
      left,
      limit: this.settings.limit,
      bottleneck: this.#bottleneck(),
      contention: metrics.waiting > 0,
      efficiency:
        !this.settings.chained && this.#took.length > 1 && busy < EFFICIENT * elapsed * this.settings.limit,
      availability: metrics.inventory !== this.#inventory,
      ...Object.fromEntries(OUTSIDE.map((name) => [name, this.told.has(name)])),
    };
  }

  #bottleneck(): boolean {
    if (this.#took.length < 3) return false;
    const slowest = Math.max(...this.#took);
    const others = (this.#took.reduce((sum, ms) => sum + ms, 0) - slowest) / (this.#took.length - 1);
    return slowest >= BOTTLENECK * others && slowest > 0;
  }

  get handoff(): Handoff {
    return this.#handoff;
  }

  /** Whether an adaptation may be looked at: not too often, and not too soon after the last time. */
  open(index: number, rule: { readonly times: number; readonly cooldownMs: number }, now: number): boolean {
    const made = this.changes.filter((change) => change.index === index);
    const last = made.at(-1);
    return made.length < rule.times && (last === undefined || now - last.at >= rule.cooldownMs);
  }

  /** Changes what comes next; null when that changes nothing. What is under way is left to its end. */
  apply(index: number, action: Action, at: number): Change | null {
    const before = { settings: this.settings, queue: this.#queue };
    const what = this.#change(action);
    if (what === null) return null;
    const change: Change = { number: this.changes.length + 1, index, at, what, before, undone: false };
    this.changes.push(change);
    return change;
  }

  #change(action: Action): string | null {
    const left = this.#queue.length;
    if ('to' in action) {
      this.#queue = [action.to];
      this.settings = { ...this.settings, chained: true, limit: 1 };
      return left === 0
        ? `${action.to.id} follows`
        : `${action.to.id} does what is left, in place of ${left} more`;
    }
    if ('insert' in action) {
      // A copy, so that the same node may come in more than once.
      this.#queue = [{ ...action.insert }, ...this.#queue];
      return `${action.insert.id} comes in between`;
    }
    if (left === 0) return null;
    const { limit, chained, agent, simple } = this.settings;
    if ('agent' in action) {
      if (agent === action.agent) return null;
      this.settings = { ...this.settings, agent: action.agent };
      return `${action.agent} does what is left`;
    }
    switch (action.do) {
      case 'reduce-concurrency':
        if (limit === 1) return null;
        return this.#atOnce(Math.max(1, Math.floor(limit / 2)));
      case 'raise-concurrency':
        if (chained || limit === this.places) return null;
        return this.#atOnce(Math.min(this.places, limit * 2));
      case 'parallel-execution':
        if (!chained || left < 2) return null;
        this.settings = { ...this.settings, chained: false, limit: this.places };
        return `the ${left} that are left go side by side`;
      case 'one-by-one':
        if (chained) return null;
        this.settings = { ...this.settings, chained: true, limit: 1 };
        return `the ${left} that are left go one after the other`;
      case 'simpler':
        if (simple) return null;
        this.settings = { ...this.settings, simple: true };
        return 'what is left is done in a simpler way';
      default:
        return action.do satisfies never;
    }
  }

  #atOnce(limit: number): string {
    const before = this.settings.limit;
    this.settings = { ...this.settings, limit };
    return `${limit} at once in place of ${before}`;
  }

  /** Takes the last change back that still stands: how things go, and what has not begun. Null when there is none. */
  undo(): Change | null {
    const change = this.changes.findLast(({ undone }) => !undone);
    if (change === undefined) return null;
    change.undone = true;
    this.settings = change.before.settings;
    this.#queue = change.before.queue.filter((unit) => !this.#begun.has(unit));
    return change;
  }
}

/** Triggers that only somebody outside can know of. */
export const OUTSIDE: readonly string[] = [
  'requirements',
  'external',
  'pattern',
  'preference',
  'opportunity',
];
