import { z } from 'zod';
import { BatonError, type Failure, toFailure } from '../domain/failure.ts';
import type { Handoff } from '../domain/handoff.ts';
import type { Json } from '../domain/json.ts';
import { type Node, nodeSchema } from '../domain/workflow.ts';
import type { Flow, NamedBody, Operation, Settled } from '../ports/flow.ts';
import type { Facts } from '../rules/rule.ts';
import { skipped } from './control.ts';
import { lookedAt, type RuleLook, ruleSchema, undecided } from './facts.ts';
import { isFinal } from './final.ts';
import type { RunContext } from './pattern.ts';
import { waitSignal } from './wait.ts';

/** When work side by side goes on without all of it, and what becomes of the rest. */
const joinSchema = z
  .strictObject({
    /** How many must end; 0: nobody is waited for. */
    count: z.number().int().min(0).max(10_000).optional(),
    /** Or a rule over `done`, `failed`, `of` and `results`, looked at after each end. */
    when: ruleSchema.optional(),
    /**
     * `cancel` gives the rest up; `ignore` lets it go on beside `then`, and what it brings no longer counts; `block` does
     * so too, and whoever comes to this node again meanwhile waits until all of it has ended.
     */
    rest: z.enum(['cancel', 'ignore', 'block']).default('cancel'),
  })
  .refine(
    ({ count, when }) => (count === undefined) !== (when === undefined),
    'Write either `count` or `when`.',
  );
export type Join = z.infer<typeof joinSchema>;

export const joinShape = {
  join: joinSchema.optional(),
  /** Runs once the join is passed, beside what is left where that goes on. */
  then: nodeSchema.optional(),
} as const;

const ENOUGH = 'the others were enough';

/** What is wrong with a join, by the key it stands under. */
export function joinProblems(
  node: { readonly join?: Join | undefined; readonly then?: Node | undefined },
  of: number | null,
): { readonly path: string[]; readonly message: string }[] {
  const { join, then } = node;
  const problems: { path: string[]; message: string }[] = [];
  if (then !== undefined && join === undefined)
    problems.push({
      path: ['then'],
      message: '`then` belongs to `join`. What follows all of them is the next stage of a `sequence`.',
    });
  if (join?.count !== undefined && of !== null && join.count > of)
    problems.push({
      path: ['join', 'count'],
      message: `${join.count} of ${of} can never end. Write ${of} or less.`,
    });
  return problems;
}

/** Work side by side that a join brings together. */
export interface Gathering {
  readonly node: string;
  /** The name of the group of branches: part of every key in it. */
  readonly group: string;
  readonly bodies: readonly NamedBody<Handoff>[];
  readonly limit: number;
  readonly join: Join | null;
  readonly then: Node | null;
  /** Whether a failure ends all of it; one that leaves too few for the join always does. */
  readonly endsAll: (error: unknown) => boolean;
  /** Brings more work while some is under way, once per signal, up to `max` in all. */
  readonly more?: {
    readonly signal: string;
    readonly max: number;
    readonly make: (item: Json, at: number) => NamedBody<Handoff>;
  };
  /** Brings in what those that ended well left in worktrees of their own, by their places; before `then`. */
  readonly bring?: (done: readonly string[], flow: Flow) => Operation<void>;
  readonly assemble: (ends: readonly Settled<Handoff>[]) => Handoff;
}

/** Runs it, and hands on what the join brought together, by way of `then` if there is one. */
export function* gather(of: Gathering, flow: Flow, context: RunContext): Operation<Handoff> {
  if (of.join?.rest !== 'block') return yield* gathered(of, flow, context);
  const held = yield* context.board.holding([`join ${of.node}`], flow, () => gathered(of, flow, context));
  if (held !== null) return held.value;
  throw new BatonError({
    class: 'structural',
    code: 'join_blocked',
    message: `"${of.node}" waits for its own earlier round, which never ends`,
    hint: 'A node with `rest: block` may not stand within itself. Write `rest: ignore`.',
  });
}

function* gathered(of: Gathering, flow: Flow, context: RunContext): Operation<Handoff> {
  const tally = new Tally(of, context.board.completions(of.node), context);
  const counted = of.bodies.map((body) => tally.counted(body));
  const onward = of.join !== null && of.join.rest !== 'cancel';
  let handedOn: Handoff | null = null;
  const helpers: NamedBody<void>[] = [
    {
      name: 'completed',
      *run(inner) {
        yield* inner.until(() => tally.isCompleted(), { patient: true });
      },
    },
  ];
  // Written as no node's id can be: a branch may be called whatever it likes.
  if (of.join?.when !== undefined) helpers.push({ name: 'Rule', run: (inner) => deciding(of, tally, inner) });
  if (onward)
    helpers.push({
      name: 'onward',
      *run(inner) {
        yield* inner.until(() => tally.isPassed() || (tally.open === 0 && tally.undecided === null));
        try {
          handedOn = yield* passed(of, tally, inner, context);
          tally.goneOn = true;
        } catch (error) {
          tally.failure ??= { error };
        }
      },
    });
  if (of.more !== undefined) helpers.push({ name: 'more', run: (inner) => adding(of, tally, inner) });
  yield* flow.settle(of.group, [...helpers, ...counted], {
    limit: of.limit + helpers.length,
    until: () => tally.isOver(onward),
    because: () => (tally.failure === null ? ENOUGH : 'something beside it failed'),
  });
  if (tally.failure !== null) throw tally.failure.error;
  return handedOn ?? (yield* passed(of, tally, flow, context));
}

/** Pauses the run over a rule that cannot be decided, as any other rule does; from then on it does not match where it cannot. */
function* deciding(of: Gathering, tally: Tally, flow: Flow): Operation<void> {
  yield* flow.until(() => tally.undecided !== null, { patient: true });
  if (tally.undecided !== null) yield* undecided(tally.undecided, of.node, flow);
  tally.wave();
}

function* passed(of: Gathering, tally: Tally, flow: Flow, context: RunContext): Operation<Handoff> {
  const rest = tally.isCompleted() ? 'cancel' : (of.join?.rest ?? 'cancel');
  const missing = tally.names.filter((_, at) => tally.ends[at]?.status === 'cancelled');
  yield* flow.emit({ type: 'join.passed', node: of.node, from: tally.done(), of: tally.names.length, rest });
  tally.hasPassed = true;
  const { look } = tally;
  if (of.join?.when !== undefined && look !== null && look.outcome !== 'undecided')
    yield* flow.emit({
      type: 'rule.evaluated',
      node: of.node,
      rule: of.join.when,
      outcome: look.outcome,
    });
  if (rest === 'cancel') yield* skipped(missing, ENOUGH, flow);
  if (of.bring !== undefined) yield* of.bring(tally.done(), flow);
  const handoff = of.assemble([...tally.ends]);
  return of.then === null ? handoff : yield* context.run(of.then, handoff, flow);
}

/** Waits for signals, each bringing one more piece of work beside what is there, while anything is. */
function* adding(of: Gathering, tally: Tally, flow: Flow): Operation<void> {
  const { more } = of;
  if (more === undefined || tally.names.length >= more.max) return;
  const came = yield* flow.race<{ readonly item: Json } | null>('next', [
    {
      name: 'signal',
      run: (inner) =>
        inner.waitSignal(
          'item',
          waitSignal(more.signal),
          z.json().transform((item) => ({ item })),
        ),
    },
    {
      name: 'all-done',
      *run(inner) {
        yield* inner.until(() => tally.open === 0, { patient: true });
        return null;
      },
    },
  ]);
  if (came.value === null) return;
  const body = more.make(came.value.item, tally.names.length);
  yield* flow.emit({ type: 'item.added', node: of.node, item: body.name });
  yield* flow.settle(
    'added',
    [{ name: 'more', run: (inner) => adding(of, tally, inner) }, tally.counted(body)],
    { limit: 2, until: () => tally.failure !== null, because: () => 'something beside it failed' },
  );
}

/** Counts the ends of work side by side, also of work that came later. */
class Tally {
  readonly names: string[] = [];
  readonly ends: Settled<Handoff>[] = [];
  open = 0;
  failure: { readonly error: unknown } | null = null;
  /** The join let the work go on. */
  hasPassed = false;
  /** What follows it has ended. */
  goneOn = false;
  /** What last came of the rule. */
  look: RuleLook | null = null;
  #lookedAfter = 0;
  #lookedOf = 0;
  #waved = false;
  readonly #of: Gathering;
  readonly #completions: number;
  readonly #context: RunContext;

  constructor(of: Gathering, completions: number, context: RunContext) {
    this.#of = of;
    this.#completions = completions;
    this.#context = context;
  }

  /** The same work, its end put down here. */
  counted(body: NamedBody<Handoff>): NamedBody<void> {
    const at = this.names.push(body.name) - 1;
    this.ends.push({ status: 'cancelled' });
    this.open += 1;
    const ended = (end: Settled<Handoff>): void => {
      this.ends[at] = end;
      this.open -= 1;
    };
    const failed = (error: unknown): void => {
      ended({ status: 'failed', error });
      this.#failed(error);
    };
    const late = (): boolean => this.hasPassed;
    const { node } = this.#of;
    return {
      ...body,
      *run(inner) {
        try {
          ended({ status: 'done', value: yield* body.run(inner) });
        } catch (error) {
          failed(error);
        }
        if (late()) yield* inner.emit({ type: 'join.late', node, branch: body.name });
      },
    };
  }

  #failed(error: unknown): void {
    const tooFew =
      !this.hasPassed && this.#of.join !== null && this.ends.length - this.#lost() < this.#needed();
    if (isFinal(error) || tooFew || (!this.hasPassed && this.#of.endsAll(error))) this.failure ??= { error };
  }

  #lost(): number {
    return this.ends.filter(({ status }) => status === 'failed').length;
  }

  /** How many must end well; for a rule at least one. */
  #needed(): number {
    return Math.min(this.#of.join?.count ?? 1, this.ends.length);
  }

  done(): string[] {
    return this.names.filter((_, at) => this.ends[at]?.status === 'done');
  }

  isCompleted(): boolean {
    return this.#context.board.completions(this.#of.node) > this.#completions;
  }

  isPassed(): boolean {
    const { join } = this.#of;
    if (this.isCompleted()) return true;
    if (join === null) return false;
    if (join.when === undefined) return this.done().length >= this.#needed();
    if (this.done().length === 0) return false;
    // It is asked far more often than anything changes.
    const ended = this.names.length - this.open;
    if (this.look === null || this.#lookedAfter !== ended || this.#lookedOf !== this.names.length)
      this.look = lookedAt(join.when, this.#facts());
    this.#lookedAfter = ended;
    this.#lookedOf = this.names.length;
    return this.look.outcome === 'matched';
  }

  /** Why the rule cannot be decided as things stand, where nobody has had it go on without. */
  get undecided(): Failure | null {
    if (this.#waved || this.hasPassed) return null;
    this.isPassed();
    return this.look?.outcome === 'undecided' ? this.look.failure : null;
  }

  /** Somebody has it go on as if the rule did not match. */
  wave(): void {
    this.#waved = true;
  }

  #facts(): Facts {
    return {
      request: this.#context.request,
      done: this.done().length,
      failed: this.#lost(),
      of: this.names.length,
      results: this.ends.flatMap((end) => (end.status === 'done' ? [end.value.result] : [])),
    };
  }

  isOver(onward: boolean): boolean {
    if (this.failure !== null) return true;
    if (this.undecided !== null) return false;
    // Who completes it from outside wants no more of what is under way.
    if (this.isCompleted()) return !onward || this.goneOn;
    return onward ? this.goneOn && this.open === 0 : this.isPassed() || this.open === 0;
  }
}

/** One warning per piece of work that failed and was not needed. */
export function lostOf(names: readonly string[], ends: readonly Settled<Handoff>[]): string[] {
  return ends.flatMap((end, at) =>
    end.status === 'failed' ? [`${names[at] ?? ''} failed: ${toFailure(end.error).message}`] : [],
  );
}
