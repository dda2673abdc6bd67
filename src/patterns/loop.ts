import { z } from 'zod';
import { inSequence, times } from '../domain/estimate.ts';
import { BatonError } from '../domain/failure.ts';
import type { Handoff } from '../domain/handoff.ts';
import { nodeSchema } from '../domain/workflow.ts';
import { commonShape } from './on-error.ts';
import { definePattern } from './pattern.ts';

/** The threshold and number of rounds the source documents use. */
const DEFAULT_QUALITY = 70;
const DEFAULT_ROUNDS = 3;

const schema = z.strictObject({
  ...commonShape,
  kind: z.literal('loop'),
  /** Judged after each round: its validation must have passed and its quality reach `until.quality`. */
  body: nodeSchema,
  /** Does the work again with what was found; without it, the body itself is handed the findings. */
  improve: nodeSchema.optional(),
  until: z
    .strictObject({ quality: z.number().min(0).max(100).default(DEFAULT_QUALITY) })
    .default({ quality: DEFAULT_QUALITY }),
  max: z.number().int().min(1).max(50).default(DEFAULT_ROUNDS),
  on_exhausted: z.enum(['fail', 'best']).default('fail'),
});

/** P4: rounds of judging and improving until it is good enough or the rounds are used up. */
export const loop = definePattern({
  kind: 'loop',
  schema,
  children: (node) => (node.improve === undefined ? [node.body] : [node.body, node.improve]),
  *run(node, input, flow, context) {
    let handoff: Handoff = input;
    let best: Handoff | null = null;
    for (let round = 1; round <= node.max; round += 1) {
      handoff = yield* context.run(node.body, handoff, flow);
      const { passed, quality } = handoff.validation;
      const good = passed && (quality ?? 100) >= node.until.quality;
      yield* flow.emit({ type: 'loop.round', node: node.id, round, max: node.max, quality, passed: good });
      if (good) return handoff;
      if (best === null || better(handoff, best)) best = handoff;
      if (round < node.max && node.improve !== undefined)
        handoff = yield* context.run(node.improve, handoff, flow);
    }
    if (node.on_exhausted === 'best' && best !== null) {
      return {
        ...best,
        warnings: [
          ...best.warnings,
          `${node.id}: not good enough after ${node.max} rounds; the best was taken`,
        ],
      };
    }
    const findings = handoff.validation.findings.slice(0, 3).join('; ');
    throw new BatonError({
      class: 'terminal',
      code: 'not_good_enough',
      message: `After ${node.max} rounds the work is still not good enough${findings === '' ? '' : `: ${findings}`}`,
      hint: 'The branch and every snapshot are kept. Look at the findings, then run it again with clearer words.',
    });
  },
  estimate(node, context) {
    const body = context.child(node.body);
    const improve = node.improve === undefined ? inSequence([]) : context.child(node.improve);
    return inSequence([
      times(body, 1, Math.min(2, node.max), node.max),
      times(improve, 0, Math.min(1, node.max - 1), node.max - 1),
    ]);
  },
  describe: (node, child) =>
    `${child(node.body)}${node.improve === undefined ? '' : ` with ${child(node.improve)}`} in a loop (${node.max} at most, until quality ${node.until.quality})`,
});

/** What failed a check is never better than what passed, whatever a reviewer says of it. */
function better({ validation: a }: Handoff, { validation: b }: Handoff): boolean {
  return a.passed === b.passed ? (a.quality ?? 0) > (b.quality ?? 0) : a.passed;
}
