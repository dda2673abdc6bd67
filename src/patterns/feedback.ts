import { z } from 'zod';
import { commandEstimate, inParallel, inSequence, times } from '../domain/estimate.ts';
import { BatonError } from '../domain/failure.ts';
import { type Handoff, mergeContext } from '../domain/handoff.ts';
import { type Measure, weightedScore } from '../domain/rubric.ts';
import { nodeSchema } from '../domain/workflow.ts';
import { runCommand } from '../ports/activities.ts';
import type { Flow, Operation } from '../ports/flow.ts';
import { askAgent } from './ask.ts';
import { factsOf, ruleSchema, unmet } from './facts.ts';
import { commonShape } from './on-error.ts';
import { definePattern, type RunContext } from './pattern.ts';
import { checkWeights } from './weights.ts';

const DEFAULT_ROUNDS = 3;
/** How long a criterion's command may take, in milliseconds. */
const COMMAND_MS = 10 * 60_000;
const TAIL_LINES = 20;

const criterionSchema = z.union([
  z.strictObject({
    name: z.string(),
    check: z.literal('command'),
    run: z.union([z.literal('test'), z.array(z.string()).min(1)]),
  }),
  z.strictObject({ name: z.string(), check: z.literal('rule'), rule: ruleSchema }),
  z.strictObject({ name: z.string(), check: z.literal('judge'), ask: z.string() }),
]);
type Criterion = z.infer<typeof criterionSchema>;

/** Criteria the documents name, in full. */
const SHIPPED: Readonly<Record<string, Criterion>> = {
  'all-tests-pass': { name: 'all-tests-pass', check: 'command', run: 'test' },
  'no-security-vulnerabilities': {
    name: 'no-security-vulnerabilities',
    check: 'judge',
    ask: 'Does the change bring no security vulnerability? Look at input handling, secrets, injection, permissions and dependencies.',
  },
  'performance-benchmarks-met': {
    name: 'performance-benchmarks-met',
    check: 'judge',
    ask: 'Does the change meet the performance the request asks for, and slow nothing else down noticeably?',
  },
};

const schema = z
  .strictObject({
    ...commonShape,
    kind: z.literal('feedback'),
    producer: nodeSchema,
    /** Judges what the criteria leave to judgement. */
    reviewer: z.string(),
    criteria: z
      .array(
        z.union([
          z
            .string()
            .refine(
              (name) => Object.hasOwn(SHIPPED, name),
              `This criterion does not ship. Write one of: ${Object.keys(SHIPPED).join(', ')}; or a \`name\` with a \`check\` of your own.`,
            ),
          criterionSchema,
        ]),
      )
      .min(1),
    /** By criterion: what its score counts for in the quality. */
    weights: z.record(z.string(), z.number().min(0).max(1)).optional(),
    max: z.number().int().min(1).max(20).default(DEFAULT_ROUNDS),
    on_exhausted: z.enum(['fail', 'best']).default('fail'),
  })
  .superRefine(({ criteria, weights }, context) => {
    if (weights === undefined) return;
    const names = criteria.map((each) => (typeof each === 'string' ? each : each.name));
    const twice = names.find((name, at) => names.indexOf(name) !== at);
    if (twice !== undefined)
      context.addIssue({
        code: 'custom',
        path: ['criteria'],
        message: `"${twice}" is judged twice, so its weight would count twice. Take one out, or give it a \`name\` of its own.`,
      });
    checkWeights(
      weights,
      { names, does: 'is judged', doesNot: 'is not judged', listed: 'criteria' },
      (message) => context.addIssue({ code: 'custom', path: ['weights'], message }),
    );
  });
type Feedback = z.infer<typeof schema>;

/** One criterion, judged: what it is worth from 0 to 100, and what is not met, if anything. */
interface Judged {
  readonly name: string;
  readonly score: number;
  readonly finding: string | null;
}

/** P5: a producer works until every criterion, each judged on its own, is met. */
export const feedback = definePattern({
  kind: 'feedback',
  schema,
  children: (node) => [node.producer],
  agents: (node) => [{ agent: node.reviewer, task: `judge ${node.id}` }],
  *run(node, input, flow, context) {
    let handoff: Handoff = input;
    for (let round = 1; ; round += 1) {
      handoff = yield* context.run(node.producer, handoff, flow);
      const judged = yield* judge(node, handoff, flow, context);
      const unmet = judged.flatMap(({ finding }) => (finding === null ? [] : [finding]));
      const passed = unmet.length === 0;
      const measures = measuresOf(node, judged);
      const quality =
        measures === null
          ? Math.round((100 * (judged.length - unmet.length)) / judged.length)
          : weightedScore(measures);
      yield* flow.emit({
        type: 'loop.round',
        node: node.id,
        round,
        max: node.max,
        quality,
        passed,
        ...(measures === null ? {} : { measures }),
      });
      handoff = { ...handoff, validation: { passed, quality, findings: unmet } };
      if (passed)
        return {
          ...handoff,
          context: mergeContext(handoff.context, [
            {
              node: node.id,
              agent: node.reviewer,
              summary: `All ${node.criteria.length} criteria met after ${round} ${round === 1 ? 'round' : 'rounds'}`,
            },
          ]),
        };
      if (round < node.max) continue;
      if (node.on_exhausted === 'best')
        return {
          ...handoff,
          warnings: [...handoff.warnings, ...unmet.map((finding) => `Not met: ${finding}`)],
        };
      throw new BatonError({
        class: 'terminal',
        code: 'not_good_enough',
        message: `After ${node.max} rounds not every criterion is met: ${unmet.slice(0, 3).join('; ')}`,
        hint: 'The branch and every snapshot are kept. Look at the findings, then run it again with clearer words.',
      });
    }
  },
  /** Rounds of producing and judging; the criteria are judged side by side, rules in no time. */
  estimate(node, context) {
    const judged = criteriaOf(node).flatMap(({ check }) => {
      if (check === 'rule') return [];
      return check === 'judge' ? [context.agentTask(node.reviewer)] : [commandEstimate(context.commandMs)];
    });
    const round = inSequence([context.child(node.producer), inParallel(judged, Math.max(1, judged.length))]);
    return times(round, 1, Math.min(2, node.max), node.max);
  },
  describe: (node, child) =>
    `${child(node.producer)}, judged by ${node.reviewer} until ${criteriaOf(node)
      .map(({ name }) => name)
      .join(', ')} (${node.max} rounds at most)`,
});

function criteriaOf(node: Feedback): Criterion[] {
  return node.criteria.flatMap((each) => (typeof each === 'string' ? (SHIPPED[each] ?? []) : [each]));
}

/** The rubric of a round: null where nobody weighed the criteria. */
function measuresOf({ weights }: Feedback, judged: readonly Judged[]): Measure[] | null {
  if (weights === undefined) return null;
  return judged.map(({ name, score }) => ({ name, score, weight: weights[name] ?? 0 }));
}

/** Every criterion is judged each round, side by side; what is not met is named. */
function* judge(node: Feedback, handoff: Handoff, flow: Flow, context: RunContext): Operation<Judged[]> {
  return yield* flow.all(
    'criteria',
    criteriaOf(node).map((criterion) => ({
      name: criterion.name,
      node: `${node.id}:${node.reviewer}`,
      run: (inner: Flow) => one(node, criterion, handoff, inner, context),
    })),
  );
}

/** What either holds or does not. */
function heldOrNot(name: string, finding: string | null): Judged {
  return { name, score: finding === null ? 100 : 0, finding };
}

function* one(
  node: Feedback,
  criterion: Criterion,
  handoff: Handoff,
  flow: Flow,
  context: RunContext,
): Operation<Judged> {
  const { name } = criterion;
  switch (criterion.check) {
    case 'rule': {
      const finding = yield* unmet(criterion.rule, factsOf(handoff, context), node.id, flow);
      return heldOrNot(name, finding === null ? null : `${name}: ${finding}`);
    }
    case 'command':
      return heldOrNot(name, yield* command(node, name, criterion.run, flow, context));
    case 'judge': {
      const task = `Judge one criterion, "${name}". ${criterion.ask}`;
      const answer = yield* askAgent(
        { node: node.id, line: `${node.id}:${node.reviewer}`, agent: node.reviewer, task, output: 'verdict' },
        handoff,
        flow,
        context,
      );
      const met = answer.approved === true;
      return {
        name,
        score: answer.quality ?? (met ? 100 : 0),
        finding: met ? null : `${name}: ${answer.findings.join('; ') || answer.summary}`,
      };
    }
    default:
      return criterion satisfies never;
  }
}

function* command(
  node: Feedback,
  name: string,
  run: 'test' | readonly string[],
  flow: Flow,
  context: RunContext,
): Operation<string | null> {
  const argv = run === 'test' ? context.testCommand : run;
  if (argv === null) return `${name}: this repository has no test command that Baton recognises`;
  const refusal = yield* context.permit(argv, node.id, flow);
  if (refusal !== null) return `${name}: ${refusal}`;
  const done = yield* flow.step(
    'run',
    runCommand,
    { node: node.id, stream: context.stream, argv: [...argv], timeoutMs: COMMAND_MS },
    { label: `running ${argv.join(' ')}`, timeoutMs: COMMAND_MS + 30_000 },
  );
  return done.exitCode === 0
    ? null
    : `${name}: ${argv.join(' ')} fails\n${done.output.trimEnd().split('\n').slice(-TAIL_LINES).join('\n')}`;
}
