import { z } from 'zod';
import { inSequence, noEstimate } from '../domain/estimate.ts';
import { BatonError, toFailure } from '../domain/failure.ts';
import { type Handoff, mergeContext } from '../domain/handoff.ts';
import type { Json } from '../domain/json.ts';
import { type Estimate, nodeSchema } from '../domain/workflow.ts';
import type { Flow, NamedBody, Operation, Settled } from '../ports/flow.ts';
import { isFinal } from './final.ts';
import { gather, joinProblems, joinShape } from './join.ts';
import { commonShape } from './on-error.ts';
import { MOST_STREAMS, resolving, streamProblems, streamShape } from './parallel/stream-shape.ts';
import { closing, nothing, type Streams, streamsOf } from './parallel/streams.ts';
import { definePattern, type RunContext } from './pattern.ts';
import { signalName } from './wait.ts';

/** Items at once unless the node says otherwise: what one provider's rate limit usually bears. */
const DEFAULT_LIMIT = 20;
/** Items unless the node says otherwise: a longer list is more often a slip than a wish, and each item costs money. */
const DEFAULT_MAX = 200;
/** What an estimate expects of a list that nobody has seen yet. */
const EXPECTED_ITEMS = 5;
/** Items whose last words go into the context; the results hold the rest. */
const TOLD_ITEMS = 20;

const plain = z.union([z.string(), z.number(), z.boolean()]);
/** What people write out: a word, or a few named ones. Flat, so that the editors' schema of the files stays finite. */
const itemSchema = z.union([plain, z.record(z.string(), z.union([plain, z.array(plain)]))]);

const schema = z
  .strictObject({
    ...commonShape,
    kind: z.literal('map'),
    /** Where the list stands in the result that came before: names joined by dots. */
    over: z
      .string()
      .regex(
        /^[A-Za-z_]\w*(\.[A-Za-z_]\w*)*$/,
        'Write a field of the result, such as `items` or `plan.files`',
      )
      .optional(),
    /** The list, written out. */
    items: z.array(itemSchema).min(1).optional(),
    /** Runs once per item, which it is handed as the result before it: `{item, index}`, counted from 1. */
    body: nodeSchema,
    limit: z.number().int().min(1).max(1_000).default(DEFAULT_LIMIT),
    max: z.number().int().min(1).max(10_000).default(DEFAULT_MAX),
    /** The name under which the results are handed on, in the items' order. */
    collect: z
      .string()
      .regex(/^[A-Za-z_]\w*$/, 'Write one name, such as `items`')
      .refine((name) => name !== 'failed', '`failed` lists the items that failed. Write another name.')
      .default('items'),
    on_item_error: z.enum(['fail', 'keep']).default('fail'),
    /** A signal that brings one more item, its payload, while there are items under way. */
    more: signalName.optional(),
    ...joinShape,
    ...streamShape,
  })
  .superRefine((node, context) => {
    const say = (path: string, message: string): void =>
      context.addIssue({ code: 'custom', path: [path], message });
    if ((node.over === undefined) === (node.items === undefined))
      say('over', 'Write either `over` or `items`.');
    if (node.items !== undefined && node.items.length > node.max)
      say(
        'items',
        `${node.items.length} items are more than \`max: ${node.max}\`. Write \`max: ${node.items.length}\`, or fewer items.`,
      );
    // How many there will be, only a written list that cannot grow tells.
    const known = node.more === undefined ? (node.items?.length ?? null) : null;
    for (const issue of [...joinProblems(node, known), ...streamProblems(node, known)])
      context.addIssue({ code: 'custom', ...issue });
  });
type MapNode = z.infer<typeof schema>;

/** P14: one node over a list, items side by side, results in the list's order. */
export const map = definePattern({
  kind: 'map',
  schema,
  children: (node) => (node.then === undefined ? [node.body] : [node.body, node.then]),
  agents: (node) => resolving(node),
  *run(node, input, flow, context) {
    if (!node.streams) return yield* overItems(node, input, flow, context, null);
    const streams = streamsOf(node, flow, context);
    return yield* closing(streams, flow, function* () {
      yield* streams.fork(flow);
      return yield* overItems(node, input, flow, context, streams);
    });
  },
  /**
   * A written list that has to be done whole tells all; where items may fail, one of them is done. A list that nobody has
   * seen yet may be empty, or as long as it may be. Items that signals bring may each come just before the last one ends.
   */
  estimate(node, context) {
    const one = context.child(node.body);
    const then = node.then === undefined ? [] : [context.child(node.then)];
    const of = (count: number): Estimate =>
      inSequence([
        context.parallel(
          Array.from({ length: count }, () => one),
          node.more === undefined ? node.limit : 1,
        ),
        ...then,
      ]);
    const listed = node.items?.length ?? null;
    const mid = of(listed ?? Math.min(EXPECTED_ITEMS, node.max));
    const high = of(listed !== null && node.more === undefined ? listed : node.max);
    const keeps = node.on_item_error === 'keep';
    const sure = listed !== null && node.join === undefined && !(keeps && node.more !== undefined);
    const whole = sure && !keeps && node.more === undefined;
    const least = whole ? of(listed) : sure ? one : noEstimate;
    return {
      ms: { low: least.ms.low, mid: mid.ms.mid, high: high.ms.high },
      usd: mid.usd && high.usd && { low: least.usd?.low ?? 0, mid: mid.usd.mid, high: high.usd.high },
      asks: high.asks,
    };
  },
  /** One item at a time. */
  simpler: (node) => (node.limit === 1 ? null : { ...node, limit: 1 }),
  describe: (node, child) =>
    `${child(node.body)} for each of ${node.items === undefined ? `\`${node.over ?? ''}\`` : `${node.items.length} items`}`,
});

/** Every item, each in a worktree of its own where there are streams; those that ended well are merged in their order. */
function* overItems(
  node: MapNode,
  input: Handoff,
  flow: Flow,
  context: RunContext,
  streams: Streams | null,
): Operation<Handoff> {
  const items = itemsOf(node, input);
  const max = mostOf(node);
  const make = (item: Json, at: number): NamedBody<Handoff> => {
    const name = `item-${at + 1}`;
    const handed = { ...input, result: { item, index: at + 1 } };
    return {
      name,
      run: (inner: Flow) =>
        streams === null
          ? context.run(node.body, handed, inner)
          : streams.branch(name, inner, (stream) => context.run(node.body, handed, inner, stream)),
    };
  };
  const bring = (done: readonly string[], inner: Flow): Operation<void> =>
    streams === null ? nothing() : streams.merge(done, input, inner, context);
  const bodies = items.map(make);
  if (node.join !== undefined || node.more !== undefined || context.board.isCompletable(node.id))
    return yield* gather(
      {
        node: node.id,
        group: 'items',
        bodies,
        limit: node.limit,
        join: node.join ?? null,
        then: node.then ?? null,
        endsAll: () => node.on_item_error === 'fail' && node.join === undefined,
        ...(node.more === undefined ? {} : { more: { signal: node.more, max, make } }),
        bring,
        assemble: (ends) => collected(node, input, ends),
      },
      flow,
      context,
    );
  const ends = yield* flow.settle('items', bodies, {
    limit: node.limit,
    until: (settled) => settled.some((end) => endsAll(node, end)),
    because: () => 'something beside it failed',
  });
  const failures = ends.flatMap((end) => (end.status === 'failed' ? [end.error] : []));
  const last = ends.find((end) => endsAll(node, end));
  if (last?.status === 'failed') throw last.error;
  // Nothing to keep: the first failure tells more than an empty list would.
  if (failures.length === ends.length && failures.length > 0) throw failures[0];
  const whole = collected(node, input, ends);
  yield* bring(
    ends.flatMap((end, at) => (end.status === 'done' ? [`item-${at + 1}`] : [])),
    flow,
  );
  return whole;
}

/** A worktree is a copy of the repository's files: there are fewer of them than there may be items. */
function mostOf({ streams, max }: MapNode): number {
  return streams ? Math.min(max, MOST_STREAMS) : max;
}

function itemsOf(node: MapNode, input: Handoff): readonly Json[] {
  const items = node.items ?? listAt(input.result, (node.over ?? '').split('.'));
  if (items === null)
    throw new BatonError({
      class: 'structural',
      code: 'no_items',
      message: `"${node.id}" has no list to go through: the result before it has none at "${node.over ?? ''}"`,
      hint: 'Write `items:`, correct `over:`, or let an agent with a list as its result come before.',
    });
  const max = mostOf(node);
  if (items.length > max)
    throw new BatonError({
      class: 'terminal',
      code: 'too_many_items',
      message: `"${node.id}" was handed ${items.length} items and takes ${max} at most; none was begun`,
      hint: `Ask for less at once, or raise \`max\` in the workflow${node.streams ? `; with streams ${MOST_STREAMS} is the most` : ''}.`,
    });
  return items;
}

function listAt(result: Json, path: readonly string[]): Json[] | null {
  let at: Json = result;
  for (const name of path) {
    if (at === null || typeof at !== 'object' || Array.isArray(at) || !Object.hasOwn(at, name)) return null;
    at = at[name] ?? null;
  }
  return Array.isArray(at) ? at : null;
}

function endsAll(node: MapNode, end: Settled<Handoff>): boolean {
  return end.status === 'failed' && (node.on_item_error === 'fail' || isFinal(end.error));
}

/** One handoff out of the items': the work kept, good only if all that was kept is, each failure a warning. */
function collected(node: MapNode, input: Handoff, ends: readonly Settled<Handoff>[]): Handoff {
  const kept = ends.flatMap((end) => (end.status === 'done' ? [end.value] : []));
  const lost = ends.flatMap((end, at) =>
    end.status === 'failed' ? [{ item: `item-${at + 1}`, why: toFailure(end.error).message }] : [],
  );
  const qualities = kept.flatMap(({ validation }) =>
    validation.quality === null ? [] : [validation.quality],
  );
  const told = kept
    .slice(0, TOLD_ITEMS)
    .flatMap(({ context }) => context.slice(-1))
    .filter((entry) => !input.context.includes(entry))
    .map(({ summary }) => summary);
  return {
    result: {
      [node.collect]: ends.map((end) => (end.status === 'done' ? end.value.result : null)),
      failed: lost.map(({ item }) => item),
    },
    context: mergeContext(input.context, [
      {
        node: node.id,
        agent: null,
        summary: [`${kept.length} of ${ends.length} items done`, ...told].join('\n'),
      },
    ]),
    validation: {
      passed: kept.every(({ validation }) => validation.passed),
      quality: qualities.length === 0 ? null : Math.min(...qualities),
      findings: kept.flatMap(({ validation }) => validation.findings),
    },
    warnings: [
      ...new Set([
        ...input.warnings,
        ...kept.flatMap(({ warnings }) => warnings),
        ...lost.map(({ item, why }) => `${node.id}: ${item} failed and was left out: ${why}`),
        ...(ends.length === 0 ? [`${node.id}: the list was empty, so nothing was done`] : []),
      ]),
    ],
  };
}
