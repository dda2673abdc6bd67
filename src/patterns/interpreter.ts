import type { AgentRole } from '../domain/agent.ts';
import { durationText } from '../domain/duration.ts';
import { BatonError, toFailure } from '../domain/failure.ts';
import { emptyHandoff, type Handoff } from '../domain/handoff.ts';
import type { Estimate, Node } from '../domain/workflow.ts';
import type { Flow, NamedBody, Operation } from '../ports/flow.ts';
import { Board, type Ending } from './board.ts';
import { governed, skipped } from './control.ts';
import { estimateTree } from './estimating.ts';
import { type Attempt, type Common, commonOf, type OnError, standInsOf, withChain } from './on-error.ts';
import type { EstimateContext, Pattern, RunContext } from './pattern.ts';
import { steered } from './steered.ts';
import { refuseNested, withUses } from './uses.ts';

/** Bumped when a run begun by an older interpreter could no longer be resumed by this one. */
export const INTERPRETER_VERSION = 1;

/** What a run gives; the rest the interpreter adds. */
export interface GivenContext
  extends Omit<RunContext, 'run' | 'apart' | 'child' | 'simpler' | 'board' | 'end'> {
  /** Begins a node as a run of its own; without it, such nodes run within this one. */
  readonly child?: (
    node: Node,
    input: Handoff,
    flow: Flow,
    where: { readonly stream: string | null; readonly holding: boolean },
  ) => Operation<Handoff>;
}

type ScopeContext = Omit<RunContext, 'run' | 'apart' | 'child'> & Pick<GivenContext, 'child'>;

/** What the nodes above lay down for those below. One for all nodes between which nothing changes. */
interface Scope {
  readonly context: ScopeContext;
  /** The chain of the node above, which is its children's unless they have one of their own. */
  readonly inherited: OnError | null;
  /** Whether a node above holds resources. */
  readonly holding: boolean;
  /** What patterns of these nodes are given. */
  readonly own: RunContext;
}

/** A node that is being run. */
interface Task {
  readonly node: Node;
  readonly input: Handoff;
  readonly common: Common;
  readonly scope: Scope;
  /** What its pattern is given: for its children, not for itself. */
  readonly own: RunContext;
}

/** Patterns by kind, and what can be done with a tree of them. */
export class Interpreter {
  readonly #patterns: ReadonlyMap<string, Pattern>;

  constructor(patterns: readonly Pattern[]) {
    this.#patterns = new Map(patterns.map((pattern) => [pattern.kind, pattern]));
  }

  get kinds(): readonly string[] {
    return [...this.#patterns.keys()];
  }

  find(kind: string): Pattern | undefined {
    return this.#patterns.get(kind);
  }

  /** Runs a tree. Each node is a fiber named by its id, so a step costs the same however deep it sits. */
  run(node: Node, input: Handoff, flow: Flow, context: GivenContext, holding = false): Operation<Handoff> {
    return this.#whole(node, input, flow, context, null, holding);
  }

  /** One workflow, which may be within another. */
  #whole(
    node: Node,
    input: Handoff,
    flow: Flow,
    context: GivenContext,
    inherited: OnError | null,
    holding: boolean,
  ): Operation<Handoff> {
    const board = new Board(node);
    const simpler = (each: Node): Node | null => this.#pattern(each).simpler(each);
    const whole = { ...context, simpler, board, end: (ending: Ending) => board.end(ending) };
    const scope = this.#scope(whole, inherited, holding);
    const work = (inner: Flow): Operation<Handoff> => this.#node(node, input, inner, scope);
    return board.mayEnd ? endable(board, () => this.#leaves(node), flow, work) : work(flow);
  }

  #scope(context: ScopeContext, inherited: OnError | null, holding: boolean): Scope {
    const scope: Scope = {
      context,
      inherited,
      holding,
      own: {
        ...context,
        child: (child, handoff, inner) =>
          context.child === undefined
            ? this.#node(child, handoff, inner, this.#scope(context, null, holding))
            : context.child(child, handoff, inner, { stream: context.stream, holding }),
        run: (child, handoff, inner, stream, beside) => {
          const place = inStream(context, stream);
          const there = beside === undefined ? place : { ...place, beside };
          const where = there === context ? scope : this.#scope(there, inherited, holding);
          return this.#node(child, handoff, inner, where);
        },
        apart: (root, handoff, inner) => this.#whole(root, handoff, inner, context, inherited, holding),
      },
    };
    return scope;
  }

  #node(node: Node, input: Handoff, flow: Flow, scope: Scope): Operation<Handoff> {
    const common = commonOf(node);
    const holds = common.uses !== null || node['lock'] !== undefined;
    const below =
      !holds && common.chain === scope.inherited
        ? scope
        : this.#scope(
            holds ? alone(scope.context) : scope.context,
            common.chain,
            scope.holding || common.uses !== null,
          );
    const task: Task = { node, input, common, scope, own: below.own };
    return flow.call(node.id, (inner) => this.#told(task, inner), node.id);
  }

  /** A node that fails says so; what it leaves unfinished in the epic ends with it. */
  *#told(task: Task, flow: Flow): Operation<Handoff> {
    try {
      return yield* this.#governed(task, flow);
    } catch (error) {
      yield* flow.emit({
        type: 'node.finished',
        node: task.node.id,
        status: 'failed',
        summary: toFailure(error).message,
      });
      throw error;
    }
  }

  #governed(task: Task, flow: Flow): Operation<Handoff> {
    const { node, input, scope } = task;
    const { board } = scope.context;
    if (!board.used) return this.#reserved(task, flow);
    const leaves = (): string[] => this.#leaves(node);
    return governed(node, input, flow, board, leaves, (inner) => this.#reserved(task, inner));
  }

  #reserved(task: Task, flow: Flow): Operation<Handoff> {
    const { node, common, scope } = task;
    if (common.uses === null) return this.#steered(task, flow);
    if (scope.holding) return refuseNested(node);
    return withUses(node, common.uses, flow, (inner) => this.#steered(task, inner));
  }

  #steered(task: Task, flow: Flow): Operation<Handoff> {
    const { node, input, scope } = task;
    if (scope.context.steered !== true || !this.isWork(node)) return this.#timed(task, flow, null);
    return steered(node, input, flow, (inner, as) => this.#timed(task, inner, as));
  }

  #timed(task: Task, flow: Flow, as: AgentRole | null): Operation<Handoff> {
    const { node, common } = task;
    if (common.timeoutMs === null) return this.#chained(task, flow, as);
    return inTime(node, common.timeoutMs, flow, (inner) => this.#chained(task, inner, as));
  }

  #chained({ node, input, common, scope, own }: Task, flow: Flow, as: AgentRole | null): Operation<Handoff> {
    // A chain on a node with nodes below it is theirs; what it has of its own comes from the node above.
    const leaf = common.chain !== null && this.#pattern(node).children(node).length === 0;
    const chain = leaf ? common.chain : scope.inherited;
    const mine = as === null ? node : { ...node, agent: as.name };
    const seen = as === null ? own : actedBy(own, as);
    if (chain === null) return this.#once(mine, input, flow, seen);
    return withChain(mine, chain, input, flow, seen, this.#attempts(seen));
  }

  /** Agents' work and commands: what a person can do, or do without. Approvals are not among them. */
  isWork(node: Node): boolean {
    if (this.#pattern(node).children(node).length > 0) return false;
    return node.kind === 'command' || this.#pattern(node).agents(node).length > 0;
  }

  /** Ids of the nodes under it that work themselves. */
  #leaves(root: Node): string[] {
    return [...this.walk(root)].flatMap((node) =>
      this.#pattern(node).children(node).length === 0 ? [node.id] : [],
    );
  }

  #once(node: Node, input: Handoff, flow: Flow, context: RunContext): Operation<Handoff> {
    return this.#pattern(node).run(node, input, flow, context);
  }

  #attempts(context: RunContext): Attempt {
    return {
      run: (node, input, flow, name) => flow.call(name, (inner) => this.#once(node, input, inner, context)),
      backup: (node) => (typeof node['agent'] === 'string' ? context.role(node['agent']).backup : null),
      simpler: (node) => this.#pattern(node).simpler(node),
    };
  }

  /** What a tree takes; see {@link estimateTree}. */
  estimate(node: Node, context: Pick<EstimateContext, 'agentTask' | 'commandMs'>): Estimate {
    return estimateTree(node, context, (each) => this.#pattern(each));
  }

  describe(node: Node): string {
    return this.#pattern(node).describe(node, (child) => this.describe(child));
  }

  /** The tree in order, parents first. */
  *walk(node: Node): Generator<Node, void, undefined> {
    const stack: Node[] = [node];
    for (let next = stack.pop(); next !== undefined; next = stack.pop()) {
      yield next;
      stack.push(...[...this.#pattern(next).children(next)].reverse());
    }
  }

  /** Which agents a tree asks for what, in order. */
  agents(node: Node): { readonly node: string; readonly agent: string; readonly task: string }[] {
    return [...this.walk(node)].flatMap((each) =>
      this.#pattern(each)
        .agents(each)
        .map((asked) => ({ node: each.id, ...asked })),
    );
  }

  /** Agents that may take over somewhere in the tree. */
  standIns(node: Node): string[] {
    return [...this.walk(node)].flatMap(standInsOf);
  }

  #pattern(node: Node): Pattern {
    const pattern = this.#patterns.get(node.kind);
    if (pattern === undefined)
      throw new BatonError({
        class: 'structural',
        code: 'pattern_unknown',
        message: `Node "${node.id}" has the unknown kind "${node.kind}"`,
      });
    return pattern;
  }
}

const ENDED = 'the workflow was ended';

/** The tree, or what a node makes its end. */
function* endable(
  board: Board,
  leaves: () => readonly string[],
  flow: Flow,
  work: (inner: Flow) => Operation<Handoff>,
): Operation<Handoff> {
  let left: readonly string[] = [];
  const end: NamedBody<Handoff | null> = {
    name: 'end',
    *run(inner) {
      yield* inner.until(() => board.ending !== null, { patient: true });
      left = board.activeOf(leaves());
      return null;
    },
  };
  const { value } = yield* flow.race<Handoff | null>(
    'whole',
    [{ name: 'work', run: work }, end],
    () => ENDED,
  );
  if (value !== null) return value;
  const { ending } = board;
  yield* skipped(
    left.filter((id) => id !== ending?.node),
    ENDED,
    flow,
  );
  if (ending === null || ending.ok) return ending?.handoff ?? emptyHandoff;
  throw new BatonError(ending.failure);
}

/** What people allow in a stream is that stream's, not what the run ends with: it is merged first. */
function inStream<T extends Pick<RunContext, 'stream' | 'permit'>>(
  context: T,
  stream: string | null | undefined,
): T {
  if (stream === undefined || stream === context.stream) return context;
  return {
    ...context,
    stream,
    approved: () => undefined,
    // What people are asked about a command is the worktree it runs in.
    permit: (argv: readonly string[] | null, node: string, flow: Flow, place: string | null = stream) =>
      context.permit(argv, node, flow, place),
  };
}

/** Whoever holds what others may want does not wait for them: both would wait for ever. */
function alone<T extends Pick<RunContext, 'beside'>>(context: T): Omit<T, 'beside'> {
  const { beside: _, ...rest } = context;
  return rest;
}

/** The same context, in which one more role is known. */
function actedBy(context: RunContext, as: AgentRole): RunContext {
  return { ...context, role: (name) => (name === as.name ? as : context.role(name)) };
}

/** The whole node within its time; what is late is cancelled. */
function* inTime(
  node: Node,
  ms: number,
  flow: Flow,
  work: (inner: Flow) => Operation<Handoff>,
): Operation<Handoff> {
  const late: NamedBody<Handoff> = {
    name: 'limit',
    *run(inner) {
      yield* inner.sleep('sleep', ms);
      throw new BatonError({
        class: 'terminal',
        code: 'node_timeout',
        message: `"${node.id}" was not done in ${Math.round(ms / 1_000)} s`,
        hint: 'Give it more time with `timeout`, or less to do. What was done so far is kept.',
      });
    },
  };
  const because = (): string => `the time for "${node.id}" ran out (${durationText(ms)})`;
  return (yield* flow.race('timed', [{ name: 'work', run: work }, late], because)).value;
}
