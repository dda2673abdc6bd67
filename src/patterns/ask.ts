import { z } from 'zod';
import type { AgentResult, ResultKind } from '../domain/agent.ts';
import { durationMs, durationSchema } from '../domain/duration.ts';
import type { Handoff } from '../domain/handoff.ts';
import type { Flow, Operation } from '../ports/flow.ts';
import { askPerson } from './ask-person.ts';
import type { RunContext } from './pattern.ts';

/** Caps of one agent's task unless the node sets its own: enough for a feature in a small repository. */
const DEFAULT_LIMITS = { turns: 40, tokens: 400_000, timeout: '20m' } as const;

export const limitsSchema = z
  .strictObject({
    turns: z.number().int().min(1).max(500).default(DEFAULT_LIMITS.turns),
    tokens: z.number().int().min(1_000).default(DEFAULT_LIMITS.tokens),
    timeout: durationSchema.default(DEFAULT_LIMITS.timeout),
  })
  .default(DEFAULT_LIMITS);

/** One question to one agent. */
export interface Ask {
  /** The node's id: what the prompt and a cast know it by. */
  readonly node: string;
  /** Its line in the epic: the node's id, or `id:agent` where a node asks several. */
  readonly line: string;
  readonly agent: string;
  readonly task: string;
  readonly limits?: z.infer<typeof limitsSchema>;
  /** The role's own kind of result unless given. */
  readonly output?: ResultKind;
  /** What a vote or a route chooses from. */
  readonly options?: readonly string[];
}

/** Asks an agent and tells that it began and ended. The answer is typed by `output`; what it means is the pattern's. */
export function* askAgent(ask: Ask, input: Handoff, flow: Flow, context: RunContext): Operation<AgentResult> {
  const role = context.role(ask.agent);
  const limits = ask.limits ?? limitsSchema.parse(undefined);
  yield* flow.emit({ type: 'node.started', node: ask.line, kind: 'agent', agent: role.name });
  const result = yield* context.runner(role).run(
    {
      node: ask.node,
      role,
      request: context.request,
      task: ask.task,
      context: input.context,
      previous: input.result,
      feedback: input.validation.findings,
      output: ask.output ?? role.output,
      options: [...(ask.options ?? [])],
      stream: context.stream,
      testCommand: context.testCommand === null ? null : [...context.testCommand],
      limits: { turns: limits.turns, tokens: limits.tokens, timeoutMs: durationMs(limits.timeout) },
    },
    flow,
    {
      command: (argv, inner) => context.permit(argv, ask.node, inner),
      ask: (question, inner) => askPerson(question, ask, inner),
    },
  );
  yield* flow.emit({
    type: 'node.finished',
    node: ask.line,
    agent: role.name,
    status: 'done',
    summary: result.summary,
  });
  return result;
}
