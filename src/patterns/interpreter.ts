import { BatonError, toFailure } from '../domain/failure.ts';
import type { Handoff } from '../domain/handoff.ts';
import type { Estimate, Node } from '../domain/workflow.ts';
import type { Flow, NamedBody, Operation } from '../ports/flow.ts';
import { type Attempt, commonOf, type OnError, standInsOf, withChain } from './on-error.ts';
import type { EstimateContext, Pattern, RunContext } from './pattern.ts';
import { refuseNested, withUses } from './uses.ts';

/** Bumped when a run begun by an older interpreter could no longer be resumed by this one. */
export const INTERPRETER_VERSION = 1;

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
  run(node: Node, input: Handoff, flow: Flow, context: Omit<RunContext, 'run'>): Operation<Handoff> {
    return this.#node(node, input, flow, context, null, false);
  }

  /**
   * @param inherited the chain of the node above, which is its children's unless they have one of their own
   * @param holding whether a node above holds resources
   */
  #node(
    node: Node,
    input: Handoff,
    flow: Flow,
    context: Omit<RunContext, 'run'>,
    inherited: OnError | null,
    holding: boolean,
  ): Operation<Handoff> {
    const common = commonOf(node);
    const leaf = this.#pattern(node).children(node).length === 0;
    const own: RunContext = {
      ...context,
      run: (child, handoff, inner) =>
        this.#node(child, handoff, inner, context, common.chain, holding || common.uses !== null),
    };
    // A chain on a node with nodes below it is theirs; what it has of its own comes from the node above.
    const chain = leaf ? (common.chain ?? inherited) : inherited;
    const work = (inner: Flow): Operation<Handoff> =>
      chain === null
        ? this.#once(node, input, inner, own)
        : withChain(node, chain, input, inner, own, this.#attempts(own));
    const timed = (inner: Flow): Operation<Handoff> =>
      common.timeoutMs === null ? work(inner) : inTime(node, common.timeoutMs, inner, work);
    const whole = (inner: Flow): Operation<Handoff> => {
      if (common.uses === null) return timed(inner);
      return holding ? refuseNested(node) : withUses(node, common.uses, inner, timed);
    };
    return flow.call(node.id, (inner) => told(node, inner, () => whole(inner)), node.id);
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
