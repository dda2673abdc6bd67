import { z } from 'zod';
import { agentResults } from '../domain/agent.ts';
import { inParallel, inSequence } from '../domain/estimate.ts';
import { type Handoff, mergeContext } from '../domain/handoff.ts';
import { nodeSchema } from '../domain/workflow.ts';
import type { Flow, Operation } from '../ports/flow.ts';
import { askAgent } from './ask.ts';
import { commonShape } from './on-error.ts';
import { definePattern, type RunContext } from './pattern.ts';

const schema = z.strictObject({
  ...commonShape,
  kind: z.literal('consult'),
  /** What is asked; the task's own words when left out. */
  query: z.string().optional(),
  domain: z.string(),
  experts: z
    .array(z.strictObject({ agent: z.string(), weight: z.number().positive().max(10).default(1) }))
    .min(1)
    .max(20),
  /** Does the work with the guidance; without it, the guidance itself is the result. */
  then: nodeSchema.optional(),
});
type Consult = z.infer<typeof schema>;

interface Advice {
  readonly agent: string;
  readonly weight: number;
  readonly answer: string;
  readonly confidence: number;
  readonly reason: string;
}

/** P8: experts of a domain are asked first, and their weighted answer goes into the task; dissent is shown with it. */
export const consult = definePattern({
  kind: 'consult',
  schema,
  children: (node) => (node.then === undefined ? [] : [node.then]),
  agents: (node) => node.experts.map(({ agent }) => ({ agent, task: `advise on ${node.domain}` })),
  *run(node, input, flow, context) {
    const advice = yield* flow.all(
      'experts',
      node.experts.map(({ agent, weight }) => ({
        name: agent,
        node: `${node.id}:${agent}`,
        run: (inner: Flow) => ask(node, agent, weight, input, inner, context),
      })),
    );
    const guided = guidance(node, input, advice);
    return node.then === undefined ? guided : yield* context.run(node.then, guided, flow);
  },
  estimate(node, context) {
    const asked = inParallel(
      node.experts.map(({ agent }) => context.agentTask(agent)),
      node.experts.length,
    );
    return inSequence([asked, ...(node.then === undefined ? [] : [context.child(node.then)])]);
  },
  describe: (node, child) =>
    `${node.experts.map(({ agent }) => agent).join(', ')} advise on ${node.domain}${node.then === undefined ? '' : `, then ${child(node.then)}`}`,
});

function* ask(
  node: Consult,
  agent: string,
  weight: number,
  input: Handoff,
  flow: Flow,
  context: RunContext,
): Operation<Advice> {
  const task = `You are asked as an expert on ${node.domain}. ${node.query ?? `How should this be done: ${context.request}`}`;
  const answer = yield* askAgent(
    { node: node.id, line: `${node.id}:${agent}`, agent, task, output: 'answer' },
    input,
    flow,
    context,
  );
  return { agent, weight, ...agentResults.answer.parse(answer.result) };
}

/** The answer that weighs most, weight times confidence; equal answers count together. What others say is kept as dissent. */
function guidance(node: Consult, input: Handoff, advice: readonly Advice[]): Handoff {
  const weights = new Map<string, number>();
  for (const { answer, weight, confidence } of advice)
    weights.set(answer, (weights.get(answer) ?? 0) + weight * confidence);
  const whole = [...weights.values()].reduce((sum, weight) => sum + weight, 0);
  const [answer, weight] = [...weights].sort((a, b) => b[1] - a[1])[0] ?? ['', 0];
  const dissent = advice.filter((each) => each.answer !== answer);
  const share = whole === 0 ? 0 : weight / whole;
  const lines = [
    `Experts on ${node.domain} advise (${Math.round(share * 100)}% of the weight): ${answer}`,
    ...dissent.map(
      (each) =>
        `${each.agent} disagrees (weight ${each.weight}, ${Math.round(each.confidence * 100)}% sure): ${each.answer}`,
    ),
  ];
  return {
    result: {
      answer,
      share,
      advice: advice.map((each) => ({ ...each })),
      dissent: dissent.map((each) => each.agent),
    },
    context: mergeContext(input.context, [{ node: node.id, agent: null, summary: lines.join('\n') }]),
    validation: input.validation,
    warnings: input.warnings,
  };
}
