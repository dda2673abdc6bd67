import { BatonError } from '../domain/failure.ts';
import type { Handoff } from '../domain/handoff.ts';
import type { Estimate, Node } from '../domain/workflow.ts';
import type { Flow, Operation } from '../ports/flow.ts';
import type { EstimateContext, Pattern, RunContext } from './pattern.ts';

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
    const whole: RunContext = {
      ...context,
      run: (child, handoff, inner) => this.#node(child, handoff, inner, whole),
    };
    return whole.run(node, input, flow);
  }

  #node(node: Node, input: Handoff, flow: Flow, context: RunContext): Operation<Handoff> {
    const pattern = this.#pattern(node);
    return flow.call(node.id, (inner) => pattern.run(node, input, inner, context), node.id);
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
