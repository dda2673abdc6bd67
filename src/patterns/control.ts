import { z } from 'zod';
import { BatonError } from '../domain/failure.ts';
import type { Handoff } from '../domain/handoff.ts';
import { type Node, nodeSchema } from '../domain/workflow.ts';
import type { Flow, NamedBody, Operation } from '../ports/flow.ts';
import type { Board } from './board.ts';

const id = nodeSchema.shape.id;
const lockName = z
  .string()
  .regex(/^[a-z][a-z0-9-]{0,39}$/, 'A lock is lower-case letters, digits and dashes, at most 40');
const lockSchema = z.union([
  lockName.transform((name) => [name]),
  z
    .array(lockName)
    .min(1)
    .max(10)
    .refine(
      (names) => new Set(names).size === names.length,
      'A lock is named once. Take the second one out.',
    ),
]);
const milestoneSchema = z.strictObject({ after: id, until: id.optional() });
const idsSchema = z.array(id).min(1).max(100);

/** What a node may say of others of its workflow. Part of every kind's schema. */
export const controlShape = {
  /** Held while the node works: of the nodes with one lock, one works at a time, wherever they stand. */
  lock: lockSchema.optional(),
  /** The node may begin only while this holds: `after` has ended and `until` has not begun. */
  milestone: milestoneSchema.optional(),
  /** When this node has ended, those under way are cancelled. */
  cancels: idsSchema.optional(),
  /** When this node has ended, these `map` or `parallel` nodes go on with what is done. */
  completes: idsSchema.optional(),
} as const;

const given = z.looseObject({
  lock: lockSchema.optional().catch(undefined),
  milestone: milestoneSchema.optional().catch(undefined),
  cancels: idsSchema.optional().catch(undefined),
  completes: idsSchema.optional().catch(undefined),
});

/** The nodes that a node speaks of, and the key under which it does. */
export function referencesOf(node: Node): { readonly key: string; readonly id: string }[] {
  const { milestone, cancels = [], completes = [] } = given.parse(node);
  return [
    ...(milestone === undefined
      ? []
      : [milestone.after, milestone.until].flatMap((to) =>
          to === undefined ? [] : [{ key: 'milestone', id: to }],
        )),
    ...cancels.map((to) => ({ key: 'cancels', id: to })),
    ...completes.map((to) => ({ key: 'completes', id: to })),
  ];
}

/** The locks a node holds while it works. */
export function locksOf(node: Node): readonly string[] {
  return given.parse(node).lock ?? [];
}

/**
 * Runs a node by what it and others of its workflow say of one another. In a workflow in which no node speaks of another
 * this adds nothing.
 * @param below ids of the nodes under it
 */
export function* governed(
  node: Node,
  input: Handoff,
  flow: Flow,
  board: Board,
  below: () => readonly string[],
  work: (inner: Flow) => Operation<Handoff>,
): Operation<Handoff> {
  if (!board.isCancellable(node.id)) return yield* admitted(node, input, flow, board, work);
  const before = board.cancellations(node.id);
  let left: readonly string[] = [];
  const bodies: NamedBody<Handoff | null>[] = [
    { name: 'work', run: (inner) => admitted(node, input, inner, board, work) },
    {
      name: 'cancelled',
      *run(inner) {
        yield* inner.until(() => board.cancellations(node.id) > before, { patient: true });
        // Looked at before they are given up, while they still count as working.
        left = board.activeOf([...below(), node.id]);
        return null;
      },
    },
  ];
  const { value } = yield* flow.race('region', bodies, () => CALLED_OFF);
  if (value !== null) return value;
  yield* skipped([...new Set([...left, node.id])], `cancelled: ${CALLED_OFF}`, flow);
  return { ...input, warnings: [...new Set([...input.warnings, `${node.id} was cancelled`])] };
}

const CALLED_OFF = 'it was not needed any more';

/** Tells of nodes that were given up. */
export function* skipped(ids: readonly string[], summary: string, flow: Flow): Operation<void> {
  yield* flow.emit(
    ...ids.map((node) => ({ type: 'node.finished' as const, node, status: 'skipped' as const, summary })),
  );
}

function* admitted(
  node: Node,
  input: Handoff,
  flow: Flow,
  board: Board,
  work: (inner: Flow) => Operation<Handoff>,
): Operation<Handoff> {
  const { lock = [], milestone, cancels = [], completes = [] } = given.parse(node);
  if (milestone !== undefined && !(yield* reached(milestone, flow, board)))
    return yield* missed(node, milestone, input, flow);
  const held = yield* board.holding(lock, flow, function* () {
    // The state may have gone while it waited for its lock.
    if (milestone !== undefined && !board.isReached(milestone.after, milestone.until))
      return yield* missed(node, milestone, input, flow);
    board.enter(node.id);
    try {
      const handoff = yield* work(flow);
      board.finish(node.id);
      return handoff;
    } finally {
      board.leave(node.id);
    }
  });
  if (held === null) throw deadlock(node, lock);
  board.cancel(cancels);
  board.complete(completes);
  return held.value;
}

type Milestone = z.infer<typeof milestoneSchema>;

function* reached({ after, until }: Milestone, flow: Flow, board: Board): Operation<boolean> {
  const decided = (): boolean => board.isReached(after, until) || board.isPast(until);
  if (!decided()) yield* flow.until(decided);
  return board.isReached(after, until);
}

function* missed(node: Node, { after, until }: Milestone, input: Handoff, flow: Flow): Operation<Handoff> {
  const why =
    until === undefined
      ? `"${after}" did not come about`
      : `it is not between "${after}" and "${until}" any more`;
  yield* skipped([node.id], `not done: ${why}`, flow);
  return { ...input, warnings: [...new Set([...input.warnings, `${node.id} was not done: ${why}`])] };
}

function deadlock(node: Node, locks: readonly string[]): BatonError {
  return new BatonError({
    class: 'structural',
    code: 'deadlock',
    message: `"${node.id}" waits for the lock ${locks.join(', ')}, which is never let go`,
    hint: 'Two nodes wait for each other. Take a lock off one of them, or name all locks on the node above both.',
  });
}
