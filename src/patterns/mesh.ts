import { z } from 'zod';
import { type AgentResult, agentResults } from '../domain/agent.ts';
import { inSequence, oneOf, times } from '../domain/estimate.ts';
import { BatonError } from '../domain/failure.ts';
import { type Handoff, mergeContext } from '../domain/handoff.ts';
import type { Flow, Operation } from '../ports/flow.ts';
import { askAgent } from './ask.ts';
import { commonShape } from './on-error.ts';
import { definePattern, type RunContext } from './pattern.ts';

/** Pieces of work for each member of the pool, on average, before the hub must come to an end. */
const HANDOFFS_PER_MEMBER = 2;

const memberSchema = z.strictObject({
  agent: z.string(),
  capabilities: z.array(z.string().min(1)).min(1),
});

const schema = z
  .strictObject({
    ...commonShape,
    kind: z.literal('mesh'),
    hub: z.string(),
    task: z.string(),
    pool: z.array(memberSchema).min(1).max(50),
  })
  .superRefine((node, context) => {
    const names = node.pool.map(({ agent }) => agent);
    const say = (message: string): void => context.addIssue({ code: 'custom', path: ['pool'], message });
    if (new Set(names).size !== names.length)
      say('Nobody stands in the pool twice. Write all capabilities of one agent together.');
    if (names.includes(node.hub))
      say(
        `"${node.hub}" is the hub and cannot route work to itself. Take it out of the pool, or name another hub.`,
      );
  });
type Mesh = z.infer<typeof schema>;
type Member = z.infer<typeof memberSchema>;

/** How far it has come. */
interface Standing {
  readonly handoff: Handoff;
  /** Who worked, in order, since the hub was last told of a ping-pong. */
  readonly line: readonly string[];
  readonly handoffs: number;
  /** What the hub is told of the last piece of work. */
  readonly news: string;
  readonly worked: boolean;
  readonly lost: BatonError | null;
}

/** P9: a hub decides after each piece of work who of the pool does what next, until it says that all is done. */
export const mesh = definePattern({
  kind: 'mesh',
  schema,
  agents: (node) =>
    [node.hub, ...node.pool.map(({ agent }) => agent)].map((agent) => ({ agent, task: node.task })),
  *run(node, input, flow, context) {
    const most = HANDOFFS_PER_MEMBER * node.pool.length;
    let standing: Standing = {
      handoff: input,
      line: [],
      handoffs: 0,
      news: 'Nobody has worked on it yet.',
      worked: false,
      lost: null,
    };
    for (;;) {
      const pair = pingPong(standing.line);
      const left = most - standing.handoffs;
      const open = node.pool.filter(({ agent }) => left > 0 && !pair.includes(agent));
      const route = yield* askHub(node, open, pair, left, standing, flow, context);
      if (route.done) return ended(node, standing, []);
      if (open.length === 0)
        return ended(node, standing, [`${node.hub} did not call it done after ${most} pieces of work`]);
      if (pair.length > 0) standing = { ...standing, line: [] };
      const choice = choose(node, open, route, standing.line);
      yield* flow.emit({ type: 'route.chosen', node: node.id, by: 'hub', ...choice });
      standing = yield* work(node, choice.agent, route.task || node.task, standing, flow, context);
    }
  },
  /** The hub may call it done at once; at most every piece of work goes to the dearest member, and the hub is asked before each and once more. */
  estimate(node, context) {
    const hub = context.agentTask(node.hub);
    const piece = oneOf(node.pool.map(({ agent }) => context.agentTask(agent)));
    const most = HANDOFFS_PER_MEMBER * node.pool.length;
    return inSequence([hub, times(inSequence([hub, piece]), 0, node.pool.length, most)]);
  },
  /** The hub decides once instead of after each piece of work. */
  simpler: ({ id, hub, task, pool }) => ({
    id,
    kind: 'delegation',
    conductor: hub,
    task,
    delegates: pool.map(({ agent, capabilities }) => ({ agent, expertise: capabilities })),
  }),
  describe: (node) => `${node.hub} routes between ${node.pool.map(({ agent }) => agent).join(', ')}`,
});

/** The two who handed it back and forth (A, B, A, B); empty when nobody did. */
function pingPong(line: readonly string[]): readonly string[] {
  const [a, b, c, d] = line.slice(-4);
  return a !== undefined && b !== undefined && a !== b && a === c && b === d ? [a, b] : [];
}

function* askHub(
  node: Mesh,
  open: readonly Member[],
  pair: readonly string[],
  left: number,
  { handoff, news }: Standing,
  flow: Flow,
  context: RunContext,
): Operation<z.infer<typeof agentResults.route>> {
  const task = [
    `You coordinate this task: ${node.task}`,
    news,
    ...(pair.length === 0
      ? []
      : [`${pair.join(' and ')} hand it back and forth, so somebody else takes the next piece.`]),
    open.length === 0
      ? 'Nobody can be given more work. Say whether it is done.'
      : `Say that it is done, or who does what next (${left} pieces of work are left): ${open
          .map(({ agent, capabilities }) => `${agent} (${capabilities.join(', ')})`)
          .join('; ')}.`,
  ].join('\n');
  const line = `${node.id}:${node.hub}`;
  const options = open.map(({ agent }) => agent);
  const answer = yield* flow.call(
    'route',
    (inner) =>
      askAgent(
        { node: node.id, line, agent: node.hub, task, output: 'route', options },
        handoff,
        inner,
        context,
      ),
    line,
  );
  return agentResults.route.parse(answer.result);
}

/** Whom the hub names; where that is nobody who may be given work, whoever fits best and has done least. */
function choose(
  node: Mesh,
  open: readonly Member[],
  route: z.infer<typeof agentResults.route>,
  line: readonly string[],
): { readonly agent: string; readonly reason: string } {
  if (open.some(({ agent }) => agent === route.agent)) return { agent: route.agent, reason: route.reason };
  const words = `${route.task} ${node.task}`.toLowerCase();
  const [best] = open
    .map(({ agent, capabilities }) => ({
      agent,
      fits: capabilities.filter((each) => words.includes(each.toLowerCase())).length,
      done: line.filter((each) => each === agent).length,
    }))
    .sort((a, b) => b.fits - a.fits || a.done - b.done);
  return {
    agent: best?.agent ?? route.agent,
    reason: `"${route.agent}" was named and cannot be given it; ${best !== undefined && best.fits > 0 ? 'fits best' : 'has done least'}`,
  };
}

/** One piece of work. Whoever cannot do it is told of to the hub, which finds another way. */
function* work(
  node: Mesh,
  agent: string,
  task: string,
  standing: Standing,
  flow: Flow,
  context: RunContext,
): Operation<Standing> {
  const { handoff } = standing;
  const line = `${node.id}:${agent}`;
  const next = { ...standing, line: [...standing.line, agent], handoffs: standing.handoffs + 1 };
  try {
    const done: AgentResult = yield* flow.call(
      agent,
      (inner) => askAgent({ node: node.id, line, agent, task }, handoff, inner, context),
      line,
    );
    const warns = done.warnings.length === 0 ? '' : ` It warns: ${done.warnings.join('; ')}.`;
    return {
      ...next,
      worked: true,
      news: `${agent} has worked: ${done.summary}.${warns}`,
      handoff: {
        result: done.result,
        // A line per member: each one's last word stays for the others.
        context: mergeContext(handoff.context, [{ node: line, agent, summary: done.summary }]),
        validation: { passed: true, quality: null, findings: [] },
        warnings: [...new Set([...handoff.warnings, ...done.warnings])],
      },
    };
  } catch (error) {
    if (!(error instanceof BatonError) || error.failure.class !== 'terminal') throw error;
    const news = `${agent} could not do it: ${error.failure.message}`;
    return {
      ...next,
      news,
      lost: error,
      handoff: { ...handoff, warnings: [...new Set([...handoff.warnings, news])] },
    };
  }
}

/** The last work, with what is left open as findings. Where all who were asked failed, so does the mesh. */
function ended(node: Mesh, { handoff, worked, lost }: Standing, findings: readonly string[]): Handoff {
  if (!worked && lost !== null) throw lost;
  const open = worked || findings.length > 0 ? findings : [`${node.hub} found nothing to do`];
  return {
    ...handoff,
    validation:
      findings.length === 0
        ? handoff.validation
        : { passed: false, quality: handoff.validation.quality, findings: [...findings] },
    warnings: [...new Set([...handoff.warnings, ...open.map((each) => `${node.id}: ${each}`)])],
  };
}
