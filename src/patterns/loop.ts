import { z } from 'zod';
import { inSequence, noEstimate, times } from '../domain/estimate.ts';
import { BatonError, type Failure } from '../domain/failure.ts';
import type { Handoff } from '../domain/handoff.ts';
import { nodeSchema } from '../domain/workflow.ts';
import type { Flow, Operation } from '../ports/flow.ts';
import { askPeople } from './ask-people.ts';
import { decide, factsOf, ruleSchema } from './facts.ts';
import { commonShape } from './on-error.ts';
import { definePattern, type RunContext } from './pattern.ts';
import { signatureOf } from './signature.ts';

/** The threshold and number of rounds the source documents use. */
const DEFAULT_QUALITY = 70;
const DEFAULT_ROUNDS = 3;

const untilSchema = z
  .strictObject({
    /** Reached when the validation passed and the quality, if somebody judged, is at least this. */
    quality: z.number().min(0).max(100).optional(),
    /** Or, or and, a rule over what the round brought; it may also speak of `round`. */
    rule: ruleSchema.optional(),
  })
  .transform(
    ({ quality, rule }): Until => ({
      quality: quality ?? (rule === undefined ? DEFAULT_QUALITY : null),
      rule: rule ?? null,
    }),
  );
interface Until {
  readonly quality: number | null;
  readonly rule: string | null;
}

const schema = z.strictObject({
  ...commonShape,
  kind: z.literal('loop'),
  /** Judged after each round. */
  body: nodeSchema,
  /** Does the work again with what was found; without it, the body itself is handed the findings. */
  improve: nodeSchema.optional(),
  until: untilSchema.prefault({}),
  max: z.number().int().min(1).max(50).default(DEFAULT_ROUNDS),
  /** Rounds running that found the very same, after which no further one is begun. */
  same: z.number().int().min(2).max(10).optional(),
  on_exhausted: z.enum(['fail', 'best', 'ask']).default('fail'),
});
type Loop = z.infer<typeof schema>;

/** P4: rounds of judging and improving until it is good enough or the rounds are used up. */
export const loop = definePattern({
  kind: 'loop',
  schema,
  children: (node) => (node.improve === undefined ? [node.body] : [node.body, node.improve]),
  *run(node, input, flow, context) {
    let handoff: Handoff = input;
    let best: Handoff | null = null;
    let max = node.max;
    let alike = 0;
    let last: string | null = null;
    for (let round = 1; ; round += 1) {
      handoff = yield* context.run(node.body, handoff, flow);
      const { quality } = handoff.validation;
      const good = yield* isGood(node, round, handoff, flow, context);
      yield* flow.emit({ type: 'loop.round', node: node.id, round, max, quality, passed: good });
      if (good) return handoff;
      if (best === null || better(handoff, best)) best = handoff;
      const found = signatureOf(handoff);
      alike = found === last ? alike + 1 : 1;
      last = found;
      const stuck = node.same !== undefined && alike >= node.same;
      if (round >= max || stuck) {
        const rounds = stuck ? `${alike} rounds that all found the same` : `${round} rounds`;
        const more = yield* exhausted(node, { round, rounds }, handoff, best, flow);
        if (more.taken !== null) return more.taken;
        // A person asked for one more round, with words.
        handoff = more.again;
        max = round + 1;
        last = null;
      }
      if (node.improve !== undefined) handoff = yield* context.run(node.improve, handoff, flow);
    }
  },
  estimate(node, context) {
    const body = context.child(node.body);
    const improve = node.improve === undefined ? inSequence([]) : context.child(node.improve);
    return inSequence([
      times(body, 1, Math.min(2, node.max), node.max),
      times(improve, 0, Math.min(1, node.max - 1), node.max - 1),
      ...(node.on_exhausted === 'ask' ? [{ ...noEstimate, asks: 1 }] : []),
    ]);
  },
  describe: (node, child) =>
    `${child(node.body)}${node.improve === undefined ? '' : ` with ${child(node.improve)}`} in a loop (${node.max} at most, until ${untilWords(node.until)})`,
});

function untilWords({ quality, rule }: Until): string {
  return [...(quality === null ? [] : [`quality ${quality}`]), ...(rule === null ? [] : [rule])].join(
    ' and ',
  );
}

function* isGood(
  { id, until }: Loop,
  round: number,
  handoff: Handoff,
  flow: Flow,
  context: RunContext,
): Operation<boolean> {
  const { passed, quality } = handoff.validation;
  if (until.quality !== null && !(passed && (quality ?? 100) >= until.quality)) return false;
  return until.rule === null || (yield* decide(until.rule, factsOf(handoff, context, { round }), id, flow));
}

type Exhausted = { readonly taken: Handoff } | { readonly taken: null; readonly again: Handoff };

/** The rounds are used up: fail, take the best, or let people say. */
function* exhausted(
  node: Loop,
  { round, rounds }: { readonly round: number; readonly rounds: string },
  last: Handoff,
  best: Handoff,
  flow: Flow,
): Operation<Exhausted> {
  const found = last.validation.findings.slice(0, 3).join('; ');
  const said = `After ${rounds} the work is still not good enough${found === '' ? '' : `: ${found}`}`;
  const failure: Failure = {
    class: 'terminal',
    code: 'not_good_enough',
    message: said,
    hint: 'The branch and every snapshot are kept. Look at the findings, then run it again with clearer words.',
  };
  switch (node.on_exhausted) {
    case 'best':
      return { taken: warned(node, rounds, best) };
    case 'fail':
      throw new BatonError(failure);
    case 'ask': {
      const answer = yield* askPeople(
        {
          node: node.id,
          title: `"${node.id}" is still not good enough. Go on with the best so far?`,
          why: said,
          risk: 'Approve goes on with it; asking for changes gives it one more round with your words.',
          round,
          subject: { kind: 'failure', code: failure.code, message: said },
        },
        flow,
      );
      if (answer.verdict === 'approve') return { taken: warned(node, rounds, best) };
      const words = answer.comment === null ? [] : [answer.comment];
      const findings = [...last.validation.findings, ...words];
      return { taken: null, again: { ...last, validation: { ...last.validation, passed: false, findings } } };
    }
    default:
      return node.on_exhausted satisfies never;
  }
}

function warned(node: Loop, rounds: string, best: Handoff): Handoff {
  const warning = `${node.id}: not good enough after ${rounds}; the best was taken`;
  return { ...best, warnings: [...best.warnings, warning] };
}

/** What failed a check is never better than what passed, whatever a reviewer says of it. */
function better({ validation: a }: Handoff, { validation: b }: Handoff): boolean {
  return a.passed === b.passed ? (a.quality ?? 0) > (b.quality ?? 0) : a.passed;
}
