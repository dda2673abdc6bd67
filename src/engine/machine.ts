import { BatonError, toFailure } from '../domain/failure.ts';
import type { RunEvent } from '../domain/events.ts';
import { asJson, type Json } from '../domain/json.ts';
import type { Outcome } from '../domain/run.ts';
import type { BranchEnd, Flow, Op, Operation } from '../ports/flow.ts';
import { createFlow } from './flow.ts';
import { joinPath, NameCounter } from './keys.ts';

/** Operations that wait for somebody outside the machine. */
export type WaitingOp = Exclude<Op, { op: 'emit' } | { op: 'branches' }>;
export interface Pending {
  readonly key: string;
  /** The workflow node it works for, if any. */
  readonly node: string | undefined;
  readonly op: WaitingOp;
}

type GroupOp = Extract<Op, { op: 'branches' }>;
interface Group {
  readonly op: GroupOp;
  readonly owner: Fiber;
  readonly path: string;
  readonly running: Map<number, Fiber>;
  readonly settled: Map<number, BranchEnd>;
  next: number;
}

interface Fiber {
  readonly path: string;
  readonly node: string | undefined;
  readonly generator: Operation<unknown>;
  readonly names: NameCounter;
  readonly group: Group | null;
  readonly index: number;
  waitsFor: string | Group | null;
}

type Resume = { readonly fiber: Fiber; readonly value: unknown } | { readonly fiber: Fiber; readonly error: unknown };

/**
 * A run's fibers and what they wait for; pure, single-threaded, without clock or I/O. `start` and `settle` advance
 * it as far as it goes; `take` hands over what that brought about. Live execution and replay drive it by the very
 * same calls, so an outcome fed in the recorded order leads to the recorded state.
 *
 * A fiber is: ready (in the queue) -> waiting for a key, or for a group of branches -> ready … -> ended or dropped.
 */
export class Machine {
  readonly #pending = new Map<string, { readonly fiber: Fiber; readonly op: WaitingOp }>();
  readonly #ready: Resume[] = [];
  #issued: Pending[] = [];
  #cancelled: string[] = [];
  #events: RunEvent[] = [];
  #result: Outcome | null = null;

  /** The run's outcome once its root fiber ended. */
  get result(): Outcome | null {
    return this.#result;
  }

  start(body: (flow: Flow) => Operation<Json>): void {
    const root = this.#fiber('', undefined, body, null, 0);
    this.#ready.push({ fiber: root, value: undefined });
    this.#drain();
  }

  isPending(key: string): boolean {
    return this.#pending.has(key);
  }

  pending(): Pending[] {
    return [...this.#pending].map(([key, { fiber, op }]) => ({ key, node: fiber.node, op }));
  }

  /** Feeds the outcome of a pending operation. False when nothing waits for it (it was cancelled, or never asked). */
  settle(key: string, outcome: Outcome): boolean {
    const waiting = this.#pending.get(key);
    if (waiting === undefined) return false;
    this.#pending.delete(key);
    const { fiber } = waiting;
    this.#ready.push(outcome.ok ? { fiber, value: outcome.value } : { fiber, error: new BatonError(outcome.failure) });
    this.#drain();
    return true;
  }

  /** What came about since the last call: operations to begin, keys to give up, events to append, in order. */
  take(): { readonly issued: Pending[]; readonly cancelled: string[]; readonly events: RunEvent[] } {
    const taken = { issued: this.#issued.filter(({ key }) => this.#pending.has(key)), cancelled: this.#cancelled, events: this.#events };
    this.#issued = [];
    this.#cancelled = [];
    this.#events = [];
    return taken;
  }

  #fiber(path: string, node: string | undefined, body: (flow: Flow) => Operation<unknown>, group: Group | null, index: number): Fiber {
    return { path, node, generator: body(createFlow(path)), names: new NameCounter(), group, index, waitsFor: null };
  }

  /** A queue rather than recursion: nesting of any depth costs no stack. */
  #drain(): void {
    for (let next = this.#ready.shift(); next !== undefined; next = this.#ready.shift()) this.#advance(next);
  }

  #advance(resume: Resume): void {
    const { fiber } = resume;
    fiber.waitsFor = null;
    let step: IteratorResult<Op, unknown>;
    try {
      step = 'error' in resume ? fiber.generator.throw(resume.error) : fiber.generator.next(resume.value);
    } catch (error) {
      this.#end(fiber, { ok: false, error });
      return;
    }
    if (step.done === true) this.#end(fiber, { ok: true }, step.value);
    else this.#handle(fiber, step.value);
  }

  #handle(fiber: Fiber, op: Op): void {
    if (op.op === 'emit') {
      this.#events.push(...op.events);
      this.#ready.push({ fiber, value: undefined });
      return;
    }
    const key = joinPath(fiber.path, fiber.names.next(op.name));
    if (op.op === 'branches') {
      this.#open(fiber, op, key);
      return;
    }
    if (this.#pending.has(key)) {
      this.#ready.push({ fiber, error: new BatonError({ class: 'structural', code: 'key_clash', message: `Two operations have the key ${key}` }) });
      return;
    }
    fiber.waitsFor = key;
    this.#pending.set(key, { fiber, op });
    this.#issued.push({ key, node: fiber.node, op });
  }

  #open(fiber: Fiber, op: GroupOp, path: string): void {
    const group: Group = { op, owner: fiber, path, running: new Map(), settled: new Map(), next: 0 };
    fiber.waitsFor = group;
    this.#fill(group);
    if (group.running.size === 0) this.#close(group);
  }

  #fill(group: Group): void {
    const { bodies, limit } = group.op;
    while (group.running.size < limit && group.next < bodies.length) {
      const index = group.next;
      group.next += 1;
      const branch = bodies[index];
      if (branch === undefined) break;
      const path = branch.name === '' ? group.path : joinPath(group.path, branch.name);
      const fiber = this.#fiber(path, branch.node ?? group.owner.node, branch.body, group, index);
      group.running.set(index, fiber);
      this.#ready.push({ fiber, value: undefined });
    }
  }

  #close(group: Group): void {
    const losers = [...group.running.values()];
    group.running.clear();
    for (const loser of losers) this.#drop(loser);
    this.#ready.push({ fiber: group.owner, value: group.settled });
  }

  #end(fiber: Fiber, end: BranchEnd, value?: unknown): void {
    const { group } = fiber;
    if (group === null) {
      this.#result = end.ok ? { ok: true, value: asJson(value) } : { ok: false, failure: toFailure(end.error) };
      return;
    }
    // A fiber that ends in the very turn in which its group was closed has nobody to tell.
    if (group.running.get(fiber.index) !== fiber) return;
    group.running.delete(fiber.index);
    group.settled.set(fiber.index, end);
    if (group.op.until(group.settled)) {
      this.#close(group);
      return;
    }
    this.#fill(group);
    if (group.running.size === 0) this.#close(group);
  }

  /** Gives up a fiber and all below it. Generators may clean up without waiting; what they yield then is ignored. */
  #drop(top: Fiber): void {
    const stack = [top];
    for (let fiber = stack.pop(); fiber !== undefined; fiber = stack.pop()) {
      const { waitsFor } = fiber;
      fiber.waitsFor = null;
      if (typeof waitsFor === 'string') {
        this.#pending.delete(waitsFor);
        this.#cancelled.push(waitsFor);
      } else if (waitsFor !== null) {
        stack.push(...waitsFor.running.values());
        waitsFor.running.clear();
      }
      const dropped = fiber;
      const queued = this.#ready.findIndex((item) => item.fiber === dropped);
      if (queued >= 0) this.#ready.splice(queued, 1);
      try {
        fiber.generator.return(undefined);
      } catch {
        // Whatever its clean-up threw, the fiber is gone either way.
      }
    }
  }
}
