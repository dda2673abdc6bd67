import { z } from 'zod';
import { BatonError } from '../domain/failure.ts';
import { type Handoff, mergeContext } from '../domain/handoff.ts';
import type { Json } from '../domain/json.ts';
import { nodeSchema } from '../domain/workflow.ts';
import type { Flow, NamedBody, Operation, Settled } from '../ports/flow.ts';
import { isFinal } from './final.ts';
import { commonShape } from './on-error.ts';
import { resolving, streamProblems, streamShape } from './parallel/stream-shape.ts';
import { closing, type Streams, streamsOf } from './parallel/streams.ts';
import { definePattern, type RunContext } from './pattern.ts';

const schema = z
  .strictObject({
    ...commonShape,
    kind: z.literal('race'),
    /** All begin at once, from the same handoff. */
    runners: z.array(nodeSchema).min(2).max(100),
    /** How many must end well; the rest are cancelled then. */
    needs: z.number().int().min(1).default(1),
    ...streamShape,
  })
  .superRefine((node, context) => {
    if (node.needs > node.runners.length)
      context.addIssue({
        code: 'custom',
        path: ['needs'],
        message: `${node.runners.length} runners cannot bring ${node.needs} results. Write ${node.runners.length} or less.`,
      });
    for (const problem of streamProblems(node, node.runners.length))
      context.addIssue({ code: 'custom', ...problem });
  });
/** Why a loser is given up, or left out of what decides. */
const FASTER = 'another way was faster';
type Race = z.infer<typeof schema>;

/** P14: several ways at once; the first to end well wins, or the first `needs` of them, and the rest are cancelled. */
export const race = definePattern({
  kind: 'race',
  schema,
  children: (node) => node.runners,
  agents: (node) => resolving(node),
  *run(node, input, flow, context) {
    const streams = node.streams ? streamsOf(node, flow, context) : null;
    if (streams === null) return joined(node, input, yield* run(node, input, flow, context, null));
    return yield* closing(streams, flow, function* () {
      yield* streams.fork(flow);
      const winners = yield* run(node, input, flow, context, streams);
      const end = joined(node, input, winners);
      // What the others left stays as it was saved, and goes nowhere.
      yield* streams.merge(
        winners.map(({ id }) => id),
        end,
        flow,
        context,
      );
      return end;
    });
  },
  /** The fastest decides how long it takes, and they are sure to cost; the others may have cost nothing, or run to their ends. */
  estimate(node, context) {
    const runners = node.runners.map((runner) => context.child(runner));
    const all = context.parallel(runners, runners.length);
    const nth = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[node.needs - 1] ?? 0;
    const cheapest = runners.map(({ usd }) => usd?.low ?? 0).sort((a, b) => a - b);
    const sure = cheapest.slice(0, node.needs).reduce((sum, usd) => sum + usd, 0);
    return {
      ...all,
      usd: all.usd && { ...all.usd, low: sure },
      ms: {
        low: nth(runners.map(({ ms }) => ms.low)),
        mid: nth(runners.map(({ ms }) => ms.mid)),
        high: all.ms.high,
      },
    };
  },
  describe: (node, child) =>
    `the first ${node.needs === 1 ? '' : `${node.needs} `}of ${node.runners.map(child).join(', ')} to end well`,
});

/** Runs all of them until it is decided, each in a worktree of its own where there are streams. */
function* run(
  node: Race,
  input: Handoff,
  flow: Flow,
  context: RunContext,
  streams: Streams | null,
): Operation<Winner[]> {
  const bodies = node.runners.map(
    (runner): NamedBody<Handoff> => ({
      name: runner.id,
      node: runner.id,
      run: (inner) =>
        streams === null
          ? context.run(runner, input, inner)
          : streams.branch(runner.id, inner, (stream) => context.run(runner, input, inner, stream)),
    }),
  );
  const ends = yield* flow.settle('runners', bodies, {
    limit: bodies.length,
    until: (settled) => decided(node, settled),
    because: () => FASTER,
  });
  const wrong = ends.find((end) => end.status === 'failed' && isFinal(end.error));
  if (wrong?.status === 'failed') throw wrong.error;
  const winners = winnersOf(node, ends);
  const losers = node.runners.filter((_, at) => ends[at]?.status === 'cancelled');
  yield* flow.emit(
    ...losers.map(({ id }) => ({
      type: 'node.finished' as const,
      node: id,
      status: 'skipped' as const,
      summary: FASTER,
    })),
  );
  return winners;
}

function endedWell(end: Settled<Handoff>): boolean {
  return end.status === 'done' && end.value.validation.passed;
}

/** Enough have won, or too few are left to win, or the workflow itself is wrong. */
function decided(node: Race, settled: readonly Settled<Handoff>[]): boolean {
  const won = settled.filter(endedWell).length;
  const lost = settled.filter((end) => end.status !== 'cancelled' && !endedWell(end)).length;
  return (
    won >= node.needs ||
    lost > settled.length - node.needs ||
    settled.some((end) => end.status === 'failed' && isFinal(end.error))
  );
}

interface Winner {
  readonly id: string;
  readonly handoff: Handoff;
}

/** Those that ended well; where nobody did in a race for one, the first that ended at all, its validation as it is. */
function winnersOf(node: Race, ends: readonly Settled<Handoff>[]): Winner[] {
  const named = node.runners.flatMap(({ id }, at): Winner[] => {
    const end = ends[at];
    return end?.status === 'done' ? [{ id, handoff: end.value }] : [];
  });
  const won = named.filter(({ handoff }) => handoff.validation.passed);
  if (won.length >= node.needs) return won;
  const [ended] = named;
  if (node.needs === 1 && ended !== undefined) return [ended];
  const failed = ends.find((end) => end.status === 'failed');
  if (node.needs === 1 && failed?.status === 'failed') throw failed.error;
  throw new BatonError({
    class: 'terminal',
    code: 'race_lost',
    message: `"${node.id}" needs ${node.needs} of ${ends.length} to end well, and ${won.length} did`,
    hint: 'The branch and every snapshot are kept. Look at why the others failed, then run it again, or lower `needs`.',
  });
}

function joined(node: Race, input: Handoff, winners: readonly Winner[]): Handoff {
  const [first] = winners;
  if (node.needs === 1 && first !== undefined) return first.handoff;
  const result: { [key: string]: Json } = {};
  for (const { id, handoff } of winners) result[id] = handoff.result;
  const ends = winners.map(({ handoff }) => handoff);
  const qualities = ends.flatMap(({ validation }) =>
    validation.quality === null ? [] : [validation.quality],
  );
  return {
    result,
    context: mergeContext(input.context, ...ends.map(({ context }) => context)),
    validation: {
      passed: true,
      quality: qualities.length === 0 ? null : Math.min(...qualities),
      findings: ends.flatMap(({ validation }) => validation.findings),
    },
    warnings: [...new Set(ends.flatMap(({ warnings }) => warnings))],
  };
}
