import { z } from 'zod';
import { agentResults } from '../domain/agent.ts';
import { inParallel } from '../domain/estimate.ts';
import { type Ballot, ballotSchema } from '../domain/events.ts';
import { BatonError, type Failure } from '../domain/failure.ts';
import { type Handoff, mergeContext } from '../domain/handoff.ts';
import { type Count, countVotes, voteMethods } from '../domain/vote.ts';
import type { Flow, Operation } from '../ports/flow.ts';
import { askAgent } from './ask.ts';
import { askWhich } from './ask-which.ts';
import { commonShape } from './on-error.ts';
import { definePattern, type RunContext } from './pattern.ts';
import { checkWeights, equal, scaled } from './weights.ts';

/** Half of the voters, as the documents' majority needs, when a node says nothing. */
const DEFAULT_QUORUM = 0.5;
const DEFAULT_THRESHOLD = { majority: 0.5, unanimous: 1, weighted: 0.75 } as const;

/** A fraction, or a percentage as people write it. */
const shareSchema = z.union([
  z.number().min(0).max(1),
  z
    .string()
    .regex(/^\d{1,3}(\.\d+)?%$/, 'Write a share as 0.75 or "75%"')
    .transform((text) => Number(text.slice(0, -1)) / 100)
    .pipe(z.number().max(1)),
]);

const schema = z
  .strictObject({
    ...commonShape,
    kind: z.literal('consensus'),
    question: z.string(),
    /** What is voted on. Left out: the options that `options_from` lists in the handoff's result, one text each. */
    options: z.array(z.string().min(1)).min(2).max(20).optional(),
    participants: z.array(z.string()).min(1).max(50),
    method: z.enum(voteMethods).default('majority'),
    threshold: shareSchema.optional(),
    weights: z.record(z.string(), z.number().min(0).max(1)).optional(),
    quorum: shareSchema.default(DEFAULT_QUORUM),
    /** Who decides a tie or a vote that nobody won. */
    tie: z.enum(['conductor', 'ask', 'fail']).default('fail'),
    conductor: z.string().optional(),
  })
  .superRefine((node, context) => {
    const say = (path: string, message: string): void =>
      context.addIssue({ code: 'custom', path: [path], message });
    const { weights, participants } = node;
    const twice = participants.find((name, at) => participants.indexOf(name) !== at);
    if (twice !== undefined) say('participants', `Nobody votes twice. Take one "${twice}" out.`);
    if (node.method === 'weighted' && weights === undefined)
      say(
        'weights',
        `A weighted vote needs \`weights\` for its participants. Write ${scaled(equal(participants))}.`,
      );
    if (node.method !== 'weighted' && weights !== undefined)
      say('weights', 'Weights belong to `method: weighted`. Write that, or take `weights` out.');
    if (node.tie === 'conductor' && node.conductor === undefined)
      say('conductor', '`tie: conductor` needs a `conductor`. Name the agent, or write `tie: fail`.');
    if (weights === undefined) return;
    checkWeights(
      weights,
      { names: participants, does: 'votes', doesNot: 'does not vote', listed: 'participants' },
      (message) => say('weights', message),
    );
  });
type Consensus = z.infer<typeof schema>;

/** P7: several agents vote; ballots and reasons are recorded and shown, and the threshold decides. */
export const consensus = definePattern({
  kind: 'consensus',
  schema,
  agents: (node) =>
    [...node.participants, ...(node.conductor === undefined ? [] : [node.conductor])].map((agent) => ({
      agent,
      task: node.question,
    })),
  *run(node, input, flow, context) {
    const options = node.options ?? optionsIn(input, node.id);
    const ballots = yield* flow.all(
      'votes',
      node.participants.map((agent) => ({
        name: agent,
        node: `${node.id}:${agent}`,
        run: (inner: Flow) => vote(node, agent, options, input, inner, context),
      })),
    );
    const threshold = node.threshold ?? DEFAULT_THRESHOLD[node.method];
    const count = countVotes(ballots, { method: node.method, threshold, quorum: node.quorum });
    yield* flow.emit({
      type: 'vote.counted',
      node: node.id,
      question: node.question,
      method: node.method,
      threshold,
      winner: count.winner,
      share: count.share,
      ballots,
    });
    const choice = count.winner ?? (yield* breakTie(node, count, options, input, flow, context));
    const byPeople = count.winner === null && node.tie === 'ask';
    const summary = `${choice} (${byPeople ? 'people decided; the leader had ' : ''}${Math.round(count.share * 100)}% of the votes)`;
    return {
      result: { choice, share: count.share, ballots: ballots.map((ballot) => ({ ...ballot })) },
      context: mergeContext(input.context, [
        { node: node.id, agent: null, summary: `Consensus on "${node.question}": ${summary}` },
      ]),
      validation: { passed: true, quality: null, findings: [] },
      warnings: input.warnings,
    };
  },
  /** One expert says what they would choose: the conductor, or the first of those who would have voted. */
  simpler: ({ id, question, options, participants, conductor }) => ({
    id,
    kind: 'consult',
    domain: 'the question',
    query: options === undefined ? question : `${question} Choose one of: ${options.join('; ')}.`,
    experts: [{ agent: conductor ?? participants[0] ?? '' }],
  }),
  estimate(node, context) {
    const votes = inParallel(
      node.participants.map((agent) => context.agentTask(agent)),
      node.participants.length,
    );
    if (node.tie === 'ask') return { ...votes, asks: votes.asks + 1 };
    if (node.conductor === undefined) return votes;
    const { ms, usd, asks } = context.agentTask(node.conductor);
    return {
      ms: { ...votes.ms, high: votes.ms.high + ms.high },
      usd: votes.usd && usd && { ...votes.usd, high: votes.usd.high + usd.high },
      asks: votes.asks + asks,
    };
  },
  describe: (node) =>
    `${node.participants.join(', ')} vote (${node.method}${node.tie === 'ask' ? '; people decide what nobody wins' : ''})`,
});

function* vote(
  node: Consensus,
  agent: string,
  options: readonly string[],
  input: Handoff,
  flow: Flow,
  context: RunContext,
): Operation<Ballot> {
  const answer = yield* askAgent(
    {
      node: node.id,
      line: `${node.id}:${agent}`,
      agent,
      task: `Vote: ${node.question}`,
      output: 'vote',
      options,
    },
    input,
    flow,
    context,
  );
  const { choice, reason } = agentResults.vote.parse(answer.result);
  // A choice that is no option is an abstention: nobody's vote is guessed.
  return ballotSchema.parse({
    agent,
    weight: node.weights?.[agent] ?? 1,
    choice: options.includes(choice) ? choice : null,
    reason,
  });
}

function* breakTie(
  node: Consensus,
  count: Count,
  options: readonly string[],
  input: Handoff,
  flow: Flow,
  context: RunContext,
): Operation<string> {
  if (node.tie === 'conductor' && node.conductor !== undefined) {
    const left = count.leaders.length > 1 ? count.leaders : options;
    const conductor = node.conductor;
    const answer = yield* flow.call(
      'tie',
      (inner) =>
        askAgent(
          {
            node: node.id,
            line: `${node.id}:${conductor}`,
            agent: conductor,
            task: `Nobody won the vote. Decide: ${node.question}`,
            output: 'vote',
            options: left,
          },
          input,
          inner,
          context,
        ),
      `${node.id}:${conductor}`,
    );
    const { choice, reason } = agentResults.vote.parse(answer.result);
    if (left.includes(choice)) {
      yield* flow.emit({
        type: 'route.chosen',
        node: node.id,
        agent: conductor,
        by: 'conductor',
        reason: `${choice}: ${reason}`,
      });
      return choice;
    }
  }
  const why = count.quorum ? `the leader has ${Math.round(count.share * 100)}%` : 'too few voted';
  const failure: Failure = {
    class: 'terminal',
    code: 'no_consensus',
    message: `No agreement on "${node.question}": ${why}`,
    hint: 'The ballots are recorded. Decide yourself, or change the question, and run it again.',
  };
  if (node.tie === 'ask') {
    const { leaders } = count;
    const others = options.filter((option) => !leaders.includes(option));
    const asked = { node: node.id, options: [...leaders, ...others], failure };
    const choice = yield* flow.call('people', (inner) => askWhich(asked, inner));
    if (choice !== null) return choice;
  }
  throw new BatonError(failure);
}

function optionsIn(input: Handoff, node: string): string[] {
  const found = z.object({ items: z.array(z.string().min(1)).min(2).max(20) }).safeParse(input.result);
  if (found.success) return [...new Set(found.data.items)];
  throw new BatonError({
    class: 'structural',
    code: 'no_options',
    message: `"${node}" has nothing to vote on: it names no options, and what came before lists none`,
    hint: 'Write `options:`, or let an agent with a list as its result come before.',
  });
}
