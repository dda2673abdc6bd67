import type { Handoff } from '../../domain/handoff.ts';
import type { Flow, NamedBody, Operation } from '../../ports/flow.ts';
import { joined } from '../joined.ts';
import type { RunContext } from '../pattern.ts';
import { stuck } from './merging.ts';
import { approvalOf, type Part, type Point, partsOf, pointsOf } from './parallel-plan.ts';
import type { Parallel } from './parallel-schema.ts';
import { closing, type Streams, streamsOf } from './streams.ts';

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
    const { id, needs, holds, stream } = part;
    const mayBegin = (): boolean =>
      needs.every((need) => this.#done.has(need)) &&
      holds.every((point) => !this.#held.has(point)) &&
      this.#working < this.#node.limit;
    if (!(yield* flow.until(mayBegin))) throw stuck(id);
    this.#working += 1;
    for (const point of holds) this.#held.add(point);
    try {
      const handed = this.#handed(needs);
      if (stream === null) {
        this.#done.set(id, yield* this.#context.run(part.node, handed, flow));
        return;
      }
      yield* this.#prepare(part, stream, handed, flow);
      const end = yield* this.#context.run(part.node, handed, flow, this.streams.nameOf(stream));
      yield* this.streams.save(stream, flow);
      this.#done.set(id, end);
    } finally {
      this.#working -= 1;
      for (const point of holds) this.#held.delete(point);
    }
  }

  /** What the needed tasks of other streams made is there when a task begins. */
  *#prepare({ needs }: Part, stream: string, handed: Handoff, flow: Flow): Operation<void> {
    const others = this.#streamsOf(needs).filter((each) => each !== stream);
    const open = this.streams.isOpen(stream);
    if (others.length > 0)
      yield* this.streams.merge([...others, stream], handed, flow, this.#context, (inner) =>
        open ? this.streams.follow(stream, inner) : this.streams.open(stream, inner),
      );
    else if (!open) yield* this.streams.open(stream, flow);
  }

  *#point(point: Point, flow: Flow): Operation<void> {
    const { id, needs, type, participants } = point;
    if (!(yield* flow.until(() => needs.every((need) => this.#done.has(need))))) throw stuck(id);
    let handoff = this.#handed(needs);
    const { id: node } = this.#node;
    const reached = { type: 'sync.reached' as const, node, point: id, kind: type, participants };
    const context = this.#context;
    const decided = function* (inner: Flow): Operation<void> {
      yield* inner.emit(reached);
      const approval = approvalOf(point);
      if (approval !== null) handoff = yield* context.run(approval, handoff, inner);
    };
    const merged = type === 'integration' ? this.#streamsOf(participants) : [];
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
    const found = this.#parts.filter(({ id, stream }) => stream !== null && ids.includes(id));
    return [...new Set(found.flatMap(({ stream }) => stream ?? []))];
  }

  #goesOn(stream: string): boolean {
    return this.#parts.some((part) => part.stream === stream && !this.#done.has(part.id));
  }

  #labels(): string[] {
    return [...new Set(this.#parts.flatMap(({ stream }) => stream ?? []))];
  }
}
