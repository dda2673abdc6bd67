import type { AgentRole } from '../domain/agent.ts';
import { BatonError, toFailure } from '../domain/failure.ts';
import { emptyHandoff, type Handoff } from '../domain/handoff.ts';
import type { Estimate, Node } from '../domain/workflow.ts';
import type { Flow, NamedBody, Operation } from '../ports/flow.ts';
import { Board, type Ending } from './board.ts';
import { governed, skipped } from './control.ts';
import { type Attempt, commonOf, type OnError, standInsOf, withChain } from './on-error.ts';
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
    const work = (inner: Flow): Operation<Handoff> =>
      this.#node(node, input, inner, whole, inherited, holding);
    return board.mayEnd ? endable(board, () => this.#leaves(node), flow, work) : work(flow);
  }

  /**
   * @param inherited the chain of the node above, which is its children's unless they have one of their own
   * @param holding whether a node above holds resources
   */
  #node(
    node: Node,
    input: Handoff,
    flow: Flow,
    context: Omit<RunContext, 'run' | 'apart' | 'child'> & Pick<GivenContext, 'child'>,
    inherited: OnError | null,
    holding: boolean,
  ): Operation<Handoff> {
    const common = commonOf(node);
    const leaf = this.#pattern(node).children(node).length === 0;
    const holds = holding || common.uses !== null;
    const own: RunContext = {
      ...context,
      child: (child, handoff, inner) =>
        context.child === undefined
          ? this.#node(child, handoff, inner, context, null, holds)
          : context.child(child, handoff, inner, { stream: context.stream, holding: holds }),
      run: (child, handoff, inner, stream) =>
        this.#node(child, handoff, inner, inStream(context, stream), common.chain, holds),
      apart: (root, handoff, inner) => this.#whole(root, handoff, inner, context, common.chain, holds),
    };
    // A chain on a node with nodes below it is theirs; what it has of its own comes from the node above.
    const chain = leaf ? (common.chain ?? inherited) : inherited;
    const workAs = (inner: Flow, as: AgentRole | null): Operation<Handoff> => {
      const [mine, seen] = as === null ? [node, own] : [{ ...node, agent: as.name }, actedBy(own, as)];
      return chain === null
        ? this.#once(mine, input, inner, seen)
        : withChain(mine, chain, input, inner, seen, this.#attempts(seen));
    };
    const timedAs = (inner: Flow, as: AgentRole | null): Operation<Handoff> =>
      common.timeoutMs === null
        ? workAs(inner, as)
        : inTime(node, common.timeoutMs, inner, (within) => workAs(within, as));
    const timed = (inner: Flow): Operation<Handoff> =>
      context.steered === true && this.isWork(node)
        ? steered(node, input, inner, timedAs)
        : timedAs(inner, null);
    const whole = (inner: Flow): Operation<Handoff> => {
      if (common.uses === null) return timed(inner);
      return holding ? refuseNested(node) : withUses(node, common.uses, inner, timed);
    };
    return flow.call(
      node.id,
      (inner) => told(node, inner, () => this.#governed(node, input, inner, context.board, whole)),
      node.id,
    );
  }

  /** Agents' work and commands: what a person can do, or do without. Approvals are not among them. */
  isWork(node: Node): boolean {
    if (this.#pattern(node).children(node).length > 0) return false;
    return node.kind === 'command' || this.#pattern(node).agents(node).length > 0;
  }

  #governed(
    node: Node,
    input: Handoff,
    flow: Flow,
    board: Board,
    work: (inner: Flow) => Operation<Handoff>,
  ): Operation<Handoff> {
    if (!board.used) return work(flow);
    return governed(node, input, flow, board, () => this.#leaves(node), work);
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

  estimate(node: Node, context: Omit<EstimateContext, 'child'>): Estimate {
    const whole: EstimateContext = {
      ...context,
      child: (child) => this.#pattern(child).estimate(child, whole),
    };
    return whole.child(node);
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
  const { value } = yield* flow.race<Handoff | null>('whole', [{ name: 'work', run: work }, end]);
  if (value !== null) return value;
  const { ending } = board;
  yield* skipped(
    left.filter((id) => id !== ending?.node),
    'the workflow was ended',
    flow,
  );
  if (ending === null || ending.ok) return ending?.handoff ?? emptyHandoff;
  throw new BatonError(ending.failure);
}

/** What people allow in a stream is that stream's, not what the run ends with: it is merged first. */
function inStream<T extends { readonly stream: string | null }>(
  context: T,
  stream: string | null | undefined,
): T {
  if (stream === undefined || stream === context.stream) return context;
  return { ...context, stream, approved: () => undefined };
}

/** The same context, in which one more role is known. */
function actedBy(context: RunContext, as: AgentRole): RunContext {
  return { ...context, role: (name) => (name === as.name ? as : context.role(name)) };
}

/** A node that fails says so; what it leaves unfinished in the epic ends with it. */
function* told(node: Node, flow: Flow, work: () => Operation<Handoff>): Operation<Handoff> {
  try {
    return yield* work();
  } catch (error) {
    yield* flow.emit({
      type: 'node.finished',
      node: node.id,
      status: 'failed',
      summary: toFailure(error).message,
    });
    throw error;
  }
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
  return (yield* flow.race('timed', [{ name: 'work', run: work }, late])).value;
}
