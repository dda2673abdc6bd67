import type { RunEvent } from '../domain/events.ts';
import { BatonError, toFailure } from '../domain/failure.ts';
import { asJson, type Json } from '../domain/json.ts';
import type { Outcome } from '../domain/run.ts';
import type { BranchEnd, Flow, GivenUp, Op, Operation } from '../ports/flow.ts';
import { createFlow } from './flow.ts';
import { joinPath, NameCounter, segmentOf } from './keys.ts';
import { Queue } from './queue.ts';

/** Operations that wait for somebody outside the machine. */
export type WaitingOp = Exclude<
  Op,
  { op: 'emit' } | { op: 'given-up' } | { op: 'branches' } | { op: 'call' } | { op: 'until' }
>;
export interface Pending {
  readonly key: string;
  /** The workflow node it works for, if any. */
  readonly node: string | undefined;
  readonly op: WaitingOp;
}
interface Waiting extends Pending {
  readonly kind: 'operation';
  readonly fiber: Fiber;
}

/** An operation that nobody waits for any more, and why. */
export interface GivenUpOp {
  readonly pending: Pending;
  readonly why: string;
}

/** What a turn must know of an advance: operations to begin, operations to give up, events to append, in order. */
export interface Changes {
  readonly issued: readonly Pending[];
  readonly cancelled: readonly GivenUpOp[];
  readonly events: readonly RunEvent[];
}
/** Why work is given up where whoever gives it up does not say. */
const NOT_NEEDED = 'it was not needed any more';
const NO_CHANGES: Changes = { issued: [], cancelled: [], events: [] };

type GroupOp = Extract<Op, { op: 'branches' }>;
interface Group {
  readonly kind: 'group';
  readonly op: GroupOp;
  readonly owner: Fiber;
  readonly path: string;
  readonly running: Map<number, Fiber>;
  readonly settled: Map<number, BranchEnd>;
  next: number;
}

/** Waits for other fibers of the run. */
interface Blocked {
  readonly kind: 'blocked';
  readonly fiber: Fiber;
  readonly holds: () => boolean;
  readonly patient: boolean;
}

interface Fiber {
  readonly kind: 'fiber';
  readonly path: string;
  readonly node: string | undefined;
  readonly generator: Operation<unknown>;
  readonly names: NameCounter;
  /** Whom its end concerns: a group of branches, the fiber that called it, or (null) the run. */
  readonly up: Group | Fiber | null;
  /** Its place in the group. */
  readonly index: number;
  /** What must end before it goes on. */
  waitsFor: Waiting | Group | Fiber | Blocked | null;
  /** What is told should it be given up. */
  givenUp: GivenUp | null;
  dropped: boolean;
}

interface Resume {
  readonly fiber: Fiber;
  readonly failed: boolean;
  readonly value: unknown;
}

/**
 * A run's fibers and what they wait for; pure, single-threaded, without clock or I/O. `start` and `settle` advance
 * it as far as it goes; `take` hands over what that brought about. Live execution and replay drive it by the very
 * same calls, so an outcome fed in the recorded order leads to the recorded state.
 *
 * A fiber is: ready (in the queue) -> waiting for a key, a call, a group of branches, or until something holds in the
 * run -> ready … -> ended or dropped. Whatever a fiber or its rules throw ends in the run's outcome, never in the caller.
 */
export class Machine {
  readonly #pending = new Map<string, Waiting>();
  /** Of those pending, how many the work does not wait for. */
  #idle = 0;
  readonly #ready = new Queue<Resume>();
  /** In the order they began to wait. */
  readonly #blocked = new Set<Blocked>();
  #issued: Waiting[] = [];
  #cancelled: GivenUpOp[] = [];
  #events: RunEvent[] = [];
  #result: Outcome | null = null;

  /** The run's outcome once its root fiber ended. */
  get result(): Outcome | null {
    return this.#result;
  }

  start(body: (flow: Flow) => Operation<Json>): void {
    this.#begin('', undefined, body, null, 0);
    this.#drain();
  }

  isPending(key: string): boolean {
    return this.#pending.has(key);
  }

  pending(): readonly Pending[] {
    return [...this.#pending.values()];
  }

  /** Feeds the outcome of a pending operation. False when nothing waits for it (it was cancelled, or never asked). */
  settle(key: string, outcome: Outcome): boolean {
    const waiting = this.#pending.get(key);
    if (waiting === undefined) return false;
    this.#leavePending(waiting);
    if (outcome.ok) this.#resume(waiting.fiber, false, outcome.value);
    else this.#resume(waiting.fiber, true, new BatonError(outcome.failure));
    this.#drain();
    return true;
  }

  /** Whether {@link take} has something to hand over. */
  get changed(): boolean {
    return this.#issued.length > 0 || this.#cancelled.length > 0 || this.#events.length > 0;
  }

  /** What came about since the last call. */
  take(): Changes {
    if (!this.changed) return NO_CHANGES;
    const changes = { issued: this.#issued, cancelled: this.#cancelled, events: this.#events };
    this.#issued = [];
    this.#cancelled = [];
    this.#events = [];
    return changes;
  }

  #begin(
    path: string,
    node: string | undefined,
    body: (flow: Flow) => Operation<unknown>,
    up: Fiber['up'],
    index: number,
  ): Fiber {
    const generator = begun(body, createFlow(path));
    const fiber: Fiber = {
      kind: 'fiber',
      path,
      node,
      generator,
      names: new NameCounter(),
      up,
      index,
      waitsFor: null,
      givenUp: null,
      dropped: false,
    };
    this.#resume(fiber, false, undefined);
    return fiber;
  }

  #resume(fiber: Fiber, failed: boolean, value: unknown): void {
    this.#ready.push({ fiber, failed, value });
  }

  /** A queue rather than recursion: nesting of any depth costs no stack. */
  #drain(): void {
    do {
      for (let next = this.#ready.shift(); next !== undefined; next = this.#ready.shift()) {
        if (!next.fiber.dropped) this.#advance(next);
      }
    } while (this.#unblock());
  }

  /**
   * Lets one fiber go on for which what it waits for holds: one at a time, since it may change that for the next. When
   * none can, and nothing outside is waited for, the first that works (not merely watches) learns that it waits in vain.
   */
  #unblock(): boolean {
    for (const blocked of this.#blocked) {
      try {
        if (blocked.holds()) return this.#release(blocked, false, true);
      } catch (error) {
        return this.#release(blocked, true, error);
      }
    }
    if (this.#pending.size > this.#idle || this.#result !== null) return false;
    for (const blocked of this.#blocked) if (!blocked.patient) return this.#release(blocked, false, false);
    const [watcher] = this.#blocked;
    return (
      watcher !== undefined && this.#release(watcher, true, clash('Only fibers that watch others are left'))
    );
  }

  #release(blocked: Blocked, failed: boolean, value: unknown): true {
    this.#blocked.delete(blocked);
    this.#resume(blocked.fiber, failed, value);
    return true;
  }

  #advance({ fiber, failed, value }: Resume): void {
    fiber.waitsFor = null;
    let step: IteratorResult<Op, unknown>;
    try {
      step = failed ? fiber.generator.throw(value) : fiber.generator.next(value);
    } catch (error) {
      this.#end(fiber, { ok: false, error }, undefined);
      return;
    }
    if (step.done === true) this.#end(fiber, { ok: true }, step.value);
    else this.#handle(fiber, step.value);
  }

  #handle(fiber: Fiber, op: Op): void {
    if (op.op === 'emit') {
      this.#events.push(...op.events);
      this.#resume(fiber, false, undefined);
      return;
    }
    if (op.op === 'given-up') {
      fiber.givenUp = op.tell;
      this.#resume(fiber, false, undefined);
      return;
    }
    if (op.op === 'until') {
      const blocked: Blocked = { kind: 'blocked', fiber, holds: op.holds, patient: op.patient };
      fiber.waitsFor = blocked;
      this.#blocked.add(blocked);
      return;
    }
    const key = joinPath(fiber.path, fiber.names.next(op.name));
    if (op.op === 'call') fiber.waitsFor = this.#begin(key, op.node ?? fiber.node, op.body, fiber, 0);
    else if (op.op === 'branches') this.#open(fiber, op, key);
    else this.#await({ kind: 'operation', key, node: fiber.node, op, fiber });
  }

  #await(waiting: Waiting): void {
    const { key, fiber } = waiting;
    if (this.#pending.has(key)) {
      this.#resume(fiber, true, clash(`Two operations have the key ${key}`));
      return;
    }
    fiber.waitsFor = waiting;
    this.#pending.set(key, waiting);
    if (isIdle(waiting)) this.#idle += 1;
    this.#issued.push(waiting);
  }

  #leavePending(waiting: Waiting): void {
    this.#pending.delete(waiting.key);
    if (isIdle(waiting)) this.#idle -= 1;
  }

  #open(fiber: Fiber, op: GroupOp, path: string): void {
    if (new Set(op.bodies.map(({ name }) => name)).size !== op.bodies.length) {
      this.#resume(fiber, true, clash(`Two branches of ${path} have the same name`));
      return;
    }
    const group: Group = {
      kind: 'group',
      op,
      owner: fiber,
      path,
      running: new Map(),
      settled: new Map(),
      next: 0,
    };
    fiber.waitsFor = group;
    this.#fill(group);
  }

  /** Starts branches while there are places; a group with nothing left to run closes. */
  #fill(group: Group): void {
    const { bodies, limit } = group.op;
    while (group.running.size < Math.max(1, limit) && group.next < bodies.length) {
      const index = group.next;
      group.next += 1;
      const branch = bodies[index];
      if (branch === undefined) break;
      const path = joinPath(group.path, segmentOf(branch.name));
      group.running.set(index, this.#begin(path, branch.node ?? group.owner.node, branch.body, group, index));
    }
    if (group.running.size === 0) this.#close(group);
  }

  #close(group: Group): void {
    const losers = this.#leave(group);
    if (losers.length > 0) {
      const why = whyOf(group);
      for (const loser of losers) this.#drop(loser, why);
    }
    this.#resume(group.owner, false, group.settled);
  }

  #leave(group: Group): Fiber[] {
    const running = [...group.running.values()];
    group.running.clear();
    return running;
  }

  #end(fiber: Fiber, end: BranchEnd, value: unknown): void {
    const { up } = fiber;
    if (up === null) this.#result = end.ok ? outcomeOf(value) : { ok: false, failure: toFailure(end.error) };
    else if (up.kind === 'fiber') this.#resume(up, !end.ok, end.ok ? value : end.error);
    else this.#branchEnded(up, fiber.index, end);
  }

  #branchEnded(group: Group, index: number, end: BranchEnd): void {
    group.running.delete(index);
    group.settled.set(index, end);
    let enough: boolean;
    try {
      enough = group.op.until(group.settled);
    } catch (error) {
      for (const loser of this.#leave(group)) this.#drop(loser, NOT_NEEDED);
      this.#resume(group.owner, true, error);
      return;
    }
    if (enough) this.#close(group);
    else this.#fill(group);
  }

  /** Gives up a fiber and all below it. Generators may clean up without waiting; what they yield then is ignored. */
  #drop(top: Fiber, why: string): void {
    const stack = [top];
    for (let fiber = stack.pop(); fiber !== undefined; fiber = stack.pop()) {
      const { waitsFor } = fiber;
      fiber.waitsFor = null;
      // Should it stand in the queue, it is passed over there.
      fiber.dropped = true;
      if (waitsFor?.kind === 'operation') {
        this.#leavePending(waitsFor);
        this.#cancelled.push({ pending: waitsFor, why });
      } else if (waitsFor?.kind === 'blocked') this.#blocked.delete(waitsFor);
      else if (waitsFor?.kind === 'fiber') stack.push(waitsFor);
      else if (waitsFor?.kind === 'group') stack.push(...this.#leave(waitsFor));
      try {
        this.#events.push(...(fiber.givenUp?.(why) ?? []));
        fiber.generator.return(undefined);
      } catch {
        // Whatever its clean-up threw, the fiber is gone either way.
      }
    }
  }
}

function isIdle({ op }: Waiting): boolean {
  return op.op === 'signal' && op.idle === true;
}

/** Words alone hang on it: where they cannot be had, the run goes on. */
function whyOf({ op }: Group): string {
  try {
    return op.because?.() ?? NOT_NEEDED;
  } catch {
    return NOT_NEEDED;
  }
}

function outcomeOf(value: unknown): Outcome {
  try {
    return { ok: true, value: asJson(value) };
  } catch (error) {
    return { ok: false, failure: toFailure(error) };
  }
}

/** A body that throws before it is a generator fails as its first step would. */
function begun(body: (flow: Flow) => Operation<unknown>, flow: Flow): Operation<unknown> {
  try {
    return body(flow);
  } catch (error) {
    return failing(error);
  }
}

function* failing(error: unknown): Operation<never> {
  yield { op: 'emit', events: [] };
  throw error;
}

function clash(message: string): BatonError {
  return new BatonError({ class: 'structural', code: 'key_clash', message });
}
