import type { z } from 'zod';
import type { AgentRole, StepLimits } from '../domain/agent.ts';
import { BatonError } from '../domain/failure.ts';
import type { Handoff } from '../domain/handoff.ts';
import type { Estimate, Node } from '../domain/workflow.ts';
import type { Flow, Operation } from '../ports/flow.ts';
import type { Runner, Wanted } from '../ports/runner.ts';
import type { Board, Ending } from './board.ts';

/** What every node of a run may know. Pinned at the start of the run; no I/O behind any of it. */
export interface RunContext {
  readonly request: string;
  readonly testCommand: readonly string[] | null;
  /** The worktree that the nodes below work in: null is the run's own. */
  readonly stream: string | null;
  /** Whether people may step into single pieces of work. Not in runs that began before they could. */
  readonly steered?: boolean;
  /** Whether agents are asked for only after it was seen that they work. Absent in runs that began before that was there. */
  readonly admission?: boolean;
  /** Caps of agents' work as baton.yaml has them. Absent in runs that began before it could. */
  readonly stepLimits?: StepLimits | undefined;
  role(name: string): AgentRole;
  runner(role: AgentRole): Runner;
  /** Asks first where commands have no sandbox; null when the command may run. */
  permit(
    argv: readonly string[] | null,
    node: string,
    flow: Flow,
    stream?: string | null,
  ): Operation<string | null>;
  /** Runs a child node as a fiber of its own; in another worktree, or beside other tasks, when those are given. */
  run(node: Node, input: Handoff, flow: Flow, stream?: string | null, beside?: Beside): Operation<Handoff>;
  /** The tasks beside the one that these nodes are part of; absent where there are none. */
  readonly beside?: Beside;
  /** Runs a node as a run of its own: its own journal, the same worktree. Cancelled with this one. */
  child(node: Node, input: Handoff, flow: Flow): Operation<Handoff>;
  /** A simpler form of a node; null where there is none. */
  simpler(node: Node): Node | null;
  /** Runs a tree as a workflow of its own: its nodes know nothing of those outside. */
  apart(root: Node, input: Handoff, flow: Flow): Operation<Handoff>;
  /** What the nodes of this workflow know of one another. */
  readonly board: Board;
  /** Ends the whole workflow: everything under way is given up. */
  end(ending: Ending): void;
  /** Remembers the state of the run's worktree that people allowed to be kept, and by which approval; null once it has changed since. */
  approved(kept: { readonly tree: string; readonly approvalId: string } | null): void;
}

/** Tasks that run beside one, and how it says while it runs that it needs what one of them makes. */
export interface Beside {
  readonly others: readonly { readonly id: string; readonly task: string }[];
  need(wanted: Wanted, flow: Flow): Operation<string>;
}

export interface EstimateContext {
  agentTask(agent: string): Estimate;
  child(node: Node): Estimate;
  /** A simpler form of a node; null where there is none. */
  simpler(node: Node): Node | null;
  /** A node that is run with the chain of another. */
  chained(node: Node, by: Node): Estimate;
  /** Nodes side by side, with at most `limit` at once. Agents within one node share nothing and need no more than `inParallel`. */
  parallel(estimates: readonly Estimate[], limit: number): Estimate;
  readonly commandMs: number;
  /** Whether nodes of the tree wait for one another wherever they stand, so that all may go one after the other. */
  readonly serial: boolean;
}

/** One way of coordinating agents. Adding one touches its own file, the list in `all.ts`, and its test. */
export interface Pattern {
  readonly kind: string;
  readonly schema: z.ZodType;
  /** The nodes below, for validation, drawing and the lines of the epic. */
  children(node: Node): readonly Node[];
  /** Agents this very node asks, not its children's. */
  agents(node: Node): readonly { readonly agent: string; readonly task: string }[];
  run(node: Node, input: Handoff, flow: Flow, context: RunContext): Operation<Handoff>;
  estimate(node: Node, context: EstimateContext): Estimate;
  /** What it degrades to when it cannot be done as it is; null where there is nothing simpler. */
  simpler(node: Node): Node | null;
  /** One line for people: what it will do. */
  describe(node: Node, child: (node: Node) => string): string;
}

interface Definition<N extends Node> {
  readonly kind: string;
  readonly schema: z.ZodType<N>;
  children?(node: N): readonly Node[];
  agents?(node: N): readonly { readonly agent: string; readonly task: string }[];
  run(node: N, input: Handoff, flow: Flow, context: RunContext): Operation<Handoff>;
  estimate(node: N, context: EstimateContext): Estimate;
  simpler?(node: N): Node | null;
  describe(node: N, child: (node: Node) => string): string;
}

/** Binds a pattern to its schema: whoever calls it with a node of another shape gets a structural failure. */
export function definePattern<N extends Node>(definition: Definition<N>): Pattern {
  const parsed = new WeakMap<Node, N>();
  const parse = (node: Node): N => {
    const known = parsed.get(node);
    if (known !== undefined) return known;
    const result = definition.schema.safeParse(node);
    if (!result.success) {
      throw new BatonError({
        class: 'structural',
        code: 'node_invalid',
        message: `Node "${node.id}" is not a valid ${definition.kind}: ${result.error.issues[0]?.message ?? 'unknown'}`,
      });
    }
    parsed.set(node, result.data);
    return result.data;
  };
  return {
    kind: definition.kind,
    schema: definition.schema,
    children: (node) => definition.children?.(parse(node)) ?? [],
    agents: (node) => definition.agents?.(parse(node)) ?? [],
    run: (node, input, flow, context) => definition.run(parse(node), input, flow, context),
    estimate: (node, context) => definition.estimate(parse(node), context),
    simpler: (node) => definition.simpler?.(parse(node)) ?? null,
    describe: (node, child) => definition.describe(parse(node), child),
  };
}
