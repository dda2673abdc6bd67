import { z } from 'zod';
import { type AgentResult, agentResults } from '../domain/agent.ts';
import { inSequence, oneOf, times } from '../domain/estimate.ts';
import { BatonError } from '../domain/failure.ts';
import { type Handoff, mergeContext } from '../domain/handoff.ts';
import type { Estimate } from '../domain/workflow.ts';
import type { Flow, Operation } from '../ports/flow.ts';
import { askAgent } from './ask.ts';
import { decide, factsOf, ruleSchema } from './facts.ts';
import { commonShape } from './on-error.ts';
import { definePattern, type RunContext } from './pattern.ts';

const schema = z
  .strictObject({
    ...commonShape,
    kind: z.literal('delegation'),
    conductor: z.string(),
    task: z.string(),
    delegates: z
      .array(z.strictObject({ agent: z.string(), expertise: z.array(z.string().min(1)).min(1) }))
      .min(1)
      .max(50),
    /** Looked at first, in order; the first that matches decides. */
    decision_rules: z.array(z.strictObject({ if: ruleSchema, then: z.string() })).default([]),
    /** Who may be asked when the delegate fails, in order; the conductor keeps it after them. */
    escalation: z.array(z.string()).default([]),
    /** Whether the conductor judges that the result follows the strategy. */
    alignment: z.boolean().default(false),
  })
  .superRefine((node, context) => {
    const names = node.delegates.map(({ agent }) => agent);
    for (const [index, { then }] of node.decision_rules.entries()) {
      if (!names.includes(then) && then !== node.conductor)
        context.addIssue({
          code: 'custom',
          path: ['decision_rules', index, 'then'],
          message: `"${then}" is no delegate. Write one of: ${names.join(', ')}.`,
        });
    }
  });
type Delegation = z.infer<typeof schema>;

interface Choice {
  readonly agent: string;
  readonly by: 'rule' | 'expertise' | 'conductor';
  readonly reason: string;
}

/** P6: a conductor gives the task to whoever is best for it: by rule, else by expertise, else it keeps it. */
export const delegation = definePattern({
  kind: 'delegation',
  schema,
  agents: (node) =>
    [...new Set([node.conductor, ...node.delegates.map(({ agent }) => agent), ...node.escalation])].map(
      (agent) => ({ agent, task: node.task }),
    ),
  *run(node, input, flow, context) {
    const choice = yield* choose(node, input, flow, context);
    yield* flow.emit({ type: 'route.chosen', node: node.id, ...choice });
    const done = yield* carryOut(node, choice.agent, input, flow, context);
    const handoff: Handoff = {
      result: done.result.result,
      context: mergeContext(input.context, [
        { node: node.id, agent: done.agent, summary: done.result.summary },
      ]),
      validation: { passed: true, quality: null, findings: [] },
      warnings: [...new Set([...input.warnings, ...done.warnings, ...done.result.warnings])],
    };
    return node.alignment ? yield* aligned(node, handoff, flow, context) : handoff;
  },
  /** The conductor does it by itself. */
  simpler: ({ id, conductor, task }) => ({
    id,
    kind: 'sequence',
    stages: [{ id: `${id.slice(0, 35)}-self`, kind: 'agent', agent: conductor, task }],
  }),
  /**
   * At least the cheapest of those who may end it well; at most the question who does it, the dearest delegate, and,
   * each after the failure of the one before, the path of escalation and the conductor itself.
   */
  estimate(node, context) {
    const conductor = context.agentTask(node.conductor);
    const delegates = node.delegates.map(({ agent }) => context.agentTask(agent));
    const escalation = node.escalation.map((agent) => context.agentTask(agent));
    const least = oneOf([...delegates, ...escalation, conductor]);
    const line = inSequence([
      times(conductor, 0, 0, 1),
      oneOf([...delegates, conductor]),
      ...[...escalation, conductor].map((each) => times(each, 0, 0, 1)),
    ]);
    const work: Estimate = {
      ...line,
      ms: { ...line.ms, low: least.ms.low },
      usd: line.usd && { ...line.usd, low: least.usd?.low ?? 0 },
    };
    return inSequence([work, ...(node.alignment ? [conductor] : [])]);
  },
  describe: (node) => `${node.conductor} delegates to ${node.delegates.map(({ agent }) => agent).join(', ')}`,
});

function* choose(node: Delegation, input: Handoff, flow: Flow, context: RunContext): Operation<Choice> {
  const facts = factsOf(input, context, errorOf(input));
  for (const rule of node.decision_rules) {
    if (yield* decide(rule.if, facts, node.id, flow))
      return { agent: rule.then, by: 'rule', reason: rule.if };
  }
  const known = byExpertise(node, `${context.request} ${node.task} ${JSON.stringify(input.result)}`);
  if (known !== null) return known;
  const options = node.delegates.map(({ agent }) => agent);
  const task = `Who should do this: ${node.task}\nThey know: ${node.delegates.map(({ agent, expertise }) => `${agent} (${expertise.join(', ')})`).join('; ')}. Name yourself when nobody fits.`;
  const answer = yield* flow.call(
    'route',
    (inner) =>
      askAgent(
        {
          node: node.id,
          line: `${node.id}:${node.conductor}`,
          agent: node.conductor,
          task,
          output: 'route',
          options: [...options, node.conductor],
        },
        input,
        inner,
        context,
      ),
    `${node.id}:${node.conductor}`,
  );
  const { agent, reason } = agentResults.route.parse(answer.result);
  return options.includes(agent)
    ? { agent, by: 'conductor', reason }
    : { agent: node.conductor, by: 'conductor', reason: reason || 'nobody else fits' };
}

/** Rules of the documents speak of `error`: what the result holds of one, or the result itself. */
function errorOf(input: Handoff) {
  const found = z.looseObject({ error: z.json() }).safeParse(input.result);
  return { error: found.success ? found.data.error : input.result };
}

/** The delegate most of whose expertise is named; null when nobody is named, or two alike. */
function byExpertise(node: Delegation, text: string): Choice | null {
  const words = text.toLowerCase();
  const scored = node.delegates
    .map(({ agent, expertise }) => ({
      agent,
      named: expertise.filter((each) => words.includes(each.toLowerCase())),
    }))
    .filter(({ named }) => named.length > 0)
    .sort((a, b) => b.named.length - a.named.length);
  const [first, second] = scored;
  if (first === undefined || (second !== undefined && second.named.length === first.named.length))
    return null;
  return { agent: first.agent, by: 'expertise', reason: `knows ${first.named.join(', ')}` };
}

interface Done {
  readonly agent: string;
  readonly result: AgentResult;
  readonly warnings: readonly string[];
}

/** The chosen agent, then those on the path of escalation, then the conductor itself. */
function* carryOut(
  node: Delegation,
  chosen: string,
  input: Handoff,
  flow: Flow,
  context: RunContext,
): Operation<Done> {
  const line = [...new Set([chosen, ...node.escalation, node.conductor])];
  const warnings: string[] = [];
  for (const [index, agent] of line.entries()) {
    try {
      const result = yield* flow.call(
        agent,
        (inner) =>
          askAgent(
            { node: node.id, line: `${node.id}:${agent}`, agent, task: node.task },
            input,
            inner,
            context,
          ),
        `${node.id}:${agent}`,
      );
      return { agent, result, warnings };
    } catch (error) {
      if (!(error instanceof BatonError) || error.failure.class !== 'terminal' || index === line.length - 1)
        throw error;
      warnings.push(`${agent} could not do it: ${error.failure.message}`);
      const next = line[index + 1] ?? node.conductor;
      yield* flow.emit({
        type: 'route.chosen',
        node: node.id,
        agent: next,
        by: 'conductor',
        reason: `escalated: ${error.failure.message}`,
      });
    }
  }
  throw new BatonError({
    class: 'structural',
    code: 'nobody_left',
    message: `Nobody is left to do "${node.task}"`,
  });
}

function* aligned(node: Delegation, handoff: Handoff, flow: Flow, context: RunContext): Operation<Handoff> {
  const task = `Does the result follow what was intended? Intended: ${node.task}`;
  const verdict = yield* flow.call(
    'alignment',
    (inner) =>
      askAgent(
        {
          node: node.id,
          line: `${node.id}:${node.conductor}`,
          agent: node.conductor,
          task,
          output: 'verdict',
        },
        handoff,
        inner,
        context,
      ),
    `${node.id}:${node.conductor}`,
  );
  return {
    ...handoff,
    validation: { passed: verdict.approved === true, quality: verdict.quality, findings: verdict.findings },
  };
}
