import type { Handoff } from '../../domain/handoff.ts';
import type { Flow, NamedBody, Operation } from '../../ports/flow.ts';
import { adaptSignal, adaptSignalSchema, recordDecision } from '../../ports/metrics.ts';
import type { Wanted } from '../../ports/runner.ts';
import { joined } from '../joined.ts';
import type { Beside, RunContext } from '../pattern.ts';
import { orderOf, waitsOf, wayTo } from './late-needs.ts';
import { stuck } from './merging.ts';
import { approvalOf, type Part, type Point, partsOf, pointsOf } from './parallel-plan.ts';
import type { Parallel } from './parallel-schema.ts';
import { closing, type Streams, streamsOf } from './streams.ts';
import { type Standing, type Taker, takerOf } from './taking.ts';

/** A parallel node whose tasks wait for one another, meet at points, or work in streams. The first failure ends the rest. */
export function* runTasks(
  node: Parallel,
  input: Handoff,
  flow: Flow,
  context: RunContext,
): Operation<Handoff> {
  const crew = new Crew(node, input, flow, context);
  return yield* closing(crew.streams, flow, () => crew.run(flow));
}

/** How far the tasks of one node are. Lives with the run's generators; a replay comes to the same again. */
class Crew {
  readonly streams: Streams;
  readonly #node: Parallel;
  readonly #input: Handoff;
  readonly #context: RunContext;
  readonly #parts: readonly Part[];
  readonly #points: readonly Point[];
  readonly #done = new Map<string, Handoff>();
  readonly #held = new Set<string>();
  /** Streams that somebody works in. */
  readonly #busy = new Set<string>();
  /** Tasks that another stream took over, with that stream. */
  readonly #moved = new Map<string, string>();
  /** What tasks said while they ran that they need. */
  readonly #late = new Map<string, readonly string[]>();
  /** How many of a task's agents wait for another task. */
  readonly #waiting = new Map<string, number>();
  /** Nothing is taken over any more. */
  #stays = false;
  #working = 0;

  constructor(node: Parallel, input: Handoff, flow: Flow, context: RunContext) {
    this.#node = node;
    this.#input = input;
    this.#context = context;
    this.#parts = partsOf(node);
    this.#points = pointsOf(node);
    this.streams = streamsOf(node, flow, context);
  }

  *run(flow: Flow): Operation<Handoff> {
    if (this.#node.streams) yield* this.streams.fork(flow);
    const bodies: NamedBody<void>[] = [
      ...this.#parts.map((part) => ({ name: part.id, run: (inner: Flow) => this.#task(part, inner) })),
      // A point and a task may not have one name, so neither do their fibers.
      ...this.#points.map((point) => ({ name: point.id, run: (inner: Flow) => this.#point(point, inner) })),
    ];
    yield* flow.all('tasks', bodies, bodies.length);
    const ids = this.#parts.map(({ id }) => id);
    const whole = joined(this.#input, ids, this.#ends(ids));
    if (this.#node.streams) yield* this.streams.merge(this.#labels(), whole, flow, this.#context);
    return whole;
  }

  *#task(part: Part, flow: Flow): Operation<void> {
    const { id } = part;
    const taker = (): Taker | null => (this.#mayWork(part) ? takerOf(part, this.#standing) : null);
    if (!(yield* flow.until(() => this.#mayBegin(part) || taker() !== null))) throw stuck(id);
    const taken = this.#mayBegin(part) ? null : taker();
    const stream = taken?.stream ?? part.stream;
    const mine = taken === null ? part : { ...part, stream, node: { ...part.node, agent: taken.agent } };
    if (taken !== null) this.#moved.set(id, taken.stream);
    this.#enter(mine);
    try {
      if (taken !== null) yield* this.#tellMove(part, taken, flow);
      const handed = this.#handed(this.#needsOf(mine));
      if (stream === null) {
        this.#done.set(id, yield* this.#run(mine, handed, flow));
        return;
      }
      yield* this.#prepare(mine, stream, handed, flow);
      const end = yield* this.#run(mine, handed, flow);
      yield* this.streams.save(stream, flow);
      this.#done.set(id, end);
    } finally {
      this.#leave(mine);
    }
  }

  #run(part: Part, handed: Handoff, flow: Flow): Operation<Handoff> {
    const { node, stream } = part;
    const at = stream === null ? undefined : this.streams.nameOf(stream);
    // Branches were never told of one another, and who holds what others wait for does not wait for them.
    if (this.#node.tasks === undefined || part.holds.length > 0 || this.#moved.has(part.id))
      return this.#context.run(node, handed, flow, at);
    return this.#context.run(node, handed, flow, at, this.#beside(part));
  }

  #mayWork({ holds }: Part): boolean {
    return holds.every((point) => !this.#held.has(point)) && this.#working < this.#node.limit;
  }

  #mayBegin(part: Part): boolean {
    const free = part.stream === null || !this.#busy.has(part.stream);
    return free && this.#mayWork(part) && part.needs.every((need) => this.#done.has(need));
  }

  /** Whether a task of another stream is being worked at in this one. */
  #hasGuest(stream: string): boolean {
    return [...this.#moved].some(([id, taken]) => taken === stream && !this.#done.has(id));
  }

  #enter({ holds, stream }: Part): void {
    this.#working += 1;
    for (const point of holds) this.#held.add(point);
    if (stream !== null) this.#busy.add(stream);
  }

  #leave({ holds, stream }: Part): void {
    this.#working -= 1;
    for (const point of holds) this.#held.delete(point);
    if (stream !== null) this.#busy.delete(stream);
  }

  /** What it is handed: one that was taken over does not follow the task that stood before it in its own stream. */
  #needsOf({ id, needs, behind }: Part): readonly string[] {
    return this.#moved.has(id) ? needs.filter((need) => need !== behind) : needs;
  }

  get #standing(): Standing {
    return {
      parts: this.#stays ? [] : this.#parts,
      isDone: (id) => this.#done.has(id),
      isBusy: (stream) => this.#busy.has(stream),
      mayBegin: (part) => this.#mayBegin(part),
      role: (name) => this.#context.role(name),
    };
  }

  /** A change that Baton made by itself: why is recorded and told. */
  *#tellMove({ id, stream, capabilities }: Part, taker: Taker, flow: Flow): Operation<void> {
    const what = `${id} goes from ${stream ?? ''} to ${taker.agent} in ${taker.stream}`;
    const reason = `${stream ?? ''} is still at work, and ${taker.stream} has nothing to do and is capable of ${capabilities.join(', ')}`;
    const change = this.#moved.size;
    const at = yield* flow.now('moved-at');
    const { id: node } = this.#node;
    yield* flow.step(
      'move',
      recordDecision,
      {
        kind: 'adaptation',
        choice: what,
        reason,
        alternatives: ['waiting for its own stream'],
        evidence: { node, task: id, change },
        at,
      },
      { label: 'giving work to whoever is free' },
    );
    yield* flow.emit({ type: 'adaptation.made', node, change, what, rule: 'rebalance', reason });
  }

  /** Who took something back before this sync point has everybody keep what they have from here on. */
  *#takeBack(flow: Flow): Operation<void> {
    if (this.#moved.size === 0 || this.#stays) return;
    const asked = yield* flow.waitSignalFor('hears-undo', adaptSignal('undo'), adaptSignalSchema, 0);
    if (asked === null) return;
    this.#stays = true;
    yield* flow.emit({
      type: 'adaptation.undone',
      node: this.#node.id,
      change: this.#moved.size,
      by: asked.by,
      what: 'tasks go to whoever is free',
    });
  }

  #beside(part: Part): Beside {
    const others = this.#parts.filter(({ id }) => id !== part.id);
    return {
      others: others.map(({ id, node }) => ({
        id,
        task: typeof node['task'] === 'string' ? node['task'] : node.kind,
      })),
      need: (wanted, flow) => flow.call('need', (inner) => this.#need(part, wanted, inner)),
    };
  }

  /** A dependency found while working: the task gives its place up, waits, and has what was made brought to it. */
  *#need(part: Part, { task, why }: Wanted, flow: Flow): Operation<string> {
    const { id, stream } = part;
    const other = this.#parts.find((each) => each.id === task && each.id !== id);
    if (other === undefined)
      return `There is no task "${task}" beside yours. Write an id that stands under Others.`;
    const waits = waitsOf(this.#parts, this.#points, this.#late);
    const circle = wayTo(task, id, waits);
    if (circle !== null)
      return `Not possible: "${task}" waits for you (${circle.join(' waits for ')}). Go on without it, and say in your result what is missing.`;
    this.#late.set(id, [...(this.#late.get(id) ?? []), task]);
    const left = [...this.#parts, ...this.#points]
      .map((each) => each.id)
      .filter((each) => !this.#done.has(each));
    const order = orderOf(left, waitsOf(this.#parts, this.#points, this.#late));
    yield* flow.emit({ type: 'dependency.declared', node: this.#node.id, task: id, needs: task, why, order });
    yield* this.#apart(id, flow, () => this.#done.has(task));
    const done = this.#handed([task]);
    const theirs = this.#streamsOf([task]).filter((each) => each !== stream);
    if (stream !== null && theirs.length > 0)
      yield* this.streams.merge(theirs, done, flow, this.#context, (inner) =>
        this.streams.takeIn(stream, done, inner, this.#context),
      );
    const summary = done.context.at(-1)?.summary ?? '';
    return `"${task}" is done${summary === '' ? '' : `: ${summary}`}. Its files are in your worktree now; read them again.`;
  }

  /** Waits without a place of its own. Several of one task's agents may wait at once: the last takes the place again. */
  *#apart(id: string, flow: Flow, over: () => boolean): Operation<void> {
    const waiting = this.#waiting.get(id) ?? 0;
    this.#waiting.set(id, waiting + 1);
    if (waiting === 0) this.#working -= 1;
    try {
      if (!(yield* flow.until(over))) throw stuck(id);
      const free = (): boolean => (this.#waiting.get(id) ?? 0) > 1 || this.#working < this.#node.limit;
      if (!(yield* flow.until(free))) throw stuck(id);
    } finally {
      const left = (this.#waiting.get(id) ?? 1) - 1;
      this.#waiting.set(id, left);
      if (left === 0) this.#working += 1;
    }
  }

  /** What the needed tasks of other streams made is there when a task begins. */
  *#prepare(part: Part, stream: string, handed: Handoff, flow: Flow): Operation<void> {
    const others = this.#streamsOf(this.#needsOf(part)).filter((each) => each !== stream);
    const open = this.streams.isOpen(stream);
    if (others.length > 0)
      yield* this.streams.merge([...others, stream], handed, flow, this.#context, (inner) =>
        open ? this.streams.follow(stream, inner) : this.streams.open(stream, inner),
      );
    else if (!open) yield* this.streams.open(stream, flow);
  }

  *#point(point: Point, flow: Flow): Operation<void> {
    const { id, needs, type, participants } = point;
    const merges = (): string[] => (type === 'integration' ? this.#streamsOf(participants) : []);
    const reachedBy = (): boolean =>
      needs.every((need) => this.#done.has(need)) &&
      // Whoever took something over meanwhile is waited for: its files are not changed beneath it.
      !(this.#node.rebalance && merges().some((stream) => this.#hasGuest(stream)));
    if (!(yield* flow.until(reachedBy))) throw stuck(id);
    if (this.#node.rebalance) yield* this.#takeBack(flow);
    let handoff = this.#handed(needs);
    const { id: node } = this.#node;
    const reached = { type: 'sync.reached' as const, node, point: id, kind: type, participants };
    const context = this.#context;
    const decided = function* (inner: Flow): Operation<void> {
      yield* inner.emit(reached);
      const approval = approvalOf(point);
      if (approval !== null) handoff = yield* context.run(approval, handoff, inner);
    };
    const merged = merges();
    const going = merged.filter((stream) => this.#goesOn(stream));
    const { streams } = this;
    // Nothing is merged while people look at what was: their answer is about just that.
    yield* streams.merge(merged, handoff, flow, context, function* (inner) {
      yield* decided(inner);
      for (const stream of going)
        yield* inner.call(`follow-${stream}`, (last) => streams.follow(stream, last));
    });
    if (type === 'progress') yield* flow.emit({ type: 'note', text: this.#progress(participants) });
    this.#done.set(id, handoff);
  }

  #progress(participants: readonly string[]): string {
    const told = participants.map((id) => {
      const [last] = this.#done.get(id)?.context.slice(-1) ?? [];
      return `${id}: ${last?.summary ?? 'done'}`;
    });
    return `${this.#done.size} of ${this.#parts.length + this.#points.length} steps done. ${told.join('; ')}`;
  }

  #handed(needs: readonly string[]): Handoff {
    const [only] = needs;
    if (only === undefined) return this.#input;
    const ends = this.#ends(needs);
    return needs.length === 1 ? (ends[0] ?? this.#input) : joined(this.#input, needs, ends);
  }

  #ends(ids: readonly string[]): Handoff[] {
    return ids.map((id) => this.#done.get(id) ?? this.#input);
  }

  /** The streams whose tasks these are, sync points passed over: what they merged is merged. */
  #streamsOf(ids: readonly string[]): string[] {
    const found = this.#parts.filter(({ id }) => ids.includes(id));
    return [...new Set(found.flatMap(({ id, stream }) => this.#moved.get(id) ?? stream ?? []))];
  }

  #goesOn(stream: string): boolean {
    return this.#parts.some((part) => part.stream === stream && !this.#done.has(part.id));
  }

  #labels(): string[] {
    return [...new Set(this.#parts.flatMap(({ stream }) => stream ?? []))];
  }
}
